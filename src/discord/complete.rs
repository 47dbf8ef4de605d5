//! Autocomplete: one service call each, without side effects. What goes wrong offers nothing.

use std::collections::HashSet;
use std::sync::Arc;

use serenity::builder::{AutocompleteChoice, CreateAutocompleteResponse};
use serenity::model::application::ResolvedValue;

use super::commands::{self, ALL_OTHERS};
use super::context::{Call, Ctx};
use super::errors::{self, Failure};
use super::views::{self, words};
use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::guild::DEFAULT_TIMEZONE;
use crate::domain::name::{Name, NameList, NameOrMember, TableAddress, fold, quote_if_needed};
use crate::domain::table::Table;
use crate::i18n::keys;
use crate::metrics::Outcome;
use crate::render;

/// Discord's limit for a choice's name and value.
const MAX_CHARS: usize = 100;

/// Discord's limit for choices.
const MAX_CHOICES: usize = 25;

type Choices = Result<Vec<AutocompleteChoice>, Failure>;

/// The last name of a list of names.
pub async fn names(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let (head, last) = NameList::last_part(partial);
    let call = asking(ctx);
    let found = entries(ctx, &call, &NameList::search_text(last)).await;
    offered(&call, found.map(|names| list_choices(head, &names)))
}

/// One name.
pub async fn name(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = entries(ctx, &call, partial).await;
    offered(&call, found.map(themselves))
}

/// A table's address.
pub async fn table(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let request = match call.request(None) {
        Ok(request) => request,
        Err(failure) => return offered(&call, Err(failure)),
    };
    let rights = rights_here(ctx);
    let found = call
        .services
        .complete_tables(&request, rights, partial)
        .await;
    offered(&call, found.map(themselves).map_err(Failure::from))
}

/// The address of a deleted table.
pub async fn deleted_table(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let request = match call.request(None) {
        Ok(request) => request,
        Err(failure) => return offered(&call, Err(failure)),
    };
    let found = call
        .services
        .complete_deleted_tables(&request, partial)
        .await;
    offered(&call, found.map(themselves).map_err(Failure::from))
}

/// A field that can be set: those of every entry, and the table's own.
pub async fn field(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let typed = partial.trim().to_lowercase();
    let fields = ["name", "rank", "points", "member", "exempt"]
        .into_iter()
        .filter_map(|key| {
            let label = words::field(key, call.locale);
            let fits = label.to_lowercase().starts_with(&typed) || key.starts_with(&typed);
            fits.then(|| choice(&label, key.to_owned())).flatten()
        });
    let own = extra_fields(ctx, &call, partial).await.unwrap_or_default();
    offered(&call, Ok(fields.chain(own).collect()))
}

/// An extra field of the table that is named.
pub async fn extra_field(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = extra_fields(ctx, &call, partial).await;
    offered(&call, found)
}

/// A time zone.
#[expect(clippy::unused_async, reason = "poise wants a future")]
pub async fn timezone(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let typed = partial.trim().replace(' ', "_").to_lowercase();
    // Those of the first communities come first; then the others that fit.
    let first = [DEFAULT_TIMEZONE, chrono_tz::Europe::Chisinau];
    let others = chrono_tz::TZ_VARIANTS
        .into_iter()
        .filter(|zone| !first.contains(zone));
    let zones = first.into_iter().chain(others).map(chrono_tz::Tz::name);
    let fitting = zones.filter(|zone| zone.to_lowercase().contains(&typed));
    offered(
        &call,
        Ok(themselves(fitting.take(MAX_CHOICES).map(str::to_owned))),
    )
}

/// What can be granted.
pub async fn right(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = rights(&call, partial).await;
    offered(&call, found)
}

/// Where a right is granted: a category or a table.
pub async fn scope(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = scopes(&call, partial).await;
    offered(&call, found)
}

/// Where something was granted: a category or a table.
pub async fn granted_scope(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = granted_scopes(&call, partial).await;
    offered(&call, found)
}

/// A rank of the table that is named.
pub async fn rank(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = ranks(ctx, &call, partial).await;
    offered(&call, found)
}

/// An activity of the table that is named.
pub async fn activity(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = activities(ctx, &call, partial).await;
    offered(&call, found)
}

/// A closed period of the table that is named.
pub async fn period(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = periods(ctx, &call, partial).await;
    offered(&call, found)
}

/// A day of the week.
#[expect(clippy::unused_async, reason = "poise wants a future")]
pub async fn day(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let days = (1..=7).map(|day| views::period::weekday(day, call.locale));
    offered(
        &call,
        Ok(themselves(days.filter(|day| fits(partial, &[day])))),
    )
}

/// One of the caller's own events.
pub async fn own_event(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = events(&call, true, partial).await;
    offered(&call, found)
}

/// Any event.
pub async fn event(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = events(&call, false, partial).await;
    offered(&call, found)
}

