-- Whom SOGo knows, and by which addresses. It takes an absent address for one.
--
-- The address that everybody has, that of the mailbox, ends in the box's name, which is in the settings: SOGo's
-- connections bring it along (PGOPTIONS).
create function box_address(login text) returns text
    language sql stable as $$
    select login || '@' || coalesce(nullif(current_setting('mazet.host', true), ''), 'localhost')
$$;

-- As it was, but: who is in no association has a mailbox and a calendar too; their number stands for no
-- association, and nobody of one finds them. `mail` is never absent; beside it stands the mailbox's own.
create or replace view service_colleague as
    select person.login as c_uid, person.login as c_name, person.name as c_cn, gen_random_uuid()::text as c_password,
        coalesce(min(membership.organisation_id), 0)::text as domain,
        coalesce(
            (
                select person.login || '@' || domain.name
                from domain join membership using (organisation_id)
                where person_id = person.id order by organisation_id, domain.name limit 1
            ),
            box_address(person.login)
        ) as mail,
        box_address(person.login) as box_mail
    from person left join membership on person_id = person.id
    where person.active
    group by person.id;

-- The role is made before, from the manifest.
do $$
begin
    if exists (select from pg_roles where rolname = 'sogo') then
        grant execute on function box_address(text) to sogo;
    end if;
end $$;
