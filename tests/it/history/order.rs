//! The order of delivery never matters: not for fields, nor for points while no floor is touched.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use punctaj::domain::field::FieldKind;
use punctaj::domain::ids::UserId;
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::service::entries::{Assignment, NewValue};
use punctaj::service::fields::NewField;
use punctaj::service::points::Award;
use punctaj::service::tables::RankOrder;
use punctaj::service::{Request, ServiceError};
use serde_json::{Value, json};

use crate::support::db::request;
use crate::support::replay::{Checked, Oracle, When};

use super::explore::{World, explore, op_id};

const NAMES: [&str; 2] = ["Ana", "Ion"];
const START_MS: i64 = 347_155_200_000;
const FIELD: &str = "Callsign";
const VALUES: [&str; 2] = ["A-1", "B-2"];
/// Far above the floor.
const MANY: i64 = 1_000_000_000;

#[derive(Debug, Clone)]
struct Edit {
    entry: usize,
    /// Few, so that ids decide.
    second: i64,
    user: i64,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Add(i64),
    Remove(i64),
    Points(i64),
    Rank(Option<i64>),
    /// One of the entry's own two members, since no member is linked twice.
    Member(Option<i64>),
    /// One of two values of the extra field, or none.
    Extra(Option<usize>),
    /// One of the entry's own three further names. Renames are dated after all else, and each is by
    /// a person of its own: whoever edits can name an entry only as it was called then.
    Name(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let kind = prop_oneof![
        3 => (0..1000_i64).prop_map(Kind::Add),
        2 => (1..1000_i64).prop_map(Kind::Remove),
        2 => (MANY..2 * MANY).prop_map(Kind::Points),
        2 => proptest::option::of(1..4_i64).prop_map(Kind::Rank),
        1 => proptest::option::of(1..3_i64).prop_map(Kind::Member),
        2 => proptest::option::of(0..VALUES.len()).prop_map(Kind::Extra),
        1 => (1..4_usize).prop_map(Kind::Name),
    ];
    (0..NAMES.len(), 1..4_i64, 1..4_i64, kind).prop_map(|(entry, second, user, kind)| Edit {
        entry,
        second: if matches!(kind, Kind::Name(_)) {
            4
        } else {
            second
        },
        user,
        kind,
    })
}

/// The edits in the order of their numbers, and three other orders.
fn orders() -> impl Strategy<Value = Vec<Vec<(i64, Edit)>>> {
    vec(edit(), 1..40).prop_flat_map(|edits| {
        let numbered: Vec<_> = (0..).zip(edits).collect();
        let shuffled = || Just(numbered.clone()).prop_shuffle();
        (shuffled(), shuffled(), shuffled())
            .prop_map(move |(one, two, three)| vec![numbered.clone(), one, two, three])
    })
}

#[test]
fn edits_come_to_the_same_in_whatever_order_they_arrive() {
    explore(16, orders, async |world, orders| {
        let expected = in_order(&orders[0]);
        for edits in orders {
            let guild = world.guild();
            prepare(world, guild)
                .await
                .map_err(|error| error.to_string())?;
            for (number, edit) in &edits {
                apply(world, guild, *number, edit)
                    .await
                    .map_err(|error| format!("{edit:?}: {error}"))?;
            }
            let reached = reached(world, guild).await?;
            if reached != expected {
                return Err(format!(
                    "{reached:#?} was reached instead of {expected:#?} by {edits:#?}"
                ));
            }
            let mut oracle = Oracle::new(guild);
            world.read(&mut oracle, guild).await?;
            world.check(&oracle, guild).await?;
        }
        Ok(())
    });
}

/// What the edits come to, one after the other as they were made.
fn in_order(edits: &[(i64, Edit)]) -> BTreeMap<String, Value> {
    let mut edits: Vec<_> = edits
        .iter()
        .map(|(number, edit)| (when(&dated(1, *number, edit)), edit))
        .collect();
    edits.sort_by(|one, two| one.0.cmp(&two.0));
    let fresh = || json!({"points": MANY, "rank": null, "member": null, "extra": null});
    let mut entries: Vec<(String, Value)> = NAMES
        .iter()
        .map(|&name| (name.to_owned(), fresh()))
        .collect();
    for (_, edit) in edits {
        let (name, entry) = &mut entries[edit.entry];
        let points = entry["points"].as_i64().unwrap();
        match edit.kind {
            Kind::Add(more) => entry["points"] = (points + more).into(),
            Kind::Remove(less) => entry["points"] = (points - less).into(),
            Kind::Points(value) => entry["points"] = value.into(),
            Kind::Rank(rank) => entry["rank"] = rank.into(),
            Kind::Member(member) => {
                entry["member"] = member
                    .map(|member| member_of(edit, member).to_string())
                    .into();
            }
            Kind::Extra(value) => entry["extra"] = value.map(|value| VALUES[value]).into(),
            Kind::Name(number) => *name = renamed(edit, number),
        }
    }
    entries.into_iter().collect()
}

async fn reached(world: &World, guild: i64) -> Checked<BTreeMap<String, Value>> {
    let rows: Vec<(String, Value)> = sqlx::query_as(
        "select name, jsonb_build_object('points', points, 'rank', rank, 'member', member_id::text,
             'extra', extra ->> '1')
         from punctaj.entries where guild_id = $1 and deleted_at is null",
    )
    .bind(guild)
    .fetch_all(&world.pool)
    .await
    .map_err(|error| error.to_string())?;
    Ok(rows.into_iter().collect())
}

