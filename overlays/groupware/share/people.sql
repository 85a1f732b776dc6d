-- Whoever never opened the pages has a calendar and an address book, too: invitations come into the one. Reads logins.
\set ON_ERROR_STOP on
create temporary table person (login text);
\copy person from pstdin
insert into sogo_folder_info (c_path, c_path1, c_path2, c_path3, c_path4, c_foldername, c_folder_type)
    select '/Users/' || login || '/' || part || '/personal', 'Users', login, part, 'personal', name, type
    from person cross join (values
        ('Calendar', 'Appointment', :'calendar'), ('Contacts', 'Contact', :'contacts')
    ) as folder (part, type, name)
    on conflict (c_path) do nothing;
