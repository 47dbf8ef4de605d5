//! What could have been meant: tables and names close to one that does not exist.

use sqlx::PgConnection;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::domain::access::{Authority, Place, Right};
use crate::domain::name::fold;
use crate::domain::table::Table;
use crate::store::complete::EntryName;
use crate::store::tables;

use super::error::TableChoice;
use super::{Request, ServiceError};

/// Similar names offered for an unknown one.
const NEAR_NAMES: usize = 3;

/// A table that was not found, or several that were.
#[derive(Debug, Clone)]
pub(super) struct Unfound {
    /// What is to be done in it.
    pub(super) right: Right,
    /// How it was called.
    pub(super) address: Option<String>,
    /// Addresses of those that may have been meant.
    pub(super) candidates: Vec<String>,
}

/// Tells why there is no table to work on.
pub(super) async fn no_table(
    conn: &mut PgConnection,
    request: &Request,
    authority: &Authority,
    unfound: Unfound,
) -> ServiceError {
    let Unfound {
        right,
        address,
        candidates,
    } = unfound;
    let live = match tables::list(conn, request.guild, &request.anyhow()).await {
        Ok(live) => live,
        Err(error) => return error.into(),
    };
    if live.is_empty() {
        return ServiceError::NoTables;
    }
    match address {
        Some(table) if candidates.is_empty() => {
            let near = nearest_tables(&table, &live);
            ServiceError::UnknownTable { table, near }
        }
        Some(table) => ServiceError::AmbiguousTable {
            table,
            tables: candidates,
        },
        None => choose(&live, right, authority),
    }
}

/// Asks for one of the tables in which that may be done.
fn choose(live: &[Table], right: Right, authority: &Authority) -> ServiceError {
    let tables = live
        .iter()
        .filter(|table| authority.may(right, Place::table(table)))
        .take(25)
        .map(|table| TableChoice {
            id: table.id,
            address: table.address(),
        });
    let tables: Vec<TableChoice> = tables.collect();
    if tables.is_empty() {
        return ServiceError::Forbidden { right, at: None };
    }
    ServiceError::ChooseTable { tables }
}

/// Those names which are closest to the one given, and close enough to have been meant.
pub(super) fn nearest(given: &str, existing: impl IntoIterator<Item = String>) -> Vec<String> {
    let close = existing
        .into_iter()
        .filter_map(|name| Some((distance(given, &name)?, name)))
        .collect();
    closest(close)
}

/// The entry that was most likely meant by a new name. Stricter than [`nearest`], where a refused
/// name needs a hint: here nothing was wrong, and a needless question is in the way.
pub(super) fn slip_of<'a>(given: &str, existing: &'a [EntryName]) -> Option<&'a EntryName> {
    let given = plain(given);
    let close = existing
        .iter()
        .filter_map(|entry| Some((slip(&given, &plain(&entry.name))?, entry)));
    close
        .min_by(|(one, a), (other, b)| (one, &a.name).cmp(&(other, &b.name)))
        .map(|(_, entry)| entry)
}

/// How far a plain name is from another, if it can be that one mistyped or left unfinished. Names
/// that differ in their numbers are meant to differ.
fn slip(given: &str, name: &str) -> Option<usize> {
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    if digits(given) != digits(name) {
        return None;
    }
    let (short, long) = if given.len() <= name.len() {
        (given, name)
    } else {
        (name, given)
    };
    // A first or a last name alone.
    let is_part = short.chars().count() >= 3
        && (long.starts_with(&format!("{short} ")) || long.ends_with(&format!(" {short}")));
    let distance = strsim::osa_distance(given, name);
    let tolerance = (given.chars().count() / 4).max(1);
    (distance <= tolerance || is_part).then_some(distance)
}

/// Addresses of tables whose address or bare name is close to the one given.
fn nearest_tables(given: &str, existing: &[Table]) -> Vec<String> {
    let close = existing
        .iter()
        .filter_map(|table| {
            let distances = [
                distance(given, &table.address()),
                distance(given, &table.name),
            ];
            Some((distances.into_iter().flatten().min()?, table.address()))
        })
        .collect();
    closest(close)
}

fn closest(mut close: Vec<(usize, String)>) -> Vec<String> {
    close.sort();
    close.dedup();
    close
        .into_iter()
        .take(NEAR_NAMES)
        .map(|(_, name)| name)
        .collect()
}

/// How far a name is from the one given, if it is close enough to have been meant. Diacritics do
/// not count: they are what is left out most often.
fn distance(given: &str, name: &str) -> Option<usize> {
    let (given, name) = (plain(given), plain(name));
    let distance = strsim::osa_distance(&given, &name);
    let tolerance = 1 + given.chars().count() / 3;
    (distance <= tolerance || name.contains(&given) || given.contains(&name)).then_some(distance)
}

/// Folded and without diacritics.
fn plain(name: &str) -> String {
    fold(name)
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::EntryId;

    #[test]
    fn a_slip_of_the_pen_is_told_from_another_name() {
        let meant = |given: &str, existing: &[&str]| {
            let entry = |name: &&str| EntryName {
                id: EntryId(Uuid::nil()),
                name: (*name).to_owned(),
            };
            let existing: Vec<_> = existing.iter().map(entry).collect();
            slip_of(given, &existing).map(|entry| entry.name.clone())
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(meant("Stefan", &["Ana", "Ștefan"]), some("Ștefan"));
        assert_eq!(
            meant("Andrei Popesc", &["Andrei Popescu", "Ion"]),
            some("Andrei Popescu")
        );
        assert_eq!(meant("Anna Pop", &["Ana Pop", "Anna"]), some("Ana Pop"));
        assert_eq!(
            meant("Popescu", &["Andrei Popescu"]),
            some("Andrei Popescu")
        );
        assert_eq!(meant("Maria Enache", &["Maria"]), some("Maria"));
        for (given, other) in [
            ("Test Data 2", "Test Data 1"),
            ("Ana", "Dan"),
            ("Ion", "Ana"),
            ("Mariana", "Maria"),
            ("Al", "Al Pacino"),
        ] {
            assert_eq!(meant(given, &[other]), None, "{given} {other}");
        }
    }
}
