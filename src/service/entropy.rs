//! Randomness as a parameter: from the system in the program, from a seed in tests.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use uuid::{Builder, Uuid};

use crate::domain::ids::{DeviceId, DraftId, EntryId, GrantId, TableId};

/// Where ids and salts come from.
pub struct Entropy(Mutex<StdRng>);

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

impl Entropy {
    /// Seeded by the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }

    /// The same sequence each time.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// 16 random bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }

    /// An id for a new session. None begins with `-`, which a spreadsheet would take for a formula.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        loop {
            let id = DeviceId::from_bytes(self.bytes());
            if !id.as_str().starts_with('-') {
                return id;
            }
        }
    }

    /// An id for a new entry.
    #[must_use]
    pub fn entry_id(&self) -> EntryId {
        EntryId(Builder::from_random_bytes(self.bytes()).into_uuid())
    }

    /// An id for a new table.
    #[must_use]
    pub fn table_id(&self) -> TableId {
        TableId(Builder::from_random_bytes(self.bytes()).into_uuid())
    }

    /// The id of a right that is granted.
    #[must_use]
    pub fn grant_id(&self) -> GrantId {
        GrantId(self.uuid())
    }

    /// An id for a new draft.
    #[must_use]
    pub fn draft_id(&self) -> DraftId {
        DraftId(self.uuid())
    }

    /// Any other id.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// The root of an event's commitments: 32 hex digits.
    #[must_use]
    pub fn salt(&self) -> String {
        hex::encode(self.bytes())
    }
}
