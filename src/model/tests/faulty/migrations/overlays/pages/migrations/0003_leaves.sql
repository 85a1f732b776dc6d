create table leaf ();
