//! The form for points of a member, what is typed into forms, and what is said where that can't be
//! carried out.

use serenity::all::InputTextStyle;
use serenity::builder::{CreateActionRow, CreateInputText, CreateModal};
use serenity::model::application::{ActionRowComponent, ModalInteractionData};

use super::CONTENT;
use crate::discord::custom_id::Form;
use crate::discord::reply::Reply;
use crate::domain::name::Name;
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;

/// Characters of a form's title, and of the label of a field.
const TITLE: usize = 45;

/// The fields by their names, and how much each takes.
pub(super) const POINTS: (&str, u16) = ("points", 20);
pub(super) const REASON: (&str, u16) = ("reason", 300);
const TABLE: (&str, u16) = ("table", 201);
pub(super) const SEARCH: (&str, u16) = ("search", 100);
pub(super) const ZONE: (&str, u16) = ("zone", 60);
pub(super) const NAME: (&str, u16) = ("name", 201);

/// What was typed into a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// How many.
    pub points: String,
    /// Why.
    pub reason: String,
    /// Where.
    pub table: String,
    /// A part of a name.
    pub search: String,
    /// A time zone.
    pub zone: String,
    /// What a table is called.
    pub name: String,
}

impl Typed {
    /// What Discord sends; a field of another version is ignored.
    #[must_use]
    pub fn read(data: &ModalInteractionData) -> Self {
        let mut typed = Self::default();
        for component in data.components.iter().flat_map(|row| &row.components) {
            let ActionRowComponent::InputText(input) = component else {
                continue;
            };
            let value = input.value.clone().unwrap_or_default();
            match input.custom_id.as_str() {
                id if id == POINTS.0 => typed.points = value,
                id if id == REASON.0 => typed.reason = value,
                id if id == TABLE.0 => typed.table = value,
                id if id == SEARCH.0 => typed.search = value,
                id if id == ZONE.0 => typed.zone = value,
                id if id == NAME.0 => typed.name = value,
                _ => {}
            }
        }
        typed
    }
}

/// The form for points of a member of this name.
pub fn give(form: &Form, name: &Name, locale: Locale) -> CreateModal {
    let title = |name: &str| locale.text(&Message::new(keys::FORM_GIVE).with("name", name));
    let room = TITLE.saturating_sub(render::length(&title("")));
    let hint = locale.text(&keys::FORM_TABLE_HINT.into());
    let inputs = [
        input(POINTS, keys::FORM_POINTS, locale).required(true),
        input(REASON, keys::FORM_REASON, locale),
        input(TABLE, keys::FORM_TABLE, locale).placeholder(hint),
    ];
    CreateModal::new(form.encode(), title(&render::clip(name.as_str(), room)))
        .components(inputs.map(CreateActionRow::InputText).to_vec())
}

/// A field that may stay empty.
pub(super) fn input((name, most): (&str, u16), label: Key, locale: Locale) -> CreateInputText {
    CreateInputText::new(InputTextStyle::Short, locale.text(&label.into()), name)
        .max_length(most)
        .required(false)
}

/// What went wrong, and what had been typed: the form is gone, and typing it anew is a nuisance.
#[must_use]
pub fn again(refusal: Reply, typed: &Typed, locale: Locale) -> Reply {
    let fields = [
        (keys::FORM_POINTS, &typed.points),
        (keys::FORM_REASON, &typed.reason),
        (keys::FORM_TABLE, &typed.table),
        (keys::SETUP_FORM_ZONE_NAME, &typed.zone),
        (keys::SETUP_FORM_TABLE_NAME, &typed.name),
    ];
    let line = |(label, value): (Key, &String)| {
        let message = Message::new(keys::FORM_TYPED_LINE)
            .with("label", Message::from(label))
            .with(
                "value",
                render::escape(&render::clip(value.trim(), REASON.1.into())),
            );
        locale.text(&message)
    };
    let given = fields
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty());
    let lines: Vec<String> = given.map(line).collect();
    if lines.is_empty() {
        return refusal;
    }
    let typed = format!(
        "\n{}\n{}",
        locale.text(&keys::FORM_TYPED.into()),
        lines.join("\n")
    );
    let room = CONTENT.saturating_sub(render::length(&typed));
    let content = render::clip(&refusal.content, room).into_owned() + &typed;
    Reply { content, ..refusal }
}
