-- Application passwords for the box's own JSON API. They open nothing else, and no other password
-- opens the API.

alter table application_password
    alter column password drop not null,
    -- SHA-256 of the password: it is random enough, and asked at every request.
    add column api_sha256 bytea check (length(api_sha256) = 32),
    -- Made by an operator in a session with a second factor: that role counts with this password too.
    add column strong boolean not null default false,
    add constraint application_password_one_use check (num_nonnulls(password, api_sha256) = 1),
    add constraint application_password_strong check (not strong or api_sha256 is not null);

create or replace view service_application_login as
    select person.login, person.name, application_password.selector, application_password.password
    from application_password join person on person.id = person_id
    where person.active and person.password is not null and application_password.password is not null;
