//! The guided set-up, and the welcome that leads to it.

use serenity::all::ButtonStyle;
use serenity::builder::{
    CreateActionRow, CreateButton, CreateInputText, CreateModal, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption,
};
use serenity::model::channel::ChannelType;

use super::access::grantee;
use super::form::{NAME, ZONE, input};
use super::words::{language, value};
use super::{button, card, help, listed, shown};
use crate::discord::custom_id::{Form, Press, Retyped, SetupPress, SetupStep};
use crate::discord::reply::Reply;
use crate::discord::templates;
use crate::domain::access::{Grantee, Right};
use crate::domain::guild::{DEFAULT_TIMEZONE, Language};
use crate::domain::ids::{GuildId, Seq};
use crate::i18n::{Key, Locale, Message, keys};
use crate::service::setup::Setup;

/// What can be done in the end, where there is a table.
const MORE_WITH_A_TABLE: [&str; 2] = ["punctaj panel", "punctaj-admin board post"];

/// What can be done in the end in any case.
const MORE: [&str; 2] = ["punctaj-admin diagnose", "punctaj help"];

/// Those who give points that are named.
const GIVERS: usize = 10;

/// The time zones that are offered: where Romanian is spoken, then from the west to the east. Any
/// other is typed.
const ZONES: [chrono_tz::Tz; 24] = [
    chrono_tz::Europe::Bucharest,
    chrono_tz::Europe::Chisinau,
    chrono_tz::America::Los_Angeles,
    chrono_tz::America::Denver,
    chrono_tz::America::Chicago,
    chrono_tz::America::New_York,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::UTC,
    chrono_tz::Europe::London,
    chrono_tz::Europe::Lisbon,
    chrono_tz::Europe::Berlin,
    chrono_tz::Europe::Madrid,
    chrono_tz::Europe::Paris,
    chrono_tz::Europe::Rome,
    chrono_tz::Europe::Vienna,
    chrono_tz::Europe::Budapest,
    chrono_tz::Europe::Warsaw,
    chrono_tz::Europe::Athens,
    chrono_tz::Europe::Kyiv,
    chrono_tz::Europe::Istanbul,
    chrono_tz::Asia::Dubai,
    chrono_tz::Asia::Kolkata,
    chrono_tz::Asia::Tokyo,
    chrono_tz::Australia::Sydney,
];

/// How far a set-up is, and which step is shown.
#[derive(Debug)]
pub struct Wizard<'a> {
    /// What is set.
    pub setup: &'a Setup,
    /// The step.
    pub step: SetupStep,
    /// The language that the guild probably speaks.
    pub suggested: Language,
    /// What the last step came to.
    pub notes: &'a [String],
}

/// The step after this one (the first without) that is not done and that the caller may do.
#[must_use]
pub fn next(setup: &Setup, after: Option<SetupStep>) -> SetupStep {
    let steps = SetupStep::ALL.into_iter();
    let mut later = steps.skip_while(|step| after.is_some_and(|after| after != *step));
    if after.is_some() {
        later.next();
    }
    let found = later.find(|step| !is_done(setup, *step) && may(setup, *step));
    found.unwrap_or(SetupStep::Done)
}

const fn is_done(setup: &Setup, step: SetupStep) -> bool {
    match step {
        SetupStep::Language => setup.settings.language.is_some(),
        SetupStep::Zone => setup.settings.timezone.is_some(),
        SetupStep::Log => setup.settings.log_channel.is_some(),
        SetupStep::Table => !setup.tables.is_empty(),
        SetupStep::Givers => !setup.givers.is_empty(),
        SetupStep::Done => false,
    }
}

fn may(setup: &Setup, step: SetupStep) -> bool {
    match step {
        SetupStep::Language | SetupStep::Zone | SetupStep::Log => setup.may(Right::SettingsManage),
        SetupStep::Table => setup.may(Right::TableEdit),
        SetupStep::Givers => setup.may(Right::AccessManage),
        SetupStep::Done => true,
    }
}

/// That a change is made, and how it is taken back.
#[must_use]
pub fn saved(event: Seq, locale: Locale) -> String {
    locale.text(&Message::new(keys::SETUP_SAVED).with("event", event.to_string()))
}

/// That somebody may give points from now on.
#[must_use]
pub fn given(who: Grantee, guild: GuildId, locale: Locale) -> String {
    let message = Message::new(keys::SETUP_GIVEN).with("who", grantee(who, Some(guild), locale));
    locale.text(&message)
}

