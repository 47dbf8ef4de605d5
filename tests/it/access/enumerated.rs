//! Every way into the program with every code, in every scope: whoever holds just what it asks for, and
//! where it asks for it, may; nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use punctaj::domain::access::{Right, Standing};
use punctaj::domain::event::{Change, Event};
use punctaj::domain::field::FieldKind;
use punctaj::domain::guild::Language;
use punctaj::domain::ids::{ChannelId, EntryId, Seq, TableId, UserId};
use punctaj::domain::moment::Moment;
use punctaj::domain::name::{Name, NameList, NameOrMember, TableAddress};
use punctaj::domain::panel::Picked;
use punctaj::domain::period::Every;
use punctaj::service::access::Subject;
use punctaj::service::activities::{ActivityOrder, Work};
use punctaj::service::audit::SearchOrder;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::fields::{FieldEdit, NewField};
use punctaj::service::merge::MergeOrder;
use punctaj::service::panel::{Given, PanelAward, PanelTurn, Pressed};
use punctaj::service::periods::{Often, Pinned, ScheduleOrder};
use punctaj::service::points::{Award, Introduction};
use punctaj::service::profile::ProfileOrder;
use punctaj::service::settings::Setting;
use punctaj::service::tables::{RankOrder, RankPart, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::view::ViewOrder;
use punctaj::service::{Receipt, Request, ServiceError, Services};
use tokio::sync::watch;

use super::{GUILD, OWNER, granted, guild, member, missing, order, plain, role, table};
use crate::support::db::{Interactions, TestDb};

/// Where rights have to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// In the table, or what it is in.
    Table,
    /// In the category, or the guild.
    Category,
    /// In the whole guild.
    Guild,
    /// Anywhere.
    Somewhere,
}

impl Reach {
    /// Whether what is granted there is enough.
    fn is_within(self, scope: Scope) -> bool {
        match scope {
            Scope::Guild => true,
            Scope::Category => self != Self::Guild,
            Scope::Table => !matches!(self, Self::Guild | Self::Category),
            Scope::Neighbour | Scope::Elsewhere => self == Self::Somewhere,
        }
    }
}

/// Where rights are granted: the table is in the category, and so is its neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Guild,
    Category,
    Table,
    Neighbour,
    Elsewhere,
}

impl Scope {
    const ALL: [Self; 5] = [
        Self::Guild,
        Self::Category,
        Self::Table,
        Self::Neighbour,
        Self::Elsewhere,
    ];

