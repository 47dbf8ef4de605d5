//! Content and embeds.

use serde_json::Value;

use super::{components, items, length};
use crate::problem::{Form, Problem};

const CONTENT: usize = 2000;
const EMBEDS: usize = 10;
const FIELDS: usize = 25;
const EMBED_TOTAL: usize = 6000;
const COMPONENTS_V2: u64 = 1 << 15;

/// Checks the body of a message; `at` is its dotted path in the request, with a final dot.
pub(crate) fn check(body: &Value, at: &str) -> Result<(), Problem> {
    let mut form = Form::default();
    form.text(at, "content", body, 0, CONTENT);
    embeds(&mut form, body, at);
    attachments(&mut form, body, at);
    if body["flags"].as_u64().unwrap_or(0) & COMPONENTS_V2 != 0 {
        let why = "The stand-in knows no Components V2, nor does serenity 0.12.";
        form.add(&format!("{at}flags"), "NOT_SUPPORTED", why);
    }
    components::check(&mut form, body, at);
    form.finish()
}

/// A message, as it would be shown, must show something.
pub(crate) fn check_not_empty(message: &Value) -> Result<(), Problem> {
    let text = length(&message["content"]) > 0;
    let has = |name: &str| !items(message, name).is_empty();
    if text || has("embeds") || has("attachments") || has("components") {
        Ok(())
    } else {
        Err(Problem::empty_message())
    }
}

fn embeds(form: &mut Form, body: &Value, at: &str) {
    let embeds = items(body, "embeds");
    if embeds.len() > EMBEDS {
        form.too_long(&format!("{at}embeds"), EMBEDS);
    }
    for (index, found) in embeds.iter().enumerate() {
        embed(form, found, &format!("{at}embeds.{index}."));
    }
    if embeds.iter().map(embed_length).sum::<usize>() > EMBED_TOTAL {
        let why = "Embed size exceeds maximum size of 6000";
        form.add(&format!("{at}embeds"), "MAX_EMBED_SIZE_EXCEEDED", why);
    }
}

fn embed(form: &mut Form, embed: &Value, at: &str) {
    form.text(at, "title", embed, 0, 256);
    form.text(at, "description", embed, 0, 4096);
    form.text(at, "url", embed, 0, 2048);
    if embed["footer"].is_object() {
        form.text(&format!("{at}footer."), "text", &embed["footer"], 1, 2048);
    }
    if embed["author"].is_object() {
        form.text(&format!("{at}author."), "name", &embed["author"], 1, 256);
    }
    if embed["color"]
        .as_u64()
        .is_some_and(|color| color > 0x00FF_FFFF)
    {
        let why = "int value should be less than or equal to 16777215.";
        form.add(&format!("{at}color"), "NUMBER_TYPE_MAX", why);
    }
    let fields = items(embed, "fields");
    if fields.len() > FIELDS {
        form.too_long(&format!("{at}fields"), FIELDS);
    }
    for (index, field) in fields.iter().enumerate() {
        let at = format!("{at}fields.{index}.");
        form.text(&at, "name", field, 1, 256);
        form.text(&at, "value", field, 1, 1024);
    }
    if is_empty(embed) {
        let why = "Embed is empty: it needs a description, a title, a field or an image";
        form.add(&format!("{at}description"), "BASE_TYPE_REQUIRED", why);
    }
}

fn is_empty(embed: &Value) -> bool {
    let has = |name: &str| embed[name].is_object();
    embed_length(embed) == 0 && !has("image") && !has("thumbnail") && !has("video")
}

fn embed_length(embed: &Value) -> usize {
    let fields = items(embed, "fields").iter();
    length(&embed["title"])
        + length(&embed["description"])
        + length(&embed["footer"]["text"])
        + length(&embed["author"]["name"])
        + fields
            .map(|field| length(&field["name"]) + length(&field["value"]))
            .sum::<usize>()
}

fn attachments(form: &mut Form, body: &Value, at: &str) {
    let attachments = items(body, "attachments");
    if attachments.len() > 10 {
        form.too_long(&format!("{at}attachments"), 10);
    }
    for (index, attachment) in attachments.iter().enumerate() {
        let at = format!("{at}attachments.{index}.");
        form.text(&at, "description", attachment, 0, 1024);
    }
}
