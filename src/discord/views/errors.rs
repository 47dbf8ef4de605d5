//! What went wrong, in the caller's language: what it was, that nothing was changed, what to do.

use chrono::{DateTime, Utc};

use super::access::grantee;
use super::words::{self, mention, moment, person};
use super::{CONTENT, fitted, listed, shown};
use crate::discord::reply::Reply;
use crate::domain::access::{Grantee, Right};
use crate::domain::activity::MAX_ACTIVITIES;
use crate::domain::field::{ExtraField, MAX_FIELDS, MAX_VALUE_CHARS, Unfit};
use crate::domain::ids::{RoleId, Seq, UserId};
use crate::domain::period::Every;
use crate::domain::rank_role::UnfitRole;
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;
use crate::service::ServiceError;
use crate::service::error::UnknownName;

/// How many of those who can give a right are named.
const GIVERS: usize = 5;

/// What the caller gave can't be used.
#[must_use]
pub fn told(message: &Message, locale: Locale) -> Reply {
    refused(vec![locale.text(message)], locale)
}

/// The database can't be reached.
#[must_use]
pub fn unreachable(locale: Locale) -> Reply {
    refused(vec![locale.text(&keys::ERROR_UNREACHABLE.into())], locale)
}

/// A bug: a reference that is in the log, and nothing else.
#[must_use]
pub fn internal(reference: &str, locale: Locale) -> Reply {
    Reply::text(locale.text(&Message::new(keys::ERROR_INTERNAL).with("reference", reference)))
}

/// Whether it was done is not known.
#[must_use]
pub fn outcome_unknown(reference: &str, locale: Locale) -> Reply {
    Reply::text(
        locale.text(&Message::new(keys::ERROR_OUTCOME_UNKNOWN).with("reference", reference)),
    )
}

/// Nobody in the guild has that id.
#[must_use]
pub fn nobody(member: UserId) -> Message {
    about_member(keys::ERROR_NO_MEMBER, member)
}

/// Discord did not say who that is.
#[must_use]
pub fn unknown_member(member: UserId) -> Message {
    about_member(keys::ERROR_MEMBER_UNKNOWN, member)
}

fn about_member(key: Key, member: UserId) -> Message {
    Message::new(key)
        .with("member", format!("<@{member}>"))
        .with("id", member.to_string())
}

/// What a use case refused.
#[must_use]
pub fn service(error: &ServiceError, locale: Locale) -> Reply {
    if let ServiceError::UnknownNames { table, names } = error {
        let head = Message::new(keys::ERROR_UNKNOWN_NAMES).with("table", shown(table));
        let mut lines = vec![locale.text(&head)];
        lines.extend(names.iter().map(|name| unknown_name(name, locale)));
        lines.push(locale.text(&keys::HINT_UNKNOWN_NAMES.into()));
        return refused(lines, locale);
    }
    refused(vec![locale.text(&message(error, locale))], locale)
}

/// Lines, and that nothing was changed.
fn refused(mut lines: Vec<String>, locale: Locale) -> Reply {
    let nothing_changed = locale.text(&keys::NOTHING_CHANGED.into());
    let hint = if lines.len() > 1 { lines.pop() } else { None };
    let end = [String::new()]
        .into_iter()
        .chain(hint)
        .chain([nothing_changed])
        .collect::<Vec<_>>()
        .join("\n");
    let room = CONTENT.saturating_sub(crate::render::length(&end));
    Reply::text(fitted(&lines, room, locale) + &end)
}

fn unknown_name(name: &UnknownName, locale: Locale) -> String {
    let given = shown(&name.name);
    let message = if name.near.is_empty() {
        Message::new(keys::LINE_UNKNOWN_NAME)
    } else {
        Message::new(keys::LINE_UNKNOWN_NAME_NEAR).with("near", listed(&name.near))
    };
    locale.text(&message.with("name", given))
}

fn unlinked(member: UserId, table: &str, near: &[String], locale: Locale) -> Message {
    let message = if near.is_empty() {
        Message::new(keys::ERROR_MEMBER_UNLINKED)
    } else {
        Message::new(keys::ERROR_MEMBER_UNLINKED_NEAR).with("near", listed(near))
    };
    message
        .with("member", person(Some(member), locale))
        .with("table", shown(table))
}

