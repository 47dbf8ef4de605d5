-- What has become of an edit that had waited for the database: {"text"}, as its author is told.
alter table punctaj.outbox
    drop constraint outbox_kind_known,
    add constraint outbox_kind_known
        check (kind in ('event', 'head', 'overwritten', 'board', 'outcome'));
