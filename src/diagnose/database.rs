//! The database: whether it can be reached, is safe, and is as the program needs it.

use super::{Finding, listed};
use crate::i18n::{Key, Message, keys};
use crate::service::diagnose::{Content, Encryption, Facts, Schema, There, Unreached, Why};

/// The oldest server that is still maintained: its major version.
const OLDEST: i32 = 14;

/// What was found at an address, which is shown without its password.
#[must_use]
pub fn findings(looked: &Result<Facts, Unreached>, address: &str) -> Vec<Finding> {
    let facts = match looked {
        Ok(facts) => facts,
        Err(unreached) => return vec![self::unreached(unreached, address)],
    };
    let reached = Message::new(keys::DIAGNOSE_REACHED).with("address", address);
    let mut findings = vec![
        Finding::ok("database.reachable", reached),
        version(facts.version),
        encryption(facts.encryption),
        takes_changes(facts.takes_changes),
        session(facts.content.is_some()),
    ];
    findings.extend(facts.content.iter().flat_map(content));
    findings
}

fn unreached(unreached: &Unreached, address: &str) -> Finding {
    let message = Message::new(keys::DIAGNOSE_UNREACHED)
        .with("address", address)
        .with("words", unreached.words.as_str());
    let remedy = match unreached.why {
        Why::Address => keys::DIAGNOSE_WHY_ADDRESS,
        Why::Refused => keys::DIAGNOSE_WHY_REFUSED,
        Why::Host => keys::DIAGNOSE_WHY_HOST,
        Why::Silent => keys::DIAGNOSE_WHY_SILENT,
        Why::Tls => keys::DIAGNOSE_WHY_TLS,
        Why::Password => keys::DIAGNOSE_WHY_PASSWORD,
        Why::Database => keys::DIAGNOSE_WHY_DATABASE,
        Why::Full => keys::DIAGNOSE_WHY_FULL,
        Why::Starting => keys::DIAGNOSE_WHY_STARTING,
        Why::Other => keys::DIAGNOSE_WHY_OTHER,
    };
    Finding::failed("database.reachable", message, remedy)
}

fn version(number: i32) -> Finding {
    let major = number / 10_000;
    let message = Message::new(keys::DIAGNOSE_VERSION).with("version", major.to_string());
    if major < OLDEST {
        let remedy = Message::new(keys::DIAGNOSE_VERSION_REMEDY).with("oldest", OLDEST.to_string());
        return Finding::failed("database.version", message, remedy);
    }
    Finding::ok("database.version", message)
}

fn encryption(encryption: Encryption) -> Finding {
    let id = "database.tls";
    match encryption {
        Encryption::Local => Finding::ok(id, keys::DIAGNOSE_TLS_LOCAL),
        Encryption::Verified => Finding::ok(id, keys::DIAGNOSE_TLS_VERIFIED),
        Encryption::Unverified => {
            Finding::warning(id, keys::DIAGNOSE_TLS_UNVERIFIED, keys::DIAGNOSE_TLS_REMEDY)
        }
        Encryption::None => {
            Finding::warning(id, keys::DIAGNOSE_TLS_NONE, keys::DIAGNOSE_TLS_REMEDY)
        }
    }
}

fn takes_changes(takes: bool) -> Finding {
    either(
        "database.writable",
        takes,
        keys::DIAGNOSE_WRITABLE,
        (keys::DIAGNOSE_READ_ONLY, keys::DIAGNOSE_READ_ONLY_REMEDY),
    )
}

fn session(is_kept: bool) -> Finding {
    either(
        "database.session",
        is_kept,
        keys::DIAGNOSE_SESSION,
        (keys::DIAGNOSE_POOLED, keys::DIAGNOSE_POOLED_REMEDY),
    )
}

/// All is well, or it is a failure.
fn either(id: &'static str, is_well: bool, well: Key, (ill, remedy): (Key, Key)) -> Finding {
    if is_well {
        Finding::ok(id, well)
    } else {
        Finding::failed(id, ill, remedy)
    }
}

fn content(content: &Content) -> Vec<Finding> {
    let mut findings = match &content.schema {
        Ok(Schema::There(there)) => schema(there),
        Ok(Schema::Missing) => vec![Finding::failed(
            "database.schema",
            keys::DIAGNOSE_SCHEMA_MISSING,
            keys::DIAGNOSE_MIGRATE,
        )],
        Err(words) => vec![Finding::failed(
            "database.schema",
            Message::new(keys::DIAGNOSE_SCHEMA_CLOSED).with("words", words.as_str()),
            keys::DIAGNOSE_SCHEMA_CLOSED_REMEDY,
        )],
    };
    findings.push(notified(&content.heard));
    let (room, need) = (content.room.max(0), content.need);
    let message = Message::new(keys::DIAGNOSE_ROOM)
        .with("count", room)
        .with("need", need);
    findings.push(if room < need {
        Finding::warning("database.connections", message, keys::DIAGNOSE_ROOM_REMEDY)
    } else {
        Finding::ok("database.connections", message)
    });
    findings
}

