//! A page of a table.

use serenity::all::ButtonStyle;
use serenity::builder::{CreateActionRow, CreateEmbed};

use super::receipt::missed_note;
use super::words::{entries, moment, points};
use super::{CONTENT, DESCRIPTION, button, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::field::{ExtraField, FieldKind};
use crate::domain::ids::DeviceId;
use crate::domain::layout::Layout;
use crate::domain::table::Table;
use crate::i18n::{Locale, Message, keys};
use crate::render::{self, Align, Column, Fit, Rendered, TableView};
use crate::service::PageRow;
use crate::service::past::{AsOf, Since};
use crate::service::view::TablePage;

/// The widest line on a PC.
const WIDE_COLUMNS: usize = 80;

/// How a page is shown, and to whom.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The layout.
    pub layout: Layout,
    /// Whether everybody sees it.
    pub shared: bool,
    /// The session that its buttons carry.
    pub device: Option<DeviceId>,
}

/// A page, with a pager where there are more.
#[must_use]
pub fn page(page: &TablePage, how: &Shown, locale: Locale) -> Reply {
    let reply = rows(page, how, locale);
    reply.aside(page.aside).marked(page.marked.clone())
}

fn rows(page: &TablePage, how: &Shown, locale: Locale) -> Reply {
    let (head, foot) = (heading(page, locale), foot(page, locale));
    if page.rows.is_empty() {
        let empty = match (&page.as_of, &page.period) {
            (None, None) => keys::TABLE_EMPTY,
            _ => keys::TABLE_EMPTY_THEN,
        };
        let empty = locale.text(&empty.into());
        return Reply::text(format!("{head}\n{empty}"));
    }
    let room =
        |limit: usize| limit.saturating_sub(render::length(&head) + render::length(&foot) + 120);
    let view = page_view(page, how.layout, locale);
    let content = laid_out(&view, how.layout, room(CONTENT));
    let reply = if content.rows_shown == page.rows.len() {
        Reply::text(format!("{head}\n{}\n{foot}", content.text))
    } else {
        // A card takes twice as much as a message.
        let card = laid_out(&view, how.layout, room(DESCRIPTION));
        let cut = cut(page.rows.len() - card.rows_shown, locale);
        Reply::card(CreateEmbed::new().description(format!("{head}\n{}\n{cut}{foot}", card.text)))
    };
    match pager(page, how, locale) {
        Some(row) => reply.row(row),
        None => reply,
    }
}

fn heading(page: &TablePage, locale: Locale) -> String {
    let then = page.as_of.as_ref().map(|as_of| as_of.at).or(page.known_at);
    let message = match (then, &page.period) {
        (None, Some(period)) => Message::new(keys::TABLE_HEADING_PERIOD)
            .with("period", period.number.to_string())
            .with("at", moment(period.closed)),
        (None, None) => Message::new(keys::TABLE_HEADING),
        (Some(at), _) => Message::new(keys::TABLE_HEADING_THEN).with("at", moment(at)),
    };
    let message = message
        .with("table", shown(&page.table.address()))
        .with("entries", entries(page.total, locale))
        .with("points", points(page.points, locale));
    let notes = page.as_of.iter().flat_map(|as_of| notes(as_of, locale));
    let known = page
        .known_at
        .map(|_| locale.text(&keys::TABLE_KNOWN.into()));
    let lines = [locale.text(&message)]
        .into_iter()
        .chain(known)
        .chain(notes);
    lines.collect::<Vec<_>>().join("\n")
}

/// What is to be known of a page of the past.
fn notes(as_of: &AsOf, locale: Locale) -> Vec<String> {
    let ahead = as_of.ahead.then(|| keys::TABLE_AHEAD.into());
    let since = match &as_of.since {
        Since::Same => None,
        Since::Moved(now) => Some(Message::new(keys::TABLE_MOVED_SINCE).with("now", shown(now))),
        Since::Deleted => Some(keys::TABLE_DELETED_SINCE.into()),
    };
    let notes = [ahead, since].into_iter().flatten();
    notes.map(|note| locale.text(&note)).collect()
}

/// The page's number, and what was done on other devices meanwhile.
fn foot(page: &TablePage, locale: Locale) -> String {
    let missed = missed_note(page.aside.missed, locale).map(|note| format!("\n{note}"));
    page_number(page, locale) + &missed.unwrap_or_default()
}

