-- The lines of the page of all public calendars.
\set ON_ERROR_STOP on
select '<li><a href="' || c_path2 || '.ics">' || replace(replace(replace(
        regexp_replace(c_foldername, ' \(public\)$', ''), '&', '&amp;'), '<', '&lt;'), '"', '&quot;') || '</a></li>'
    from sogo_folder_info
    where c_path3 = 'Calendar' and c_path4 = 'public' and c_path2 = any (string_to_array(:'shown', ' '))
    order by c_foldername;
