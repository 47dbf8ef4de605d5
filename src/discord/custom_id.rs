//! What a button or menu means, as its `custom_id` carries it: a version, a kind, and what the
//! click needs to be understood after a restart. At most 100 characters.
//!
//! ```text
//! 1:undo:<device>:<seq>[:<mark>]     1:cancel     1:show:<device>
//! 1:view:<device>:<table>:<sort>:<page>:<layout>:<s|e>[:<microseconds since 1970> or :p<period>]
//! 1:board:<table>        1:close:<device>:<table>:<period>    1:ranks:<seq>
//! 1:periods:<device>:<table>:<page>
//! 1:find:<device>:<draft>:<before seq or ->             1:choose:<device>:<draft>
//! 1:sessions:<device>:<user or ->:<page>                1:end:<device>
//! 1:mine:<device>:<guild>:<seq>:<index>
//! 1:link:<device>:<draft>    1:meant:<device>:<seq>:<created entry>:<meant entry>
//! 1:panel:<device>:<table>:pick:<page>:<mark>           …:page:<page>    …:search    …:all
//! …:clear    …:give    …:take    …:points:<points>:<mark>    …:other:<give|take>:<mark>
//! …:undo:<seq>
//! 1:preview:<device>:<seq>   1:confirm:<device>:<seq>[:<mark>]   1:confirm!:<device>:<seq>
//! 1:export:<device>:<draft>
//! 1:setup                    1:setup:at:<step>             1:setup:after:<step>
//! 1:setup:language:<code>    1:setup:zone    …:other-zone[:<typed>]    …:log
//! …:template:<name>[:<code>]    …:template-again:<name>:<typed>    …:giver[:<how many there are>]
//! ```
//!
//! A form's is written alike: `1:give:<member>`, `1:search:<device>:<table>`,
//! `1:other:<device>:<table>:<give|take>:<mark>`, `1:setup-zone`, `1:setup-table:<template>`.
//!
//! A device that is not known is `-`. A change of meaning takes a new version; what is not
//! understood is answered with a word on that.

use std::fmt;

use chrono::{DateTime, Utc};

use super::templates;
use crate::domain::guild::Language;
use crate::domain::ids::{DeviceId, DraftId, EntryId, GuildId, Seq, TableId, UserId};
use crate::domain::panel::Mark;
use crate::domain::points;
use crate::service::Sort;
use crate::service::undo::Force;

use crate::domain::layout::Layout;

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
        /// Also where others have changed things since: those that were shown.
        shown: Option<Mark>,
    },
    /// Put back a value of the clicker's own that an event replaced unseen. It may stand in a
    /// direct message, so it tells the guild.
    Mine {
        /// The session; none in what is told to a person and not to a device.
        device: Option<DeviceId>,
        /// In which guild.
        guild: GuildId,
        /// Which event replaced it.
        event: Seq,
        /// Which of those that it replaced.
        index: usize,
    },
    /// Leave things as they are.
    Cancel,
    /// Show the table of a board to the one who clicked.
    Board {
        /// Which table.
        table: TableId,
    },
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
        /// As it was when this period was closed; not with `at`.
        period: Option<i32>,
    },
    /// Close the period that was shown.
    Close {
        /// The session.
        device: Option<DeviceId>,
        /// Of which table.
        table: TableId,
        /// Its number.
        number: i32,
    },
    /// Apply the ranks that a closing proposed.
    Ranks {
        /// The event that closed it.
        event: Seq,
    },
    /// Show a page of a table's closed periods.
    Periods {
        /// The session.
        device: Option<DeviceId>,
        /// Of which table.
        table: TableId,
        /// Which page, from 0.
        page: u32,
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
    /// Show what undoing an event, anybody's, would change.
    Preview {
        /// The session.
        device: Option<DeviceId>,
        /// Which event.
        event: Seq,
    },
    /// Undo an event, anybody's, as it was shown.
    Confirm {
        /// The session.
        device: Option<DeviceId>,
        /// Which event.
        event: Seq,
        /// Whether also where others have changed things since.
        force: Force,
    },
    /// Export what a search finds.
    Export {
        /// The session.
        device: Option<DeviceId>,
        /// Which search.
        draft: DraftId,
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
    /// Something on a panel.
    Panel(PanelPress),
    /// Something of the guided set-up.
    Setup(SetupPress),
}

/// What a click on a panel asks for. It is for its own session alone, and does nothing once that
/// has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelPress {
    /// The panel's session.
    pub device: DeviceId,
    /// The panel's table.
    pub table: TableId,
    /// What to do.
    pub act: PanelAct,
}

