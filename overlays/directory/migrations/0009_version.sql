-- A number that is another one whenever something changed by which a service lets people in: who asks for it
-- can keep what they found as long as the number is the same.

create table version (
    one boolean primary key default true check (one),
    number bigint not null default 0
);
insert into version default values;

create view service_version as
    select number from version;

create function another_version() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Not counted up: a database that was restored has had numbers that others know.
    update version set number = (random() * 9e15)::bigint;
    return null;
end
$$;
revoke execute on function another_version() from public;

-- At the end of the transaction: who waits for the row then holds nothing that others still wait for, so that
-- two cannot wait for each other.
create constraint trigger version after insert or delete
    or update of login, name, password, active, operator, quota_bytes on person
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or update or delete on membership
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or update or delete on organisation
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or update or delete on people_group
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or update or delete on group_member
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or delete
    or update of confirmed_at on second_factor
    deferrable initially deferred for each row execute function another_version();
create constraint trigger version after insert or delete
    or update of person_id, selector, password, files_only on application_password
    deferrable initially deferred for each row execute function another_version();

grant select on service_version to "mazet-files";
