-- The first entry of a guild whose points are not the sum of its rows in the ledger.
-- $1 guild
select
    case when t.category is null then t.name else t.category || '/' || t.name end as "table!",
    e.name
from punctaj.entries e
join punctaj.tables t using (table_id)
-- Entry by entry: the ledger holds the rows of all guilds.
left join lateral (
    select sum(l.delta) as points from punctaj.ledger l where l.entry_id = e.entry_id
) l on true
where e.guild_id = $1 and e.points <> coalesce(l.points, 0)
order by e.name_key, t.category_key, t.name_key
limit 1