/// What can be done on a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelAct {
    /// Pick those who are chosen in the menu. Page and mark make each state of the menu another
    /// menu: Discord's apps keep showing what was chosen in one that they know.
    Pick {
        /// Which page it shows, from 0.
        page: u32,
        /// Who is picked beside it.
        mark: Mark,
    },
    /// Show a page of the menu, from 0.
    Page(u32),
    /// Open the form for a search.
    Search,
    /// End the search.
    All,
    /// Pick nobody.
    Clear,
    /// Whether the buttons take points away from now on.
    Direction {
        /// They do.
        takes: bool,
    },
    /// Give points; negative: take them.
    Points {
        /// How many.
        points: i64,
        /// Who is picked beside it.
        mark: Mark,
    },
    /// Give the points of an activity, for the quantity that they are for.
    Activity {
        /// Its number.
        number: i32,
        /// The points that stand on the button.
        points: i64,
        /// Who is picked beside it.
        mark: Mark,
    },
    /// Open the form for another number of points.
    Other {
        /// Whether they are taken.
        takes: bool,
        /// Who is picked beside it.
        mark: Mark,
    },
    /// Undo a step.
    Undo(Seq),
}

/// A step of the guided set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupStep {
    /// In which language the bot speaks where everybody reads.
    Language,
    /// The time zone.
    Zone,
    /// Where edits are posted.
    Log,
    /// The first table.
    Table,
    /// Who may give points.
    Givers,
    /// What to do next.
    Done,
}

impl SetupStep {
    /// All steps, in their order.
    pub const ALL: [Self; 6] = [
        Self::Language,
        Self::Zone,
        Self::Log,
        Self::Table,
        Self::Givers,
        Self::Done,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Zone => "zone",
            Self::Log => "log",
            Self::Table => "table",
            Self::Givers => "givers",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

/// What a click in the guided set-up asks for. It carries no session: whoever sets a guild up has
/// none yet, and the button that begins it is for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupPress {
    /// Begin, or go on.
    Open,
    /// Show a step.
    At(SetupStep),
    /// Pass over a step, to the next that is not done.
    After(SetupStep),
    /// Set the language.
    Language(Language),
    /// Set the time zone that is chosen in the menu.
    Zone,
    /// Open the form for another time zone.
    OtherZone {
        /// With what was typed before; may be empty.
        typed: Retyped,
    },
    /// Set the log channel that is chosen in the menu.
    Log,
    /// Open the form for a table from a template.
    Template {
        /// Which.
        name: &'static str,
        /// The guild's language, in which a name is proposed; the caller's without.
        language: Option<Language>,
    },
    /// The same, with the name that was typed before.
    TemplateAgain {
        /// Which.
        name: &'static str,
        /// The name.
        typed: Retyped,
    },
    /// Let the role or member that is chosen in the menu give points.
    Giver {
        /// How many there are already, so that the menu is another one after each: Discord's apps keep
        /// showing what was chosen in one that they know.
        given: usize,
    },
}

/// What was typed into a form that was refused, as much as a button has room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retyped(String);

impl Retyped {
    /// Beside the longest of what else a button says.
    const ROOM: usize = 68;

