//! Who may do what. Until grants arrive this is the one place that decides: members with
//! Discord's *Manage Server* may do everything, everyone may look at tables and edit points.

use serde::{Deserialize, Serialize};

/// A permission code of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Right {
    /// Look at a table.
    #[serde(rename = "table.view")]
    TableView,
    /// Create tables and change their structure.
    #[serde(rename = "table.edit")]
    TableEdit,
    /// Create entries.
    #[serde(rename = "entry.add")]
    EntryAdd,
    /// Change an entry's name, rank, member or extra fields.
    #[serde(rename = "entry.edit")]
    EntryEdit,
    /// Delete entries.
    #[serde(rename = "entry.delete")]
    EntryDelete,
    /// Add points.
    #[serde(rename = "score.add")]
    ScoreAdd,
    /// Take points away.
    #[serde(rename = "score.remove")]
    ScoreRemove,
    /// Set points to a value.
    #[serde(rename = "score.set")]
    ScoreSet,
    /// Close periods, and set when they close.
    #[serde(rename = "period.close")]
    PeriodClose,
    /// Search the history.
    #[serde(rename = "audit.view")]
    AuditView,
    /// Undo what others did.
    #[serde(rename = "audit.undo")]
    AuditUndo,
    /// Export the history.
    #[serde(rename = "audit.export")]
    AuditExport,
    /// Export tables.
    #[serde(rename = "data.export")]
    DataExport,
    /// Post and remove boards.
    #[serde(rename = "board.manage")]
    BoardManage,
    /// Change the guild's settings.
    #[serde(rename = "settings.manage")]
    SettingsManage,
}

impl Right {
    /// The code as users and operators see it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TableView => "table.view",
            Self::TableEdit => "table.edit",
            Self::EntryAdd => "entry.add",
            Self::EntryEdit => "entry.edit",
            Self::EntryDelete => "entry.delete",
            Self::ScoreAdd => "score.add",
            Self::ScoreRemove => "score.remove",
            Self::ScoreSet => "score.set",
            Self::PeriodClose => "period.close",
            Self::AuditView => "audit.view",
            Self::AuditUndo => "audit.undo",
            Self::AuditExport => "audit.export",
            Self::DataExport => "data.export",
            Self::BoardManage => "board.manage",
            Self::SettingsManage => "settings.manage",
        }
    }
}

/// What Discord says of the person who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Holds *Manage Server* (or *Administrator*, or owns the guild) at this very interaction.
    pub manage_server: bool,
}

impl Standing {
    /// Whether this person sees tables that are private.
    #[must_use]
    pub const fn sees_private(self) -> bool {
        self.manage_server
    }

    /// Whether this person may do that.
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        self.manage_server
            || matches!(
                right,
                Right::TableView
                    | Right::EntryAdd
                    | Right::ScoreAdd
                    | Right::ScoreRemove
                    | Right::ScoreSet
            )
    }
}
