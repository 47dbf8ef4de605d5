//! What could have been meant: tables and names close to one that does not exist.

use sqlx::PgConnection;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::domain::name::fold;
use crate::domain::table::Table;
use crate::store::tables;

use super::error::TableChoice;
use super::{Request, ServiceError};

/// Similar names offered for an unknown one.
const NEAR_NAMES: usize = 3;

/// Tells why there is no table to work on.
pub(super) async fn no_table(
    conn: &mut PgConnection,
    request: &Request,
    address: Option<String>,
    candidates: Vec<String>,
) -> ServiceError {
    let live = match tables::list(conn, request.guild, request.standing.sees_private()).await {
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
        None => ServiceError::ChooseTable {
            tables: live
                .iter()
                .take(25)
                .map(|row| TableChoice {
                    id: row.id,
                    address: row.address(),
                })
                .collect(),
        },
    }
}

/// Those names which are closest to the one given, and close enough to have been meant.
pub(super) fn nearest(given: &str, existing: impl IntoIterator<Item = String>) -> Vec<String> {
    let close = existing
        .into_iter()
        .filter_map(|name| Some((distance(given, &name)?, name)))
        .collect();
    closest(close)
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