    /// The beginning, if it is too long.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let mut room = Self::ROOM;
        let fitting = typed.trim().chars().map_while(|letter| {
            room = room.checked_sub(letter.len_utf16())?;
            Some(letter)
        });
        Self(fitting.collect::<String>().trim_end().to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It may hold what separates parts.
    fn of_parts(parts: &[&str]) -> Self {
        Self::new(&parts.join(":"))
    }
}

impl SetupPress {
    fn decode(parts: &[&str]) -> Option<Self> {
        Some(match parts {
            [] => Self::Open,
            ["at", step] => Self::At(SetupStep::parse(step)?),
            ["after", step] => Self::After(SetupStep::parse(step)?),
            ["language", code] => Self::Language(Language::parse(code)?),
            ["zone"] => Self::Zone,
            ["other-zone", typed @ ..] => Self::OtherZone {
                typed: Retyped::of_parts(typed),
            },
            ["log"] => Self::Log,
            ["template", name] => Self::Template {
                name: read_template(name)?,
                language: None,
            },
            ["template", name, code] => Self::Template {
                name: read_template(name)?,
                language: Some(Language::parse(code)?),
            },
            ["template-again", name, typed @ ..] => Self::TemplateAgain {
                name: read_template(name)?,
                typed: Retyped::of_parts(typed),
            },
            ["giver"] => Self::Giver { given: 0 },
            ["giver", given] => Self::Giver {
                given: given.parse().ok()?,
            },
            _ => return None,
        })
    }
}

impl fmt::Display for SetupPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => Ok(()),
            Self::At(step) => write!(f, ":at:{}", step.as_str()),
            Self::After(step) => write!(f, ":after:{}", step.as_str()),
            Self::Language(language) => write!(f, ":language:{language}"),
            Self::Zone => f.write_str(":zone"),
            Self::OtherZone { typed } if typed.as_str().is_empty() => f.write_str(":other-zone"),
            Self::OtherZone { typed } => write!(f, ":other-zone:{}", typed.as_str()),
            Self::Log => f.write_str(":log"),
            Self::Template {
                name,
                language: Some(language),
            } => write!(f, ":template:{name}:{language}"),
            Self::Template {
                name,
                language: None,
            } => write!(f, ":template:{name}"),
            Self::TemplateAgain { name, typed } => {
                write!(f, ":template-again:{name}:{}", typed.as_str())
            }
            Self::Giver { given } => write!(f, ":giver:{given}"),
        }
    }
}

