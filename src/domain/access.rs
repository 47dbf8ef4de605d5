//! Who may do what: codes and bundles of them, granted to roles and members for the whole guild, a
//! category or a table. Whatever is granted to nobody is nobody's, but for looking at tables that are
//! not private, and for members with Discord's *Manage Server*, who may do everything.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::{Change, Event, What};
use super::ids::{GrantId, GuildId, RoleId, TableId, UserId};
use super::name::fold;
use super::table::Table;

macro_rules! rights {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// A permission code of the product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Right {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Right {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as users and operators see it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

rights! {
    /// Look at a table.
    TableView = "table.view";
    /// Create tables and change their structure.
    TableEdit = "table.edit";
    /// Create entries.
    EntryAdd = "entry.add";
    /// Change an entry's name, rank, member or extra fields.
    EntryEdit = "entry.edit";
    /// Delete entries.
    EntryDelete = "entry.delete";
    /// Add points.
    ScoreAdd = "score.add";
    /// Take points away.
    ScoreRemove = "score.remove";
    /// Set points to a value.
    ScoreSet = "score.set";
    /// Close periods, and say when they close by themselves.
    PeriodClose = "period.close";
    /// Post and remove boards.
    BoardManage = "board.manage";
    /// Search the history.
    AuditView = "audit.view";
    /// Undo what others did.
    AuditUndo = "audit.undo";
    /// Export the history.
    AuditExport = "audit.export";
    /// Import tables.
    DataImport = "data.import";
    /// Export tables.
    DataExport = "data.export";
    /// Grant and revoke rights.
    AccessManage = "access.manage";
    /// Change the guild's settings.
    SettingsManage = "settings.manage";
}

impl Right {
    /// Whether it is about the guild as a whole, so that it would come to nothing in one table.
    #[must_use]
    pub const fn is_of_guild(self) -> bool {
        matches!(self, Self::SettingsManage)
    }
}

/// Codes that are granted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bundle {
    /// Looks.
    Viewer,
    /// Enters points.
    Scorer,
    /// Keeps tables: entries, points, structure, periods, boards, files.
    Manager,
    /// Looks after the history.
    Auditor,
    /// Everything.
    Admin,
}

impl Bundle {
    /// All bundles.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Scorer,
        Self::Manager,
        Self::Auditor,
        Self::Admin,
    ];

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Scorer => "scorer",
            Self::Manager => "manager",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The codes in it.
    #[must_use]
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::Viewer => &[Right::TableView],
            Self::Scorer => &[
                Right::TableView,
                Right::EntryAdd,
                Right::ScoreAdd,
                Right::ScoreRemove,
                Right::ScoreSet,
            ],
            Self::Manager => &[
                Right::TableView,
                Right::TableEdit,
                Right::EntryAdd,
                Right::EntryEdit,
                Right::EntryDelete,
                Right::ScoreAdd,
                Right::ScoreRemove,
                Right::ScoreSet,
                Right::PeriodClose,
                Right::BoardManage,
                Right::DataImport,
                Right::DataExport,
            ],
            Self::Auditor => &[
                Right::TableView,
                Right::AuditView,
                Right::AuditUndo,
                Right::AuditExport,
            ],
            Self::Admin => Right::ALL,
        }
    }
}

/// What a grant gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Granted {
    /// One code.
    Right(Right),
    /// A bundle of codes.
    Bundle(Bundle),
}

impl Granted {
    /// All that can be granted: the bundles, then the codes.
    pub fn all() -> impl Iterator<Item = Self> {
        let rights = Right::ALL.iter().copied().map(Self::Right);
        Bundle::ALL.into_iter().map(Self::Bundle).chain(rights)
    }

    /// The code or the bundle's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right(right) => right.code(),
            Self::Bundle(bundle) => bundle.as_str(),
        }
    }

    /// What is called so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::all().find(|granted| granted.as_str().eq_ignore_ascii_case(text))
    }

    /// The codes that it gives.
    #[must_use]
    pub const fn rights(&self) -> &[Right] {
        match self {
            Self::Right(right) => std::slice::from_ref(right),
            Self::Bundle(bundle) => bundle.rights(),
        }
    }

    /// Whether it gives that code.
    #[must_use]
    pub fn gives(self, right: Right) -> bool {
        self.rights().contains(&right)
    }
}

/// To whom a right is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grantee {
    /// Everybody who has a role. The one that everybody has bears the guild's own id.
    Role(RoleId),
    /// One member.
    Member(UserId),
}

