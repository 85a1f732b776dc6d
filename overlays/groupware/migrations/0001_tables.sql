-- The tables of SOGo 5, as it makes them itself where they are missing. At the first start its processes would all
-- try at once, and all but one fail. A box that has them already keeps them.

create table if not exists sogo_user_profile (
    c_uid varchar(255) primary key,
    c_defaults text,
    c_settings text
);

create table if not exists sogo_folder_info (
    c_folder_id serial not null,
    c_path varchar(255) primary key,
    c_path1 varchar(255) not null,
    c_path2 varchar(255),
    c_path3 varchar(255),
    c_path4 varchar(255),
    c_foldername varchar(255) not null,
    c_location varchar(2048),
    c_quick_location varchar(2048),
    c_acl_location varchar(2048),
    c_folder_type varchar(255) not null
);

create table if not exists sogo_store (
    c_folder_id integer not null,
    c_name varchar(255) not null,
    c_content text not null,
    c_creationdate integer not null,
    c_lastmodified integer not null,
    c_version integer not null,
    c_deleted integer,
    primary key (c_folder_id, c_name)
);

create table if not exists sogo_acl (
    c_folder_id integer not null,
    c_object varchar(255) not null,
    c_uid varchar(255) not null,
    c_role varchar(80) not null
);
create index if not exists sogo_acl_c_folder_id_idx on sogo_acl (c_folder_id);
create index if not exists sogo_acl_c_uid_idx on sogo_acl (c_uid);

create table if not exists sogo_cache_folder (
    c_uid varchar(255) not null,
    c_path varchar(255) not null,
    c_parent_path varchar(255),
    c_type smallint not null,
    c_creationdate integer not null,
    c_lastmodified integer not null,
    c_version integer not null default 0,
    c_deleted smallint not null default 0,
    c_content text,
    primary key (c_uid, c_path)
);

create table if not exists sogo_sessions_folder (
    c_id varchar(255) primary key,
    c_value varchar(4096) not null,
    c_creationdate integer not null,
    c_lastseen integer not null
);

create table if not exists sogo_admin (
    c_key varchar(255) not null,
    c_content text not null
);

create table if not exists sogo_quick_contact (
    c_folder_id integer not null,
    c_name varchar(255) not null,
    c_givenname varchar(255),
    c_cn varchar(255),
    c_sn varchar(255),
    c_screenname varchar(255),
    c_l varchar(255),
    c_mail text,
    c_o varchar(255),
    c_ou varchar(255),
    c_telephonenumber varchar(255),
    c_categories varchar(255),
    c_component varchar(10) not null,
    c_hascertificate integer,
    primary key (c_folder_id, c_name)
);

create table if not exists sogo_quick_appointment (
    c_folder_id integer not null,
    c_name varchar(255) not null,
    c_uid varchar(255) not null,
    c_startdate integer,
    c_enddate integer,
    c_cycleenddate integer,
    c_title varchar(1000) not null,
    c_participants text,
    c_isallday integer,
    c_iscycle integer,
    c_cycleinfo text,
    c_classification integer not null,
    c_isopaque integer not null,
    c_status integer not null,
    c_priority integer,
    c_location varchar(255),
    c_orgmail varchar(255),
    c_partmails text,
    c_partstates text,
    c_category varchar(255),
    c_sequence integer,
    c_component varchar(10) not null,
    c_nextalarm integer,
    c_description text,
    primary key (c_folder_id, c_name)
);
