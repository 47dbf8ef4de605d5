-- A warning is of a run, known by its moment: where the time of the day or the time zone is set anew,
-- that day has another run. Who was warned of one that is still to come is warned once more.

delete from punctaj.period_warnings;
alter table punctaj.period_warnings
    drop constraint period_warnings_pkey,
    drop column due_on,
    add column due_at timestamptz not null,
    add constraint period_warnings_pkey primary key (table_id, due_at);
