create table page (name text);