    fn of(self, table: &'static str) -> Option<&'static str> {
        match self {
            Self::Guild => None,
            Self::Category => Some("Oraș/*"),
            Self::Table => Some(table),
            Self::Neighbour => Some("Oraș/Vecin"),
            Self::Elsewhere => Some("Sat/*"),
        }
    }
}

/// What a way into the program asks for.
#[derive(Debug, Clone, Copy)]
enum Asks {
    /// All of these.
    All(Reach, &'static [Right]),
    /// One of these.
    Any(Reach, &'static [Right]),
    /// Nothing: it is about the caller's own, or tells nobody anything of a table.
    Nothing,
    /// No person comes this way: it is the program's own work, or an operator's.
    Program,
}

use Asks::{All, Any, Nothing, Program};
use Right::{
    AccessManage, AuditExport, AuditUndo, AuditView, BoardManage, DataExport, DataImport, EntryAdd,
    EntryDelete, EntryEdit, PeriodClose, ScoreAdd, ScoreRemove, ScoreSet, SettingsManage,
    TableEdit as EditTable, TableView,
};

/// The public ways of `Services` that wait for something, by their names; what follows a colon tells
/// one way of several. Whoever adds one is sent here.
const WAYS: &[(&str, Asks)] = &[
    // Rights.
    ("authority", Nothing),
    ("grant", All(Reach::Table, &[AccessManage, DataImport])),
    ("revoke", All(Reach::Table, &[AccessManage, DataImport])),
    ("grants", All(Reach::Table, &[AccessManage])),
    ("explain", All(Reach::Somewhere, &[AccessManage])),
    (
        "explain: a table",
        All(Reach::Table, &[AccessManage, TableView]),
    ),
    ("givers", Nothing),
    ("grantable", All(Reach::Somewhere, &[AccessManage])),
    ("complete_scopes", All(Reach::Table, &[AccessManage])),
    (
        "complete_granted_scopes",
        All(Reach::Table, &[AccessManage]),
    ),
    // Tables.
    ("create_table", All(Reach::Category, &[EditTable])),
    ("edit_table", All(Reach::Table, &[EditTable])),
    ("delete_table", All(Reach::Table, &[EditTable])),
    ("restore_table", All(Reach::Table, &[EditTable])),
    ("complete_deleted_tables", All(Reach::Table, &[EditTable])),
    ("set_rank", All(Reach::Table, &[EditTable])),
    ("set_rank_without", All(Reach::Table, &[EditTable])),
    ("remove_rank", All(Reach::Table, &[EditTable])),
    ("add_field", All(Reach::Table, &[EditTable])),
    ("edit_field", All(Reach::Table, &[EditTable])),
    ("remove_field", All(Reach::Table, &[EditTable])),
    ("set_activity", All(Reach::Table, &[EditTable])),
    ("remove_activity", All(Reach::Table, &[EditTable])),
    // Looking.
    ("list_tables", All(Reach::Table, &[TableView])),
    ("table", All(Reach::Table, &[TableView])),
    ("address", All(Reach::Table, &[TableView])),
    ("view", All(Reach::Table, &[TableView])),
    ("view: at", All(Reach::Table, &[TableView])),
    ("view: period", All(Reach::Table, &[TableView])),
    ("profile", All(Reach::Table, &[TableView])),
    ("near_names", All(Reach::Table, &[TableView])),
    ("news", All(Reach::Table, &[TableView])),
    ("complete_tables", All(Reach::Table, &[ScoreAdd])),
    ("complete_tables: to look", All(Reach::Table, &[TableView])),
    ("complete_entries", All(Reach::Table, &[TableView])),
    ("complete_within", All(Reach::Table, &[TableView])),
    ("complete_periods", All(Reach::Table, &[TableView])),
    // Points and entries.
    ("add_points", All(Reach::Table, &[ScoreAdd])),
    (
        "add_points: a new name",
        All(Reach::Table, &[ScoreAdd, EntryAdd]),
    ),
    ("add_points_for", All(Reach::Table, &[ScoreAdd, EntryEdit])),
    ("add_points_of", All(Reach::Table, &[ScoreAdd])),
    ("remove_points", All(Reach::Table, &[ScoreRemove])),
    ("set", All(Reach::Table, &[EntryEdit])),
    ("set: points", All(Reach::Table, &[ScoreSet])),
    ("restore_mine", All(Reach::Table, &[EntryEdit])),
    ("delete", All(Reach::Table, &[EntryDelete])),
    ("merge", All(Reach::Table, &[ScoreAdd])),
    ("meant", Nothing),
    // The panel.
    ("open_panel", Any(Reach::Table, &[ScoreAdd, ScoreRemove])),
    ("turn_panel", Any(Reach::Table, &[ScoreAdd, ScoreRemove])),
    ("award_panel", All(Reach::Table, &[ScoreAdd])),
    ("award_panel: takes", All(Reach::Table, &[ScoreRemove])),
    ("award_picked", All(Reach::Table, &[ScoreAdd])),
    ("undo_panel", All(Reach::Table, &[ScoreAdd])),
    ("undo_step", All(Reach::Table, &[ScoreAdd])),
    // Undo.
    ("undo", All(Reach::Table, &[AuditUndo, ScoreAdd])),
    (
        "undo: a new name",
        All(Reach::Table, &[AuditUndo, ScoreAdd, EntryAdd]),
    ),
    (
        "undo: a grant",
        All(Reach::Table, &[AuditUndo, AccessManage, DataImport]),
    ),
    ("preview_undo", All(Reach::Table, &[AuditUndo, ScoreAdd])),
    // Periods and boards.
    ("preview_close", All(Reach::Table, &[PeriodClose])),
    ("close_period", All(Reach::Table, &[PeriodClose])),
    ("apply_ranks", All(Reach::Table, &[PeriodClose])),
    ("schedule", All(Reach::Table, &[PeriodClose])),
    ("set_schedule", All(Reach::Table, &[PeriodClose])),
    ("period_report", All(Reach::Table, &[TableView])),
    ("list_periods", All(Reach::Table, &[TableView])),
    ("post_board", All(Reach::Table, &[BoardManage])),
    ("remove_boards", All(Reach::Table, &[BoardManage])),
    ("boards", All(Reach::Table, &[BoardManage])),
    // History.
    ("search", All(Reach::Table, &[AuditView])),
    ("search: all", All(Reach::Table, &[AuditView])),
    ("search_again", All(Reach::Table, &[AuditView])),
    ("event", All(Reach::Table, &[AuditView])),
    ("complete_events", All(Reach::Table, &[AuditView])),
    ("complete_devices", All(Reach::Guild, &[AuditView])),
    ("export_events", All(Reach::Table, &[AuditExport])),
    ("export_again", All(Reach::Table, &[AuditExport])),
    // It goes on with what was begun.
    ("export_batch", Program),
    ("verify", All(Reach::Guild, &[AuditView])),
    ("verify_telling", All(Reach::Guild, &[AuditView])),
    ("verify_guild", Program),
    ("verify_guild_telling", Program),
    ("guild_sessions", All(Reach::Guild, &[AuditView])),
    ("end_session", All(Reach::Guild, &[SettingsManage])),
    // Files.
    ("export_table", All(Reach::Table, &[DataExport])),
    ("export_period", All(Reach::Table, &[DataExport])),
    // The guild.
    ("set_setting", All(Reach::Guild, &[SettingsManage])),
    ("show_settings", All(Reach::Guild, &[SettingsManage])),
    ("diagnose_guild", All(Reach::Guild, &[SettingsManage])),
    (
        "setup",
        Any(Reach::Guild, &[SettingsManage, EditTable, AccessManage]),
    ),
    ("wants_setup", Nothing),
    ("language", Nothing),
    // One's own sessions, drafts and notices.
    ("log_in", Nothing),
    ("log_out", Nothing),
    ("rename_session", Nothing),
    ("use_session", Nothing),
    ("list_sessions", Nothing),
    ("session", Nothing),
    ("complete_sessions", Nothing),
    ("aside", Nothing),
    ("not_shown", Nothing),
    ("next_parked", Nothing),
    ("keep_draft", Nothing),
    ("draft", Nothing),
    ("done_before", Nothing),
    ("note_refusal", Nothing),
    // The program's own work.
    ("tell_refusals", Program),
    ("tell_outcome", Program),
    ("queue_heads", Program),
    ("next_post", Program),
    ("park", Program),
    ("posted", Program),
    ("next_board", Program),
    ("posting", Program),
    ("holds_board", Program),
    ("board_done", Program),
    ("messages_gone", Program),
    ("channel_gone", Program),
    ("recheck_boards", Program),
    ("next_roles", Program),
    ("holds_roles", Program),
    ("member_roles", Program),
    ("unfit_role", Program),
    ("handing_role", Program),
    ("forget_role", Program),
    ("role_works", Program),
    ("roles_done", Program),
    ("roles_later", Program),
    ("roles_changed", Program),
    ("recheck_roles", Program),
    ("role_gone", Program),
    ("role_problems", Program),
    ("run_schedules", Program),
    ("run_schedules_at", Program),
    ("heads", Program),
    ("known_table", Program),
    ("welcomes", Program),
    ("not_welcomed", Program),
    ("guilds", Program),
    ("listen", Program),
    ("ping", Program),
    ("backlog", Program),
    ("diagnose_database", Program),
];

/// What most is attempted in: everybody may look at it.
const CLAN: &str = "Oraș/Clan";

fn clan() -> TableAddress {
    table(CLAN)
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn names(text: &str) -> Vec<NameOrMember> {
    NameList::parse(text, 50).unwrap().into_items()
}

fn award(text: &str, points: i64) -> Award {
    Award {
        names: names(text),
        points,
        table: Some(clan()),
        table_id: None,
        reason: None,
    }
}

fn set(value: NewValue) -> Assignment {
    Assignment {
        who: names("Ana").remove(0),
        value,
        table: Some(clan()),
        table_id: None,
    }
}

fn rank(number: i32) -> RankOrder {
    RankOrder {
        table: clan(),
        number,
        title: name("Cadet"),
        promote_at: None,
        demote_below: None,
        role: None,
    }
}

fn activity(text: &str) -> ActivityOrder {
    ActivityOrder {
        table: clan(),
        name: name(text),
        points: 2,
        quantity: Some(200),
    }
}

fn field(text: &str) -> NewField {
    NewField {
        table: clan(),
        name: name(text),
        kind: FieldKind::Text,
        pattern: None,
    }
}

/// A private table.
const SECRET: &str = "Oraș/Secret";

/// A scope, and the table that it is told from.
type Granted = (Scope, &'static str);

/// A guild in which all can be attempted.
struct Stage {
    db: TestDb,
    now: Interactions,
    clan: TableId,
    secret: TableId,
    /// Who holds exactly that in that scope, or all but that in the guild.
    people: BTreeMap<(Vec<Right>, Option<Granted>), i64>,
}

impl Stage {
    async fn new() -> Self {
        let (db, now) = (TestDb::new().await, Interactions::new());
        let services = &db.services;
        let by = || now.by(GUILD, OWNER);
        for address in [CLAN, SECRET, "Oraș/Vecin", "Sat/Alt"] {
            services.create_table(&by(), table(address)).await.unwrap();
            let award = Award {
                table: Some(table(address)),
                ..award("Ana, Ion", 9)
            };
            services.add_points(&by(), award).await.unwrap();
        }
        for name in ["Insignă", "Cod"] {
            services.add_field(&by(), field(name)).await.unwrap();
        }
        services
            .set_activity(&by(), activity("Pază"))
            .await
            .unwrap();
        let channel = ChannelId::from_db(7);
        let private = TableEdit {
            table: table(SECRET),
            private: Some(true),
            ..edit()
        };
        services.edit_table(&by(), private).await.unwrap();
        for address in [CLAN, SECRET] {
            services
                .post_board(&by(), &table(address), channel, None)
                .await
                .unwrap();
            let pinned = pinned(services, &now, address).await;
            services.close_period(&by(), pinned).await.unwrap();
        }
        let id = async |address| services.table(&by(), &table(address)).await.unwrap().id;
        let (clan, secret) = (id(CLAN).await, id(SECRET).await);
        granted(services, &now, role(77), "data.import", Some(CLAN)).await;
        Self {
            db,
            now,
            clan,
            secret,
            people: BTreeMap::new(),
        }
    }

    fn by(&self) -> Request {
        self.now.by(GUILD, OWNER)
    }

    /// A number that nothing else has.
    fn fresh(&self) -> i64 {
        let op: i64 = self.by().op.as_str().parse().unwrap();
        // One more each time: interactions are seconds apart.
        (op >> 22) / 1000
    }

    /// Somebody who holds exactly these rights in that scope; or, without one, all but these in the
    /// whole guild.
    async fn person(&mut self, rights: &[Right], scope: Option<Granted>) -> i64 {
        let next = 1000 + i64::try_from(self.people.len()).unwrap();
        let key = (rights.to_vec(), scope);
        if let Some(known) = self.people.get(&key) {
            return *known;
        }
        let held = |right: &&Right| scope.is_some() == rights.contains(right);
        for right in Right::ALL.iter().filter(held) {
            let scope = scope.and_then(|(scope, table)| scope.of(table));
            if *right == SettingsManage && scope.is_some() {
                // Which is refused: it would come to nothing there.
                continue;
            }
            granted(
                &self.db.services,
                &self.now,
                member(next),
                right.code(),
                scope,
            )
            .await;
        }
        self.people.insert(key, next);
        next
    }
}

const fn edit_of(table: TableAddress) -> TableEdit {
    TableEdit {
        table,
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: None,
    }
}

fn edit() -> TableEdit {
    edit_of(clan())
}

/// The open period of a table, as whoever may close it is shown it.
async fn pinned(services: &Services, now: &Interactions, address: &str) -> Pinned {
    let preview = services
        .preview_close(&now.by(GUILD, OWNER), &table(address))
        .await;
    let preview = preview.unwrap();
    Pinned {
        table: preview.table.id,
        number: preview.period.number,
    }
}

/// A closing that proposed a rank for somebody.
async fn proposing(services: &Services, now: &Interactions) -> Seq {
    let by = || now.by(GUILD, OWNER);
    let proposes = TableEdit {
        proposes: Some(true),
        ..edit()
    };
    services.edit_table(&by(), proposes).await.unwrap();
    for number in [7, 8] {
        let rank = RankOrder {
            promote_at: Some(1),
            ..rank(number)
        };
        services.set_rank(&by(), rank).await.unwrap();
    }
    let seventh = NewValue::Rank(Some("7".to_owned()));
    services.set(&by(), set(seventh)).await.unwrap();
    services.add_points(&by(), award("Ana", 5)).await.unwrap();
    let pinned = pinned(services, now, CLAN).await;
    let closed = services.close_period(&by(), pinned).await.unwrap();
    closed.event.seq
}

type Done = Result<bool, ServiceError>;

/// Somebody who comes some way; each time it is another interaction.
struct Attempt<'a> {
    stage: &'a Stage,
    user: i64,
}

impl Attempt<'_> {
    fn services(&self) -> &Services {
        &self.stage.db.services
    }

    fn who(&self) -> Request {
        plain(&self.stage.now, self.user, &[])
    }

    /// The same person, as if they held *Manage Server*: for what has to be theirs beforehand.
    fn able(&self) -> Request {
        self.stage.now.by(GUILD, self.user)
    }

    /// Whether it is done, or shown.
    async fn comes(&self, way: &str) -> Done {
        let groups = [
            self.grants(way).await,
            self.creates(way).await,
            self.changes(way).await,
            self.looks(way).await,
            self.completes(way).await,
            self.gives(way).await,
            self.edits(way).await,
            self.presses(way).await,
            self.undoes(way).await,
            self.closes(way).await,
            self.searches(way).await,
            self.governs(way).await,
        ];
        let mut done = groups.into_iter().flatten();
        done.next()
            .unwrap_or_else(|| unreachable!("{way} is not attempted"))
    }

    async fn grants(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        let given = order(role(stage.fresh()), "data.import", Some(CLAN));
        let lists = |listed: &[punctaj::service::access::Listed]| {
            listed.iter().any(|it| it.table.as_deref() == Some(CLAN))
        };
        let subject = Subject {
            who: member(5),
            standing: Standing::default(),
        };
        Some(match way {
            "grant" => services.grant(&self.who(), &given).await.map(done),
            "revoke" => {
                services.grant(&stage.by(), &given).await.unwrap();
                services.revoke(&self.who(), &given).await.map(done)
            }
            "grants" => services
                .grants(&self.who(), None)
                .await
                .map(|it| lists(&it)),
            "explain" => {
                let explained = services.explain(&self.who(), &subject, None, None).await;
                explained.map(done)
            }
            "explain: a table" => {
                let secret = table(SECRET);
                let explained = services
                    .explain(&self.who(), &subject, None, Some(&secret))
                    .await;
                explained.map(done)
            }
            "grantable" => services
                .grantable(&self.who())
                .await
                .map(|it| !it.is_empty()),
            "complete_scopes" => holds(services.complete_scopes(&self.who(), "").await, CLAN),
            "complete_granted_scopes" => holds(
                services.complete_granted_scopes(&self.who(), "").await,
                CLAN,
            ),
            _ => return None,
        })
    }

    /// What makes tables come and go.
    async fn creates(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        if !way.contains("table") {
            return None;
        }
        Some(match way {
            "create_table" => {
                let address = table(&format!("Oraș/Nou {}", stage.fresh()));
                services.create_table(&self.who(), address).await.map(done)
            }
            "delete_table" => {
                let deleted = services.delete_table(&self.who(), &clan()).await;
                if deleted.is_ok() {
                    services.restore_table(&stage.by(), &clan()).await.unwrap();
                }
                deleted.map(done)
            }
            "restore_table" => {
                services.delete_table(&stage.by(), &clan()).await.unwrap();
                let restored = services.restore_table(&self.who(), &clan()).await;
                if restored.is_err() {
                    services.restore_table(&stage.by(), &clan()).await.unwrap();
                }
                restored.map(done)
            }
            "complete_deleted_tables" => {
                services.delete_table(&stage.by(), &clan()).await.unwrap();
                let offered = services.complete_deleted_tables(&self.who(), "").await;
                services.restore_table(&stage.by(), &clan()).await.unwrap();
                holds(offered, CLAN)
            }
            _ => return None,
        })
    }

    /// What changes the structure of a table.
    async fn changes(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        let number = i32::try_from(stage.fresh() % 1_000_000).unwrap() + 100;
        Some(match way {
            "edit_table" => {
                let lower = TableEdit {
                    floor: Some(-stage.fresh()),
                    ..edit()
                };
                services.edit_table(&self.who(), lower).await.map(done)
            }
            "set_rank" => services.set_rank(&self.who(), rank(number)).await.map(done),
            "set_rank_without" => {
                let (who, part) = (self.who(), Some(RankPart::PromoteAt));
                let set = services.set_rank_without(&who, rank(number), part).await;
                set.map(done)
            }
            "remove_rank" => {
                services.set_rank(&stage.by(), rank(number)).await.unwrap();
                services
                    .remove_rank(&self.who(), &clan(), number)
                    .await
                    .map(done)
            }
            "add_field" => {
                let added = services.add_field(&self.who(), field("Indicativ")).await;
                if added.is_ok() {
                    let by = stage.by();
                    services
                        .remove_field(&by, &clan(), "Indicativ")
                        .await
                        .unwrap();
                }
                added.map(done)
            }
            "edit_field" => {
                let edit = FieldEdit {
                    table: clan(),
                    field: "Cod".to_owned(),
                    name: None,
                    pattern: Some(Some(format!(".*{number}?"))),
                };
                services.edit_field(&self.who(), edit).await.map(done)
            }
            "remove_field" => {
                services
                    .add_field(&stage.by(), field("Semn"))
                    .await
                    .unwrap();
                let removed = services.remove_field(&self.who(), &clan(), "Semn").await;
                if removed.is_err() {
                    services
                        .remove_field(&stage.by(), &clan(), "Semn")
                        .await
                        .unwrap();
                }
                removed.map(done)
            }
            "set_activity" => services
                .set_activity(&self.who(), activity("Livrat"))
                .await
                .map(done),
            "remove_activity" => {
                services
                    .set_activity(&stage.by(), activity("Livrat"))
                    .await
                    .unwrap();
                services
                    .remove_activity(&self.who(), &clan(), "Livrat")
                    .await
                    .map(done)
            }
            _ => return None,
        })
    }

    async fn looks(&self, way: &str) -> Option<Done> {
        let (services, stage, secret) = (self.services(), self.stage, table(SECRET));
        let view = ViewOrder {
            table: Some(secret.clone()),
            ..ViewOrder::default()
        };
        Some(match way {
            "list_tables" => {
                let listed = services.list_tables(&self.who()).await;
                listed.map(|it| it.iter().any(|(table, _)| table.id == stage.secret))
            }
            "table" => services.table(&self.who(), &secret).await.map(done),
            "address" => services.address(&self.who(), stage.secret).await.map(done),
            "view" => services.view(&self.who(), &view).await.map(done),
            "view: at" => {
                let at = Some(Moment::instant(chrono::Utc::now()));
                services
                    .view(&self.who(), &ViewOrder { at, ..view })
                    .await
                    .map(done)
            }
            "view: period" => {
                let period = Some(1);
                services
                    .view(&self.who(), &ViewOrder { period, ..view })
                    .await
                    .map(done)
            }
            "profile" => {
                let order = ProfileOrder {
                    who: names("Ana").remove(0),
                    table: Some(secret),
                    table_id: None,
                };
                services.profile(&self.who(), &order).await.map(done)
            }
            "near_names" => {
                let near = services
                    .near_names(&self.who(), stage.secret, &name("Anca"))
                    .await;
                near.map(done)
            }
            "news" => {
                services.session(&self.able()).await.unwrap();
                let award = Award {
                    table: Some(secret),
                    ..award("Ana", 1)
                };
                let given = services.add_points(&stage.by(), award).await.unwrap();
                let tells = |news: &punctaj::service::news::News| {
                    let told = |it: &Receipt| it.event.seq == given.event.seq;
                    (news.receipts.iter().any(told), news.receipts.len())
                };
                services
                    .news(&self.who(), tells)
                    .await
                    .map(|(told, _)| told)
            }
            "period_report" => services
                .period_report(&self.who(), &secret, None)
                .await
                .map(done),
            "list_periods" => services
                .list_periods(&self.who(), &secret, 0)
                .await
                .map(done),
            _ => return None,
        })
    }

    async fn completes(&self, way: &str) -> Option<Done> {
        let (services, secret) = (self.services(), table(SECRET));
        Some(match way {
            "complete_tables" => holds(
                services.complete_tables(&self.who(), &[ScoreAdd], "").await,
                CLAN,
            ),
            "complete_tables: to look" => holds(
                services
                    .complete_tables(&self.who(), &[TableView], "")
                    .await,
                SECRET,
            ),
            "complete_entries" => {
                let found = services
                    .complete_entries(&self.who(), &[TableView], Some(&secret), "a")
                    .await;
                holds(found, "Ana")
            }
            "complete_within" => {
                let found = services
                    .complete_within(&self.who(), &[TableView], Some(&secret))
                    .await;
                found.map(|table| table.is_some())
            }
            "complete_periods" => {
                let found = services
                    .complete_periods(&self.who(), &[TableView], Some(&secret), "")
                    .await;
                found.map(|it| !it.is_empty())
            }
            _ => return None,
        })
    }

    async fn gives(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        let new = format!("Nou {}", stage.fresh());
        Some(match way {
            "add_points" => services
                .add_points(&self.who(), award("Ana", 1))
                .await
                .map(done),
            "add_points: a new name" => services
                .add_points(&self.who(), award(&new, 1))
                .await
                .map(done),
            "add_points_for" => {
                let made = services
                    .add_points(&stage.by(), award(&new, 1))
                    .await
                    .unwrap();
                let member = stage.fresh();
                let person = Introduction {
                    member: UserId::from_db(member),
                    name: name(&new),
                    link: Some(entry(&made.event)),
                };
                let award = award(&format!("<@{member}>"), 1);
                services
                    .add_points_for(&self.who(), award, &[person])
                    .await
                    .map(done)
            }
            "add_points_of" => {
                let work = Work {
                    activity: "Pază".to_owned(),
                    quantity: None,
                };
                let award = award("Ana", 0);
                services
                    .add_points_of(&self.who(), award, Some(&work), &[])
                    .await
                    .map(done)
            }
            "remove_points" => services
                .remove_points(&self.who(), award("Ana", 1))
                .await
                .map(done),
            "merge" => {
                let created = services
                    .add_points(&self.able(), award(&new, 1))
                    .await
                    .unwrap();
                let meant = services
                    .add_points(&self.able(), award("Ana", 0))
                    .await
                    .unwrap();
                let order = MergeOrder {
                    event: created.event.seq,
                    created: entry(&created.event),
                    meant: entry(&meant.event),
                };
                services.merge(&self.who(), order).await.map(done)
            }
            _ => return None,
        })
    }

    async fn edits(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        let other = |value: i64| {
            set(NewValue::Extra(
                "Insignă".to_owned(),
                Some(value.to_string()),
            ))
        };
        Some(match way {
            "set" => services
                .set(&self.who(), set(NewValue::Name(name("Ana"))))
                .await
                .map(done),
            "set: points" => services
                .set(&self.who(), set(NewValue::Points(50)))
                .await
                .map(done),
            "restore_mine" => {
                services
                    .set(&self.able(), other(stage.fresh()))
                    .await
                    .unwrap();
                let replaced = services
                    .set(&stage.by(), other(stage.fresh()))
                    .await
                    .unwrap();
                let restored = services
                    .restore_mine(&self.who(), replaced.event.seq, 0)
                    .await;
                restored.map(done)
            }
            "delete" => {
                let new = format!("Nou {}", stage.fresh());
                services
                    .add_points(&stage.by(), award(&new, 1))
                    .await
                    .unwrap();
                let deletion = Deletion {
                    names: names(&new),
                    table: Some(clan()),
                    table_id: None,
                };
                services.delete(&self.who(), deletion).await.map(done)
            }
            _ => return None,
        })
    }

    async fn presses(&self, way: &str) -> Option<Done> {
        let (services, clan_id) = (self.services(), self.stage.clan);
        if !way.contains("panel") && !["award_picked", "undo_step"].contains(&way) {
            return None;
        }
        let order = ViewOrder {
            table: Some(clan()),
            ..ViewOrder::default()
        };
        if way == "open_panel" {
            return Some(services.open_panel(&self.who(), &order).await.map(done));
        }
        let panel = services.open_panel(&self.able(), &order).await.unwrap();
        let device = panel.shown.session.device_id.clone();
        let on = |request: Request| Request {
            device: Some(device.clone()),
            ..request
        };
        let ids: Vec<EntryId> = panel.shown.options.iter().map(|it| it.id).take(1).collect();
        let pick = PanelTurn::Pick {
            offered: ids.clone(),
            chosen: ids.clone(),
        };
        let give = |points| PanelAward {
            points,
            mark: Picked::new(ids.clone()).mark(),
            reason: None,
            picked: None,
            activity: None,
        };
        services
            .turn_panel(&on(self.able()), clan_id, pick)
            .await
            .unwrap();
        let who = || on(self.who());
        let step = async || {
            let given = services
                .award_picked(&on(self.able()), clan_id, give(1))
                .await;
            let Ok(Given::Done(receipt)) = given else {
                unreachable!("{given:?}")
            };
            receipt.event.seq
        };
        let is_shown =
            |pressed: Pressed| matches!(pressed, Pressed::Panel(it) if it.note.is_none());
        let is_given = |given: Given| matches!(given, Given::Done(_));
        Some(match way {
            "turn_panel" => services
                .turn_panel(&who(), clan_id, PanelTurn::Clear)
                .await
                .map(done),
            "award_panel" => services
                .award_panel(&who(), clan_id, give(1))
                .await
                .map(is_shown),
            "award_panel: takes" => services
                .award_panel(&who(), clan_id, give(-1))
                .await
                .map(is_shown),
            "award_picked" => services
                .award_picked(&who(), clan_id, give(1))
                .await
                .map(is_given),
            "undo_panel" => services
                .undo_panel(&who(), clan_id, step().await)
                .await
                .map(is_shown),
            "undo_step" => services.undo_step(&who(), step().await).await.map(is_given),
            _ => return None,
        })
    }

    async fn undoes(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        let event = match way {
            "undo" | "preview_undo" => services.add_points(&stage.by(), award("Ana", 1)).await,
            "undo: a new name" => {
                let new = format!("Nou {}", stage.fresh());
                services.add_points(&stage.by(), award(&new, 1)).await
            }
            "undo: a grant" => {
                let given = order(role(stage.fresh()), "data.import", Some(CLAN));
                services.grant(&stage.by(), &given).await
            }
            _ => return None,
        };
        let order = UndoOrder {
            event: Some(event.unwrap().event.seq),
            force: Force::Ask,
            whose: Whose::Anybodys,
        };
        Some(match way {
            "preview_undo" => services.preview_undo(&self.who(), order).await.map(done),
            _ => services.undo(&self.who(), order).await.map(done),
        })
    }

    async fn closes(&self, way: &str) -> Option<Done> {
        let (services, stage, clan) = (self.services(), self.stage, clan());
        let channel = ChannelId::from_db(stage.fresh());
        Some(match way {
            "preview_close" => services.preview_close(&self.who(), &clan).await.map(done),
            "close_period" => {
                let pinned = pinned(services, &stage.now, CLAN).await;
                services.close_period(&self.who(), pinned).await.map(done)
            }
            "apply_ranks" => {
                let closing = proposing(services, &stage.now).await;
                services.apply_ranks(&self.who(), closing).await.map(done)
            }
            "schedule" => services.schedule(&self.who(), &clan).await.map(done),
            "set_schedule" => {
                let order = ScheduleOrder {
                    warning: Some(1),
                    every: Some(Often::Each(Every::Week)),
                    ..ScheduleOrder::default()
                };
                services
                    .set_schedule(&self.who(), &clan, order)
                    .await
                    .map(done)
            }
            "post_board" => services
                .post_board(&self.who(), &clan, channel, None)
                .await
                .map(done),
            "remove_boards" => {
                services
                    .post_board(&stage.by(), &clan, channel, None)
                    .await
                    .unwrap();
                services
                    .remove_boards(&self.who(), &clan, Some(channel))
                    .await
                    .map(done)
            }
            "boards" => services.boards(&self.who(), &clan).await.map(done),
            "export_table" => services.export_table(&self.who(), &clan).await.map(done),
            "export_period" => services
                .export_period(&self.who(), &clan, 1)
                .await
                .map(done),
            _ => return None,
        })
    }

    async fn searches(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        if !["search", "event", "export"]
            .iter()
            .any(|it| way.contains(it))
        {
            return None;
        }
        let order = || SearchOrder {
            table: Some(clan()),
            ..SearchOrder::default()
        };
        let given = services
            .add_points(&stage.by(), award("Ana", 1))
            .await
            .unwrap();
        let seq = given.event.seq;
        let draft = async || services.search(&stage.by(), order()).await.unwrap().draft;
        let has = |found: &[punctaj::service::Found]| found.iter().any(|it| it.event.seq == seq);
        Some(match way {
            "search" => services
                .search(&self.who(), order())
                .await
                .map(|it| has(&it.events)),
            "search: all" => {
                let found = services.search(&self.who(), SearchOrder::default()).await;
                found.map(|it| has(&it.events))
            }
            "search_again" => {
                let found = services
                    .search_again(&self.who(), draft().await, None)
                    .await;
                found.map(|it| has(&it.events))
            }
            "event" => services.event(&self.who(), seq).await.map(done),
            "complete_events" => {
                let found = services
                    .complete_events(&self.who(), false, &seq.to_string())
                    .await;
                found.map(|it| it.iter().any(|event| event.seq == seq.0))
            }
            "export_events" | "export_again" => {
                let export = if way == "export_events" {
                    services.export_events(&self.who(), order()).await
                } else {
                    services.export_again(&self.who(), draft().await).await
                };
                let before = Seq(seq.0 - 1);
                match export {
                    Ok(export) => {
                        let batch = services.export_batch(&export, before).await;
                        batch.map(|it| has(&it.events))
                    }
                    Err(error) => Err(error),
                }
            }
            _ => return None,
        })
    }

    /// What is the whole guild's.
    async fn governs(&self, way: &str) -> Option<Done> {
        let (services, stage) = (self.services(), self.stage);
        Some(match way {
            "verify" => services.verify(&self.who()).await.map(done),
            "verify_telling" => {
                let telling = watch::Sender::default();
                services
                    .verify_telling(&self.who(), &telling)
                    .await
                    .map(done)
            }
            "guild_sessions" => services
                .guild_sessions(&self.who(), None, 0)
                .await
                .map(done),
            "complete_devices" => {
                services.session(&stage.by()).await.unwrap();
                services
                    .complete_devices(&self.who(), "")
                    .await
                    .map(|it| !it.is_empty())
            }
            "end_session" => {
                let somebody = stage.now.by(GUILD, stage.fresh());
                let (session, _) = services.session(&somebody).await.unwrap();
                services
                    .end_session(&self.who(), &session.device_id)
                    .await
                    .map(done)
            }
            "set_setting" => {
                let language = Setting::Language(Language::Ro);
                services.set_setting(&self.who(), language).await.map(done)
            }
            "show_settings" => services.show_settings(&self.who()).await.map(done),
            "diagnose_guild" => services.diagnose_guild(&self.who()).await.map(done),
            "setup" => services.setup(&self.who()).await.map(done),
            _ => return None,
        })
    }
}

fn done<T>(_: T) -> bool {
    true
}

fn holds(offered: Result<Vec<String>, ServiceError>, wanted: &str) -> Done {
    offered.map(|offered| offered.iter().any(|it| it == wanted))
}

/// Each by itself.
fn each(rights: &[Right]) -> Vec<&[Right]> {
    rights.iter().map(std::slice::from_ref).collect()
}

/// The entry that an event is about.
fn entry(event: &Event) -> EntryId {
    event.changes.iter().find_map(Change::entry_id).unwrap()
}

/// Whether that is how somebody is refused who lacks one of these: told so, or shown nothing. A table
/// that is hidden from them does not exist.
fn is_refusal(done: &Done, lacking: &[Right]) -> bool {
    let hides = lacking.contains(&TableView);
    match done {
        Ok(shown) => !shown,
        Err(ServiceError::Forbidden { right, .. } | ServiceError::NotHeld { right }) => {
            // A panel is for whoever gives points or takes them: it names the one.
            let is_of_panel = *right == ScoreAdd && lacking.contains(&ScoreRemove);
            lacking.contains(right) || is_of_panel
        }
        Err(ServiceError::MayNotLink { .. }) => lacking.contains(&EntryEdit),
        Err(ServiceError::UnknownEvent { .. }) => lacking.contains(&AuditView),
        Err(ServiceError::UnknownTable { .. } | ServiceError::TableGone) => hides,
        Err(ServiceError::UnknownScope { .. }) => lacking.contains(&AccessManage),
        _ => false,
    }
}

/// The public functions of `Services` that wait for something.
fn public_ways(folder: &Path, ways: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            public_ways(&path, ways);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let mut is_within = false;
        for line in source.lines() {
            match line.strip_prefix("    pub async fn ") {
                Some(rest) if is_within => {
                    let name = rest.split(['(', '<']).next().unwrap();
                    ways.insert(name.to_owned());
                }
                _ if line.starts_with("impl Services {") => is_within = true,
                _ if line == "}" => is_within = false,
                _ => {}
            }
        }
    }
}

#[test]
fn each_way_into_the_program_is_told_here() {
    let mut there = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service");
    public_ways(&folder, &mut there);
    assert!(there.len() > 100, "{there:?}");
    let called = |(way, _): &(&str, Asks)| way.split(':').next().unwrap().to_owned();
    let told: BTreeSet<String> = WAYS.iter().map(called).collect();
    let missing: Vec<_> = there.difference(&told).collect();
    assert!(
        missing.is_empty(),
        "add lines for what these ask for: {missing:?}"
    );
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(gone.is_empty(), "there is no such way any more: {gone:?}");
}

#[tokio::test]
async fn each_way_asks_for_its_codes_where_it_leads_and_for_no_others() {
    let mut stage = Stage::new().await;
    for (way, asks) in WAYS {
        // What is enough, each time; and what has to be lacked so that all else is not.
        let (reach, asked, enough, lacks) = match *asks {
            All(reach, asked) => (reach, asked, vec![asked], each(asked)),
            Any(reach, asked) => (reach, asked, each(asked), vec![asked]),
            Nothing | Program => continue,
        };
        for lacking in lacks {
            let user = stage.person(lacking, None).await;
            let stage = &stage;
            let done = Attempt { stage, user }.comes(way).await;
            assert!(
                is_refusal(&done, lacking),
                "{way} with all but {lacking:?}: {done:?}"
            );
        }
        let is_secret = asked.contains(&TableView);
        let table = if is_secret { SECRET } else { CLAN };
        for rights in enough {
            for scope in Scope::ALL {
                let user = stage.person(rights, Some((scope, table))).await;
                let stage = &stage;
                let done = Attempt { stage, user }.comes(way).await;
                if reach.is_within(scope) {
                    assert!(
                        matches!(done, Ok(true)),
                        "{way} with {rights:?} in {scope:?}: {done:?}"
                    );
                } else {
                    assert!(
                        is_refusal(&done, asked),
                        "{way} with {rights:?} in {scope:?}: {done:?}"
                    );
                }
            }
        }
    }
    let report = stage.db.services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
}

#[tokio::test]
async fn what_depends_on_what_is_asked_needs_the_code_of_that() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    services
        .create_table(&now.by(GUILD, OWNER), clan())
        .await
        .unwrap();
    services
        .add_points(&now.by(GUILD, OWNER), award("Ana", 9))
        .await
        .unwrap();
    let who = || plain(&now, 2, &[]);
    granted(services, &now, member(2), "score.add", None).await;
    // A new name needs more than one that is there.
    services.add_points(&who(), award("Ana", 1)).await.unwrap();
    let refused = services.add_points(&who(), award("Ana, Nou", 1)).await;
    assert_eq!(missing(refused), "entry.add");
    granted(services, &now, member(2), "entry.add", None).await;
    services
        .add_points(&who(), award("Ana, Nou", 1))
        .await
        .unwrap();
    // Points are no field like others.
    let refused = services.set(&who(), set(NewValue::Points(5))).await;
    assert_eq!(missing(refused), "score.set");
    granted(services, &now, member(2), "score.set", None).await;
    services
        .set(&who(), set(NewValue::Points(5)))
        .await
        .unwrap();
    let refused = services.set(&who(), set(NewValue::Rank(None))).await;
    assert_eq!(missing(refused), "entry.edit");
    // One's own is undone with the right that it needed.
    let done = services.add_points(&who(), award("Ana", 1)).await.unwrap();
    let revoked = order(member(2), "score.add", None);
    services
        .revoke(&now.by(GUILD, OWNER), &revoked)
        .await
        .unwrap();
    let own = UndoOrder {
        event: Some(done.event.seq),
        force: Force::Ask,
        whose: Whose::Own,
    };
    let refused = services.undo(&who(), own).await;
    assert_eq!(missing(refused), "score.add");
}
