-- One line that is another one whenever something changed that mazet-groupware-share looks at: the directory, what was
-- given, and what stands in public calendars. Begins in the directory's database.
\set ON_ERROR_STOP on
select number as version, (select count(*) from service_removed_account) as removed from service_version
\gset
\connect groupware
select :'version', :'removed',
    (select md5(string_agg(share::text, ',' order by account, folder, login)) from mazet_share share),
    count(*), sum(c_version), max(c_lastmodified), sum(coalesce(c_deleted, 0))
from sogo_folder_info join sogo_store using (c_folder_id)
where c_path3 = 'Calendar' and c_path4 = 'public';
