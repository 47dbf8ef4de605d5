//! The configuration: each setting, where it came from, and what is wrong with it.

use std::fmt::Display;

use super::{Finding, listed};
use crate::config::{Found, Loaded, Problem, Setting};
use crate::i18n::{Message, keys};

/// One finding for each setting that somebody set or that is wrong, and one for the places.
#[must_use]
pub fn findings(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = vec![places(loaded)];
    findings.extend(
        Setting::ALL
            .into_iter()
            .filter_map(|it| setting(loaded, it)),
    );
    // What is wrong with a place rather than with a setting.
    let is_other = |problem: &&Problem| Setting::ALL.iter().all(|it| it.name() != problem.subject);
    let others = loaded.problems().iter().filter(is_other);
    findings.extend(others.map(|problem| {
        Finding::failed(
            "configuration.file",
            said(problem),
            keys::DIAGNOSE_PLACE_REMEDY,
        )
    }));
    let others = loaded.warnings().iter().filter(is_other);
    findings.extend(others.map(|problem| {
        Finding::warning(
            "configuration.file",
            said(problem),
            keys::DIAGNOSE_PLACE_REMEDY,
        )
    }));
    findings
}

/// A text that is in no catalogue, such as a path with what the system said.
fn said(text: &impl Display) -> Message {
    Message::new(keys::DIAGNOSE_SAID).with("text", text.to_string())
}

fn places(loaded: &Loaded) -> Finding {
    let read = loaded
        .places()
        .iter()
        .filter_map(|place| match &place.found {
            Found::Read { settings: 1.., .. } => Some(match &place.path {
                Some(path) => path.display().to_string(),
                None => place.kind.to_owned(),
            }),
            _ => None,
        });
    let read: Vec<String> = read.collect();
    let message = if read.is_empty() {
        keys::DIAGNOSE_PLACES_NONE.into()
    } else {
        Message::new(keys::DIAGNOSE_PLACES).with("places", listed(&read))
    };
    Finding::ok("configuration.places", message)
}

fn setting(loaded: &Loaded, setting: Setting) -> Option<Finding> {
    let about = |problems: &[Problem]| {
        let found = problems.iter().filter(|it| it.subject == setting.name());
        let texts: Vec<&str> = found.map(|it| it.text.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    };
    let id = format!("configuration.{}", setting.toml_key());
    let remedy = |text: String| {
        let text = format!("{} {text}", setting.name());
        Message::new(keys::DIAGNOSE_SAID).with("text", text)
    };
    let origin = loaded.origin(setting);
    let message = Message::new(keys::DIAGNOSE_SETTING)
        .with("name", setting.name())
        .with("value", loaded.shown(setting))
        .with(
            "origin",
            origin.map_or("default".to_owned(), ToString::to_string),
        );
    match (about(loaded.problems()), about(loaded.warnings())) {
        (Some(problem), _) => Some(Finding::failed(id, message, remedy(problem))),
        (None, Some(warning)) => Some(Finding::warning(id, message, remedy(warning))),
        (None, None) => origin.map(|_| Finding::ok(id, message)),
    }
}
