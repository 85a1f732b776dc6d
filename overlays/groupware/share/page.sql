-- The page of all public calendars.
\set ON_ERROR_STOP on
select case when :'language' = 'fr' then 'Agendas publics' else 'Public calendars' end as title,
    case when :'language' = 'fr' then 'À donner à un logiciel d’agenda, ou à lier depuis un site.'
        else 'To give to a calendar program, or to link from a site.' end as lead
\gset
select '<!DOCTYPE html><html lang="' || :'language' || '"><head><meta charset="utf-8">'
    || '<meta name="viewport" content="width=device-width"><title>' || :'title' || '</title></head><body><main><h1>'
    || :'title' || '</h1><p>' || :'lead' || '</p><ul>'
    || coalesce((
        select string_agg('<li><a href="' || c_path2 || '.ics">' || replace(replace(replace(
            regexp_replace(c_foldername, ' \(public\)$', ''), '&', '&amp;'), '<', '&lt;'), '"', '&quot;') || '</a></li>', ''
            order by c_foldername)
        from sogo_folder_info
        where c_path3 = 'Calendar' and c_path4 = 'public' and c_path2 = any (string_to_array(:'shown', ' '))
    ), '') || '</ul></main></body></html>';
