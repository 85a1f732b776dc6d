-- Names in another form of Unicode than most have (NFC): few, and found without reading whole folders.
create index node_other_form on node (parent_id) where name is not nfc normalized;
