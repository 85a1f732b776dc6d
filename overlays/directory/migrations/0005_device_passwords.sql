-- Application passwords that a device was let in with (Login Flow v2 of Nextcloud's clients): for the
-- files alone. The files' program makes them, and must not be able to make one that opens more.

alter table application_password
    add column files_only boolean not null default false;

-- Whoever else asks does not see them.
create or replace view service_application_login as
    select person.login, person.name, application_password.selector, application_password.password,
        person.id as person_id, application_password.id as application_password_id
    from application_password join person on person.id = person_id
    where person.active and person.password is not null and application_password.password is not null
        and (not files_only or current_user = 'mazet-files');

-- Gives the number of the password; null where there is nobody of that login who may sign in, or they have
-- too many.
create function add_device_password(for_login text, device text, new_selector text, hash text) returns bigint
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    one person%rowtype;
    made bigint;
begin
    select * into one from person where login = for_login and active and password is not null for update;
    if one.id is null or (select count(*) from application_password where person_id = one.id) >= 50 then
        return null;
    end if;
    insert into application_password (person_id, name, selector, password, files_only)
        values (one.id, device, new_selector, hash, true) returning id into made;
    insert into audit (actor_id, actor, organisation_id, action, target, detail)
        select one.id, one.login, organisation_id, 'application-password.add', one.login, device
        from person left join membership on person_id = person.id where person.id = one.id;
    return made;
end
$$;
revoke execute on function add_device_password(text, text, text, text) from public;
grant execute on function add_device_password(text, text, text, text) to "mazet-files";
