//! How a table is laid out, and who chose it.

use serde::{Deserialize, Serialize};

use super::session::{Platform, Session};

/// A layout of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Narrow lines.
    Phone,
    /// Aligned columns.
    Wide,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Wide];

    /// The word in options, sessions and `custom_id`s.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Wide => "wide",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.as_str() == text)
    }

    /// The layout that a session gets: the one chosen on it, else the one its platform suits.
    /// A phone's layout is safe everywhere, so it is the one for an unknown platform.
    #[must_use]
    pub fn of_session(session: &Session) -> Self {
        let remembered = session.layout.as_deref().and_then(Self::parse);
        remembered.unwrap_or(match session.platform {
            Platform::Desktop | Platform::Web => Self::Wide,
            Platform::Mobile | Platform::Unknown => Self::Phone,
        })
    }
}
