-- Uploads of sync clients: in pieces that come in any order and several at a time. Their bytes lie in
-- /srv/files/incoming, each upload's in a folder of its own.
create table sync_upload (
    id uuid primary key,
    login text not null,
    -- The client's name for it.
    transfer text not null check (length(transfer) between 1 and 200),
    -- Where it goes; empty where that is not known yet.
    path text not null,
    -- Bytes; 0 where that is not known yet.
    total bigint not null check (total >= 0),
    -- When a piece last came.
    seen_at timestamptz not null default now(),
    unique (login, transfer)
);

create table sync_piece (
    upload_id uuid not null references sync_upload on delete cascade,
    -- Its place in the order of pieces.
    number integer not null check (number >= 0),
    -- Where it lies in the upload's file, and its bytes.
    at bigint not null check (at >= 0),
    length bigint not null check (length > 0),
    -- All of it is on the disk.
    whole boolean not null default false,
    primary key (upload_id, number)
);

-- Devices that ask to be let in (Login Flow v2 of Nextcloud's clients). Of the two tokens, one for the
-- device and one for the page, the SHA-256 is kept. The password is made when the device fetches it, so
-- that none lies here.
create table device_login (
    id bigint generated always as identity primary key,
    poll_sha256 bytea not null unique check (length(poll_sha256) = 32),
    page_sha256 bytea not null unique check (length(page_sha256) = 32),
    -- What the device calls itself, and where it asked from.
    device text not null check (length(device) between 1 and 100),
    address text not null,
    -- Who let it in; null: nobody yet.
    login text,
    created_at timestamptz not null default now()
);
create index device_login_created_at on device_login (created_at);
