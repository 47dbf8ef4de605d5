//! Who may do what, and why.

use super::words::{mention, person};
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::domain::access::{Bundle, Granted, Grantee, Place, Right, Scope, Why};
use crate::domain::event::Change;
use crate::domain::ids::GuildId;
use crate::i18n::{Locale, Message, keys};
use crate::service::access::{Explained, Listed};

/// What was granted.
#[must_use]
pub fn list(listed: &[Listed], guild: GuildId, locale: Locale) -> Reply {
    if listed.is_empty() {
        return Reply::text(locale.text(&keys::ACCESS_LIST_NONE.into()));
    }
    let line = |listed: &Listed| {
        let line = Message::new(keys::ACCESS_LIST_LINE)
            .with("who", grantee(listed.grant.who, Some(guild), locale))
            .with("right", listed.grant.granted.as_str())
            .with("scope", scope_of(listed, locale));
        locale.text(&line)
    };
    let always = locale.text(&keys::ACCESS_LIST_ALWAYS.into());
    let lines: Vec<String> = listed.iter().map(line).chain([always]).collect();
    let title = locale.text(&keys::ACCESS_LIST_TITLE.into());
    Reply::card(card(&title, &lines, None, locale))
}

/// Why somebody may or may not do something.
#[must_use]
pub fn explain(explained: &Explained, who: Grantee, guild: GuildId, locale: Locale) -> Reply {
    let table = explained.table.as_ref();
    let place = table.map_or(Place::GUILD, Place::table);
    let scope = match table {
        Some(table) => {
            let scope = Message::new(keys::ACCESS_SCOPE_TABLE);
            locale.text(&scope.with("table", shown(&table.address())))
        }
        None => locale.text(&keys::ACCESS_SCOPE_GUILD.into()),
    };
    let title = Message::new(keys::ACCESS_EXPLAIN_TITLE).with("scope", scope);
    let who = Message::new(keys::ACCESS_EXPLAIN_WHO).with("who", grantee(who, Some(guild), locale));
    let line = |right: &Right| {
        let (key, why) = match explained.authority.why(*right, place) {
            Some(why) => (
                keys::ACCESS_EXPLAIN_YES,
                why_yes(&why, explained, guild, locale),
            ),
            None => (
                keys::ACCESS_EXPLAIN_NO,
                why_not(*right, explained, guild, locale),
            ),
        };
        let line = Message::new(key).with("right", right.code());
        locale.text(&line.with("why", why))
    };
    let lines = [locale.text(&who)]
        .into_iter()
        .chain(explained.rights.iter().map(line));
    let lines: Vec<String> = lines.collect();
    Reply::card(card(&locale.text(&title), &lines, None, locale))
}

fn why_yes(why: &Why<'_>, explained: &Explained, guild: GuildId, locale: Locale) -> String {
    match why {
        Why::ManageServer => locale.text(&keys::ACCESS_WHY_MANAGE_SERVER.into()),
        Why::Open => locale.text(&keys::ACCESS_WHY_OPEN.into()),
        Why::Grant(grant) => {
            let listed = explained.grants.iter().find(|it| it.grant == **grant);
            listed.map_or_else(String::new, |listed| {
                granted(keys::ACCESS_WHY_GRANT, listed, guild, locale)
            })
        }
    }
}

fn why_not(right: Right, explained: &Explained, guild: GuildId, locale: Locale) -> String {
    let elsewhere = explained.grants.iter();
    let mut elsewhere = elsewhere.filter(|listed| listed.grant.granted.gives(right));
    match elsewhere.next() {
        Some(listed) => granted(keys::ACCESS_WHY_ELSEWHERE, listed, guild, locale),
        None => locale.text(&keys::ACCESS_WHY_NOT.into()),
    }
}

fn granted(key: crate::i18n::Key, listed: &Listed, guild: GuildId, locale: Locale) -> String {
    let message = Message::new(key)
        .with("granted", listed.grant.granted.as_str())
        .with("who", grantee(listed.grant.who, Some(guild), locale))
        .with("scope", scope_of(listed, locale));
    locale.text(&message)
}

/// What a command that Discord hides from somebody is told of.
#[must_use]
pub fn hidden(command: &str, who: Grantee, guild: GuildId, locale: Locale) -> String {
    let message = Message::new(keys::ACCESS_HIDDEN)
        .with("command", command)
        .with("who", grantee(who, Some(guild), locale));
    locale.text(&message)
}

/// A code or bundle to choose.
#[must_use]
pub fn choice(granted: Granted, locale: Locale) -> String {
    let key = match granted {
        Granted::Right(right) => return right.code().to_owned(),
        Granted::Bundle(Bundle::Viewer) => keys::ACCESS_BUNDLE_VIEWER,
        Granted::Bundle(Bundle::Scorer) => keys::ACCESS_BUNDLE_SCORER,
        Granted::Bundle(Bundle::Manager) => keys::ACCESS_BUNDLE_MANAGER,
        Granted::Bundle(Bundle::Auditor) => keys::ACCESS_BUNDLE_AUDITOR,
        Granted::Bundle(Bundle::Admin) => keys::ACCESS_BUNDLE_ADMIN,
    };
    format!("{} — {}", granted.as_str(), locale.text(&key.into()))
}

/// A role or a member, as Discord shows them.
#[must_use]
pub fn grantee(who: Grantee, guild: Option<GuildId>, locale: Locale) -> String {
    match who {
        Grantee::Role(role) if guild.is_some_and(|guild| guild.get() == role.get()) => {
            locale.text(&keys::ACCESS_EVERYONE.into())
        }
        Grantee::Role(role) => mention(role),
        Grantee::Member(member) => person(Some(member), locale),
    }
}

/// The same, from the name that events call them by.
#[must_use]
pub fn grantee_named(who: &str) -> String {
    match Grantee::parse(who) {
        Some(Grantee::Role(role)) => mention(role),
        Some(Grantee::Member(member)) => format!("<@{member}>"),
        None => shown(who),
    }
}

/// One change of a grant, but for the name.
#[must_use]
pub fn told(change: &Change, locale: Locale) -> Message {
    let told = change.after.as_str().or_else(|| change.before.as_str());
    let told = told.unwrap_or_default();
    if change.field == "right" {
        let key = if change.after.is_null() {
            keys::LINE_REVOKED
        } else {
            keys::LINE_GRANTED
        };
        return Message::new(key).with("right", shown(told));
    }
    let scope = match Scope::parse(told) {
        Some(found) => scope(&found, None, locale),
        None => shown(told),
    };
    Message::new(keys::LINE_GRANT_SCOPE).with("scope", scope)
}

fn scope_of(listed: &Listed, locale: Locale) -> String {
    scope(&listed.grant.scope, listed.table.as_deref(), locale)
}

fn scope(scope: &Scope, table: Option<&str>, locale: Locale) -> String {
    let message = match (scope, table) {
        (Scope::Guild, _) => keys::ACCESS_SCOPE_GUILD.into(),
        (Scope::Category(category), _) => {
            Message::new(keys::ACCESS_SCOPE_CATEGORY).with("category", shown(category))
        }
        (Scope::Table(_), Some(table)) => {
            Message::new(keys::ACCESS_SCOPE_TABLE).with("table", shown(table))
        }
        (Scope::Table(_), None) => keys::ACCESS_SCOPE_TABLE_UNKNOWN.into(),
    };
    locale.text(&message)
}
