//! Identifiers. Each kind has a type of its own, so that none can stand in for another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A Discord id (snowflake) out of the range that Postgres' `bigint` holds; Discord issues none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Discord id is out of range")]
pub struct IdOutOfRange;

macro_rules! snowflake_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The id as the database keeps it.
            #[must_use]
            pub const fn from_db(raw: i64) -> Self {
                Self(raw)
            }

            /// The id as the database keeps it.
            #[must_use]
            pub const fn db(self) -> i64 {
                self.0
            }

            /// The id as Discord writes it.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0.unsigned_abs()
            }
        }

        impl TryFrom<u64> for $name {
            type Error = IdOutOfRange;

            fn try_from(raw: u64) -> Result<Self, IdOutOfRange> {
                i64::try_from(raw).map(Self).map_err(|_| IdOutOfRange)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

snowflake_id!(
    /// A Discord server: the tenant. Nothing crosses from one to another.
    GuildId
);
snowflake_id!(
    /// A person, as Discord knows them.
    UserId
);
snowflake_id!(
    /// A role of a guild.
    RoleId
);
snowflake_id!(
    /// A channel of a guild.
    ChannelId
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// 22 characters of base64url, for a `custom_id`.
            #[must_use]
            pub fn short(self) -> String {
                URL_SAFE_NO_PAD.encode(self.0.as_bytes())
            }

            /// Reads what [`Self::short`] wrote.
            #[must_use]
            pub fn from_short(text: &str) -> Option<Self> {
                let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
                Some(Self(Uuid::from_bytes(bytes)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A score table.
    TableId
);
uuid_id!(
    /// A row of a table.
    EntryId
);
uuid_id!(
    /// A right that was granted.
    GrantId
);
uuid_id!(
    /// What a reply's buttons need and a `custom_id` cannot hold; see `store::drafts`.
    DraftId
);

/// The number of an event in its guild: 1, 2, 3 … without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What makes an operation the same operation when it is delivered again: the interaction's id,
/// with a suffix for a second event of the same interaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(String);

impl OpId {
    /// Any text will do; it is compared, never read.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of another event of the same operation.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        Self(format!("{}/{suffix}", self.0))
    }
}

/// Ids by length, then as text: snowflakes then stand in the order of their numbers.
impl Ord for OpId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for OpId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One login of one Discord client: 16 random bytes as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// From 16 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads the 22 characters; `None` if they are anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 16).then(|| Self(text.to_owned()))
    }

    /// All 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 characters, as people see it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_ids_are_ordered_by_length_then_text() {
        let mut ids = ["10", "9", "100/session", "100", "99"].map(OpId::new);
        ids.sort();
        assert_eq!(ids.map(|id| id.0), ["9", "10", "99", "100", "100/session"]);
    }

    #[test]
    fn a_device_id_has_22_characters_and_reads_back() {
        let id = DeviceId::from_bytes([7; 16]);
        assert_eq!(id.as_str().len(), 22);
        assert_eq!(DeviceId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(DeviceId::parse("short"), None);
        assert_eq!(id.short().len(), 8);
    }

    #[test]
    fn a_table_id_survives_a_custom_id() {
        let id = TableId(Uuid::from_u128(42));
        assert_eq!(TableId::from_short(&id.short()), Some(id));
        assert_eq!(TableId::from_short("?"), None);
    }
}