/// The set-up: what is set, and the step.
#[must_use]
pub fn wizard(wizard: &Wizard<'_>, locale: Locale) -> Reply {
    let Wizard { setup, step, .. } = *wizard;
    let mut lines = wizard.notes.to_vec();
    lines.extend(summary(setup, locale));
    if let Some(problem) = &setup.log_problem {
        let problem = Message::new(keys::SETTINGS_LOG_PROBLEM).with("problem", shown(problem));
        lines.push(locale.text(&problem));
    }
    lines.push(String::new());
    lines.extend(asked(setup, step, locale));
    let title = locale.text(&keys::SETUP_TITLE.into());
    let rows = [
        choices(wizard, locale),
        Some(tabs(setup, step, locale)),
        onwards(setup, step, locale),
    ];
    let reply = Reply::card(card(&title, &lines, None, locale));
    rows.into_iter().flatten().fold(reply, Reply::row)
}

/// A line for each step: done or not, and what it is.
fn summary(setup: &Setup, locale: Locale) -> Vec<String> {
    let settings = &setup.settings;
    let text = |key: Key| locale.text(&key.into());
    let of_step = |step: SetupStep| match step {
        SetupStep::Language => Some(language(settings.language().as_str())),
        SetupStep::Zone => Some(shown(settings.timezone().name())),
        SetupStep::Log => {
            let channel = settings.log_channel.map(|id| id.to_string());
            Some(value("log_channel", &channel.into(), locale))
        }
        SetupStep::Table if setup.tables.is_empty() => Some(text(keys::SETUP_NO_TABLE)),
        SetupStep::Table => Some(listed(&setup.tables)),
        SetupStep::Givers => Some(givers(setup, locale)),
        SetupStep::Done => None,
    };
    let line = |step: SetupStep| {
        let key = if is_done(setup, step) {
            keys::SETUP_LINE_DONE
        } else {
            keys::SETUP_LINE_OPEN
        };
        let line = Message::new(key).with("step", Message::from(step_key(step)));
        Some(locale.text(&line.with("value", of_step(step)?)))
    };
    SetupStep::ALL.into_iter().filter_map(line).collect()
}

fn givers(setup: &Setup, locale: Locale) -> String {
    let managers = locale.text(&keys::SETUP_MANAGERS.into());
    let named = setup.givers.iter().take(GIVERS);
    let named = named.map(|who| grantee(*who, Some(setup.guild), locale));
    let more = (setup.givers.len() > GIVERS).then(|| "…".to_owned());
    let all: Vec<String> = [managers].into_iter().chain(named).chain(more).collect();
    all.join(", ")
}

const fn step_key(step: SetupStep) -> Key {
    match step {
        SetupStep::Language => keys::SETUP_STEP_LANGUAGE,
        SetupStep::Zone => keys::SETUP_STEP_ZONE,
        SetupStep::Log => keys::SETUP_STEP_LOG,
        SetupStep::Table => keys::SETUP_STEP_TABLE,
        SetupStep::Givers => keys::SETUP_STEP_GIVERS,
        SetupStep::Done => keys::BUTTON_SETUP_DONE,
    }
}

/// What the step is about.
fn asked(setup: &Setup, step: SetupStep, locale: Locale) -> Vec<String> {
    let text = |key: Key| locale.text(&key.into());
    match step {
        SetupStep::Language => vec![text(keys::SETUP_ASK_LANGUAGE)],
        SetupStep::Zone => vec![text(keys::SETUP_ASK_ZONE)],
        SetupStep::Log => vec![text(keys::SETUP_ASK_LOG)],
        SetupStep::Table => [text(keys::SETUP_ASK_TABLE)]
            .into_iter()
            .chain(templates::NAMES.map(|name| template_line(setup, name, locale)))
            .collect(),
        SetupStep::Givers => vec![text(keys::SETUP_ASK_GIVERS)],
        SetupStep::Done => {
            let begin = match (setup.tables.is_empty(), setup.gives) {
                (true, _) if may(setup, SetupStep::Table) => keys::SETUP_DONE_NO_TABLE,
                (true, _) => keys::SETUP_DONE_UNSEEN,
                (false, true) => keys::SETUP_DONE,
                (false, false) => keys::SETUP_DONE_LOOK,
            };
            let more = text(keys::SETUP_DONE_MORE);
            [text(begin), more]
                .into_iter()
                .chain(rest(setup, locale))
                .collect()
        }
    }
}

/// What else the caller may do with what is there.
fn rest(setup: &Setup, locale: Locale) -> Vec<String> {
    let with_a_table = (!setup.tables.is_empty()).then_some(MORE_WITH_A_TABLE);
    let paths = with_a_table.into_iter().flatten().chain(MORE);
    let may = |path: &&str| {
        let rights = help::rights_of(path);
        rights.is_empty()
            || rights
                .iter()
                .any(|right| setup.authority.may_somewhere(*right))
    };
    let line = |path: &str| format!("- {}", help::described(path, locale));
    paths.filter(may).map(line).collect()
}