/// One of the caller's open sessions.
pub async fn session(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = sessions(&call, partial).await;
    offered(&call, found)
}

/// One of the caller's open sessions, or all but the current one.
pub async fn session_or_others(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let label = call.locale.text(&keys::SESSION_ALL_OTHERS.into());
    let others =
        choice(&label, ALL_OTHERS.to_owned()).filter(|_| fits(partial, &[&label, ALL_OTHERS]));
    let found = sessions(&call, partial).await;
    let found = found.map(|sessions| {
        sessions
            .into_iter()
            .take(MAX_CHOICES - 1)
            .chain(others)
            .collect()
    });
    offered(&call, found)
}

/// A device session of anybody's, by its label or id.
pub async fn device(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let found = devices(&call, partial).await;
    offered(&call, found)
}

/// What can be done, as `<what>.<verb>`.
#[expect(clippy::unused_async, reason = "poise wants a future")]
pub async fn action(ctx: Ctx<'_>, partial: &str) -> CreateAutocompleteResponse {
    let call = asking(ctx);
    let typed = partial.trim().to_lowercase();
    let actions = Action::ALL
        .iter()
        .filter(|action| action.as_str().contains(&typed));
    let choices = actions.filter_map(|action| choice(action.as_str(), action.as_str().to_owned()));
    offered(&call, Ok(choices.collect()))
}

async fn entries(ctx: Ctx<'_>, call: &Call, text: &str) -> Result<Vec<String>, Failure> {
    let request = call.request(None)?;
    Ok(call
        .services
        .complete_entries(&request, rights_here(ctx), table_option(ctx).as_ref(), text)
        .await?)
}

async fn rights(call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call.services.grantable(&request).await?;
    let choices = found.into_iter().filter_map(|granted| {
        let label = views::access::choice(granted, call.locale);
        let fits = fits(partial, &[&label]);
        fits.then(|| choice(&label, granted.as_str())).flatten()
    });
    Ok(choices.collect())
}

async fn scopes(call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call.services.complete_scopes(&request, partial).await?;
    Ok(themselves(found))
}

async fn granted_scopes(call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call.services.complete_granted_scopes(&request, partial);
    Ok(themselves(found.await?))
}

async fn ranks(ctx: Ctx<'_>, call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let table = call
        .services
        .complete_within(&request, rights_here(ctx), table_option(ctx).as_ref())
        .await?;
    let ranks = table
        .into_iter()
        .flat_map(|table| table.ranks.into_values());
    let choices = ranks.filter_map(|rank| {
        let label = format!("{} · {}", rank.number, rank.title);
        fits(partial, &[&label, &rank.title])
            .then(|| choice(&label, rank.number))
            .flatten()
    });
    Ok(choices.collect())
}

async fn activities(ctx: Ctx<'_>, call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let table = call
        .services
        .complete_within(&request, rights_here(ctx), table_option(ctx).as_ref())
        .await?;
    let activities = table.iter().flat_map(|table| table.activities.values());
    let choices = activities.filter(|activity| fits(partial, &[&activity.name]));
    let choices = choices.filter_map(|activity| {
        let label = views::lists::activity(activity, call.locale);
        choice(&label, activity.name.clone())
    });
    Ok(choices.collect())
}

async fn periods(ctx: Ctx<'_>, call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call
        .services
        .complete_periods(
            &request,
            rights_here(ctx),
            table_option(ctx).as_ref(),
            partial,
        )
        .await?;
    let choices = found.into_iter().filter_map(|period| {
        let label = format!("{} · {}", period.number, period.closed_on);
        choice(&label, period.number)
    });
    Ok(choices.collect())
}

async fn extra_fields(ctx: Ctx<'_>, call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let table = call
        .services
        .complete_within(&request, rights_here(ctx), table_option(ctx).as_ref())
        .await?;
    let fields = table.iter().flat_map(Table::live_fields);
    let names = fields.map(|field| field.name.clone());
    Ok(themselves(names.filter(|name| fits(partial, &[name]))))
}

async fn events(call: &Call, own: bool, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call
        .services
        .complete_events(&request, own, partial)
        .await?;
    let choices = found.into_iter().filter_map(|event| {
        let about = event
            .names
            .map(|names| format!(": {names}"))
            .unwrap_or_default();
        choice(
            &format!("#{} {}{about}", event.seq, event.action),
            event.seq,
        )
    });
    Ok(choices.collect())
}

async fn sessions(call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call.services.complete_sessions(&request).await?;
    let choices = found.into_iter().filter_map(|session| {
        let label = session.label.as_deref();
        let label = views::session::choice(label, &session.short(), &session.platform, call.locale);
        let fits = fits(partial, &[&label, &session.device_id]);
        fits.then(|| choice(&label, session.device_id)).flatten()
    });
    Ok(choices.collect())
}

