//! Reading options: what a person typed, as the services take it, or a word on what is wrong.

use crate::discord::errors::Failure;
use crate::discord::views::{self, input, words};
use crate::domain::activity::MAX_QUANTITY;
use crate::domain::field::{self, MAX_PATTERN_CHARS};
use crate::domain::ids::{ChannelId, Seq, UserId};
use crate::domain::layout::Layout;
use crate::domain::moment::Moment;
use crate::domain::name::{Name, NameList, NameOrMember, TableAddress};
use crate::domain::period::{self, Every, MAX_WARNING};
use crate::domain::points;
use crate::domain::table::MAX_RANK;
use crate::i18n::{Locale, Message, keys};
use crate::render;
use crate::service::entries::NewValue;
use crate::service::periods::{Day, Often, SchedulePart};
use crate::service::tables::RankPart;

/// Names in one command.
pub(super) const MAX_NAMES: usize = 50;

/// Characters of a reason.
const MAX_REASON: usize = 300;

/// Characters of a session's label.
const MAX_LABEL: usize = 100;

pub(super) fn names(text: &str) -> Result<NameList, Failure> {
    NameList::parse(text, MAX_NAMES).map_err(|error| Failure::told(input::names(&error)))
}

/// One entry: a mention, or a name, in which a comma needs no quotation marks.
pub(super) fn who(text: &str) -> Result<NameOrMember, Failure> {
    let list = || {
        NameList::parse(text, 1)
            .ok()
            .and_then(|list| list.into_items().pop())
    };
    if text.trim_start().starts_with(['<', '"'])
        && let Some(only) = list()
    {
        return Ok(only);
    }
    name(text).map(NameOrMember::Name)
}

pub(super) fn name(text: &str) -> Result<Name, Failure> {
    Name::parse(text).map_err(|error| Failure::told(input::name(&error)))
}

pub(super) fn table(text: &str) -> Result<TableAddress, Failure> {
    TableAddress::parse(text).map_err(|error| Failure::told(input::address(&error)))
}

pub(super) fn optional_table(text: Option<&str>) -> Result<Option<TableAddress>, Failure> {
    text.map(table).transpose()
}

/// Points to add.
pub(super) fn added(points: i64) -> Result<i64, Failure> {
    match points {
        ..0 => Err(Failure::told(keys::ERROR_ADD_NEGATIVE)),
        0..=points::MAX_AWARD => Ok(points),
        _ => Err(too_many()),
    }
}

/// Points to remove.
pub(super) fn removed(points: i64) -> Result<i64, Failure> {
    match points {
        ..0 => Err(Failure::told(keys::ERROR_REMOVE_NEGATIVE)),
        0 => Err(Failure::told(keys::ERROR_REMOVE_ZERO)),
        1..=points::MAX_AWARD => Ok(points),
        _ => Err(too_many()),
    }
}

/// Points that an activity is worth.
pub(super) fn worth(points: i64) -> Result<i64, Failure> {
    match points {
        ..1 => Err(Failure::told(keys::ERROR_WORTH_NOTHING)),
        1..=points::MAX_AWARD => Ok(points),
        _ => Err(too_many()),
    }
}

/// How much of an activity.
pub(super) fn quantity(quantity: i64) -> Result<i64, Failure> {
    let limit = Message::new(keys::ERROR_QUANTITY).with("limit", MAX_QUANTITY);
    let fits = (1..=MAX_QUANTITY).contains(&quantity);
    fits.then_some(quantity).ok_or_else(|| Failure::told(limit))
}

fn too_many() -> Failure {
    Failure::told(input::too_many_points())
}

pub(super) fn reason(text: Option<&str>) -> Result<Option<String>, Failure> {
    line(text, MAX_REASON, keys::ERROR_REASON_LONG)
}

pub(super) fn label(text: Option<&str>) -> Result<Option<String>, Failure> {
    line(text, MAX_LABEL, keys::ERROR_LABEL_LONG)
}

/// A line of free text: control characters become spaces; nothing is left of empty text.
fn line(
    text: Option<&str>,
    limit: usize,
    too_long: crate::i18n::Key,
) -> Result<Option<String>, Failure> {
    let line = one_line(text.unwrap_or_default());
    match line.chars().count() {
        0 => Ok(None),
        chars if chars > limit => Err(Failure::told(
            Message::new(too_long)
                .with("chars", words::characters(chars))
                .with("limit", limit),
        )),
        _ => Ok(Some(line)),
    }
}

