-- What mail, calendars and contacts ask of the directory. Their roles are postfix, dovecot and sogo.

create view service_domain as
    select name as domain, organisation_id from domain;

-- As service_address; postmaster and abuse of each domain (RFC 2142) are the operators' where no alias
-- says otherwise.
create view service_mail_address as
    select address, login from service_address
    union
    select role || '@' || domain.name, person.login
    from domain cross join (values ('postmaster'), ('abuse')) as known (role) cross join person
    where person.operator and person.active
        and not exists (select from alias where local = role and alias.domain = domain.name);

-- Whom members find when they write or invite: those of their own association alone. Under the names that
-- SOGo asks for. What stands for the password is another one whenever it is read: nothing equals it.
create view service_colleague as
    select person.login as c_uid, person.login as c_name, person.name as c_cn, gen_random_uuid()::text as c_password,
        min(membership.organisation_id)::text as domain,
        (
            select person.login || '@' || domain.name
            from domain join membership using (organisation_id)
            where person_id = person.id order by organisation_id, domain.name limit 1
        ) as mail
    from person join membership on person_id = person.id
    where person.active
    group by person.id;

-- For a service that checks an application password by itself.
create function application_password_was_used(number bigint) returns void
    language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    update application_password set used_at = now()
    where id = number and (used_at is null or used_at < now() - interval '1 minute')
$$;
revoke execute on function application_password_was_used(bigint) from public;

-- Roles are made before, from the manifest; a server without these services lacks them.
do $$
declare
    one record;
begin
    for one in
        select * from (values
            ('postfix', 'select on service_domain, service_mail_address, service_quota'),
            ('dovecot', 'select on service_login, service_application_login, service_quota'),
            ('dovecot', 'execute on function application_password_was_used(bigint)'),
            ('sogo', 'select on service_colleague')
        ) as wanted (role, what)
        join pg_roles on rolname = role
    loop
        execute format('grant %s to %I', one.what, one.role);
    end loop;
end $$;