fn message(error: &ServiceError, locale: Locale) -> Message {
    match error {
        ServiceError::Forbidden { right, .. } => forbidden(*right, &[], locale),
        ServiceError::AlreadyGranted
        | ServiceError::NotGranted { .. }
        | ServiceError::OfGuild { .. }
        | ServiceError::NotHeld { .. }
        | ServiceError::OwnRights
        | ServiceError::RankedRole { .. }
        | ServiceError::UnknownScope { .. } => about_rights(error),
        ServiceError::UnknownActivity { .. }
        | ServiceError::UnfitQuantity { .. }
        | ServiceError::TooManyActivities
        | ServiceError::ActivityExists { .. } => about_activities(error),
        ServiceError::NoTables => keys::ERROR_NO_TABLES.into(),
        ServiceError::ChooseTable { .. } => keys::CHOOSE_TABLE.into(),
        ServiceError::UnknownTable { table, near } => unknown_table(table, near),
        ServiceError::AmbiguousTable { table, tables } => ambiguous_table(table, tables),
        ServiceError::TableExists { table } => {
            Message::new(keys::ERROR_TABLE_EXISTS).with("table", shown(table))
        }
        ServiceError::UnknownNames { table, .. } => {
            Message::new(keys::ERROR_UNKNOWN_NAMES).with("table", shown(table))
        }
        ServiceError::NameTaken { name, table } => Message::new(keys::ERROR_NAME_TAKEN)
            .with("name", shown(name))
            .with("table", shown(table)),
        ServiceError::MemberTaken { name } => {
            Message::new(keys::ERROR_MEMBER_TAKEN).with("name", shown(name))
        }
        ServiceError::MemberUnlinked {
            member,
            table,
            near,
            ..
        } => unlinked(*member, table, near, locale),
        ServiceError::MayNotLink {
            name,
            member,
            table,
        } => Message::new(keys::ERROR_MAY_NOT_LINK)
            .with("name", shown(name))
            .with("member", person(Some(*member), locale))
            .with("table", shown(table)),
        ServiceError::LinksOffered { table, links, .. } => super::offer::head(table, links),
        ServiceError::LinkOutdated { name } => {
            Message::new(keys::ERROR_LINK_OUTDATED).with("name", shown(name))
        }
        ServiceError::MergeOutdated { name } => {
            Message::new(keys::ERROR_MERGE_OUTDATED).with("name", shown(name))
        }
        // Whoever gives points introduces them first.
        ServiceError::Strangers { members } => {
            nobody(members.first().copied().unwrap_or(UserId::from_db(0)))
        }
        ServiceError::UnknownRank { rank, table } => Message::new(keys::ERROR_UNKNOWN_RANK)
            .with("rank", shown(rank))
            .with("table", shown(table)),
        ServiceError::BelowFloor { value, floor } => below_floor(*value, *floor),
        ServiceError::UnknownEvent { event } => of_event(keys::ERROR_UNKNOWN_EVENT, *event),
        ServiceError::UnreadableEvent { event } => of_event(keys::ERROR_UNREADABLE_EVENT, *event),
        ServiceError::NotYours { event } => of_event(keys::ERROR_NOT_YOURS, *event),
        ServiceError::NotYourValue { event } => of_event(keys::ERROR_NOT_YOUR_VALUE, *event),
        ServiceError::RestoreGone { name } => {
            Message::new(keys::ERROR_RESTORE_GONE).with("name", shown(name))
        }
        ServiceError::AlreadyUndone { event, by } => Message::new(keys::ERROR_ALREADY_UNDONE)
            .with("event", event.to_string())
            .with("by", by.to_string()),
        ServiceError::NotUndoable { event } => of_event(keys::ERROR_NOT_UNDOABLE, *event),
        ServiceError::NothingToUndo => keys::ERROR_NOTHING_TO_UNDO.into(),
        ServiceError::ChangedSince { event, .. } => of_event(keys::UNDO_ASKS, *event),
        ServiceError::UnknownDevice { device } => {
            Message::new(keys::ERROR_UNKNOWN_DEVICE).with("device", shown(device))
        }
        ServiceError::TableGone => keys::ERROR_TABLE_GONE.into(),
        ServiceError::TableNotYet { table, at, since } => not_yet(table, *at, *since),
        ServiceError::TableDeletedThen { table, at } => deleted_then(table, *at),
        ServiceError::HistoryBroken { event } => of_event(keys::ERROR_HISTORY_BROKEN, *event),
        ServiceError::PanelEnded => keys::ERROR_PANEL_ENDED.into(),
        ServiceError::UnknownSession { .. }
        | ServiceError::SessionOver { .. }
        | ServiceError::AmbiguousSession { .. } => about_session(error),
        ServiceError::PeriodMoved { .. }
        | ServiceError::UnknownPeriod { .. }
        | ServiceError::NotLastPeriod { .. }
        | ServiceError::NothingProposed { .. }
        | ServiceError::NoSchedule { .. }
        | ServiceError::NoSuchDay { .. } => about_period(error),
        ServiceError::Busy => keys::ERROR_BUSY.into(),
        ServiceError::DraftGone => keys::ERROR_DRAFT_GONE.into(),
        ServiceError::UnknownField { .. }
        | ServiceError::FieldExists { .. }
        | ServiceError::TooManyFields
        | ServiceError::UnfitValue { .. }
        | ServiceError::UnfitRole { .. }
        | ServiceError::BelowNewFloor { .. }
        | ServiceError::NoBoard { .. }
        | ServiceError::NotDeleted { .. } => structure(error),
        ServiceError::NotKnown { known } => not_known(known),
        // The error edge tells these apart before it comes here.
        ServiceError::OutcomeUnknown | ServiceError::Store(_) => keys::ERROR_UNREACHABLE.into(),
    }
}