/// A template, with the ranks and fields that a table of it begins with: in the guild's language, if
/// that is chosen.
fn template_line(setup: &Setup, name: &str, locale: Locale) -> String {
    let theirs = setup.settings.language.map_or(locale, Locale::from);
    let (ranks, fields) = templates::of(name, theirs).unwrap_or_default();
    let ranks: Vec<String> = ranks.into_iter().map(|rank| rank.title).collect();
    let fields: Vec<String> = fields.into_iter().map(|field| field.name).collect();
    let has = match (ranks.is_empty(), fields.is_empty()) {
        (true, true) => Message::new(keys::SETUP_TEMPLATE_PLAIN),
        (true, false) => Message::new(keys::SETUP_TEMPLATE_FIELDS),
        (false, _) => Message::new(keys::SETUP_TEMPLATE_RANKS),
    };
    let has = has
        .with("ranks", ranks.join(", "))
        .with("fields", fields.join(", "));
    let line = Message::new(keys::SETUP_TEMPLATE).with("name", template_label(name, locale));
    locale.text(&line.with("has", has))
}

/// What a template is called in the command, too.
fn template_label(name: &str, locale: Locale) -> String {
    let label = locale.lookup(&format!("cmd-choice-{name}"));
    label.unwrap_or_else(|| name.to_owned())
}

fn press(press: SetupPress) -> Press {
    Press::Setup(press)
}

/// The row that carries the step out.
fn choices(wizard: &Wizard<'_>, locale: Locale) -> Option<CreateActionRow> {
    let Wizard { setup, step, .. } = *wizard;
    let can = may(setup, step);
    Some(match step {
        SetupStep::Language => {
            let choices =
                Language::ALL.map(|choice| language_button(wizard, choice).disabled(!can));
            CreateActionRow::Buttons(choices.to_vec())
        }
        SetupStep::Zone => {
            let kind = zones(wizard, locale);
            menu(SetupPress::Zone, kind, keys::SETUP_MENU_ZONE, locale)
        }
        SetupStep::Log => {
            let kind = CreateSelectMenuKind::Channel {
                channel_types: Some(vec![ChannelType::Text, ChannelType::News]),
                default_channels: None,
            };
            menu(SetupPress::Log, kind, keys::SETUP_MENU_LOG, locale)
        }
        SetupStep::Table => {
            let language = setup.settings.language;
            let choice = |name: &'static str| {
                CreateButton::new(press(SetupPress::Template { name, language }).encode())
                    .label(template_label(name, locale))
                    .style(ButtonStyle::Primary)
                    .disabled(!can)
            };
            CreateActionRow::Buttons(templates::NAMES.map(choice).to_vec())
        }
        SetupStep::Givers => {
            let kind = CreateSelectMenuKind::Mentionable {
                default_users: None,
                default_roles: None,
            };
            let given = setup.givers.len();
            let chosen = SetupPress::Giver { given };
            menu(chosen, kind, keys::SETUP_MENU_GIVERS, locale)
        }
        SetupStep::Done => return None,
    })
}

fn menu(
    chosen: SetupPress,
    kind: CreateSelectMenuKind,
    hint: Key,
    locale: Locale,
) -> CreateActionRow {
    let menu = CreateSelectMenu::new(press(chosen).encode(), kind);
    CreateActionRow::SelectMenu(menu.placeholder(locale.text(&hint.into())))
}

/// A language, as it calls itself; the suggested one stands out.
fn language_button(wizard: &Wizard<'_>, choice: Language) -> CreateButton {
    let style = if choice == wizard.suggested {
        ButtonStyle::Primary
    } else {
        ButtonStyle::Secondary
    };
    CreateButton::new(press(SetupPress::Language(choice)).encode())
        .label(language(choice.as_str()))
        .style(style)
}

/// The usual time zones. Only the one that is set is chosen already: if the suggested one were, Discord
/// would not tell that somebody agrees.
fn zones(wizard: &Wizard<'_>, locale: Locale) -> CreateSelectMenuKind {
    let set = wizard.setup.settings.timezone.as_deref();
    let suggested = (wizard.suggested == Language::Ro).then_some(DEFAULT_TIMEZONE);
    let option = |zone: chrono_tz::Tz| {
        let option = CreateSelectMenuOption::new(zone.name(), zone.name())
            .default_selection(set == Some(zone.name()));
        if suggested == Some(zone) {
            return option.description(locale.text(&keys::SETUP_SUGGESTED.into()));
        }
        option
    };
    CreateSelectMenuKind::String {
        options: ZONES.map(option).to_vec(),
    }
}