async fn prepare(world: &World, guild: i64) -> Result<(), ServiceError> {
    let services = &world.services;
    let table = TableAddress::parse("Clan").unwrap();
    services
        .create_table(&request(guild, 1, START_MS, 0), table.clone())
        .await?;
    for number in 1..4 {
        let title = Name::parse(&format!("Rang {number}")).unwrap();
        let order = RankOrder {
            table: table.clone(),
            number,
            title,
            promote_at: None,
            demote_below: None,
            role: None,
        };
        services
            .set_rank(&request(guild, 1, START_MS + i64::from(number), 0), order)
            .await?;
    }
    let field = NewField {
        table: table.clone(),
        name: Name::parse(FIELD).unwrap(),
        kind: FieldKind::Text,
        pattern: None,
    };
    services
        .add_field(&request(guild, 1, START_MS + 5, 0), field)
        .await?;
    services
        .add_points(
            &request(guild, 1, START_MS + 4, 0),
            award(&NAMES.join(","), MANY),
        )
        .await?;
    Ok(())
}

async fn apply(world: &World, guild: i64, number: i64, edit: &Edit) -> Result<(), ServiceError> {
    let (services, request) = (&world.services, dated(guild, number, edit));
    let name = NAMES[edit.entry];
    let value = match edit.kind {
        Kind::Add(more) => {
            return services
                .add_points(&request, award(name, more))
                .await
                .map(drop);
        }
        Kind::Remove(less) => {
            return services
                .remove_points(&request, award(name, less))
                .await
                .map(drop);
        }
        Kind::Points(value) => NewValue::Points(value),
        Kind::Rank(rank) => NewValue::Rank(rank.map(|rank| rank.to_string())),
        Kind::Member(member) => {
            NewValue::Member(member.map(|member| UserId::from_db(member_of(edit, member))))
        }
        Kind::Extra(value) => NewValue::Extra(
            FIELD.to_owned(),
            value.map(|value| VALUES[value].to_owned()),
        ),
        Kind::Name(number) => NewValue::Name(Name::parse(&renamed(edit, number)).unwrap()),
    };
    let who = NameList::parse(name, 1).unwrap().into_items().remove(0);
    services
        .set(
            &request,
            Assignment {
                who,
                value,
                table: Some(TableAddress::parse("Clan").unwrap()),
                table_id: None,
            },
        )
        .await
        .map(drop)
}

fn dated(guild: i64, number: i64, edit: &Edit) -> Request {
    let user = match edit.kind {
        Kind::Name(_) => 100 + number,
        _ => edit.user,
    };
    Request {
        op: op_id(number),
        ..request(guild, user, START_MS + edit.second * 1000, 0)
    }
}

fn when(request: &Request) -> When {
    When {
        at: request.at,
        op: request.op.as_str().to_owned(),
    }
}

fn member_of(edit: &Edit, member: i64) -> i64 {
    10 * i64::try_from(edit.entry).unwrap() + member
}

fn renamed(edit: &Edit, number: usize) -> String {
    format!("{} {number}", NAMES[edit.entry])
}

fn award(names: &str, points: i64) -> Award {
    let names = NameList::parse(names, 50).unwrap().into_items();
    Award {
        names,
        points,
        table: Some(TableAddress::parse("Clan").unwrap()),
        table_id: None,
        reason: None,
    }
}