fn one_line(text: &str) -> String {
    let spaced = text.replace(|c: char| c.is_control() || is_bidi(c), " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A part of a name, to look for.
pub(super) fn search(text: &str) -> String {
    one_line(text).chars().take(Name::MAX_CHARS).collect()
}

/// Points that a panel gives or takes.
pub(super) fn amount(text: &str) -> Result<i64, Failure> {
    match whole_number(text.trim())? {
        ..1 => Err(Failure::told(keys::ERROR_PANEL_POINTS)),
        points @ 1..=points::MAX_AWARD => Ok(points),
        _ => Err(too_many()),
    }
}

/// Characters that reorder what stands around them, and line separators.
const fn is_bidi(c: char) -> bool {
    matches!(
        c,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

pub(super) fn event(number: i64) -> Result<Seq, Failure> {
    if number > 0 {
        Ok(Seq(number))
    } else {
        Err(Failure::told(keys::ERROR_EVENT_NUMBER))
    }
}

/// A moment: a date, a time, an age.
pub(super) fn moment(text: &str) -> Result<Moment, Failure> {
    Moment::parse(text).map_err(|_| Failure::told(input::not_a_moment(text)))
}

/// A field and what it is to hold. Both languages' names of the fields are understood.
pub(super) fn value(field: &str, value: &str) -> Result<NewValue, Failure> {
    let given = value.trim();
    let cleared = given.is_empty() || given == "-";
    match field_key(field) {
        Some("name") => name(value).map(NewValue::Name),
        Some("rank") => Ok(NewValue::Rank((!cleared).then(|| given.to_owned()))),
        Some("points") => whole_number(given).map(NewValue::Points),
        Some("member") if cleared => Ok(NewValue::Member(None)),
        Some("exempt") => yes_or_no(given).map(NewValue::Exempt),
        Some("member") => member(given).map(|member| NewValue::Member(Some(member))),
        _ => {
            let value = (!cleared).then(|| line(Some(given), usize::MAX, keys::ERROR_VALUE_LONG));
            Ok(NewValue::Extra(
                field.trim().to_owned(),
                value.transpose()?.flatten(),
            ))
        }
    }
}

/// The name of an extra field: not that of a field which every entry has.
pub(super) fn new_field(text: &str) -> Result<Name, Failure> {
    let name = name(text)?;
    match field_key(name.as_str()) {
        Some(_) => Err(Failure::told(
            Message::new(keys::ERROR_FIELD_EXISTS).with("field", render::escape(name.as_str())),
        )),
        None => Ok(name),
    }
}

/// A regular expression; `-` or nothing for none.
pub(super) fn pattern(text: &str) -> Result<Option<String>, Failure> {
    let text = text.trim();
    if text.is_empty() || text == "-" {
        return Ok(None);
    }
    let chars = text.chars().count();
    if chars > MAX_PATTERN_CHARS || !field::is_pattern(text) {
        let pattern = render::code_safe(&render::clip(text, MAX_PATTERN_CHARS));
        return Err(Failure::told(
            Message::new(keys::ERROR_PATTERN)
                .with("pattern", pattern)
                .with("limit", MAX_PATTERN_CHARS),
        ));
    }
    Ok(Some(text.to_owned()))
}

/// A category; `-` for none.
pub(super) fn category(text: &str) -> Result<Option<Name>, Failure> {
    match text.trim() {
        "-" => Ok(None),
        given => part_of_address(given).map(Some),
    }
}

/// A category or a table's name alone: what stands on one side of the slash.
pub(super) fn part_of_address(text: &str) -> Result<Name, Failure> {
    let address = table(text)?;
    match address.into_parts() {
        (None, name) => Ok(name),
        (Some(_), _) => Err(Failure::told(keys::ERROR_SLASH)),
    }
}

/// A number of points that a table or a rank is to have.
pub(super) fn bound(points: i64) -> Result<i64, Failure> {
    if (-points::LIMIT..=points::LIMIT).contains(&points) {
        Ok(points)
    } else {
        Err(Failure::told(input::not_points(&points.to_string())))
    }
}

/// A rank's number.
pub(super) fn rank(number: i64) -> Result<i32, Failure> {
    let fits = i32::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_RANK).contains(number));
    fits.ok_or_else(|| Failure::told(Message::new(keys::ERROR_RANK_NUMBER).with("limit", MAX_RANK)))
}

/// A time zone by its name in the IANA database, in any letter case.
pub(super) fn timezone(text: &str) -> Result<chrono_tz::Tz, Failure> {
    let given = text.trim();
    let mut zones = chrono_tz::TZ_VARIANTS.into_iter();
    let found = zones.find(|zone| zone.name().eq_ignore_ascii_case(given));
    found.ok_or_else(|| {
        let zone = render::escape(&render::clip(given, 60));
        Failure::told(Message::new(keys::ERROR_TIMEZONE).with("zone", zone))
    })
}

/// The key of a field, from its name in any language.
fn field_key(field: &str) -> Option<&'static str> {
    let field = field.trim().to_lowercase();
    let is = |names: &[&str]| names.contains(&field.as_str());
    [
        ("name", ["name", "nume"]),
        ("rank", ["rank", "grad"]),
        ("points", ["points", "puncte"]),
        ("member", ["member", "membru"]),
        ("exempt", ["exempt", "scutit"]),
    ]
    .into_iter()
    .find_map(|(key, names)| is(&names).then_some(key))
}

pub(super) fn whole_number(text: &str) -> Result<i64, Failure> {
    let number = text
        .parse::<i64>()
        .ok()
        .filter(|number| (-points::LIMIT..=points::LIMIT).contains(number));
    number.ok_or_else(|| Failure::told(input::not_points(text)))
}

/// The words of both languages; nothing is no.
fn yes_or_no(text: &str) -> Result<bool, Failure> {
    match text.to_lowercase().as_str() {
        "yes" | "da" | "true" | "1" => Ok(true),
        "no" | "nu" | "false" | "0" | "-" | "" => Ok(false),
        _ => Err(Failure::told(keys::ERROR_YES_OR_NO)),
    }
}

/// A period's number.
pub(super) fn period(number: i64) -> Result<i32, Failure> {
    let number = i32::try_from(number).ok().filter(|number| *number > 0);
    number.ok_or_else(|| Failure::told(keys::ERROR_PERIOD_NUMBER))
}

/// How often a schedule closes.
pub(super) fn often(text: &str) -> Result<Often, Failure> {
    match text {
        "off" => Ok(Often::Off),
        text => {
            let every = Every::parse(text).map(Often::Each);
            every.ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_EVERY))
        }
    }
}

