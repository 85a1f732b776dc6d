-- Files: what lies where, whose it is, and what is known of it beside its bytes.
-- One role, the owner: mazet-files.

-- Somebody's own files, an association's, or a group's. Its bytes lie in /srv/files, in a folder for
-- what is there and one for what was deleted: the two nodes without a parent.
create table space (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('person', 'organisation', 'group')),
    -- The directory's login, or number.
    owner text not null,
    -- Only managers of the association change what is in it.
    read_only boolean not null default false,
    files_id bigint,
    bin_id bigint,
    created_at timestamptz not null default now(),
    unique (kind, owner)
);

-- Files and folders, as they lie on the disk.
create table node (
    id bigint generated always as identity primary key,
    space_id bigint not null references space on delete cascade,
    parent_id bigint references node on delete cascade,
    name text collate "C" not null check (octet_length(name) between 1 and 255),
    is_folder boolean not null,
    -- Bytes; a folder's are those of all that is in it.
    size bigint not null check (size >= 0),
    -- Another one whenever the content changes, a folder's whenever anything in it does.
    etag uuid not null default gen_random_uuid(),
    -- Nanoseconds since 1970.
    modified bigint not null,
    -- What the disk says of a file, by which a scan knows it: inode, and nanoseconds since 1970.
    inode bigint not null,
    changed bigint not null,
    created_at timestamptz not null default now(),
    unique (parent_id, name)
);
create unique index node_root on node (space_id, name) where parent_id is null;
create index node_space on node (space_id);
alter table space add foreign key (files_id) references node on delete set null,
    add foreign key (bin_id) references node on delete set null;

-- What clients say of a file (RFC 4918 § 4, "dead properties").
create table property (
    node_id bigint not null references node on delete cascade,
    namespace text not null,
    name text not null,
    xml text not null,
    primary key (node_id, namespace, name)
);

-- Locks (RFC 4918 § 6).
create table lock (
    token text primary key,
    node_id bigint not null references node on delete cascade,
    principal text,
    -- XML.
    owner text,
    shared boolean not null,
    -- Holds for all that is below, too.
    deep boolean not null,
    seconds bigint,
    -- Null: never.
    expires_at timestamptz
);
create index lock_node on lock (node_id);

-- What was deleted: nodes in the bin's folder, each named there by its number.
create table bin (
    node_id bigint primary key references node on delete cascade,
    name text not null,
    -- Where it was: the folder, and its path in the space.
    parent_id bigint references node on delete set null,
    folder text not null,
    deleted_by text not null,
    deleted_at timestamptz not null default now()
);
create index bin_deleted_at on bin (deleted_at);

-- Links that open a file or folder to who has them.
create table share (
    id bigint generated always as identity primary key,
    sha256 bytea not null unique check (length(sha256) = 32),
    node_id bigint not null references node on delete cascade,
    -- What it is for: "Programme for the printer".
    name text not null check (length(name) <= 200),
    password text check (password like '$argon2id$%'),
    expires_at timestamptz,
    downloads integer not null default 0,
    max_downloads integer check (max_downloads > 0),
    created_by text not null,
    created_at timestamptz not null default now()
);
create index share_node on share (node_id);

-- Uploads in pieces that are not whole yet. Their bytes lie in /srv/files/incoming.
create table upload (
    id uuid primary key,
    login text not null,
    path text not null,
    total bigint not null check (total >= 0),
    received bigint not null default 0 check (received >= 0),
    created_at timestamptz not null default now()
);

-- One row: does the program run? Still there at its start: it was cut short, and the disk is looked at.
create table running (
    one boolean primary key default true check (one),
    since timestamptz not null default now()
);