/// Labels first, each once: a label stands for all sessions that have it.
async fn devices(call: &Call, partial: &str) -> Choices {
    let request = call.request(None)?;
    let found = call.services.complete_devices(&request, partial).await?;
    let mut labels = HashSet::new();
    let labelled = found.iter().filter_map(|device| device.label.as_deref());
    let labelled = labelled
        .filter(|label| fits(partial, &[label]) && labels.insert(fold(label)))
        .filter_map(|label| choice(label, label.to_owned()));
    let mut choices: Vec<_> = labelled.take(MAX_CHOICES / 2).collect();
    choices.extend(found.iter().filter_map(|device| {
        let (label, id) = (device.label.as_deref(), &device.device_id);
        let shown = views::session::choice(label, id.short(), &device.platform, call.locale);
        choice(&shown, id.as_str().to_owned())
    }));
    Ok(choices)
}

/// Who asks.
#[must_use]
pub fn asking(ctx: Ctx<'_>) -> Arc<Call> {
    let framework = ctx.framework;
    Call::of_command(
        framework.user_data,
        &framework.serenity_context.http,
        ctx.interaction,
        "autocomplete",
    )
}

/// The rights of which the command at hand needs one: what it offers is for those who hold one.
fn rights_here(ctx: Ctx<'_>) -> &'static [Right] {
    match views::help::rights_of(&commands::path(ctx)) {
        [] => &[Right::TableView],
        rights => rights,
    }
}

/// The table that is named in the same command, as far as it is typed.
fn table_option(ctx: Ctx<'_>) -> Option<TableAddress> {
    ctx.args.iter().find_map(|option| match option.value {
        ResolvedValue::String(text) if option.name == "table" => TableAddress::parse(text).ok(),
        _ => None,
    })
}

/// The list as typed, with each name in the place of its last part; names that are in it already
/// are not offered again.
fn list_choices(head: &str, names: &[String]) -> Vec<AutocompleteChoice> {
    let given: HashSet<String> = NameList::parse(head, usize::MAX)
        .map(NameList::into_items)
        .unwrap_or_default()
        .iter()
        .filter_map(|item| match item {
            NameOrMember::Name(name) => Some(name.key()),
            NameOrMember::Member(_) => None,
        })
        .collect();
    let is_new = |name: &&String| Name::parse(name).is_ok_and(|name| !given.contains(&name.key()));
    let list = |name: &String| format!("{head}{}", quote_if_needed(name));
    let lists = names
        .iter()
        .filter(is_new)
        .map(list)
        .filter(|list| render::length(list) <= MAX_CHARS);
    lists
        .map(|list| AutocompleteChoice::new(list.clone(), list))
        .collect()
}

/// Choices whose values are what they are called.
fn themselves(texts: impl IntoIterator<Item = String>) -> Vec<AutocompleteChoice> {
    let texts = texts.into_iter();
    texts
        .filter_map(|text| choice(&text, text.clone()))
        .collect()
}

/// A choice; none if its value is too long for one.
fn choice(label: &str, value: impl Into<serde_json::Value>) -> Option<AutocompleteChoice> {
    let value = value.into();
    let fits = value
        .as_str()
        .is_none_or(|text| render::length(text) <= MAX_CHARS);
    fits.then(|| AutocompleteChoice::new(render::clip(label, MAX_CHARS), value))
}

/// Whether one of these texts holds what is typed.
fn fits(partial: &str, texts: &[&str]) -> bool {
    let typed = partial.trim().to_lowercase();
    texts
        .iter()
        .any(|text| text.to_lowercase().contains(&typed))
}

fn offered(call: &Call, choices: Choices) -> CreateAutocompleteResponse {
    let mut choices = choices.unwrap_or_else(|failure| {
        offers_nothing(call, &failure);
        Vec::new()
    });
    choices.truncate(MAX_CHOICES);
    call.measured.ended(Outcome::Ok);
    call.measured.answered(call.received.elapsed());
    CreateAutocompleteResponse::new().set_choices(choices)
}

/// Notes why there is nothing to choose from.
pub fn offers_nothing(call: &Call, failure: &Failure) {
    tracing::debug!(error = %failure, "autocomplete offers nothing");
    call.measured.ended(errors::outcome(failure));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(head: &str, names: &[&str]) -> Vec<String> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let json = serde_json::to_value(list_choices(head, &names)).unwrap();
        json.as_array()
            .unwrap()
            .iter()
            .map(|choice| choice["value"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_last_name_of_a_list_is_completed() {
        assert_eq!(values("", &["Ana", "Pop, Ion"]), ["Ana", "\"Pop, Ion\""]);
        assert_eq!(values("Ana, ", &["ana", "Anca"]), ["Ana, Anca"]);
        assert_eq!(values(&"x".repeat(98), &["Ana"]), [""; 0]);
    }

    #[test]
    fn long_values_are_not_offered() {
        let long = "a".repeat(101);
        assert!(choice(&long, long.clone()).is_none());
        assert!(choice(&long, 5).is_some());
    }
}