impl Press {
    /// Which kind of button it is, for whoever counts them.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Undo { .. } => "button undo",
            Self::Mine { .. } => "button mine",
            Self::Cancel => "button cancel",
            Self::Board { .. } => "button board",
            Self::View { .. } => "button view",
            Self::Close { .. } => "button close",
            Self::Ranks { .. } => "button ranks",
            Self::Periods { .. } => "button periods",
            Self::Find { .. } => "button find",
            Self::Show { .. } => "button show",
            Self::Preview { .. } => "button preview",
            Self::Confirm { .. } => "button confirm",
            Self::Export { .. } => "button export",
            Self::Sessions { .. } => "button sessions",
            Self::End { .. } => "button end",
            Self::Choose { .. } => "button choose",
            Self::Link { .. } => "button link",
            Self::Meant { .. } => "button meant",
            Self::Panel(_) => "button panel",
            Self::Setup(_) => "button setup",
        }
    }

    /// Reads a `custom_id`; `None` if it is of another version, or no such thing at all.
    #[must_use]
    pub fn decode(custom_id: &str) -> Option<Self> {
        let parts: Vec<&str> = custom_id.split(':').collect();
        let [VERSION, kind, args @ ..] = parts.as_slice() else {
            return None;
        };
        match (*kind, args) {
            // An older question: it is asked anew.
            ("undo" | "undo!", [device, event]) => undo(device, event, None),
            ("undo", [device, event, mark]) => undo(device, event, Some(Mark::parse(mark)?)),
            ("mine", [device, guild, event, index]) => Some(Self::Mine {
                device: read_device(device).ok()?,
                guild: GuildId::try_from(guild.parse::<u64>().ok()?).ok()?,
                event: read_seq(event)?,
                index: index.parse().ok()?,
            }),
            ("cancel", []) => Some(Self::Cancel),
            ("board", [table]) => Some(Self::Board {
                table: TableId::from_short(table)?,
            }),
            ("view", [device, table, sort, page, layout, audience, then @ ..]) => {
                Some(Self::View {
                    device: read_device(device).ok()?,
                    table: TableId::from_short(table)?,
                    sort: Sort::parse(sort)?,
                    page: page.parse().ok()?,
                    layout: Layout::parse(layout)?,
                    shared: read_audience(audience)?,
                    at: read_at(then).ok()?,
                    period: read_period(then),
                })
            }
            ("close", [device, table, number]) => Some(Self::Close {
                device: read_device(device).ok()?,
                table: TableId::from_short(table)?,
                number: read_number(number)?,
            }),
            ("ranks", [event]) => Some(Self::Ranks {
                event: read_seq(event)?,
            }),
            ("periods", [device, table, page]) => Some(Self::Periods {
                device: read_device(device).ok()?,
                table: TableId::from_short(table)?,
                page: page.parse().ok()?,
            }),
            ("find", [device, draft, before]) => Some(Self::Find {
                device: read_device(device).ok()?,
                draft: DraftId::from_short(draft)?,
                before: read_optional(before, read_seq).ok()?,
            }),
            ("show", [device]) => Some(Self::Show {
                device: read_device(device).ok()?,
            }),
            ("preview", [device, event]) => Some(Self::Preview {
                device: read_device(device).ok()?,
                event: read_seq(event)?,
            }),
            ("confirm", [device, event]) => confirm(device, event, Force::Ask),
            ("confirm", [device, event, mark]) => {
                confirm(device, event, Force::Shown(Mark::parse(mark)?))
            }
            ("confirm!", [device, event]) => confirm(device, event, Force::Always),
            ("export", [device, draft]) => Some(Self::Export {
                device: read_device(device).ok()?,
                draft: DraftId::from_short(draft)?,
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
            ("panel", [device, table, act @ ..]) => Some(Self::Panel(PanelPress {
                device: DeviceId::parse(device)?,
                table: TableId::from_short(table)?,
                act: PanelAct::decode(act)?,
            })),
            ("setup", press) => SetupPress::decode(press).map(Self::Setup),
            _ => None,
        }
    }

    /// Writes the `custom_id`.
    #[must_use]
    pub fn encode(&self) -> String {
        self.to_string()
    }
}

impl Press {
    /// What may be about a closed period.
    fn of_a_period(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View {
                device,
                table,
                sort,
                page,
                layout,
                shared,
                at,
                period,
            } => {
                let (device, audience) =
                    (written(device.as_ref()), if *shared { "s" } else { "e" });
                let (table, sort, layout) = (table.short(), sort.as_str(), layout.as_str());
                write!(f, "view:{device}:{table}:{sort}:{page}:{layout}:{audience}")?;
                match (at, period) {
                    (Some(at), _) => write!(f, ":{}", at.timestamp_micros()),
                    (None, Some(period)) => write!(f, ":p{period}"),
                    (None, None) => Ok(()),
                }
            }
            Self::Close {
                device,
                table,
                number,
            } => {
                let (device, table) = (written(device.as_ref()), table.short());
                write!(f, "close:{device}:{table}:{number}")
            }
            Self::Ranks { event } => write!(f, "ranks:{event}"),
            Self::Periods {
                device,
                table,
                page,
            } => {
                let (device, table) = (written(device.as_ref()), table.short());
                write!(f, "periods:{device}:{table}:{page}")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}:")?;
        match self {
            Self::Undo {
                device,
                event,
                shown,
            } => {
                write!(f, "undo:{}:{event}", written(device.as_ref()))?;
                marked(f, shown.as_ref())
            }
            Self::Mine {
                device,
                guild,
                event,
                index,
            } => {
                let device = written(device.as_ref());
                write!(f, "mine:{device}:{guild}:{event}:{index}")
            }
            Self::Cancel => f.write_str("cancel"),
            Self::Board { table } => write!(f, "board:{}", table.short()),
            Self::View { .. } | Self::Close { .. } | Self::Ranks { .. } | Self::Periods { .. } => {
                self.of_a_period(f)
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
            Self::Preview { device, event } => {
                write!(f, "preview:{}:{event}", written(device.as_ref()))
            }
            Self::Confirm {
                device,
                event,
                force,
            } => {
                let (kind, shown) = match force {
                    Force::Ask => ("confirm", None),
                    Force::Shown(mark) => ("confirm", Some(mark)),
                    Force::Always => ("confirm!", None),
                };
                write!(f, "{kind}:{}:{event}", written(device.as_ref()))?;
                marked(f, shown)
            }
            Self::Export { device, draft } => {
                write!(f, "export:{}:{}", written(device.as_ref()), draft.short())
            }
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
            Self::Panel(PanelPress { device, table, act }) => {
                write!(f, "panel:{device}:{}:{act}", table.short())
            }
            Self::Setup(press) => write!(f, "setup{press}"),
        }
    }
}

impl PanelAct {
    fn decode(parts: &[&str]) -> Option<Self> {
        Some(match parts {
            ["pick", page, mark] => Self::Pick {
                page: page.parse().ok()?,
                mark: Mark::parse(mark)?,
            },
            ["page", page] => Self::Page(page.parse().ok()?),
            ["search"] => Self::Search,
            ["all"] => Self::All,
            ["clear"] => Self::Clear,
            [direction @ ("give" | "take")] => Self::Direction {
                takes: read_direction(direction)?,
            },
            ["points", points, mark] => Self::Points {
                points: read_award(points)?,
                mark: Mark::parse(mark)?,
            },
            ["do", number, points, mark] => Self::Activity {
                number: number.parse().ok().filter(|number| *number > 0)?,
                points: read_award(points).filter(|points| *points > 0)?,
                mark: Mark::parse(mark)?,
            },
            ["other", direction, mark] => Self::Other {
                takes: read_direction(direction)?,
                mark: Mark::parse(mark)?,
            },
            ["undo", event] => Self::Undo(read_seq(event)?),
            _ => return None,
        })
    }
}

impl fmt::Display for PanelAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pick { page, mark } => write!(f, "pick:{page}:{}", mark.as_str()),
            Self::Page(page) => write!(f, "page:{page}"),
            Self::Search => f.write_str("search"),
            Self::All => f.write_str("all"),
            Self::Clear => f.write_str("clear"),
            Self::Direction { takes } => f.write_str(direction(*takes)),
            Self::Points { points, mark } => write!(f, "points:{points}:{}", mark.as_str()),
            Self::Activity {
                number,
                points,
                mark,
            } => write!(f, "do:{number}:{points}:{}", mark.as_str()),
            Self::Other { takes, mark } => {
                write!(f, "other:{}:{}", direction(*takes), mark.as_str())
            }
            Self::Undo(event) => write!(f, "undo:{event}"),
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
    /// Whom to look for on a panel.
    Search {
        /// The panel's session.
        device: DeviceId,
        /// The panel's table.
        table: TableId,
    },
    /// Points for those who are picked on a panel.
    Other {
        /// The panel's session.
        device: DeviceId,
        /// The panel's table.
        table: TableId,
        /// Whether they are taken.
        takes: bool,
        /// Who was picked beside the button.
        mark: Mark,
    },
    /// A time zone, in the guided set-up.
    SetupZone,
    /// What a table is called, in the guided set-up.
    SetupTable {
        /// What it begins with.
        template: &'static str,
    },
}

impl Form {
    /// Which kind of form it is, for whoever counts them.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Give { .. } => "form give",
            Self::Search { .. } => "form search",
            Self::Other { .. } => "form other",
            Self::SetupZone => "form setup zone",
            Self::SetupTable { .. } => "form setup table",
        }
    }

    /// Reads a `custom_id`; `None` if it is of another version, or no such thing at all.
    #[must_use]
    pub fn decode(custom_id: &str) -> Option<Self> {
        let parts: Vec<&str> = custom_id.split(':').collect();
        let [VERSION, kind, args @ ..] = parts.as_slice() else {
            return None;
        };
        match (*kind, args) {
            ("give", [member]) => Some(Self::Give {
                member: UserId::try_from(member.parse::<u64>().ok().filter(|id| *id > 0)?).ok()?,
            }),
            ("search", [device, table]) => Some(Self::Search {
                device: DeviceId::parse(device)?,
                table: TableId::from_short(table)?,
            }),
            ("other", [device, table, direction, mark]) => Some(Self::Other {
                device: DeviceId::parse(device)?,
                table: TableId::from_short(table)?,
                takes: read_direction(direction)?,
                mark: Mark::parse(mark)?,
            }),
            ("setup-zone", []) => Some(Self::SetupZone),
            ("setup-table", [template]) => Some(Self::SetupTable {
                template: read_template(template)?,
            }),
            _ => None,
        }
    }

    /// Writes the `custom_id`.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Give { member } => format!("{VERSION}:give:{member}"),
            Self::Search { device, table } => {
                format!("{VERSION}:search:{device}:{}", table.short())
            }
            Self::Other {
                device,
                table,
                takes,
                mark,
            } => {
                let (table, direction, mark) = (table.short(), direction(*takes), mark.as_str());
                format!("{VERSION}:other:{device}:{table}:{direction}:{mark}")
            }
            Self::SetupZone => format!("{VERSION}:setup-zone"),
            Self::SetupTable { template } => format!("{VERSION}:setup-table:{template}"),
        }
    }
}