impl Grantee {
    /// As [`fmt::Display`] writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let id: u64 = id.parse().ok()?;
        match kind {
            "role" => RoleId::try_from(id).ok().map(Self::Role),
            "member" => UserId::try_from(id).ok().map(Self::Member),
            _ => None,
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(id) => write!(f, "role:{id}"),
            Self::Member(id) => write!(f, "member:{id}"),
        }
    }
}

/// Where a grant holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In the whole guild.
    Guild,
    /// In the tables of a category, also in those that come to it later.
    Category(String),
    /// In one table.
    Table(TableId),
}

const CATEGORY: &str = "category:";
const TABLE: &str = "table:";

impl Scope {
    /// As [`fmt::Display`] writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(category) = text.strip_prefix(CATEGORY) {
            return Some(Self::Category(category.to_owned()));
        }
        match text.strip_prefix(TABLE) {
            Some(id) => id.parse().ok().map(|id| Self::Table(TableId(id))),
            None => (text == "guild").then_some(Self::Guild),
        }
    }

    /// Whether what holds here holds in the whole of another scope, too.
    #[must_use]
    pub fn covers(&self, place: Place<'_>) -> bool {
        match self {
            Self::Guild => true,
            Self::Category(category) => {
                place.category.map(fold).as_deref() == Some(fold(category).as_str())
            }
            Self::Table(id) => place.table == Some(*id),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guild => f.write_str("guild"),
            Self::Category(category) => write!(f, "{CATEGORY}{category}"),
            Self::Table(id) => write!(f, "{TABLE}{id}"),
        }
    }
}

/// What was granted to whom, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Never reused.
    pub id: GrantId,
    /// To whom.
    pub who: Grantee,
    /// What.
    pub granted: Granted,
    /// Where.
    pub scope: Scope,
}

impl Grant {
    /// That it was granted, as events tell it; or that it was revoked.
    #[must_use]
    pub fn told(&self, is_granted: bool) -> Vec<Change> {
        let told = [
            ("right", self.granted.as_str().to_owned()),
            ("who", self.who.to_string()),
            ("scope", self.scope.to_string()),
        ];
        let change = |(field, value): (&str, String)| {
            let (id, name) = (self.id.to_string(), self.who.to_string());
            let change = Change::new(What::Grant, id, Some(name), field);
            if is_granted {
                change.after(value)
            } else {
                change.before(value)
            }
        };
        told.map(change).into()
    }

    /// What an event granted or revoked, each with whether it granted it.
    #[must_use]
    pub fn told_by(event: &Event) -> Vec<(Self, bool)> {
        let existence = |change: &&Change| change.is_creation() || change.is_deletion();
        let changes = event.changes.iter().filter(|it| it.what == What::Grant);
        let read = |change: &Change| {
            let of_it = event.changes.iter().filter(|it| it.id == change.id);
            let value = |field: &str| {
                let told = of_it.clone().find(|it| it.field == field)?;
                told.after.as_str().or_else(|| told.before.as_str())
            };
            let grant = Self {
                id: GrantId(change.id.parse().ok()?),
                who: Grantee::parse(value("who")?)?,
                granted: Granted::parse(value("right")?)?,
                scope: Scope::parse(value("scope")?)?,
            };
            Some((grant, change.is_creation()))
        };
        changes.filter(existence).filter_map(read).collect()
    }
}

/// Where something is done: in a table, in a category in which a table is to be, or in the guild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    table: Option<TableId>,
    category: Option<&'a str>,
    /// Whether everybody may look there.
    is_open: bool,
}

impl<'a> Place<'a> {
    /// The guild as a whole.
    pub const GUILD: Self = Self {
        table: None,
        category: None,
        is_open: false,
    };

    /// A category, or where the tables without one are.
    #[must_use]
    pub const fn category(category: Option<&'a str>) -> Self {
        Self {
            category,
            ..Self::GUILD
        }
    }

    /// A table.
    #[must_use]
    pub fn table(table: &'a Table) -> Self {
        Self::table_of(table.id, table.category.as_deref(), table.private)
    }

    /// A table of which no more is known than what counts for rights.
    #[must_use]
    pub const fn table_of(id: TableId, category: Option<&'a str>, private: bool) -> Self {
        Self {
            table: Some(id),
            category,
            is_open: !private,
        }
    }

    /// The same, to be kept.
    #[must_use]
    pub fn spot(&self) -> Spot {
        Spot {
            table: self.table,
            category: self.category.map(str::to_owned),
        }
    }
}

/// A place in which nobody looks at tables just because they are not private.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    table: Option<TableId>,
    category: Option<String>,
}

