-- The directory: who is who on the box, and what each may do.
-- Roles: the owner; mazetd, the role of the pages' process.

-- Associations that share the box.
create table organisation (
    id bigint generated always as identity primary key,
    name text not null check (name = btrim(name) and length(name) between 1 and 200),
    -- Bytes that its members and its folders may take together; null: as much as there is.
    quota_bytes bigint check (quota_bytes >= 0),
    -- Bytes of a member who was given no quota of their own.
    member_quota_bytes bigint not null default 10737418240 check (member_quota_bytes >= 0),
    created_at timestamptz not null default now()
);
create unique index organisation_name on organisation (lower(name));

-- Domain names, each of one association.
create table domain (
    name text primary key
        check (length(name) <= 253 and name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    organisation_id bigint not null references organisation on delete cascade
);
create index domain_organisation on domain (organisation_id);

create table person (
    id bigint generated always as identity primary key,
    login text not null unique check (login ~ '^[a-z][a-z0-9._-]{0,31}$'),
    name text not null check (name = btrim(name) and length(name) between 1 and 200),
    -- Address elsewhere, where invitations and resets can be sent.
    contact text check (length(contact) <= 254),
    language text check (language in ('fr', 'en')),
    -- PHC string; null: invited, has not chosen one yet.
    password text check (password like '$argon2id$%'),
    active boolean not null default true,
    -- Answers for the machine.
    operator boolean not null default false,
    -- Bytes; null: what the association gives its members.
    quota_bytes bigint check (quota_bytes >= 0),
    created_at timestamptz not null default now(),
    signed_in_at timestamptz
);

create table membership (
    person_id bigint not null references person on delete cascade,
    organisation_id bigint not null references organisation on delete cascade,
    -- Roles beside that of a member.
    roles text[] not null default '{}' check (roles <@ array['manager', 'site-editor', 'backup-keeper']),
    joined_at timestamptz not null default now(),
    primary key (person_id, organisation_id)
);
create index membership_organisation on membership (organisation_id);

create table people_group (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references organisation on delete cascade,
    name text not null check (name = btrim(name) and length(name) between 1 and 100),
    unique (id, organisation_id)
);
create unique index people_group_name on people_group (organisation_id, lower(name));

-- Only members of the association are in its groups, and who leaves it leaves them.
create table group_member (
    group_id bigint not null,
    person_id bigint not null,
    organisation_id bigint not null,
    primary key (group_id, person_id),
    foreign key (group_id, organisation_id) references people_group (id, organisation_id) on delete cascade,
    foreign key (person_id, organisation_id) references membership (person_id, organisation_id) on delete cascade
);
create index group_member_person on group_member (person_id, organisation_id);

-- Addresses beside login@domain, for a person or a group.
create table alias (
    id bigint generated always as identity primary key,
    organisation_id bigint not null references organisation on delete cascade,
    local text not null check (local ~ '^[a-z0-9]([a-z0-9._+-]{0,62}[a-z0-9])?$'),
    domain text not null references domain on delete cascade,
    person_id bigint,
    group_id bigint,
    unique (local, domain),
    check (num_nonnulls(person_id, group_id) = 1),
    foreign key (person_id, organisation_id) references membership (person_id, organisation_id) on delete cascade,
    foreign key (group_id, organisation_id) references people_group (id, organisation_id) on delete cascade
);
create index alias_organisation on alias (organisation_id);

-- Second factor: time-based one-time passwords (RFC 6238).
create table second_factor (
    person_id bigint primary key references person on delete cascade,
    secret bytea not null check (length(secret) = 20),
    -- Null: offered, no code of it was seen yet.
    confirmed_at timestamptz,
    -- Time step of the last code that was taken: no code is taken twice.
    last_step bigint not null default 0
);

create table recovery_code (
    person_id bigint not null references second_factor on delete cascade,
    sha256 bytea not null check (length(sha256) = 32),
    used_at timestamptz,
    primary key (person_id, sha256)
);

-- For clients that know no second factor. The selector, the first letters of the password, tells
-- which one it is: a service finds the hash by login and selector.
create table application_password (
    id bigint generated always as identity primary key,
    person_id bigint not null references person on delete cascade,
    name text not null check (name = btrim(name) and length(name) between 1 and 100),
    selector text not null check (length(selector) = 6),
    password text not null check (password like '$argon2id$%'),
    created_at timestamptz not null default now(),
    used_at timestamptz,
    unique (person_id, selector)
);

create table session (
    id bigint generated always as identity primary key,
    person_id bigint not null references person on delete cascade,
    sha256 bytea not null unique check (length(sha256) = 32),
    -- How far the sign-in is.
    stage text not null check (stage in ('second-factor', 'enrol', 'full')),
    -- The second factor was given in this session.
    strong boolean not null,
    agent text not null check (length(agent) <= 300),
    address text not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index session_person on session (person_id);
create index session_end on session (expires_at);

-- Invitations and resets: codes that let a person choose a password, once.
create table ticket (
    id bigint generated always as identity primary key,
    person_id bigint not null references person on delete cascade,
    purpose text not null check (purpose in ('invitation', 'reset')),
    sha256 bytea not null unique check (length(sha256) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index ticket_person on ticket (person_id);

-- Tries that are counted: kind of try, who or from where.
create table attempt (
    id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    at timestamptz not null default now()
);
create index attempt_subject on attempt (kind, subject, at);
create index attempt_at on attempt (at);

-- What was done, by whom. It outlives those it speaks of.
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor_id bigint,
    actor text not null,
    organisation_id bigint,
    action text not null,
    target text not null,
    detail text not null
);
create index audit_organisation on audit (organisation_id, id);

grant select, insert, update, delete on
    organisation, domain, person, membership, people_group, group_member, alias, second_factor, recovery_code,
    application_password, session, ticket, attempt
    to mazetd;
-- Nobody but the owner rewrites it.
grant select, insert on audit to mazetd;

-- How services check a login by themselves. A person with a second factor, and every operator, has no
-- password here: those sign in to services with application passwords.
create view service_login as
    select person.login, person.name, person.password
    from person
    where person.active and person.password is not null and not person.operator
        and not exists (
            select from second_factor where person_id = person.id and confirmed_at is not null
        );

create view service_application_login as
    select person.login, person.name, application_password.selector, application_password.password
    from application_password join person on person.id = person_id
    where person.active and person.password is not null;

-- Mail addresses and who reads them.
create view service_address as
    select person.login || '@' || domain.name as address, person.login
    from person
    join membership on membership.person_id = person.id
    join domain using (organisation_id)
    where person.active
    union
    select alias.local || '@' || alias.domain, person.login
    from alias
    left join group_member using (group_id)
    join person on person.id = coalesce(alias.person_id, group_member.person_id)
    where person.active;

-- Bytes that a person may take, and the associations that it comes from.
create view service_quota as
    select person.login, coalesce(person.quota_bytes, max(organisation.member_quota_bytes), 0) as quota_bytes
    from person
    left join membership on membership.person_id = person.id
    left join organisation on organisation.id = membership.organisation_id
    where person.active
    group by person.id;

grant select on service_login, service_application_login, service_address, service_quota to mazetd;