/// A part that can't be read.
struct Garbled;

fn marked(f: &mut fmt::Formatter<'_>, shown: Option<&Mark>) -> fmt::Result {
    match shown {
        Some(mark) => write!(f, ":{}", mark.as_str()),
        None => Ok(()),
    }
}

fn undo(device: &str, event: &str, shown: Option<Mark>) -> Option<Press> {
    Some(Press::Undo {
        device: read_device(device).ok()?,
        event: read_seq(event)?,
        shown,
    })
}

fn confirm(device: &str, event: &str, force: Force) -> Option<Press> {
    Some(Press::Confirm {
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
        [_] if read_period(parts).is_some() => Ok(None),
        [micros] => read_micros(micros).map(Some).ok_or(Garbled),
        _ => Err(Garbled),
    }
}

/// The last part of a view of a closed period.
fn read_period(parts: &[&str]) -> Option<i32> {
    match parts {
        [part] => part.strip_prefix('p').and_then(read_number),
        _ => None,
    }
}

/// A period's number, as it is written.
fn read_number(text: &str) -> Option<i32> {
    let number = text.parse().ok().filter(|number: &i32| *number > 0)?;
    (number.to_string() == text).then_some(number)
}

fn read_micros(text: &str) -> Option<DateTime<Utc>> {
    let micros = text.parse().ok();
    DateTime::from_timestamp_micros(micros.filter(|micros| (0..=LAST_MICROS).contains(micros))?)
}

const fn direction(takes: bool) -> &'static str {
    if takes { "take" } else { "give" }
}