/// A button for each step, by which any of them is reached.
fn tabs(setup: &Setup, current: SetupStep, locale: Locale) -> CreateActionRow {
    let steps = SetupStep::ALL.into_iter();
    let steps = steps.filter(|step| *step != SetupStep::Done);
    let tab = |step: SetupStep| {
        let style = match (step == current, is_done(setup, step)) {
            (true, _) => ButtonStyle::Primary,
            (false, true) => ButtonStyle::Success,
            (false, false) => ButtonStyle::Secondary,
        };
        let at = press(SetupPress::At(step));
        button(&at, step_key(step), style, locale).disabled(!may(setup, step))
    };
    CreateActionRow::Buttons(steps.map(tab).collect())
}

/// What else can be done with a step: go on, or end here.
fn onwards(setup: &Setup, step: SetupStep, locale: Locale) -> Option<CreateActionRow> {
    if step == SetupStep::Done {
        return None;
    }
    let plain =
        |of: SetupPress, label: Key| button(&press(of), label, ButtonStyle::Secondary, locale);
    let other =
        (step == SetupStep::Zone).then(|| plain(other_zone(), keys::BUTTON_SETUP_OTHER_ZONE));
    let on = if is_done(setup, step) {
        keys::BUTTON_NEXT
    } else {
        keys::BUTTON_SETUP_SKIP
    };
    let on = plain(SetupPress::After(step), on);
    let done = plain(SetupPress::At(SetupStep::Done), keys::BUTTON_SETUP_DONE);
    let row = other.into_iter().chain([on, done]).collect();
    Some(CreateActionRow::Buttons(row))
}

fn other_zone() -> SetupPress {
    SetupPress::OtherZone {
        typed: Retyped::default(),
    }
}

/// The form that a press opens, if it opens one.
#[must_use]
pub fn form(press: &SetupPress, locale: Locale) -> Option<CreateModal> {
    let of_table = |template| (Form::SetupTable { template }, keys::SETUP_FORM_TABLE);
    let ((form, title), field, value) = match press {
        SetupPress::OtherZone { typed } => {
            let of_zone = (Form::SetupZone, keys::SETUP_FORM_ZONE);
            (of_zone, zone_field(locale), typed.as_str().to_owned())
        }
        SetupPress::Template { name, language } => {
            let theirs = language.map_or(locale, Locale::from);
            let proposed = theirs.text(&proposed(name).into());
            (of_table(name), name_field(locale), proposed)
        }
        SetupPress::TemplateAgain { name, typed } => {
            let typed = typed.as_str().to_owned();
            (of_table(name), name_field(locale), typed)
        }
        _ => return None,
    };
    let field = if value.is_empty() {
        field
    } else {
        field.value(value)
    };
    let row = CreateActionRow::InputText(field.required(true));
    Some(CreateModal::new(form.encode(), locale.text(&title.into())).components(vec![row]))
}

fn zone_field(locale: Locale) -> CreateInputText {
    input(ZONE, keys::SETUP_FORM_ZONE_NAME, locale).placeholder(DEFAULT_TIMEZONE.name())
}

fn name_field(locale: Locale) -> CreateInputText {
    input(NAME, keys::SETUP_FORM_TABLE_NAME, locale)
}

/// A name that does for a table from a template.
fn proposed(template: &str) -> Key {
    match template {
        "police" => keys::SETUP_NAME_POLICE,
        "clan" => keys::SETUP_NAME_CLAN,
        "class" => keys::SETUP_NAME_CLASS,
        _ => keys::SETUP_NAME_PLAIN,
    }
}

/// The row with the button that opens a form again, with what was typed.
pub fn again_row(again: SetupPress, locale: Locale) -> CreateActionRow {
    let again = button(
        &press(again),
        keys::BUTTON_SETUP_AGAIN,
        ButtonStyle::Primary,
        locale,
    );
    CreateActionRow::Buttons(vec![again])
}

/// The row with the button that opens the set-up.
pub fn button_row(locale: Locale) -> CreateActionRow {
    let open = press(SetupPress::Open);
    let open = button(&open, keys::BUTTON_SETUP, ButtonStyle::Primary, locale);
    CreateActionRow::Buttons(vec![open])
}

/// What the bot says in a guild that it has just joined.
#[must_use]
pub fn welcome(locale: Locale) -> Reply {
    Reply::text(locale.text(&keys::SETUP_WELCOME.into())).row(button_row(locale))
}

/// What it says to the guild's owner where it may write in no channel. A direct message has no channels
/// and roles to choose from, so it has no button.
#[must_use]
pub fn welcome_owner(guild: &str, locale: Locale) -> Reply {
    let message = Message::new(keys::SETUP_WELCOME_OWNER).with("guild", shown(guild));
    Reply::text(locale.text(&message))
}
