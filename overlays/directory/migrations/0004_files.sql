-- What the file cloud asks of the directory. Its role: mazet-files.

-- Who is in which association, and as what. Also who is locked out: what they keep counts.
create view service_membership as
    select person.login, organisation.id as organisation_id, organisation.name as organisation,
        membership.roles, person.active
    from membership
    join person on person.id = person_id
    join organisation on organisation.id = organisation_id;

create view service_group as
    select person.login, people_group.id as group_id, people_group.name as "group",
        people_group.organisation_id, organisation.name as organisation
    from group_member
    join people_group on people_group.id = group_id
    join organisation on organisation.id = people_group.organisation_id
    join person on person.id = person_id
    where person.active;

-- Groups without anybody in them too: their files count.
create view service_organisation_group as
    select organisation_id, id as group_id from people_group;

-- Bytes that an association may take with all its people and folders; null: as much as there is.
create view service_organisation_quota as
    select id as organisation_id, quota_bytes from organisation;

-- Signing in reads these alone, and so needs no right to the tables.
create or replace view service_login as
    select person.login, person.name, person.password, person.id as person_id
    from person
    where person.active and person.password is not null and not person.operator
        and not exists (
            select from second_factor where person_id = person.id and confirmed_at is not null
        );

create or replace view service_application_login as
    select person.login, person.name, application_password.selector, application_password.password,
        person.id as person_id, application_password.id as application_password_id
    from application_password join person on person.id = person_id
    where person.active and person.password is not null and application_password.password is not null;

grant select on service_membership, service_group, service_organisation_group, service_organisation_quota,
    service_quota, service_login, service_application_login to "mazet-files";
-- Tries are counted, and the day an application password was last used is kept.
grant select, insert, delete on attempt to "mazet-files";
grant select (id, used_at), update (used_at) on application_password to "mazet-files";