fn read_direction(text: &str) -> Option<bool> {
    match text {
        "take" => Some(true),
        "give" => Some(false),
        _ => None,
    }
}

/// Points of an award, or of a removal: neither none nor more than a command takes.
fn read_award(text: &str) -> Option<i64> {
    let points: i64 = text.parse().ok()?;
    (points != 0 && points.unsigned_abs() <= points::MAX_AWARD.unsigned_abs()).then_some(points)
}

fn read_template(text: &str) -> Option<&'static str> {
    templates::NAMES.into_iter().find(|name| *name == text)
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
    use crate::domain::panel::Picked;

    /// 16 bytes of 0, as a device or a table.
    const DEVICE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

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
            then(),
        );
        prop_oneof![
            (device(), seq(), prop::option::of(mark())).prop_map(|(device, event, shown)| {
                Press::Undo {
                    device,
                    event,
                    shown,
                }
            }),
            (device(), 0..=i64::MAX, seq(), any::<usize>()).prop_map(
                |(device, guild, event, index)| Press::Mine {
                    device,
                    guild: GuildId::from_db(guild),
                    event,
                    index,
                }
            ),
            Just(Press::Cancel),
            view.prop_map(|(device, table, sort, page, layout, shared, then)| {
                let table = TableId(Uuid::from_u128(table));
                let (at, period) = then;
                let at = at.and_then(DateTime::from_timestamp_micros);
                Press::View {
                    device,
                    table,
                    sort,
                    page,
                    layout,
                    shared,
                    at,
                    period,
                }
            }),
            (device(), any::<u128>(), 1..=i32::MAX).prop_map(|(device, table, number)| {
                Press::Close {
                    device,
                    table: TableId(Uuid::from_u128(table)),
                    number,
                }
            }),
            seq().prop_map(|event| Press::Ranks { event }),
            (device(), any::<u128>(), any::<u32>()).prop_map(|(device, table, page)| {
                Press::Periods {
                    device,
                    table: TableId(Uuid::from_u128(table)),
                    page,
                }
            }),
            any::<u128>().prop_map(|table| Press::Board {
                table: TableId(Uuid::from_u128(table)),
            }),
            (device(), draft(), prop::option::of(seq())).prop_map(|(device, draft, before)| {
                Press::Find {
                    device,
                    draft,
                    before,
                }
            }),
            device().prop_map(|device| Press::Show { device }),
            (device(), seq()).prop_map(|(device, event)| Press::Preview { device, event }),
            (device(), seq(), force()).prop_map(|(device, event, force)| Press::Confirm {
                device,
                event,
                force
            }),
            (device(), draft()).prop_map(|(device, draft)| Press::Export { device, draft }),
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
            (panel(), act()).prop_map(|((device, table), act)| {
                Press::Panel(PanelPress { device, table, act })
            }),
            setup().prop_map(Press::Setup),
        ]
    }

    fn setup() -> impl Strategy<Value = SetupPress> {
        let step = || prop::sample::select(SetupStep::ALL.to_vec());
        let languages = prop::sample::select(Language::ALL.to_vec());
        let guild_languages = languages.clone();
        prop_oneof![
            Just(SetupPress::Open),
            step().prop_map(SetupPress::At),
            step().prop_map(SetupPress::After),
            languages.prop_map(SetupPress::Language),
            Just(SetupPress::Zone),
            retyped().prop_map(|typed| SetupPress::OtherZone { typed }),
            Just(SetupPress::Log),
            (template(), prop::option::of(guild_languages))
                .prop_map(|(name, language)| SetupPress::Template { name, language }),
            (template(), retyped())
                .prop_map(|(name, typed)| SetupPress::TemplateAgain { name, typed }),
            any::<usize>().prop_map(|given| SetupPress::Giver { given }),
        ]
    }

    fn retyped() -> impl Strategy<Value = Retyped> {
        let typed = prop_oneof![any::<String>(), "[:a😀 ]{0,201}"];
        typed.prop_map(|typed| Retyped::new(&typed))
    }

    /// A moment, a period, or neither.
    fn then() -> impl Strategy<Value = (Option<i64>, Option<i32>)> {
        prop_oneof![
            Just((None, None)),
            (0..=LAST_MICROS).prop_map(|at| (Some(at), None)),
            (1..=i32::MAX).prop_map(|period| (None, Some(period))),
        ]
    }

    fn template() -> impl Strategy<Value = &'static str> {
        prop::sample::select(templates::NAMES.to_vec())
    }

    fn panel() -> impl Strategy<Value = (DeviceId, TableId)> {
        let device = any::<[u8; 16]>().prop_map(DeviceId::from_bytes);
        let table = any::<u128>().prop_map(|id| TableId(Uuid::from_u128(id)));
        (device, table)
    }

    fn force() -> impl Strategy<Value = Force> {
        prop_oneof![
            Just(Force::Ask),
            mark().prop_map(Force::Shown),
            Just(Force::Always),
        ]
    }

    fn mark() -> impl Strategy<Value = Mark> {
        let ids = prop::collection::vec(entry(), 0..5);
        ids.prop_map(|ids| Picked::new(ids).mark())
    }

    fn act() -> impl Strategy<Value = PanelAct> {
        let most = points::MAX_AWARD;
        let award = prop_oneof![-most..=-1, 1..=most];
        prop_oneof![
            (any::<u32>(), mark()).prop_map(|(page, mark)| PanelAct::Pick { page, mark }),
            any::<u32>().prop_map(PanelAct::Page),
            Just(PanelAct::Search),
            Just(PanelAct::All),
            Just(PanelAct::Clear),
            any::<bool>().prop_map(|takes| PanelAct::Direction { takes }),
            (award, mark()).prop_map(|(points, mark)| PanelAct::Points { points, mark }),
            (any::<bool>(), mark()).prop_map(|(takes, mark)| PanelAct::Other { takes, mark }),
            (1..=i32::MAX, 1..=most, mark()).prop_map(|(number, points, mark)| {
                PanelAct::Activity {
                    number,
                    points,
                    mark,
                }
            }),
            seq().prop_map(PanelAct::Undo),
        ]
    }

    fn form() -> impl Strategy<Value = Form> {
        prop_oneof![
            (1..=i64::MAX).prop_map(|id| Form::Give {
                member: UserId::from_db(id)
            }),
            panel().prop_map(|(device, table)| Form::Search { device, table }),
            (panel(), any::<bool>(), mark()).prop_map(|((device, table), takes, mark)| {
                Form::Other {
                    device,
                    table,
                    takes,
                    mark,
                }
            }),
            Just(Form::SetupZone),
            template().prop_map(|template| Form::SetupTable { template }),
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
        fn what_is_written_on_a_form_is_read(form in form()) {
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
            let _ = Press::decode(&format!("1:panel:{DEVICE}:{DEVICE}:{text}"));
            let _ = Form::decode(&format!("1:other:{DEVICE}:{DEVICE}:{text}"));
            let _ = Form::decode(&format!("1:give:{text}"));
            let _ = Press::decode(&format!("1:setup:{text}"));
            let _ = Form::decode(&format!("1:setup-table:{text}"));
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
            "1:undo:-:7:short",
            "1:undo:-:-3",
            "1:later:-",
            "1:sessions:-:-",
            "1:sessions:-:-5:0",
            "1:sessions:-:9223372036854775808:0",
            "1:sessions:-:-:-1",
            "1:end:-:x",
            "1:view:-:-",
            "1:close:-:AAAAAAAAAAAAAAAAAAAAAA:0",
            "1:close:-:AAAAAAAAAAAAAAAAAAAAAA:+1",
            "1:ranks:0",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:p0",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:-1",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:253402300800000000",
            "1:view:-:AAAAAAAAAAAAAAAAAAAAAA:name:0:wide:e:0:0",
            "1:setup:",
            "1:setup:at:nowhere",
            "1:setup:language:de",
            "1:setup:template:other",
            "1:setup:template:clan:de",
            "1:setup:template-again:other:x",
            "1:setup:giver:x",
            "1:setup:zone:x",
        ] {
            assert_eq!(Press::decode(text), None, "{text}");
        }
        for act in [
            "",
            "points:0:abcdefgh",
            "points:1000000001:abcdefgh",
            "points:5:abc",
            "points:5",
            "pick:-1:abcdefgh",
            "other:both:abcdefgh",
            "undo:0",
            "search:x",
        ] {
            let text = format!("1:panel:{DEVICE}:{DEVICE}:{act}");
            assert_eq!(Press::decode(&text), None, "{text}");
            let text = format!("1:panel:-:{DEVICE}:{act}");
            assert_eq!(Press::decode(&text), None, "{text}");
        }
        assert_eq!(Press::decode("1:cancel"), Some(Press::Cancel));
        for text in [
            "",
            "1:give:",
            "1:give:0",
            "1:give:-1",
            "2:give:42",
            "1:give:42:x",
            "1:setup-zone:x",
            "1:setup-table:other",
        ] {
            assert_eq!(Form::decode(text), None, "{text}");
        }
    }
}
