//! The panel for a sitting: whom to pick, what to press, what was done, what it came to.

use serenity::all::ButtonStyle;
use serenity::builder::{
    CreateActionRow, CreateButton, CreateModal, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::form::{POINTS, REASON, SEARCH, input};
use super::receipt::missed_note;
use super::words::{ago, entries, points, session_plain};
use super::{button, card, fitted, receipt, shown};
use crate::discord::custom_id::{Form, PanelAct, PanelPress, Press};
use crate::discord::reply::{Reply, Upshot};
use crate::domain::activity::Activity;
use crate::domain::event::{Action, Event};
use crate::domain::panel::{AMOUNTS, MAX_PICKED, Mark, Picked};
use crate::i18n::{Locale, Message, Value, keys};
use crate::render;
use crate::service::panel::{Panel, PanelNote};
use crate::service::{PanelEntry, PanelShown};

/// Characters of an option of the menu.
const OPTION: usize = 100;

/// Buttons in a row, and characters on one.
const BUTTONS: usize = 5;
const LABEL: usize = 80;

/// Characters of a list of names, of the last step, of the totals. Together with the rest they fit
/// on a card.
const NAMES: usize = 600;
const STEP: usize = 800;
const TOTALS: usize = 900;

/// The panel.
#[must_use]
pub fn panel(panel: &Panel, locale: Locale) -> Reply {
    let state = &panel.shown;
    let mut lines = about(panel, locale);
    lines.push(String::new());
    lines.extend(last_step(state, locale));
    lines.push(sitting(state, locale));
    lines.extend(missed_note(panel.aside.missed, locale));
    let title = Message::new(keys::PANEL_TITLE).with("table", shown(&state.table.address()));
    let footer = Message::new(keys::PANEL_FOOTER).with("session", session_plain(&state.session));
    let card = card(
        &locale.text(&title),
        &lines,
        Some(&locale.text(&footer)),
        locale,
    );
    let buttons = Buttons::of(panel, locale);
    let rows = [buttons.menu(), Some(buttons.paging())]
        .into_iter()
        .flatten()
        .chain([buttons.amounts(panel.may_switch)])
        .chain(buttons.activities())
        .chain([buttons.undo()]);
    let reply = rows.fold(Reply::card(card), Reply::row);
    reply.aside(panel.aside).marked(state.marked.clone())
}

/// Who is picked, from whom, and what the last press did not do.
fn about(panel: &Panel, locale: Locale) -> Vec<String> {
    let state = &panel.shown;
    let mut said: Vec<Message> = panel.note.map(note).into_iter().collect();
    if !state.gone.is_empty() {
        let names: Vec<String> = state.gone.iter().map(|name| shown(name)).collect();
        said.push(Message::new(keys::PANEL_GONE).with("names", some(&names, locale)));
    }
    said.push(if state.picked.is_empty() {
        keys::PANEL_NOBODY.into()
    } else {
        let names: Vec<String> = state.picked.iter().map(|who| person(who, locale)).collect();
        Message::new(keys::PANEL_PICKED)
            .with("count", names.len())
            .with("names", some(&names, locale))
    });
    if state.takes {
        said.push(keys::PANEL_TAKING.into());
    }
    said.extend(found(state, locale));
    said.iter().map(|message| locale.text(message)).collect()
}

/// Why a press did nothing, by itself.
#[must_use]
pub fn nothing(why: PanelNote, locale: Locale) -> Reply {
    super::errors::told(&note(why), locale).but(Upshot::Refused)
}

const fn note_key(note: PanelNote) -> crate::i18n::Key {
    match note {
        PanelNote::Nobody => keys::PANEL_NOTE_NOBODY,
        PanelNote::Outdated => keys::PANEL_NOTE_OUTDATED,
        PanelNote::TooMany => keys::PANEL_NOTE_MANY,
        PanelNote::OtherWorth => keys::PANEL_NOTE_OTHER_WORTH,
        PanelNote::Undone(_) => keys::PANEL_NOTE_UNDONE,
    }
}

fn note(note: PanelNote) -> Message {
    let message = Message::new(note_key(note));
    match note {
        PanelNote::TooMany => message.with("limit", MAX_PICKED),
        PanelNote::Undone(event) => message.with("event", event.to_string()),
        PanelNote::Nobody | PanelNote::Outdated | PanelNote::OtherWorth => message,
    }
}

/// What a search found, and that there is nobody to pick.
fn found(state: &PanelShown, locale: Locale) -> Option<Message> {
    let message = match (state.search.is_empty(), state.fitting) {
        (true, 0) => Message::new(keys::TABLE_EMPTY),
        (true, _) => return None,
        (false, 0) => Message::new(keys::PANEL_SEARCH_NONE),
        (false, fitting) => {
            Message::new(keys::PANEL_SEARCH).with("entries", entries(fitting, locale))
        }
    };
    Some(message.with("search", shown(&state.search)))
}

fn person(who: &PanelEntry, locale: Locale) -> String {
    let message = Message::new(keys::PANEL_PERSON)
        .with("name", shown(&who.name))
        .with("points", who.points);
    locale.text(&message)
}

/// As many names as fit, and how many there are besides.
fn some(names: &[String], locale: Locale) -> String {
    let mut used = 0;
    let fits = |name: &&String| {
        used += render::length(name) + 2;
        used <= NAMES
    };
    let kept: Vec<&str> = names.iter().take_while(fits).map(String::as_str).collect();
    let list = kept.join(", ");
    match names.len() - kept.len() {
        0 => list,
        rest => list + " " + &locale.text(&Message::new(keys::PANEL_MORE).with("count", rest)),
    }
}

/// What was done last, old → new, and what undo takes back.
fn last_step(state: &PanelShown, locale: Locale) -> Vec<String> {
    let Some(event) = &state.last else {
        return Vec::new();
    };
    let mut steps = receipt::lines(event, &state.table.titles(), locale);
    steps.extend(receipt::reason_note(event, locale));
    let mut lines = vec![
        step_title(state, event, locale),
        fitted(&steps, STEP, locale),
    ];
    if let Some(next) = state.undoable.filter(|next| *next != event.seq) {
        let message = Message::new(keys::PANEL_NEXT_UNDO).with("event", next.to_string());
        lines.push(locale.text(&message));
    }
    lines.push(String::new());
    lines
}

fn step_title(state: &PanelShown, event: &Event, locale: Locale) -> String {
    let title = match (event.action, event.undoes) {
        (Action::EventUndo, Some(undone)) => {
            Message::new(keys::PANEL_LAST_UNDO).with("undone", undone.to_string())
        }
        _ => Message::new(keys::PANEL_LAST),
    };
    let undone = state
        .last_undone_by
        .map(|by| locale.text(&Message::new(keys::SEARCH_UNDONE).with("event", by.to_string())));
    locale.text(&title.with("event", event.seq.to_string())) + &undone.unwrap_or_default()
}

/// What the sitting came to, in all and for each.
fn sitting(state: &PanelShown, locale: Locale) -> String {
    let head = if state.steps == 0 {
        Message::new(keys::PANEL_NO_STEPS)
    } else {
        Message::new(keys::PANEL_TOTALS)
            .with("count", state.steps)
            .with("points", Value::change(state.total))
    };
    let head = locale.text(&head.with("when", ago(state.since)));
    let total = |total: &crate::service::PanelTotal| {
        let message = Message::new(keys::PANEL_TOTAL)
            .with("name", shown(&total.name))
            .with("points", Value::change(total.delta));
        locale.text(&message)
    };
    let lines: Vec<String> = [head]
        .into_iter()
        .chain(state.totals.iter().map(total))
        .collect();
    fitted(&lines, TOTALS, locale)
}

/// The rows of a panel.
struct Buttons<'a> {
    state: &'a PanelShown,
    mark: Mark,
    locale: Locale,
}

