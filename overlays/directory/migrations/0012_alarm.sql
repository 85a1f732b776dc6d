-- The box tells its operators when something is not well with it.
alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check check (kind in ('invitation', 'reset', 'test', 'alarm'));
