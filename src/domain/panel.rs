//! The panel: a sitting in which points are given to one group of people after the other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::EntryId;

/// Entries on one page of its menu.
pub const PAGE: usize = 25;

/// The most people who can be picked at once; as many as one command takes.
pub const MAX_PICKED: usize = 50;

/// What its buttons give or take.
pub const AMOUNTS: [i64; 3] = [1, 3, 5];

/// Without use for so long, the sitting is over.
pub const REST: TimeDelta = TimeDelta::hours(3);

/// Who is picked, in the order of picking.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Picked(Vec<EntryId>);

/// More were picked than can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many are picked")]
pub struct TooManyPicked;

impl Picked {
    /// These.
    #[must_use]
    pub const fn new(ids: Vec<EntryId>) -> Self {
        Self(ids)
    }

    /// Their ids.
    #[must_use]
    pub fn ids(&self) -> &[EntryId] {
        &self.0
    }

    /// After `chosen` was chosen in a menu that offered `offered`: those of other pages stay.
    ///
    /// # Errors
    /// When there would be more than [`MAX_PICKED`].
    pub fn chosen(&self, offered: &[EntryId], chosen: &[EntryId]) -> Result<Self, TooManyPicked> {
        let stays = |id: &&EntryId| !offered.contains(id) || chosen.contains(id);
        let mut ids: Vec<EntryId> = self.0.iter().filter(stays).copied().collect();
        for id in chosen {
            if offered.contains(id) && !ids.contains(id) {
                ids.push(*id);
            }
        }
        if ids.len() > MAX_PICKED {
            return Err(TooManyPicked);
        }
        Ok(Self(ids))
    }

    /// What these people are recognised by, in whatever order they were picked.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let mut ids = self.0.clone();
        ids.sort_unstable();
        Mark::of(ids.iter().map(|id| id.0.as_bytes()))
    }
}

/// What tells one group of people from another, or one question from another. A button carries that of
/// what is shown beside it: it does nothing for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(String);

impl Mark {
    const CHARS: usize = 8;

    /// That of what these parts are of.
    pub fn of<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let mut mark = URL_SAFE_NO_PAD.encode(hasher.finalize());
        mark.truncate(Self::CHARS);
        Self(mark)
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        (text.len() == Self::CHARS && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// 8 characters of base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> EntryId {
        EntryId(Uuid::from_u128(number))
    }

    fn ids(numbers: &[u128]) -> Vec<EntryId> {
        numbers.iter().copied().map(id).collect()
    }

    #[test]
    fn a_page_decides_only_about_its_own_people() {
        let picked = Picked::new(ids(&[1, 30, 2]));
        let page = ids(&[1, 2, 3, 4]);
        let chosen = |of: &[u128]| picked.chosen(&page, &ids(of)).unwrap().0;
        assert_eq!(chosen(&[4, 2]), ids(&[30, 2, 4]));
        assert_eq!(chosen(&[]), ids(&[30]));
        assert_eq!(chosen(&[1, 2]), ids(&[1, 30, 2]));
        assert_eq!(chosen(&[77]), ids(&[30]), "nobody who was not offered");
    }

    #[test]
    fn no_more_than_a_command_takes() {
        let picked = Picked::new((0..48).map(id).collect());
        let page: Vec<EntryId> = (100..125).map(id).collect();
        assert!(picked.chosen(&page, &page[..2]).is_ok());
        assert_eq!(picked.chosen(&page, &page[..3]), Err(TooManyPicked));
    }

    proptest! {
        #[test]
        fn a_mark_is_of_the_people_and_not_of_their_order(
            numbers in prop::collection::hash_set(any::<u128>(), 0..60), more: u128,
        ) {
            let mut people: Vec<EntryId> = numbers.iter().copied().map(id).collect();
            let mark = Picked::new(people.clone()).mark();
            prop_assert_eq!(Mark::parse(mark.as_str()), Some(mark.clone()));
            people.reverse();
            prop_assert_eq!(&Picked::new(people.clone()).mark(), &mark);
            if !numbers.contains(&more) {
                people.push(id(more));
                prop_assert_ne!(Picked::new(people).mark(), mark);
            }
        }
    }

    #[test]
    fn other_texts_are_no_marks() {
        for text in ["", "abcdefg", "abcdefghi", "abcdefg:", "abcdefgé"] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