fn page_number(page: &TablePage, locale: Locale) -> String {
    let message = Message::new(keys::TABLE_PAGE)
        .with("page", page.page.saturating_add(1))
        .with("pages", page.pages);
    locale.text(&message)
}

pub(super) fn cut(rows: usize, locale: Locale) -> String {
    if rows == 0 {
        return String::new();
    }
    locale.text(&Message::new(keys::TABLE_CUT).with("count", rows)) + "\n"
}

pub(super) fn laid_out(view: &TableView, layout: Layout, room: usize) -> Rendered {
    match layout {
        Layout::Phone => render::phone(view, room),
        Layout::Wide => render::wide(view, WIDE_COLUMNS, room),
    }
}

fn page_view(page: &TablePage, layout: Layout, locale: Locale) -> TableView {
    view(
        (&page.table, &page.rows),
        page.first_place(),
        layout,
        locale,
    )
}

/// These rows of a table, numbered from `first_place`.
pub(super) fn view(
    (table, rows): (&Table, &[PageRow]),
    first_place: i64,
    layout: Layout,
    locale: Locale,
) -> TableView {
    let title = |key| locale.text(&Message::new(key));
    let has_ranks = rows.iter().any(|row| row.rank.is_some());
    let extras = extras(table, rows, layout);
    let mut columns = vec![
        Column::new("#", Align::Right, Fit::Whole),
        Column::new(title(keys::COLUMN_NAME), Align::Left, Fit::Shrink),
    ];
    if has_ranks {
        columns.push(Column::new(
            title(keys::COLUMN_RANK),
            Align::Left,
            Fit::Spare,
        ));
    }
    let extra = |field: &&ExtraField| Column::new(field.name.clone(), align(field), Fit::Spare);
    columns.extend(extras.iter().map(extra));
    columns.push(Column::new(
        title(keys::COLUMN_POINTS),
        Align::Right,
        Fit::Whole,
    ));
    let row = |(row, place): (&PageRow, i64)| {
        let mut cells = vec![locale.integer(place), row.name.clone()];
        if has_ranks {
            cells.push(rank(table, row, locale));
        }
        cells.extend(extras.iter().map(|field| value(row, field)));
        cells.push(locale.integer(row.points));
        cells
    };
    TableView {
        columns,
        rows: rows.iter().zip(first_place..).map(row).collect(),
    }
}

/// The extra fields that a wide screen has room for: those with a value on the page.
fn extras<'t>(table: &'t Table, rows: &[PageRow], layout: Layout) -> Vec<&'t ExtraField> {
    if layout == Layout::Phone {
        return Vec::new();
    }
    let is_used = |field: &&ExtraField| rows.iter().any(|row| !value(row, field).is_empty());
    table.live_fields().filter(is_used).collect()
}

fn value(row: &PageRow, field: &ExtraField) -> String {
    let value = row.extra.get(&field.number.to_string());
    value.cloned().unwrap_or_default()
}

fn align(field: &ExtraField) -> Align {
    match field.kind {
        FieldKind::Number => Align::Right,
        FieldKind::Text | FieldKind::Date => Align::Left,
    }
}

fn rank(table: &Table, row: &PageRow, locale: Locale) -> String {
    let Some(number) = row.rank else {
        return String::new();
    };
    table
        .ranks
        .get(&number)
        .map_or_else(|| locale.integer(number), |rank| rank.title.clone())
}

fn pager(page: &TablePage, how: &Shown, locale: Locale) -> Option<CreateActionRow> {
    let press = |to: u32| Press::View {
        device: how.device.clone(),
        table: page.table.id,
        sort: page.sort,
        page: to,
        layout: how.layout,
        shared: how.shared,
        at: page.as_of.as_ref().map(|as_of| as_of.at),
        period: page.period.as_ref().map(|period| period.number),
    };
    let back = page.page.checked_sub(1).map(|to| (to, keys::BUTTON_BACK));
    let next = page
        .page
        .checked_add(1)
        .filter(|to| *to < page.pages)
        .map(|to| (to, keys::BUTTON_NEXT));
    let buttons: Vec<_> = [back, next]
        .into_iter()
        .flatten()
        .map(|(to, label)| button(&press(to), label, ButtonStyle::Secondary, locale))
        .collect();
    (!buttons.is_empty()).then_some(CreateActionRow::Buttons(buttons))
}
