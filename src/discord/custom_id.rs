//! What a button or menu means, as its `custom_id` carries it: a version, a kind, and what the
//! click needs to be understood after a restart. At most 100 characters.
//!
//! ```text
//! 1:undo:<device>:<seq>      1:undo!:<device>:<seq>     1:cancel     1:show:<device>
//! 1:view:<device>:<table>:<sort>:<page>:<layout>:<s|e>[:<microseconds since 1970>]
//! 1:find:<device>:<draft>:<before seq or ->             1:choose:<device>:<draft>
//! 1:sessions:<device>:<user or ->:<page>                1:end:<device>
//! 1:mine:<guild>:<seq>:<index>
//! 1:link:<device>:<draft>    1:meant:<device>:<seq>:<created entry>:<meant entry>
//! ```
//!
//! A form's is written alike: `1:give:<member>`.
//!
//! A device that is not known is `-`. A change of meaning takes a new version; what is not
//! understood is answered with a word on that.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::ids::{DeviceId, DraftId, EntryId, GuildId, Seq, TableId, UserId};
use crate::service::Sort;

use super::layout::Layout;

const VERSION: &str = "1";

/// The longest `custom_id` that Discord takes.
pub const MAX_CHARS: usize = 100;

/// The last microsecond of the year 9999.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// What a click asks for, with the device session of the message it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// Undo an event of the clicker's own.
    Undo {
        /// The session.
        device: Option<DeviceId>,
        /// Which event.
        event: Seq,
        /// Also where others have changed things since.
        force: bool,
    },
    /// Put back a value of the clicker's own that an event replaced unseen. It may stand in a
    /// direct message, so it tells the guild.
    Mine {
        /// In which guild.
        guild: GuildId,
        /// Which event replaced it.
        event: Seq,
        /// Which of those that it replaced.
        index: usize,
    },
    /// Leave things as they are.
    Cancel,
    /// Show a page of a table.
    View {
        /// The session.
        device: Option<DeviceId>,
        /// Which table.
        table: TableId,
        /// In which order.
        sort: Sort,
        /// Which page, from 0.
        page: u32,
        /// In which layout.
        layout: Layout,
        /// Whether everybody sees it.
        shared: bool,
        /// As it was at that moment; as it is now, without.
        at: Option<DateTime<Utc>>,
    },
    /// Show a page of a search.
    Find {
        /// The session.
        device: Option<DeviceId>,
        /// Which search.
        draft: DraftId,
        /// The events before this one; the newest without.
        before: Option<Seq>,
    },
    /// Show the event that is chosen in the menu.
    Show {
        /// The session.
        device: Option<DeviceId>,
    },
    /// Show a page of the guild's sessions.
    Sessions {
        /// The session.
        device: Option<DeviceId>,
        /// Only this person's.
        who: Option<UserId>,
        /// Which page, from 0.
        page: u32,
    },
    /// End the session that is chosen in the menu.
    End {
        /// The session.
        device: Option<DeviceId>,
    },
    /// Run a command that waits, on the table that is chosen in the menu.
    Choose {
        /// The session.
        device: Option<DeviceId>,
        /// Which command.
        draft: DraftId,
    },
    /// Link members to the entries that were offered, and do what waited for it.
    Link {
        /// The session.
        device: Option<DeviceId>,
        /// What waits.
        draft: DraftId,
    },
    /// Move an entry that an award created into the one that was meant.
    Meant {
        /// The session.
        device: Option<DeviceId>,
        /// The award.
        event: Seq,
        /// Which entry it created.
        created: EntryId,
        /// The one that was meant.
        meant: EntryId,
    },
}

impl Press {
    /// Reads a `custom_id`; `None` if it is of another version, or no such thing at all.
    #[must_use]
    pub fn decode(custom_id: &str) -> Option<Self> {
        let parts: Vec<&str> = custom_id.split(':').collect();
        let [VERSION, kind, args @ ..] = parts.as_slice() else {
            return None;
        };
        match (*kind, args) {
            ("undo", [device, event]) => undo(device, event, false),
            ("undo!", [device, event]) => undo(device, event, true),
            ("mine", [guild, event, index]) => Some(Self::Mine {
                guild: GuildId::try_from(guild.parse::<u64>().ok()?).ok()?,
                event: read_seq(event)?,
                index: index.parse().ok()?,
            }),
            ("cancel", []) => Some(Self::Cancel),
            ("view", [device, table, sort, page, layout, audience, at @ ..]) => Some(Self::View {
                device: read_device(device).ok()?,
                table: TableId::from_short(table)?,
                sort: Sort::parse(sort)?,
                page: page.parse().ok()?,
                layout: Layout::parse(layout)?,
                shared: read_audience(audience)?,
                at: read_at(at).ok()?,
            }),
            ("find", [device, draft, before]) => Some(Self::Find {
                device: read_device(device).ok()?,
                draft: DraftId::from_short(draft)?,
                before: read_optional(before, read_seq).ok()?,
            }),
            ("show", [device]) => Some(Self::Show {
                device: read_device(device).ok()?,
            }),
            ("sessions", [device, who, page]) => Some(Self::Sessions {
                device: read_device(device).ok()?,
                who: read_optional(who, read_user).ok()?,
                page: page.parse().ok()?,
            }),
            ("end", [device]) => Some(Self::End {
                device: read_device(device).ok()?,
            }),
            ("choose", [device, draft]) => Some(Self::Choose {
                device: read_device(device).ok()?,
                draft: DraftId::from_short(draft)?,
            }),
            ("link", [device, draft]) => Some(Self::Link {
                device: read_device(device).ok()?,
                draft: DraftId::from_short(draft)?,
            }),
            ("meant", [device, event, created, meant]) => Some(Self::Meant {
                device: read_device(device).ok()?,
                event: read_seq(event)?,
                created: EntryId::from_short(created)?,
                meant: EntryId::from_short(meant)?,
            }),
            _ => None,
        }
    }

