//! Exports of a table.

use serde_json::{Map, Value, json};

use super::sheet::{self, disarmed};
use crate::domain::field::{ExtraField, FieldKind};
use crate::domain::table::Table;
use crate::service::PageRow;

/// `name, member, rank, points` and the extra fields, in the order of the names. The rank is its
/// title.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn csv(table: &Table, rows: &[PageRow]) -> Result<Vec<u8>, csv::Error> {
    let fields: Vec<_> = table.live_fields().collect();
    let names = fields
        .iter()
        .map(|field| disarmed(&field.name).into_owned());
    let header = ["name", "member", "rank", "points"].map(str::to_owned);
    let header = header.into_iter().chain(names).collect();
    let line = |row: &PageRow| {
        let mut cells = vec![
            disarmed(&row.name).into_owned(),
            row.member_id.map(|id| id.to_string()).unwrap_or_default(),
            row.rank
                .map(|rank| disarmed(&title(table, rank)).into_owned())
                .unwrap_or_default(),
            row.points.to_string(),
        ];
        cells.extend(fields.iter().map(|field| match value(row, field) {
            // A negative number is no formula.
            Some(value) if field.kind == FieldKind::Number => value.to_owned(),
            value => disarmed(value.unwrap_or_default()).into_owned(),
        }));
        cells
    };
    sheet::csv(std::iter::once(header).chain(rows.iter().map(line)))
}

/// An object with the table's address and its rows.
#[must_use]
pub fn json(table: &Table, rows: &[PageRow]) -> Vec<u8> {
    let row = |row: &PageRow| -> Value {
        let mut object = Map::from_iter([
            ("name".to_owned(), row.name.clone().into()),
            (
                "member".to_owned(),
                row.member_id.map(|id| id.to_string()).into(),
            ),
            (
                "rank".to_owned(),
                row.rank.map(|rank| title(table, rank)).into(),
            ),
            ("points".to_owned(), row.points.into()),
        ]);
        for field in table.live_fields() {
            object.insert(field.name.clone(), value(row, field).into());
        }
        object.into()
    };
    let file =
        json!({ "table": table.address(), "rows": rows.iter().map(row).collect::<Vec<_>>() });
    format!("{file:#}\n").into_bytes()
}

fn value<'a>(row: &'a PageRow, field: &ExtraField) -> Option<&'a str> {
    row.extra.get(&field.number.to_string()).map(String::as_str)
}

/// The title of a rank; its number where the table has no such rank any more.
fn title(table: &Table, rank: i32) -> String {
    table
        .ranks
        .get(&rank)
        .map_or_else(|| rank.to_string(), |rank| rank.title.clone())
}

#[cfg(test)]
mod tests {
    use crate::domain::period::Periods;
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{EntryId, TableId, UserId};
    use crate::domain::table::Rank;

    fn table() -> Table {
        let rank = Rank {
            number: 2,
            title: "Sergent".to_owned(),
            promote_at: None,
            demote_below: None,
            role: None,
        };
        let field = ExtraField {
            number: 1,
            name: "Callsign".to_owned(),
            kind: FieldKind::Text,
            pattern: None,
            removed: false,
        };
        Table {
            id: TableId(Uuid::nil()),
            category: Some("B".to_owned()),
            name: "P".to_owned(),
            floor: 0,
            private: false,
            deleted_at: None,
            ranks: BTreeMap::from([(2, rank)]),
            fields: BTreeMap::from([(1, field)]),
            activities: BTreeMap::new(),
            boards: BTreeMap::new(),
            periods: Periods::default(),
        }
    }

    fn rows() -> [PageRow; 2] {
        let id = EntryId(Uuid::nil());
        [
            PageRow {
                id,
                name: "=Ana".to_owned(),
                member_id: Some(UserId::from_db(5)),
                rank: Some(2),
                points: -3,
                exempt: false,
                extra: BTreeMap::from([("1".to_owned(), "+A1".to_owned())]),
            },
            PageRow {
                id,
                name: "Ion, Pop".to_owned(),
                member_id: None,
                rank: Some(9),
                points: 0,
                exempt: false,
                extra: BTreeMap::new(),
            },
        ]
    }

    #[test]
    fn a_table_as_csv() {
        let file = String::from_utf8(csv(&table(), &rows()).unwrap()).unwrap();
        assert_eq!(
            file,
            "name,member,rank,points,Callsign\n'=Ana,5,Sergent,-3,'+A1\n\"Ion, Pop\",,9,0,\n"
        );
    }

    #[test]
    fn a_table_as_json() {
        let file: Value = serde_json::from_slice(&json(&table(), &rows())).unwrap();
        assert_eq!(file["table"], "B/P");
        assert_eq!(
            file["rows"][0],
            json!({"name": "=Ana", "member": "5", "rank": "Sergent", "points": -3, "Callsign": "+A1"})
        );
    }
}