fn not_known(known: &[String]) -> Message {
    if known.is_empty() {
        return keys::ERROR_NONE_KNOWN.into();
    }
    Message::new(keys::ERROR_NOT_KNOWN).with("known", listed(known))
}

fn of_event(key: Key, event: Seq) -> Message {
    Message::new(key).with("event", event.to_string())
}

fn ambiguous_table(table: &str, tables: &[String]) -> Message {
    let tables: Vec<&String> = tables.iter().take(5).collect();
    Message::new(keys::ERROR_AMBIGUOUS_TABLE)
        .with("table", shown(table))
        .with("tables", listed(&tables))
}

/// Which session is not one that can be meant.
/// A right is missing, and these can give it, beside the members with *Manage Server*. Everybody is
/// none of them: what everybody can give, nobody lacks.
#[must_use]
pub fn forbidden(right: Right, givers: &[Grantee], locale: Locale) -> Message {
    let message = if givers.is_empty() {
        Message::new(keys::ERROR_FORBIDDEN)
    } else {
        let givers = givers.iter().take(GIVERS);
        let givers = givers.map(|who| grantee(*who, None, locale));
        let givers = givers.collect::<Vec<_>>().join(", ");
        Message::new(keys::ERROR_FORBIDDEN_GIVERS).with("givers", givers)
    };
    message.with("right", right.code())
}

fn about_activities(error: &ServiceError) -> Message {
    match error {
        ServiceError::UnknownActivity {
            activity,
            table,
            known,
        } => unknown_activity(activity, table, known),
        ServiceError::UnfitQuantity {
            activity,
            quantity,
            least,
        } => Message::new(keys::ERROR_UNFIT_QUANTITY)
            .with("activity", shown(activity))
            .with("quantity", *quantity)
            .with("least", *least),
        ServiceError::ActivityExists { activity } => {
            Message::new(keys::ERROR_ACTIVITY_EXISTS).with("activity", shown(activity))
        }
        _ => Message::new(keys::ERROR_TOO_MANY_ACTIVITIES).with("limit", MAX_ACTIVITIES),
    }
}

