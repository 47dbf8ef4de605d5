//! What a command or click attempts, in the words of the history: a refusal of it is an event.

use super::custom_id::{Form, PanelAct, Press, SetupPress};
use crate::domain::event::Action;

/// What the command of this path attempts; none where nobody is refused.
#[must_use]
pub fn of_command(path: &str) -> Option<Action> {
    Some(match path {
        "punctaj add" => Action::PointsAdd,
        "punctaj remove" => Action::PointsRemove,
        "punctaj set" => Action::EntrySet,
        "punctaj delete" => Action::EntryDelete,
        "punctaj undo" | "punctaj-audit undo" => Action::EventUndo,
        "punctaj-audit export" => Action::AuditExport,
        "punctaj-admin settings show" | "punctaj-admin diagnose" => Action::SettingsView,
        "punctaj-admin access list" | "punctaj-admin access explain" => Action::AccessView,
        "punctaj view"
        | "punctaj profile"
        | "punctaj panel"
        | "punctaj news"
        | "menu-profile"
        | "punctaj-admin table list"
        | "punctaj-admin rank list"
        | "punctaj-admin activity list"
        | "punctaj-admin board list"
        | "punctaj-admin period list"
        | "punctaj-admin period report" => Action::TableView,
        _ if path.starts_with("punctaj-audit ") => Action::AuditView,
        _ if path.starts_with("punctaj-admin settings ") => Action::SettingsSet,
        // `punctaj-admin rank set` attempts `rank.set`.
        _ => {
            let (what, verb) = path.strip_prefix("punctaj-admin ")?.split_once(' ')?;
            Action::parse(&format!("{what}.{verb}"))?
        }
    })
}

/// What a click attempts; none where nobody is refused, or a command that waited tells.
#[must_use]
pub const fn of_press(press: &Press) -> Option<Action> {
    match press {
        Press::Undo { .. } | Press::Preview { .. } | Press::Confirm { .. } => {
            Some(Action::EventUndo)
        }
        Press::View { .. } | Press::Board { .. } | Press::Periods { .. } => Some(Action::TableView),
        Press::Close { .. } => Some(Action::PeriodClose),
        Press::Ranks { .. } => Some(Action::RankApply),
        Press::Find { .. } | Press::Show { .. } | Press::Sessions { .. } => Some(Action::AuditView),
        Press::End { .. } => Some(Action::SessionClose),
        Press::Export { .. } => Some(Action::AuditExport),
        Press::Mine { .. } => Some(Action::EntrySet),
        Press::Link { .. } => Some(Action::PointsAdd),
        Press::Meant { .. } => Some(Action::EntryMerge),
        Press::Panel(press) => Some(of_panel(&press.act)),
        Press::Setup(press) => Some(of_setup(press)),
        Press::Cancel | Press::Choose { .. } => None,
    }
}

/// What a press on a panel attempts.
const fn of_panel(act: &PanelAct) -> Action {
    match act {
        PanelAct::Points { points: ..0, .. } | PanelAct::Other { takes: true, .. } => {
            Action::PointsRemove
        }
        PanelAct::Points { .. } | PanelAct::Activity { .. } | PanelAct::Other { .. } => {
            Action::PointsAdd
        }
        PanelAct::Undo(_) => Action::EventUndo,
        PanelAct::Pick { .. }
        | PanelAct::Page(_)
        | PanelAct::Search
        | PanelAct::All
        | PanelAct::Clear
        | PanelAct::Direction { .. } => Action::TableView,
    }
}

/// What a press in the guided set-up attempts.
const fn of_setup(press: &SetupPress) -> Action {
    match press {
        SetupPress::Open | SetupPress::At(_) | SetupPress::After(_) => Action::SettingsView,
        SetupPress::Language(_)
        | SetupPress::Zone
        | SetupPress::OtherZone { .. }
        | SetupPress::Log => Action::SettingsSet,
        SetupPress::Template { .. } | SetupPress::TemplateAgain { .. } => Action::TableCreate,
        SetupPress::Giver { .. } => Action::AccessGrant,
    }
}

/// What a form that is filled in attempts.
#[must_use]
pub const fn of_form(form: &Form) -> Action {
    match form {
        Form::Give { .. } | Form::Other { takes: false, .. } => Action::PointsAdd,
        Form::Other { takes: true, .. } => Action::PointsRemove,
        Form::Search { .. } => Action::TableView,
        Form::SetupZone => Action::SettingsSet,
        Form::SetupTable { .. } => Action::TableCreate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::views::help;

    #[test]
    fn every_command_that_needs_a_right_attempts_something() {
        for path in help::paths_with_a_right() {
            assert!(of_command(path).is_some(), "{path}");
        }
    }
}