    /// Writes the `custom_id`.
    #[must_use]
    pub fn encode(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}:")?;
        match self {
            Self::Undo {
                device,
                event,
                force,
            } => {
                let kind = if *force { "undo!" } else { "undo" };
                write!(f, "{kind}:{}:{event}", written(device.as_ref()))
            }
            Self::Mine {
                guild,
                event,
                index,
            } => write!(f, "mine:{guild}:{event}:{index}"),
            Self::Cancel => f.write_str("cancel"),
            Self::View {
                device,
                table,
                sort,
                page,
                layout,
                shared,
                at,
            } => {
                let (device, audience) =
                    (written(device.as_ref()), if *shared { "s" } else { "e" });
                let (table, sort, layout) = (table.short(), sort.as_str(), layout.as_str());
                write!(f, "view:{device}:{table}:{sort}:{page}:{layout}:{audience}")?;
                match at {
                    Some(at) => write!(f, ":{}", at.timestamp_micros()),
                    None => Ok(()),
                }
            }
            Self::Find {
                device,
                draft,
                before,
            } => {
                let before = before.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
                write!(
                    f,
                    "find:{}:{}:{before}",
                    written(device.as_ref()),
                    draft.short()
                )
            }
            Self::Show { device } => write!(f, "show:{}", written(device.as_ref())),
            Self::Sessions { device, who, page } => {
                let who = who.map_or_else(|| "-".to_owned(), |who| who.to_string());
                write!(f, "sessions:{}:{who}:{page}", written(device.as_ref()))
            }
            Self::End { device } => write!(f, "end:{}", written(device.as_ref())),
            Self::Choose { device, draft } => {
                write!(f, "choose:{}:{}", written(device.as_ref()), draft.short())
            }
            Self::Link { device, draft } => {
                write!(f, "link:{}:{}", written(device.as_ref()), draft.short())
            }
            Self::Meant {
                device,
                event,
                created,
                meant,
            } => {
                let (device, created, meant) =
                    (written(device.as_ref()), created.short(), meant.short());
                write!(f, "meant:{device}:{event}:{created}:{meant}")
            }
        }
    }
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Points for a member.
    Give {
        /// Who.
        member: UserId,
    },
}

impl Form {
    /// Reads a `custom_id`; `None` if it is of another version, or no such thing at all.
    #[must_use]
    pub fn decode(custom_id: &str) -> Option<Self> {
        let member = custom_id.strip_prefix("1:give:")?;
        let member = member.parse().ok().filter(|id: &u64| *id > 0)?;
        Some(Self::Give {
            member: UserId::try_from(member).ok()?,
        })
    }

    /// Writes the `custom_id`.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Give { member } => format!("{VERSION}:give:{member}"),
        }
    }
}

/// A part that can't be read.
struct Garbled;

fn undo(device: &str, event: &str, force: bool) -> Option<Press> {
    Some(Press::Undo {
        device: read_device(device).ok()?,
        event: read_seq(event)?,
        force,
    })
}

fn written(device: Option<&DeviceId>) -> &str {
    device.map_or("-", DeviceId::as_str)
}