/// A day of the week by its name in any language, or of week or month by its number.
pub(super) fn day(text: &str) -> Result<Day, Failure> {
    let typed = text.trim().to_lowercase();
    let is_called = |day: &i32| {
        let mut names = Locale::ALL.into_iter();
        names.any(|locale| views::period::weekday(*day, locale).to_lowercase() == typed)
    };
    if let Some(day) = (1..=7).find(is_called) {
        return Ok(Day::OfWeek(day));
    }
    let number = typed.parse().ok().filter(|day| (1..=31).contains(day));
    let number = number.map(Day::Numbered);
    number.ok_or_else(|| Failure::told(keys::ERROR_DAY))
}

/// A time of the day.
pub(super) fn time_of_day(text: &str) -> Result<String, Failure> {
    period::time_of_day(text).ok_or_else(|| Failure::told(keys::ERROR_TIME))
}

/// What a rank is to do without.
pub(super) fn rank_part(text: &str) -> Result<RankPart, Failure> {
    match text {
        "promote_at" => Ok(RankPart::PromoteAt),
        "demote_below" => Ok(RankPart::DemoteBelow),
        "role" => Ok(RankPart::Role),
        _ => Err(Failure::told(keys::ERROR_UNKNOWN_PART)),
    }
}

/// What a schedule is to do without.
pub(super) fn schedule_part(text: &str) -> Result<SchedulePart, Failure> {
    match text {
        "channel" => Ok(SchedulePart::Channel),
        "warning" => Ok(SchedulePart::Warning),
        _ => Err(Failure::told(keys::ERROR_UNKNOWN_PART)),
    }
}

/// Hours before a closing.
pub(super) fn hours(hours: i64) -> Result<i32, Failure> {
    let fits = i32::try_from(hours).ok();
    let fits = fits.filter(|hours| (0..=MAX_WARNING).contains(hours));
    fits.ok_or_else(|| Failure::told(Message::new(keys::ERROR_HOURS).with("limit", MAX_WARNING)))
}

