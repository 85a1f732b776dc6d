-- What people hold in common, and services know by a name like a login: each association and group, for its
-- calendars, address books and mailbox, and rooms and things that are booked.

create table shared_account (
    id bigint generated always as identity primary key,
    -- `_bureau-3`: never a person's, whose login begins with a letter, and never given again.
    login text not null unique check (login ~ '^_([a-z0-9]+-)+[0-9]+$'),
    organisation_id bigint not null references organisation on delete cascade,
    group_id bigint unique,
    -- location, thing: what is booked (RFC 6350 § 6.1.4, RFC 6473).
    kind text not null check (kind in ('organisation', 'group', 'location', 'thing')),
    -- Of what is booked; associations and groups have names of their own.
    name text check (name = btrim(name) and length(name) between 1 and 100),
    -- What is written to a group's addresses stays in one mailbox that its members read; otherwise each of them
    -- gets it.
    mailbox boolean not null default false,
    foreign key (group_id, organisation_id) references people_group (id, organisation_id) on delete cascade,
    check ((kind = 'group') = (group_id is not null)),
    check ((kind in ('location', 'thing')) = (name is not null)),
    check (kind = 'group' or not mailbox)
);
create unique index shared_account_organisation on shared_account (organisation_id) where kind = 'organisation';
create unique index shared_account_name on shared_account (organisation_id, lower(name));

-- A name in letters, digits and dashes.
create function plain_name(name text) returns text
    language sql immutable as $$
    select coalesce(nullif(left(btrim(regexp_replace(
        regexp_replace(normalize(replace(replace(lower(name), 'œ', 'oe'), 'æ', 'ae'), nfd), '[\u0300-\u036f]', '', 'g'),
        '[^a-z0-9]+', '-', 'g'), '-'), 24), ''), 'x')
$$;

create function shared_account_login() returns trigger
    language plpgsql as $$
begin
    new.login := '_' || rtrim(plain_name(coalesce(
        new.name,
        (select name from people_group where id = new.group_id),
        (select name from organisation where id = new.organisation_id)
    )), '-') || '-' || new.id;
    return new;
end $$;
create trigger shared_account_login before insert on shared_account for each row execute function shared_account_login();

-- With each association and each group comes its account.
create function organisation_account() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into shared_account (organisation_id, kind) values (new.id, 'organisation');
    return null;
end $$;
create trigger organisation_account after insert on organisation for each row execute function organisation_account();
create function group_account() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into shared_account (organisation_id, group_id, kind) values (new.organisation_id, new.id, 'group');
    return null;
end $$;
create trigger group_account after insert on people_group for each row execute function group_account();
insert into shared_account (organisation_id, kind) select id, 'organisation' from organisation order by id;
insert into shared_account (organisation_id, group_id, kind)
    select organisation_id, id, 'group' from people_group order by id;

grant select, insert, update, delete on shared_account to mazetd;
grant execute on function plain_name(text), shared_account_login() to mazetd;

-- Who uses what they hold in common. Writes: all of a group's members, of an association's those who look after it
-- or its pages; everybody sees when a room is free.
create view service_shared_account as
    select account.login as account, account.kind, coalesce(account.name, people_group.name, organisation.name) as name,
        account.mailbox, organisation.id as organisation_id, organisation.name as organisation, person.login,
        account.kind = 'group' or membership.roles && array['manager', 'site-editor'] as writes
    from shared_account account
    join organisation on organisation.id = account.organisation_id
    left join people_group on people_group.id = account.group_id
    join membership on membership.organisation_id = account.organisation_id
    join person on person.id = membership.person_id
    where person.active and (
        account.kind <> 'group'
        or exists (select from group_member where group_id = account.group_id and person_id = person.id)
    );

-- Mailboxes, and the common ones that each person reads, with commas between.
create view service_mailbox as
    select login, quota_bytes, coalesce(
        (
            select string_agg(account, ',' order by account) from service_shared_account shared
            where mailbox and shared.login = service_quota.login
        ), '') as reads
    from service_quota
    union all
    select login, member_quota_bytes, ''
    from shared_account join organisation on organisation.id = organisation_id
    where mailbox;

create view service_mailbox_reader as
    select account as mailbox, login from service_shared_account where mailbox;

-- Dovecot also asks what everybody reads, and each group of its own: nothing.
create view service_mailbox_nobody as select mailbox, login from service_mailbox_reader where false;

-- Who may write as an address: whoever reads what comes to it.
create view service_mail_sender as
    select address, login from service_address
    union
    select role || '@' || domain.name, person.login
    from domain cross join (values ('postmaster'), ('abuse')) as known (role) cross join person
    where person.operator and person.active
        and not exists (select from alias where local = role and alias.domain = domain.name);

-- Where mail for an address goes.
create or replace view service_mail_address as
    select address, login from service_mail_sender
    where not exists (
        select from alias join shared_account using (group_id)
        where mailbox and alias.local || '@' || alias.domain = address
    )
    union
    select alias.local || '@' || alias.domain, shared_account.login
    from alias join shared_account using (group_id)
    where mailbox;

-- Beside people, what they hold in common: it is found, invited and booked; nobody signs in as it. `more_mail`:
-- addresses beside the others that somebody may write as, with spaces between.
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
        box_address(person.login) as box_mail,
        null as kind, null::integer as bookings,
        (
            select string_agg(distinct address, ' ') from (
                select address from service_mail_sender sender where sender.login = person.login
                union
                select box_address(mailbox) from service_mailbox_reader reader where reader.login = person.login
            ) as may
        ) as more_mail
    from person left join membership on person_id = person.id
    where person.active
    group by person.id
    union all
    select account.login, account.login,
        coalesce(account.name, people_group.name, organisation.name), gen_random_uuid()::text,
        account.organisation_id::text, box_address(account.login), box_address(account.login),
        -- A room or a thing is booked by one at a time.
        case kind when 'organisation' then 'group' else kind end,
        case when kind in ('location', 'thing') then 1 else 0 end,
        null
    from shared_account account
    join organisation on organisation.id = account.organisation_id
    left join people_group on people_group.id = account.group_id;

-- Roles are made before, from the manifest; a server without these services lacks them.
do $$
declare
    one record;
begin
    for one in
        select * from (values
            ('postfix', 'service_mailbox, service_mailbox_reader, service_mail_sender, service_shared_account'),
            ('dovecot', 'service_mailbox, service_mailbox_reader, service_mailbox_nobody'),
            ('mazet-post', 'service_mailbox_reader, service_mail_sender'),
            ('sogo', 'service_shared_account')
        ) as wanted (role, what)
        join pg_roles on rolname = role
    loop
        execute format('grant select on %s to %I', one.what, one.role);
    end loop;
end $$;
