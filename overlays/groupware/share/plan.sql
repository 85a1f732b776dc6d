-- Reads what people hold in common (service_shared_account), makes the folders that are missing, and says a line for
-- what is to be given or taken: what, account, folder, login, rights, show.
create temporary table wanted (account text, kind text, name text, login text, writes boolean);
\copy wanted from pstdin

-- An association has a second calendar, for everybody. The first is the one that invitations come into.
create temporary table folder as
    select distinct account, kind, part.folder, part.type,
        name || case when part.folder = 'Calendar/public' then ' (public)' else '' end as name
    from wanted cross join (values
        ('Calendar/personal', 'Appointment'), ('Calendar/public', 'Appointment'), ('Contacts/personal', 'Contact')
    ) as part (folder, type)
    where part.folder = 'Calendar/personal'
        or kind = 'organisation' or kind = 'group' and part.folder = 'Contacts/personal';

insert into sogo_folder_info (c_path, c_path1, c_path2, c_path3, c_path4, c_foldername, c_folder_type)
    select '/Users/' || account || '/' || folder, 'Users', account, split_part(folder, '/', 1), split_part(folder, '/', 2),
        name, type
    from folder
    on conflict (c_path) do nothing;

-- What stands in an address book all who see it may write, as it is everybody's.
create temporary table share as
    select account, kind, folder, login, writes or folder = 'Contacts/personal' as writes
    from wanted join folder using (account, kind);

select 'take', given.account, given.folder, given.login, '', ''
    from mazet_share given left join share using (account, folder, login)
    where share.writes is distinct from given.writes
    order by 2, 3, 4;
select 'give', share.account, share.folder, share.login,
        case
            when share.folder like 'Contacts/%' then '["ObjectViewer","ObjectEditor","ObjectCreator","ObjectEraser"]'
            when share.writes then
                '["PublicModifier","ConfidentialModifier","PrivateDAndTViewer","ObjectCreator","ObjectEraser"]'
            else '["PublicViewer","ConfidentialDAndTViewer","PrivateDAndTViewer"]'
        end,
        -- A room's calendar is looked for when it is needed.
        case when kind in ('organisation', 'group') then 'show' else '' end
    from share left join mazet_share given using (account, folder, login)
    where share.writes is distinct from given.writes
    order by 2, 3, 4;
