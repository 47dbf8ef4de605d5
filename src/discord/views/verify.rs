//! What verifying the history found.

use super::words::field;
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::i18n::{Locale, Message, keys};
use crate::service::verify::{Problem, Progress, Thing, VerifyReport};

/// All agree, with the head; or the first thing that does not.
#[must_use]
pub fn report(report: &VerifyReport, locale: Locale) -> Reply {
    let seq = report.head_seq.to_string();
    let (title, first) = match &report.problem {
        None => (
            keys::VERIFY_OK,
            Message::new(keys::VERIFY_OK_LINE).with("count", report.events),
        ),
        Some(found) => (keys::VERIFY_PROBLEM, problem(found, locale)),
    };
    let head = Message::new(keys::VERIFY_HEAD)
        .with("event", seq)
        .with("hash", report.head_hash.as_str());
    let compare = Message::new(keys::VERIFY_COMPARE);
    let lines = [first, head, compare].map(|message| locale.text(&message));
    Reply::card(card(&locale.text(&title.into()), &lines, None, locale))
}

/// How far it is.
#[must_use]
pub fn progress(progress: Progress, locale: Locale) -> Reply {
    let message = Message::new(keys::VERIFY_PROGRESS)
        .with("events", progress.events)
        .with("count", progress.of);
    Reply::text(locale.text(&message))
}

fn problem(problem: &Problem, locale: Locale) -> Message {
    match problem {
        Problem::BeforeFirst(seq) => {
            Message::new(keys::VERIFY_BEFORE_FIRST).with("event", seq.to_string())
        }
        Problem::Missing(seq) => Message::new(keys::VERIFY_MISSING).with("event", seq.to_string()),
        Problem::Unreadable(seq) => {
            Message::new(keys::VERIFY_UNREADABLE).with("event", seq.to_string())
        }
        Problem::BrokenChain(seq) => {
            Message::new(keys::VERIFY_CHAIN).with("event", seq.to_string())
        }
        Problem::WrongHash(seq) => Message::new(keys::VERIFY_HASH).with("event", seq.to_string()),
        Problem::WrongBefore {
            seq,
            name,
            field: of,
        } => Message::new(keys::VERIFY_BEFORE)
            .with("event", seq.to_string())
            .with("name", shown(name))
            .with("field", field(of, locale)),
        Problem::WrongLedger { seq, entry } => Message::new(keys::VERIFY_LEDGER)
            .with("event", seq.to_string())
            .with("name", named(entry, locale)),
        Problem::WrongSum { entry } => {
            Message::new(keys::VERIFY_SUM).with("name", named(entry, locale))
        }
        Problem::WrongPeriod { seq, thing } => Message::new(keys::VERIFY_PERIOD)
            .with("event", seq.to_string())
            .with("name", named(thing, locale)),
        Problem::WrongHead { head } => {
            Message::new(keys::VERIFY_WRONG_HEAD).with("event", head.to_string())
        }
        Problem::WrongState {
            what,
            thing,
            field: of,
        } => Message::new(keys::VERIFY_STATE)
            .with("what", shown(what))
            .with("name", named(thing, locale))
            .with("field", field(of, locale)),
    }
}

/// A thing, with the table that it is in.
fn named(thing: &Thing, locale: Locale) -> String {
    let name = shown(&thing.name);
    let message = match &thing.table {
        Some(table) => Message::new(keys::VERIFY_THING_IN).with("table", shown(table)),
        None => Message::new(keys::VERIFY_THING),
    };
    locale.text(&message.with("name", name))
}