fn unknown_activity(activity: &str, table: &str, known: &[String]) -> Message {
    let message = if known.is_empty() {
        Message::new(keys::ERROR_NO_ACTIVITIES)
    } else {
        Message::new(keys::ERROR_UNKNOWN_ACTIVITY).with("known", listed(known))
    };
    message
        .with("activity", shown(activity))
        .with("table", shown(table))
}

fn about_rights(error: &ServiceError) -> Message {
    match error {
        ServiceError::NotGranted { granted } => {
            Message::new(keys::ERROR_NOT_GRANTED).with("right", granted.as_str())
        }
        ServiceError::OfGuild { right } => {
            Message::new(keys::ERROR_OF_GUILD).with("right", right.code())
        }
        ServiceError::NotHeld { right } => {
            Message::new(keys::ERROR_NOT_HELD).with("right", right.code())
        }
        ServiceError::RankedRole { role, rank, table } => Message::new(keys::ERROR_RANKED_ROLE)
            .with("role", mention(*role))
            .with("rank", shown(rank))
            .with("table", shown(table)),
        ServiceError::UnknownScope { scope } => {
            Message::new(keys::ERROR_UNKNOWN_SCOPE).with("scope", shown(scope))
        }
        ServiceError::AlreadyGranted => keys::ERROR_ALREADY_GRANTED.into(),
        _ => keys::ERROR_OWN_RIGHTS.into(),
    }
}

fn about_session(error: &ServiceError) -> Message {
    match error {
        ServiceError::UnknownSession { session } if session.is_empty() => {
            keys::ERROR_NO_OTHER_SESSIONS.into()
        }
        ServiceError::UnknownSession { session } => {
            Message::new(keys::ERROR_UNKNOWN_SESSION).with("session", shown(session))
        }
        ServiceError::SessionOver { session } => {
            Message::new(keys::ERROR_SESSION_OVER).with("session", shown(session))
        }
        ServiceError::AmbiguousSession { session, ids } => ambiguous_session(session, ids),
        _ => keys::ERROR_NO_SESSION.into(),
    }
}

/// What is wrong with periods and schedules.
fn about_period(error: &ServiceError) -> Message {
    let of = |key, table: &str, period: i32| {
        Message::new(key)
            .with("table", shown(table))
            .with("period", period.to_string())
    };
    match error {
        ServiceError::PeriodMoved {
            table,
            period,
            open,
        } => of(keys::ERROR_PERIOD_MOVED, table, *period).with("open", open.to_string()),
        ServiceError::UnknownPeriod {
            table,
            period: Some(period),
            last: Some(last),
        } => of(keys::ERROR_UNKNOWN_PERIOD, table, *period).with("last", last.to_string()),
        ServiceError::UnknownPeriod { table, .. } => {
            Message::new(keys::ERROR_NO_PERIODS).with("table", shown(table))
        }
        ServiceError::NotLastPeriod {
            table,
            period,
            last,
        } => of(keys::ERROR_NOT_LAST_PERIOD, table, *period)
            .with("last", last.unwrap_or_default().to_string()),
        ServiceError::NothingProposed { table, period } => {
            of(keys::ERROR_NOTHING_PROPOSED, table, *period)
        }
        ServiceError::NoSchedule { table } => {
            Message::new(keys::ERROR_NO_SCHEDULE).with("table", shown(table))
        }
        ServiceError::NoSuchDay { every, .. } => Message::new(match every {
            Every::Week => keys::ERROR_NO_SUCH_WEEKDAY,
            Every::Month => keys::ERROR_NO_SUCH_DAY,
        }),
        _ => keys::ERROR_OPTION.into(),
    }
}

fn unknown_table(table: &str, near: &[String]) -> Message {
    let message = if near.is_empty() {
        Message::new(keys::ERROR_UNKNOWN_TABLE)
    } else {
        Message::new(keys::ERROR_UNKNOWN_TABLE_NEAR).with("near", listed(near))
    };
    message.with("table", shown(table))
}

fn below_floor(value: i64, floor: i64) -> Message {
    Message::new(keys::ERROR_BELOW_FLOOR)
        .with("value", value)
        .with("floor", floor)
}

fn deleted_then(table: &str, at: DateTime<Utc>) -> Message {
    Message::new(keys::ERROR_TABLE_DELETED_THEN)
        .with("table", shown(table))
        .with("at", moment(at))
}