impl Spot {
    /// The place.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place {
            table: self.table,
            category: self.category.as_deref(),
            is_open: false,
        }
    }
}

/// What Discord says of the person who acts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Holds *Manage Server* (or *Administrator*, or owns the guild) at this very interaction.
    pub manage_server: bool,
    /// Their roles, without the one that everybody has.
    pub roles: Vec<RoleId>,
}

impl Standing {
    /// All their roles in a guild.
    #[must_use]
    pub fn roles_in(&self, guild: GuildId) -> Vec<RoleId> {
        let everybodys = RoleId::try_from(guild.get());
        self.roles.iter().copied().chain(everybodys).collect()
    }
}

/// Whoever asks, for the statements that look only at what they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    all: bool,
    user: UserId,
    roles: Vec<RoleId>,
    /// One of these has to be granted to them.
    granted: Vec<&'static str>,
}

impl Caller {
    /// Whoever may everything: for what is told to nobody.
    #[must_use]
    pub const fn program() -> Self {
        Self {
            all: true,
            user: UserId::from_db(0),
            roles: Vec::new(),
            granted: Vec::new(),
        }
    }

    /// Where one of these rights is held.
    #[must_use]
    pub fn with(guild: GuildId, user: UserId, standing: &Standing, rights: &[Right]) -> Self {
        let gives = |granted: &Granted| rights.iter().any(|right| granted.gives(*right));
        Self {
            all: standing.manage_server,
            user,
            roles: standing.roles_in(guild),
            granted: Granted::all().filter(gives).map(Granted::as_str).collect(),
        }
    }
}

/// What a person may do in a guild.
#[derive(Debug, Clone, Default)]
pub struct Authority {
    manages: bool,
    roles: Vec<RoleId>,
    user: Option<UserId>,
    grants: Vec<Grant>,
}

/// A right that somebody does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the right {} is missing", .right.code())]
pub struct MissingRight {
    /// The right.
    pub right: Right,
    /// Where; nowhere is it held, without.
    pub at: Option<Spot>,
}

/// Why somebody may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// They hold *Manage Server*.
    ManageServer,
    /// Everybody may look at a table that is not private.
    Open,
    /// It was granted.
    Grant(&'a Grant),
}

impl Authority {
    /// Of a person to whom, or to whose roles, this was granted.
    #[must_use]
    pub fn new(guild: GuildId, user: UserId, standing: &Standing, grants: Vec<Grant>) -> Self {
        Self {
            manages: standing.manage_server,
            roles: standing.roles_in(guild),
            user: Some(user),
            grants,
        }
    }

    /// Whether they may do that there.
    #[must_use]
    pub fn may(&self, right: Right, place: Place<'_>) -> bool {
        self.why(right, place).is_some()
    }

    /// Why they may do that there; nothing if they may not.
    #[must_use]
    pub fn why(&self, right: Right, place: Place<'_>) -> Option<Why<'_>> {
        if self.manages {
            return Some(Why::ManageServer);
        }
        if right == Right::TableView && place.is_open {
            return Some(Why::Open);
        }
        let gives = |grant: &&Grant| grant.granted.gives(right) && grant.scope.covers(place);
        self.grants.iter().find(gives).map(Why::Grant)
    }

    /// The seam of all rights: each path asks here.
    ///
    /// # Errors
    /// The right that they do not hold there.
    pub fn require(&self, right: Right, place: Place<'_>) -> Result<(), MissingRight> {
        if self.may(right, place) {
            Ok(())
        } else {
            let at = Some(place.spot());
            Err(MissingRight { right, at })
        }
    }

    /// The same for what can be done in more than one place.
    ///
    /// # Errors
    /// The right that they hold nowhere.
    pub fn require_somewhere(&self, right: Right) -> Result<(), MissingRight> {
        if self.may_somewhere(right) {
            Ok(())
        } else {
            Err(MissingRight { right, at: None })
        }
    }

    /// Whether they may do that anywhere.
    #[must_use]
    pub fn may_somewhere(&self, right: Right) -> bool {
        let is_granted = || self.grants.iter().any(|grant| grant.granted.gives(right));
        self.manages || right == Right::TableView || is_granted()
    }

    /// Whether they hold *Manage Server*.
    #[must_use]
    pub const fn manages(&self) -> bool {
        self.manages
    }

    /// Whether that is they themselves, or a role of theirs.
    #[must_use]
    pub fn is_self(&self, who: Grantee) -> bool {
        match who {
            Grantee::Role(role) => self.roles.contains(&role),
            Grantee::Member(user) => self.user == Some(user),
        }
    }

    /// What was granted to them.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }
}