fn notified(heard: &Result<bool, String>) -> Finding {
    let id = "database.notify";
    match heard {
        Ok(true) => Finding::ok(id, keys::DIAGNOSE_NOTIFY),
        Ok(false) => Finding::warning(id, keys::DIAGNOSE_NOTIFY_LOST, keys::DIAGNOSE_NOTIFY_REMEDY),
        Err(words) => Finding::warning(
            id,
            Message::new(keys::DIAGNOSE_NOTIFY_UNTRIED).with("words", words.as_str()),
            keys::DIAGNOSE_NOTIFY_UNTRIED_REMEDY,
        ),
    }
}

fn schema(there: &There) -> Vec<Finding> {
    vec![
        migrations(there),
        either(
            "database.role",
            there.role,
            keys::DIAGNOSE_ROLE,
            (keys::DIAGNOSE_ROLE_CLOSED, keys::DIAGNOSE_ROLE_REMEDY),
        ),
        rights(there),
        row_security(there),
        none_of(
            "database.exposure",
            &there.exposed,
            keys::DIAGNOSE_UNEXPOSED,
            (keys::DIAGNOSE_EXPOSED, keys::DIAGNOSE_EXPOSED_REMEDY),
        ),
        none_of(
            "database.history",
            &there.unguarded,
            keys::DIAGNOSE_GUARDED,
            (keys::DIAGNOSE_UNGUARDED, keys::DIAGNOSE_UNGUARDED_REMEDY),
        ),
        none_of(
            "database.triggers",
            &there.silent,
            keys::DIAGNOSE_TRIGGERS,
            (
                keys::DIAGNOSE_TRIGGERS_MISSING,
                keys::DIAGNOSE_TRIGGERS_REMEDY,
            ),
        ),
    ]
}

/// Others see no row, and the bot sees those that it may.
fn row_security(there: &There) -> Finding {
    let id = "database.row_security";
    let closed = (
        keys::DIAGNOSE_ROWS_CLOSED,
        keys::DIAGNOSE_ROWS_CLOSED_REMEDY,
    );
    let open = (keys::DIAGNOSE_ROWS_OPEN, keys::DIAGNOSE_ROWS_REMEDY);
    let (names, told) = if there.open.is_empty() {
        (&there.withheld, closed)
    } else {
        (&there.open, open)
    };
    none_of(id, names, keys::DIAGNOSE_ROWS, told)
}

/// All is well where there are none of these.
fn none_of(id: &'static str, names: &[String], none: Key, (some, remedy): (Key, Key)) -> Finding {
    if names.is_empty() {
        return Finding::ok(id, none);
    }
    Finding::failed(id, Message::new(some).with("names", listed(names)), remedy)
}

fn migrations(there: &There) -> Finding {
    let id = "database.schema";
    let of = |key: Key, versions: &[i64]| {
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        Message::new(key).with("names", listed(&versions))
    };
    let There {
        pending,
        unknown,
        broken,
        ..
    } = there;
    if !broken.is_empty() {
        let message = of(keys::DIAGNOSE_SCHEMA_BROKEN, broken);
        return Finding::failed(id, message, keys::DIAGNOSE_SCHEMA_BROKEN_REMEDY);
    }
    if !pending.is_empty() {
        let message = of(keys::DIAGNOSE_SCHEMA_PENDING, pending);
        return Finding::warning(id, message, keys::DIAGNOSE_MIGRATE);
    }
    if !unknown.is_empty() {
        let message = of(keys::DIAGNOSE_SCHEMA_NEWER, unknown);
        return Finding::warning(id, message, keys::DIAGNOSE_SCHEMA_NEWER_REMEDY);
    }
    Finding::ok(id, keys::DIAGNOSE_SCHEMA)
}

fn rights(there: &There) -> Finding {
    let id = "database.rights";
    if !there.lacking.is_empty() {
        let message = Message::new(keys::DIAGNOSE_RIGHTS_LACKING);
        let message = message.with("names", listed(&there.lacking));
        return Finding::failed(id, message, keys::DIAGNOSE_RIGHTS_LACKING_REMEDY);
    }
    if !there.surplus.is_empty() {
        let message = Message::new(keys::DIAGNOSE_RIGHTS_SURPLUS);
        let message = message.with("names", listed(&there.surplus));
        return Finding::warning(id, message, keys::DIAGNOSE_RIGHTS_SURPLUS_REMEDY);
    }
    Finding::ok(id, keys::DIAGNOSE_RIGHTS)
}