impl<'a> Buttons<'a> {
    fn of(panel: &'a Panel, locale: Locale) -> Self {
        let state = &panel.shown;
        let picked = state.picked.iter().map(|who| who.id).collect();
        Self {
            state,
            mark: Picked::new(picked).mark(),
            locale,
        }
    }

    fn press(&self, act: PanelAct) -> Press {
        Press::Panel(PanelPress {
            device: self.state.session.device_id.clone(),
            table: self.state.table.id,
            act,
        })
    }

    fn button(&self, act: PanelAct, label: crate::i18n::Key) -> CreateButton {
        button(&self.press(act), label, ButtonStyle::Secondary, self.locale)
    }

    /// The people of the page; none where there is nobody to pick.
    fn menu(&self) -> Option<CreateActionRow> {
        let state = self.state;
        let most = u8::try_from(state.options.len())
            .ok()
            .filter(|most| *most > 0)?;
        let is_picked = |who: &PanelEntry| state.picked.iter().any(|picked| picked.id == who.id);
        let option = |who: &PanelEntry| {
            CreateSelectMenuOption::new(render::clip(&who.name, OPTION), who.id.short())
                .description(points(who.points, self.locale))
                .default_selection(is_picked(who))
        };
        let options = state.options.iter().map(option).collect();
        let act = PanelAct::Pick {
            page: state.page,
            mark: self.mark.clone(),
        };
        let hint = Message::new(keys::PANEL_MENU)
            .with("page", i64::from(state.page) + 1)
            .with("pages", state.pages);
        let menu = CreateSelectMenu::new(
            self.press(act).encode(),
            CreateSelectMenuKind::String { options },
        );
        let menu = menu.placeholder(self.locale.text(&hint));
        Some(CreateActionRow::SelectMenu(
            menu.min_values(0).max_values(most),
        ))
    }

