-- Who may send no mail, as their password sent far more than a person does.
create table mail_stop (
    person_id bigint primary key references person on delete cascade,
    stopped_at timestamptz not null default now()
);

create view service_mail_stop as
    select login, stopped_at from mail_stop join person on person.id = person_id;

-- The guard may stop people, and not let them go again.
create function stop_mail(who text) returns void
    language sql security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into mail_stop (person_id) select id from person where login = who on conflict do nothing
$$;
revoke execute on function stop_mail(text) from public;

-- The role is made before, from the manifest.
do $$
begin
    if exists (select from pg_roles where rolname = 'mazet-post') then
        grant select on service_mail_address, service_mail_stop to "mazet-post";
        grant execute on function stop_mail(text) to "mazet-post";
    end if;
end $$;
