-- What changes of what people hold in common lets people in elsewhere, too.
create constraint trigger version after insert or update or delete on shared_account
    deferrable initially deferred for each row execute function another_version();

-- Dovecot writes down for itself which mailboxes are whose beside their own, from what the mailboxes say. Here the
-- directory says it: what Dovecot writes and deletes is taken, and nothing comes of it.
create function nothing_is_written() returns trigger
    language plpgsql as $$
begin
    return null;
end $$;
revoke execute on function nothing_is_written() from public;
create trigger nothing_is_written instead of delete on service_mailbox_reader
    for each row execute function nothing_is_written();

-- A mailbox that its group reads, Dovecot adds here, and says what to do when it is there; a view could not be told.
drop view service_mailbox_nobody;
create table service_mailbox_nobody (
    mailbox text,
    login text,
    shown text,
    primary key (mailbox, login)
);
create trigger nothing_is_written before insert or update or delete on service_mailbox_nobody
    for each row execute function nothing_is_written();

-- What services keep of a removed account goes a month later: until then, it can be brought back by hand.
create table removed_account (
    login text primary key,
    removed_at timestamptz not null default now()
);
create function account_was_removed() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into removed_account (login) values (old.login);
    return null;
end $$;
revoke execute on function account_was_removed() from public;
create trigger account_was_removed after delete on shared_account
    for each row execute function account_was_removed();
create view service_removed_account as
    select login as account from removed_account where removed_at < now() - interval '30 days';

-- Roles are made before, from the manifest; a server without these services lacks them.
do $$
declare
    one record;
begin
    for one in
        select * from (values
            ('dovecot', 'delete on service_mailbox_reader'),
            ('dovecot', 'select, insert, update, delete on service_mailbox_nobody'),
            ('sogo', 'select on service_version, service_removed_account'),
            ('vmail', 'select on service_removed_account')
        ) as wanted (role, what)
        join pg_roles on rolname = role
    loop
        execute format('grant %s to %I', one.what, one.role);
    end loop;
end $$;