    fn paging(&self) -> CreateActionRow {
        let state = self.state;
        let mut row = Vec::new();
        if state.pages > 1 {
            let back = PanelAct::Page(state.page.saturating_sub(1));
            let next = PanelAct::Page(state.page.saturating_add(1));
            let is_last = state.page.saturating_add(1) >= state.pages;
            row.push(
                self.button(back, keys::BUTTON_BACK)
                    .disabled(state.page == 0),
            );
            row.push(self.button(next, keys::BUTTON_NEXT).disabled(is_last));
        }
        row.push(self.button(PanelAct::Search, keys::BUTTON_SEARCH));
        if !state.search.is_empty() {
            row.push(self.button(PanelAct::All, keys::BUTTON_ALL));
        }
        let clear = self.button(PanelAct::Clear, keys::BUTTON_CLEAR);
        row.push(clear.disabled(state.picked.is_empty()));
        CreateActionRow::Buttons(row)
    }

    /// What to give, or to take: red, where it is taken.
    fn amounts(&self, may_switch: bool) -> CreateActionRow {
        let (takes, nobody) = (self.state.takes, self.state.picked.is_empty());
        let style = if takes {
            ButtonStyle::Danger
        } else {
            ButtonStyle::Success
        };
        let amount = |amount: i64| {
            let points = if takes { -amount } else { amount };
            let mark = self.mark.clone();
            CreateButton::new(self.press(PanelAct::Points { points, mark }).encode())
                .label(self.locale.signed(points))
                .style(style)
                .disabled(nobody)
        };
        let mark = self.mark.clone();
        let other = self.button(PanelAct::Other { takes, mark }, keys::BUTTON_OTHER);
        let mut row: Vec<CreateButton> = AMOUNTS.into_iter().map(amount).collect();
        row.push(other.disabled(nobody));
        if may_switch {
            let label = if takes {
                keys::BUTTON_GIVE
            } else {
                keys::BUTTON_TAKE
            };
            row.push(self.button(PanelAct::Direction { takes: !takes }, label));
        }
        CreateActionRow::Buttons(row)
    }

    /// The first activities of the table, each for as much as there are points for; none while points
    /// are taken.
    fn activities(&self) -> Option<CreateActionRow> {
        let nobody = self.state.picked.is_empty();
        let activity = |activity: &Activity| {
            let act = PanelAct::Activity {
                number: activity.number,
                points: activity.points,
                mark: self.mark.clone(),
            };
            let worth = match activity.quantity {
                1 => format!(" {}", self.locale.signed(activity.points)),
                quantity => {
                    let quantity = self.locale.integer(quantity);
                    format!(" {quantity} {}", self.locale.signed(activity.points))
                }
            };
            let room = LABEL.saturating_sub(render::length(&worth));
            // Markdown is not read on a button.
            CreateButton::new(self.press(act).encode())
                .label(render::clip(&activity.name, room).into_owned() + &worth)
                .style(ButtonStyle::Primary)
                .disabled(nobody)
        };
        let activities = self.state.table.activities.values().take(BUTTONS);
        let row: Vec<CreateButton> = activities.map(activity).collect();
        (!row.is_empty() && !self.state.takes).then_some(CreateActionRow::Buttons(row))
    }

    fn undo(&self) -> CreateActionRow {
        let step = self.state.undoable;
        // Where there is none the button is there all the same: nothing moves under the thumb.
        let act = PanelAct::Undo(step.unwrap_or(crate::domain::ids::Seq(1)));
        let undo = self.button(act, keys::BUTTON_UNDO);
        CreateActionRow::Buttons(vec![undo.disabled(step.is_none())])
    }
}

/// The form that a press opens, if it opens one.
#[must_use]
pub fn form(press: &PanelPress, locale: Locale) -> Option<CreateModal> {
    let (device, table) = (press.device.clone(), press.table);
    let (form, title, inputs) = match &press.act {
        PanelAct::Search => {
            let hint = locale.text(&keys::FORM_SEARCH_HINT.into());
            let search = input(SEARCH, keys::FORM_SEARCH_NAME, locale).placeholder(hint);
            (
                Form::Search { device, table },
                keys::FORM_SEARCH,
                vec![search],
            )
        }
        PanelAct::Other { takes, mark } => {
            let (takes, mark) = (*takes, mark.clone());
            let title = if takes {
                keys::FORM_PANEL_TAKE
            } else {
                keys::FORM_PANEL_GIVE
            };
            let form = Form::Other {
                device,
                table,
                takes,
                mark,
            };
            let inputs = vec![
                input(POINTS, keys::FORM_POINTS, locale).required(true),
                input(REASON, keys::FORM_REASON, locale),
            ];
            (form, title, inputs)
        }
        _ => return None,
    };
    let rows = inputs.into_iter().map(CreateActionRow::InputText).collect();
    Some(CreateModal::new(form.encode(), locale.text(&title.into())).components(rows))
}