fn not_yet(table: &str, at: DateTime<Utc>, since: Option<DateTime<Utc>>) -> Message {
    let message = match since {
        Some(since) => Message::new(keys::ERROR_TABLE_NOT_YET_SINCE).with("since", moment(since)),
        None => Message::new(keys::ERROR_TABLE_NOT_YET),
    };
    message.with("table", shown(table)).with("at", moment(at))
}

fn ambiguous_session(session: &str, ids: &[String]) -> Message {
    let ids: Vec<String> = ids.iter().take(10).map(|id| format!("`{id}`")).collect();
    Message::new(keys::ERROR_AMBIGUOUS_SESSION)
        .with("session", shown(session))
        .with("ids", ids.join(", "))
}

/// What is wrong with tables and their extra fields.
fn structure(error: &ServiceError) -> Message {
    match error {
        ServiceError::UnknownField { field, known } => {
            let known: Vec<&String> = known.iter().take(20).collect();
            Message::new(keys::ERROR_UNKNOWN_FIELD)
                .with("field", shown(field))
                .with("known", listed(&known))
                .with("count", known.len())
        }
        ServiceError::FieldExists { field } => {
            Message::new(keys::ERROR_FIELD_EXISTS).with("field", shown(field))
        }
        ServiceError::TooManyFields => {
            Message::new(keys::ERROR_TOO_MANY_FIELDS).with("limit", MAX_FIELDS)
        }
        ServiceError::UnfitValue { field, value, why } => unfit(field, value, *why),
        ServiceError::UnfitRole { role, why } => unfit_role(*role, why),
        ServiceError::BelowNewFloor { floor, entries } => Message::new(keys::ERROR_BELOW_NEW_FLOOR)
            .with("floor", *floor)
            .with("count", *entries),
        ServiceError::NoBoard { table } => {
            Message::new(keys::ERROR_NO_BOARD).with("table", shown(table))
        }
        ServiceError::NotDeleted { table } => {
            Message::new(keys::ERROR_NOT_DELETED).with("table", shown(table))
        }
        _ => keys::ERROR_OPTION.into(),
    }
}

/// Why a role can't go with a rank, and what to do.
#[must_use]
pub fn unfit_role(role: RoleId, why: &UnfitRole) -> Message {
    let message = match why {
        UnfitRole::Missing => keys::ERROR_ROLE_MISSING.into(),
        UnfitRole::Everyones => keys::ERROR_ROLE_EVERYONES.into(),
        UnfitRole::Managed => keys::ERROR_ROLE_MANAGED.into(),
        UnfitRole::TooHigh => keys::ERROR_ROLE_TOO_HIGH.into(),
        UnfitRole::MayNotManage => keys::ERROR_ROLE_MAY_NOT.into(),
        UnfitRole::Powerful(power) => {
            Message::new(keys::ERROR_ROLE_POWERFUL).with("permission", power.as_str())
        }
        UnfitRole::GivesRights => keys::ERROR_ROLE_RIGHTS.into(),
        UnfitRole::AboveYou => keys::ERROR_ROLE_ABOVE_YOU.into(),
        UnfitRole::Refused(problem) => {
            Message::new(keys::ERROR_ROLE_REFUSED).with("problem", shown(problem))
        }
    };
    message.with("role", mention(role))
}

fn unfit(field: &ExtraField, value: &str, why: Unfit) -> Message {
    let message = match why {
        Unfit::TooLong(chars) => Message::new(keys::ERROR_VALUE_LONG)
            .with("chars", words::characters(chars))
            .with("limit", MAX_VALUE_CHARS),
        Unfit::Number => keys::ERROR_VALUE_NUMBER.into(),
        Unfit::Date => keys::ERROR_VALUE_DATE.into(),
        Unfit::Pattern => Message::new(keys::ERROR_VALUE_PATTERN).with(
            "pattern",
            render::code_safe(field.pattern.as_deref().unwrap_or_default()),
        ),
    };
    message
        .with("field", shown(&field.name))
        .with("value", shown(value))
}
