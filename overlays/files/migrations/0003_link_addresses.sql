-- A link's token is made of this and of a key that lies beside the files, not here: so who made the link
-- can be told its address again, and who reads the database alone learns none. Null: made before.
alter table share add column seed bytea unique check (length(seed) = 16);
