-- A number that is another one whenever a space is: what people see is kept as long as it is the same.

create table version (
    one boolean primary key default true check (one),
    number bigint not null default 0
);
insert into version default values;

create function another_version() returns trigger
    language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
    -- Not counted up: a database that was restored has had numbers that others know.
    update version set number = (random() * 9e15)::bigint;
    return null;
end
$$;

-- At the end of the transaction: who waits for the row then holds nothing that others still wait for.
create constraint trigger version after insert or update or delete on space
    deferrable initially deferred for each row execute function another_version();
