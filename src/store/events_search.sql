-- One page of the history, newest first; every filter combines.
-- $1 guild  $2 before seq  $3 limit  $4 who  $5 table  $6 name key  $7 action
with page as (
    select e.*
    from punctaj.events e
    where e.guild_id = $1
        and ($2::bigint is null or e.seq < $2)
        and ($4::bigint is null or e.actor_id = $4)
        and ($5::uuid is null or e.table_id = $5)
        and ($6::text is null or exists (
            select from punctaj.event_names n
            where n.guild_id = $1 and n.name_key = $6 and n.seq = e.seq
        ))
        and ($7::text is null or e.action = $7)
    order by e.seq desc
    limit $3
)
select
    to_jsonb(p) as "event!",
    case when t.category is null then t.name else t.category || '/' || t.name end as "table?",
    s.platform as "platform?",
    s.label as "label?",
    (
        with recursive chain as (
            select p.seq as seq, 0 as depth
            union all
            select u.seq, c.depth + 1
            from chain c,
                lateral (
                    select x.seq from punctaj.events x
                    where x.guild_id = $1 and x.undoes = c.seq and x.outcome = 'applied'
                    order by x.seq desc limit 1
                ) u
        )
        select c.seq from chain c where c.depth = 1 and (select max(depth) % 2 from chain) = 1
    ) as "undone_by?",
    (
        select coalesce(jsonb_object_agg(r.number, r.title), '{}')
        from punctaj.ranks r where r.table_id = p.table_id
    ) as "ranks!"
from page p
left join punctaj.tables t on t.table_id = p.table_id
left join punctaj.sessions s on s.device_id = p.device_id
order by p.seq desc
