-- What mazet-groupware-share gave to whom, so that it takes back no more than that.
create table mazet_share (
    account varchar(255) not null,
    -- As SOGo names it: Calendar/personal.
    folder text not null,
    login varchar(255) not null,
    writes boolean not null,
    primary key (account, folder, login)
);
