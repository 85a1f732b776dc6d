-- Uploads in pieces that come in any order and several at a time, as sync clients send them.

alter table upload
    -- The client's name for it; null: it is none of theirs. The total is 0 where it is not known yet.
    add column transfer text check (length(transfer) between 1 and 200),
    -- When a piece last came.
    add column seen_at timestamptz not null default now();
create unique index upload_transfer on upload (login, transfer);

create table upload_piece (
    upload_id uuid not null references upload on delete cascade,
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