/// A part that may be `-`, for nothing.
fn read_optional<T>(
    text: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Garbled> {
    if text == "-" {
        Ok(None)
    } else {
        read(text).map(Some).ok_or(Garbled)
    }
}

fn read_device(text: &str) -> Result<Option<DeviceId>, Garbled> {
    read_optional(text, DeviceId::parse)
}

fn read_seq(text: &str) -> Option<Seq> {
    text.parse().ok().filter(|seq| *seq > 0).map(Seq)
}

fn read_user(text: &str) -> Option<UserId> {
    text.parse()
        .ok()
        .and_then(|id: u64| UserId::try_from(id).ok())
}

/// The last part of a view, where there is one. Up to the end of the year 9999, so that it fits.
fn read_at(parts: &[&str]) -> Result<Option<DateTime<Utc>>, Garbled> {
    match parts {
        [] => Ok(None),
        [micros] => read_micros(micros).map(Some).ok_or(Garbled),
        _ => Err(Garbled),
    }
}

fn read_micros(text: &str) -> Option<DateTime<Utc>> {
    let micros = text.parse().ok();
    DateTime::from_timestamp_micros(micros.filter(|micros| (0..=LAST_MICROS).contains(micros))?)
}

fn read_audience(text: &str) -> Option<bool> {
    match text {
        "s" => Some(true),
        "e" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn device() -> impl Strategy<Value = Option<DeviceId>> {
        prop::option::of(any::<[u8; 16]>().prop_map(DeviceId::from_bytes))
    }

    fn seq() -> impl Strategy<Value = Seq> {
        (1..=i64::MAX).prop_map(Seq)
    }

    fn draft() -> impl Strategy<Value = DraftId> {
        any::<u128>().prop_map(|id| DraftId(Uuid::from_u128(id)))
    }

    fn press() -> impl Strategy<Value = Press> {
        let sorts = prop::sample::select(vec![Sort::Points, Sort::Name, Sort::Rank]);
        let layouts = prop::sample::select(Layout::ALL.to_vec());
        let view = (
            device(),
            any::<u128>(),
            sorts,
            any::<u32>(),
            layouts,
            any::<bool>(),
            prop::option::of(0..=LAST_MICROS),
        );
        prop_oneof![
            (device(), seq(), any::<bool>()).prop_map(|(device, event, force)| Press::Undo {
                device,
                event,
                force
            }),
            (0..=i64::MAX, seq(), any::<usize>()).prop_map(|(guild, event, index)| Press::Mine {
                guild: GuildId::from_db(guild),
                event,
                index,
            }),
            Just(Press::Cancel),
            view.prop_map(|(device, table, sort, page, layout, shared, at)| {
                let table = TableId(Uuid::from_u128(table));
                let at = at.and_then(DateTime::from_timestamp_micros);
                Press::View {
                    device,
                    table,
                    sort,
                    page,
                    layout,
                    shared,
                    at,
                }
            }),
            (device(), draft(), prop::option::of(seq())).prop_map(|(device, draft, before)| {
                Press::Find {
                    device,
                    draft,
                    before,
                }
            }),
            device().prop_map(|device| Press::Show { device }),
            (device(), prop::option::of(0..=i64::MAX), any::<u32>()).prop_map(
                |(device, who, page)| Press::Sessions {
                    device,
                    who: who.map(UserId::from_db),
                    page,
                }
            ),
            device().prop_map(|device| Press::End { device }),
            (device(), draft()).prop_map(|(device, draft)| Press::Choose { device, draft }),
            (device(), draft()).prop_map(|(device, draft)| Press::Link { device, draft }),
            (device(), seq(), entry(), entry()).prop_map(|(device, event, created, meant)| {
                Press::Meant {
                    device,
                    event,
                    created,
                    meant,
                }
            }),
        ]
    }

    fn entry() -> impl Strategy<Value = EntryId> {
        any::<u128>().prop_map(|id| EntryId(Uuid::from_u128(id)))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(press in press()) {
            let custom_id = press.encode();
            prop_assert!(custom_id.chars().count() <= MAX_CHARS, "{custom_id}");
            prop_assert_eq!(Press::decode(&custom_id), Some(press));
        }

        #[test]
        fn what_is_written_on_a_form_is_read(member in 1..=i64::MAX) {
            let form = Form::Give { member: UserId::from_db(member) };
            let custom_id = form.encode();
            prop_assert!(custom_id.chars().count() <= MAX_CHARS, "{custom_id}");
            prop_assert_eq!(Press::decode(&custom_id), None);
            prop_assert_eq!(Form::decode(&custom_id), Some(form));
        }

        #[test]
        fn garbage_is_not_understood_and_does_no_harm(text in any::<String>()) {
            let _ = Press::decode(&text);
            let _ = Press::decode(&format!("1:view:{text}"));
            let _ = Press::decode(&format!("1:undo:-:{text}"));
            let _ = Press::decode(&format!("1:meant:-:{text}"));
            let _ = Form::decode(&format!("1:give:{text}"));
        }
    }

    #[test]
    fn other_versions_and_kinds_are_not_understood() {
        for text in [
            "",
            "1",
            "2:cancel",
            "1:cancel:x",
            "1:undo:-:0",
            "1:undo:-:-3",
            "1:later:-",
            "1:sessions:-:-",
            "1:sessions:-:-5:0",
            "1:sessions:-:9223372036854775808:0",
            "1:sessions:-:-:-1",
            "1:end:-:x",
            "1:view:-:-",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:-1",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:253402300800000000",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:0:0",
        ] {
            assert_eq!(Press::decode(text), None, "{text}");
        }
        assert_eq!(Press::decode("1:cancel"), Some(Press::Cancel));
        for text in [
            "",
            "1:give:",
            "1:give:0",
            "1:give:-1",
            "2:give:42",
            "1:give:42:x",
        ] {
            assert_eq!(Form::decode(text), None, "{text}");
        }
    }
}