/// Whether ranks are only proposed.
pub(super) fn proposes(text: &str) -> Result<bool, Failure> {
    match text {
        "automatic" => Ok(false),
        "proposed" => Ok(true),
        _ => Err(Failure::told(keys::ERROR_UNKNOWN_PROMOTIONS)),
    }
}

/// A mention or an id.
fn member(text: &str) -> Result<UserId, Failure> {
    let id = text
        .strip_prefix("<@")
        .and_then(|rest| rest.strip_suffix('>'))
        .map_or(text, |rest| rest.trim_start_matches('!'));
    let is_id = id.bytes().all(|byte| byte.is_ascii_digit());
    let id = id
        .parse::<u64>()
        .ok()
        .filter(|id| is_id && *id > 0)
        .and_then(|id| UserId::try_from(id).ok());
    id.ok_or_else(|| Failure::told(input::not_a_member(text)))
}

/// A channel, as Discord sends it.
pub(super) fn channel(id: u64) -> Result<ChannelId, Failure> {
    ChannelId::try_from(id)
        .map_err(|_| Failure::Internal("a Discord id is out of range".to_owned()))
}

/// A layout.
pub(super) fn layout(text: &str) -> Result<Layout, Failure> {
    Layout::parse(text).ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_LAYOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_in_both_languages() {
        assert_eq!(value("Puncte", " -12 ").unwrap(), NewValue::Points(-12));
        assert_eq!(value("rank", "-").unwrap(), NewValue::Rank(None));
        assert_eq!(
            value("grad", " Sergent ").unwrap(),
            NewValue::Rank(Some("Sergent".to_owned()))
        );
        assert_eq!(
            value("membru", "<@!42>").unwrap(),
            NewValue::Member(Some(UserId::from_db(42)))
        );
        assert_eq!(
            value("member", "42").unwrap(),
            NewValue::Member(Some(UserId::from_db(42)))
        );
        assert_eq!(value("member", "-").unwrap(), NewValue::Member(None));
        for (field, text) in [
            ("points", "1.000"),
            ("points", "9000000000000001"),
            ("points", "99999999999999999999"),
            ("points", ""),
            ("member", "Ana"),
            ("member", "<@&42>"),
            ("member", "+42"),
            ("name", " "),
        ] {
            assert!(value(field, text).is_err(), "{field} {text}");
        }
    }

    #[test]
    fn negative_points_name_the_other_command() {
        let key = |failure: Failure| match failure {
            Failure::Told(message) => message.key(),
            other => panic!("{other}"),
        };
        assert_eq!(key(added(-1).unwrap_err()), keys::ERROR_ADD_NEGATIVE);
        assert_eq!(key(removed(-1).unwrap_err()), keys::ERROR_REMOVE_NEGATIVE);
        assert_eq!(key(removed(0).unwrap_err()), keys::ERROR_REMOVE_ZERO);
        assert_eq!(
            key(added(1_000_000_001).unwrap_err()),
            keys::ERROR_AWARD_LIMIT
        );
        assert_eq!(added(0).unwrap(), 0);
        assert_eq!(removed(1_000_000_000).unwrap(), 1_000_000_000);
    }

    #[test]
    fn a_panel_takes_whole_numbers_from_1_on() {
        assert_eq!(amount(" 4 ").unwrap(), 4);
        assert_eq!(amount("1000000000").unwrap(), 1_000_000_000);
        for text in ["0", "-4", "1000000001", "", "4,5", "many"] {
            assert!(amount(text).is_err(), "{text}");
        }
        assert_eq!(search(" Ana\n\u{202E} Pop "), "Ana Pop");
        assert_eq!(search(&"x".repeat(200)).len(), 100);
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(
            reason(Some(" a\n\tb\u{202E}c ")).unwrap().as_deref(),
            Some("a b c")
        );
        assert_eq!(reason(Some("\n")).unwrap(), None);
        assert!(reason(Some(&"a".repeat(300))).is_ok());
        assert!(reason(Some(&"a".repeat(301))).is_err());
    }

    #[test]
    fn one_name_may_hold_a_comma() {
        let name = |text: &str| NameOrMember::Name(Name::parse(text).unwrap());
        assert_eq!(who("Pop, Ana").unwrap(), name("Pop, Ana"));
        assert_eq!(who("\"Pop, Ana\"").unwrap(), name("Pop, Ana"));
        assert_eq!(who("\"Pop\" Ana").unwrap(), name("\"Pop\" Ana"));
        assert_eq!(who("<@42>").unwrap(), NameOrMember::Member(42));
    }
}
