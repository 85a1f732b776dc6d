-- Messages that the box sends by itself, and people and associations that leave.
-- Roles: the owner; mazetd, the role of the pages' process; mazet-mail, that of the process that sends.

-- Messages: first those to be sent, then how that went.
create table outbox (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('invitation', 'reset', 'test')),
    -- Whoever is removed gets none any more.
    person_id bigint not null references person on delete cascade,
    recipient text not null check (length(recipient) between 3 and 254),
    name text not null check (length(name) between 1 and 200),
    subject text not null check (length(subject) between 1 and 400 and subject !~ '[[:cntrl:]]'),
    -- It holds a one-time code: it stays no longer than it is needed.
    body text,
    -- The same for every try, so that a second delivery shows.
    message_id uuid not null default gen_random_uuid(),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
    tries integer not null default 0,
    -- The server's own words, or why it could not be asked.
    answer text not null default '' check (length(answer) <= 500),
    created_at timestamptz not null default now(),
    next_at timestamptz not null default now(),
    give_up_at timestamptz not null,
    ended_at timestamptz,
    check ((state = 'waiting') = (body is not null)),
    check ((state = 'waiting') = (ended_at is null))
);
create index outbox_waiting on outbox (next_at) where state = 'waiting';
create index outbox_person on outbox (person_id, id);

-- A message that was given up is told to those who look after its recipient. The sending process has
-- no right to the audit log itself.
create function outbox_given_up() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into audit (actor, organisation_id, action, target, detail)
        select 'mazet-mail', membership.organisation_id, 'mail.failed', person.login, new.answer
        from person left join membership on membership.person_id = person.id
        where person.id = new.person_id;
    return null;
end $$;
create trigger outbox_given_up after update on outbox for each row
    when (old.state = 'waiting' and new.state = 'failed' and new.kind <> 'test')
    execute function outbox_given_up();

grant select, insert, delete on outbox to mazetd;
grant select, update (body, state, tries, answer, next_at, ended_at) on outbox to "mazet-mail";

-- An account that ended: in no association any more, and nothing opens it. Its login stays its own, so
-- that nobody comes into what services keep under it.
alter table person add column ended_at timestamptz;
alter table person add constraint person_ended
    check (ended_at is null or not active and not operator and password is null and contact is null);

-- Logins of accounts that were deleted: never given again.
create table former_login (
    login text primary key,
    removed_at timestamptz not null default now()
);
grant select, insert on former_login to mazetd;
