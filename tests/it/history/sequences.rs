//! Sequences of everything people do, with several devices, late and doubled deliveries: after
//! each operation the oracle computes what must have come of it.

use proptest::collection::vec;
use proptest::prelude::*;
use punctaj::domain::event::{Change, Event};
use punctaj::domain::field::FieldKind;
use punctaj::domain::guild::Language;
use punctaj::domain::ids::{ChannelId, Seq, UserId};
use punctaj::domain::layout::Layout;
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::domain::session::Platform;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::fields::{FieldEdit, NewField};
use punctaj::service::merge::MergeOrder;
use punctaj::service::points::{Award, Introduction};
use punctaj::service::sessions::Which;
use punctaj::service::settings::Setting;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Receipt, Request, ServiceError, Services};
use serde_json::Value;

use crate::support::db::request;
use crate::support::replay::{Asks, Checked, Meant, Oracle, When};

use super::explore::{World, explore, is_again, op_id};

/// Few, so that they collide; what undo calls an entry whose name is taken is among them.
const NAMES: [&str; 5] = ["Ana", "Ion", "Ștefan", "Ana (2)", "ANA"];
const TABLES: [&str; 2] = ["BlackWater/Politie", "Clan"];
/// What extra fields are called: two of these are one name.
const FIELDS: [&str; 3] = ["Insignă", "INSIGNĂ", "De la"];
const VALUES: [&str; 3] = ["7", "31.01.2026", "Ș-12"];
/// 2026-01-01T00:00:00Z in Discord's count of milliseconds.
const START_MS: i64 = 347_155_200_000;

const SOMEONE_ELSE: i64 = 9;

#[derive(Debug, Clone)]
struct Step {
    user: i64,
    /// The only kind of client that they are signed in on.
    platform: Option<Platform>,
    /// The table; the session's last one beyond the list.
    table: usize,
    /// How many seconds its delivery took: what was asked for in between was done before it.
    late: i64,
    delivery: Delivery,
    deed: Deed,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Delivery {
    Once,
    Twice,
    /// Twice at the same moment, at two processes.
    AtOnce,
}

/// Someone in a list: a name of the pool, or beyond it a member.
type Who = usize;

#[derive(Debug, Clone)]
enum Deed {
    Add(Vec<Who>, i64),
    /// With members introduced; their links are agreed to, or not.
    AddFor(Vec<Who>, i64, bool),
    /// The so manieth of the entries that were created, into another one.
    Merge {
        pick: usize,
        into: usize,
        order: Option<MergeOrder>,
    },
    Remove(Vec<Who>, i64),
    SetPoints(Who, i64),
    SetName(Who, usize),
    SetRank(Who, Option<u8>),
    SetMember(Who, Option<i64>),
    /// Which extra field, and what it is to hold.
    SetExtra(Who, usize, Option<usize>),
    Delete(Vec<Who>),
    UndoLast {
        force: bool,
    },
    /// So many events before the newest.
    Undo {
        back: i64,
        force: bool,
        anybodys: bool,
    },
    Rank(i32, u8, Option<i64>),
    RemoveRank(i32),
    AddField(usize, FieldKind),
    /// Its new name and pattern; `-` for none.
    EditField(usize, Option<usize>, Option<&'static str>),
    RemoveField(usize),
    /// In which channel, and whether it is laid out for a wide screen; removed without.
    Board(i64, Option<bool>),
    Table(TableDeed),
    Set(Setting),
    LogIn(bool),
    LogOut(u8),
    /// The current session, or the one of that label.
    Rename(bool),
}

/// What becomes of a table. The first one stays where it is.
#[derive(Debug, Clone)]
enum TableDeed {
    Floor(i64),
    Private(bool),
    /// The second one gets this name.
    Rename(&'static str),
    Delete,
    Restore,
    /// The second one anew.
    Create,
}

fn step() -> impl Strategy<Value = Step> {
    let late = prop_oneof![5 => Just(0), 3 => 1..5_i64, 3 => 1..30_i64];
    let delivery = prop_oneof![8 => Just(Delivery::Once), 1 => Just(Delivery::Twice), 1 => Just(Delivery::AtOnce)];
    let table = prop_oneof![16 => Just(0), 3 => Just(1), 1 => Just(2_usize)];
    let platform = prop_oneof![3 => Just(None), 1 => Just(Some(Platform::Mobile)), 1 => Just(Some(Platform::Desktop))];
    (1..4_i64, platform, table, late, delivery, deed()).prop_map(
        |(user, platform, table, late, delivery, deed)| Step {
            user,
            platform,
            table,
            late,
            delivery,
            deed,
        },
    )
}

fn structure() -> impl Strategy<Value = Deed> {
    let kind = || proptest::sample::select(FieldKind::ALL.to_vec());
    let pattern = || prop_oneof![Just(None), Just(Some("-")), Just(Some("[0-9]+"))];
    let field = || 0..FIELDS.len();
    let table = prop_oneof![
        4 => prop_oneof![Just(-5_i64), Just(0), Just(4)].prop_map(TableDeed::Floor),
        2 => any::<bool>().prop_map(TableDeed::Private),
        1 => prop_oneof![Just("Clan"), Just("Clanul"), Just("CLAN")].prop_map(TableDeed::Rename),
        2 => Just(TableDeed::Delete),
        2 => Just(TableDeed::Restore),
        1 => Just(TableDeed::Create),
    ];
    let setting = prop_oneof![
        proptest::sample::select(Language::ALL.to_vec()).prop_map(Setting::Language),
        prop_oneof![Just(chrono_tz::UTC), Just(chrono_tz::America::New_York)]
            .prop_map(Setting::Timezone),
        (1..3_i64).prop_map(|id| Setting::LogChannel(ChannelId::from_db(id))),
    ];
    prop_oneof![
        3 => (1..4, 0..3_u8, proptest::option::of(1..99_i64))
            .prop_map(|(rank, title, at)| Deed::Rank(rank, title, at)),
        2 => (1..4).prop_map(Deed::RemoveRank),
        2 => (7..9_i64, proptest::option::of(any::<bool>())).prop_map(|(channel, wide)| Deed::Board(channel, wide)),
        3 => (field(), kind()).prop_map(|(field, kind)| Deed::AddField(field, kind)),
        2 => (field(), proptest::option::of(field()), pattern())
            .prop_map(|(field, name, pattern)| Deed::EditField(field, name, pattern)),
        2 => field().prop_map(Deed::RemoveField),
        3 => table.prop_map(Deed::Table),
        1 => setting.prop_map(Deed::Set),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let who =
        || prop_oneof![12 => 0..2_usize, 12 => 0..NAMES.len(), 1 => NAMES.len()..NAMES.len() + 2];
    let whom = || prop_oneof![1 => 0..NAMES.len(), 2 => NAMES.len()..NAMES.len() + 2];
    let points = || prop_oneof![4 => 1..10_i64, 1 => Just(0), 1 => Just(1_000_000_000)];
    let value = prop_oneof![3 => 0..50_i64, 1 => Just(-1_i64), 1 => Just(9_000_000_000_000_000_i64), 1 => Just(i64::MAX)];
    prop_oneof![
        7 => (vec(who(), 1..4), points()).prop_map(|(who, points)| Deed::Add(who, points)),
        4 => (vec(whom(), 1..4), points(), any::<bool>())
            .prop_map(|(who, points, agreed)| Deed::AddFor(who, points, agreed)),
        2 => (0..3_usize, 0..4_usize)
            .prop_map(|(pick, into)| Deed::Merge { pick, into, order: None }),
        3 => (vec(who(), 1..3), points()).prop_map(|(who, points)| Deed::Remove(who, points.max(1))),
        3 => (who(), value).prop_map(|(who, value)| Deed::SetPoints(who, value)),
        3 => (who(), 0..NAMES.len()).prop_map(|(who, name)| Deed::SetName(who, name)),
        2 => (who(), proptest::option::of(1..4_u8)).prop_map(|(who, rank)| Deed::SetRank(who, rank)),
        2 => (who(), proptest::option::of(1..3_i64)).prop_map(|(who, member)| Deed::SetMember(who, member)),
        2 => vec(who(), 1..3).prop_map(Deed::Delete),
        4 => any::<bool>().prop_map(|force| Deed::UndoLast { force }),
        5 => (0..9_i64, any::<bool>(), any::<bool>())
            .prop_map(|(back, force, anybodys)| Deed::Undo { back, force, anybodys }),
        3 => (who(), 0..FIELDS.len(), proptest::option::of(0..VALUES.len()))
            .prop_map(|(who, field, value)| Deed::SetExtra(who, field, value)),
        6 => structure(),
        1 => any::<bool>().prop_map(Deed::LogIn),
        1 => (0..3_u8).prop_map(Deed::LogOut),
        1 => any::<bool>().prop_map(Deed::Rename),
    ]
}

/// As many as take a quarter of a minute.
const DEFAULT_CASES: u32 = 50;

/// One case: a guild, its oracle, and what was done so far.
struct Case<'w> {
    world: &'w World,
    guild: i64,
    oracle: Oracle,
    done: Vec<(Request, Step, Receipt)>,
}

#[test]
fn whatever_is_done_the_tables_hold_what_the_events_tell() {
    explore(
        DEFAULT_CASES,
        || vec(step(), 1..70),
        async |world, steps| {
            let mut case = Case {
                world,
                guild: world.guild(),
                oracle: Oracle::default(),
                done: Vec::new(),
            };
            case.oracle = Oracle::new(case.guild);
            case.prepare().await?;
            for (index, step) in (10..).zip(steps) {
                let told = format!("step {index}: {step:?}");
                Box::pin(case.step(index, step))
                    .await
                    .map_err(|problem| format!("{told}\n{problem}"))?;
            }
            case.redeliver().await?;
            world.check(&case.oracle, case.guild).await
        },
    );
}

impl Case<'_> {
    async fn prepare(&mut self) -> Checked {
        let services = &self.world.services;
        for (at, table) in (START_MS..).zip(TABLES) {
            let address = TableAddress::parse(table).unwrap();
            services
                .create_table(&request(self.guild, SOMEONE_ELSE, at, 0), address)
                .await
                .map_err(|error| error.to_string())?;
        }
        let award = Award {
            names: list(&[0, 1]).into_items(),
            points: 5,
            table: Some(TableAddress::parse(TABLES[0]).unwrap()),
            table_id: None,
            reason: None,
        };
        services
            .add_points(&request(self.guild, SOMEONE_ELSE, START_MS + 2, 0), award)
            .await
            .map_err(|error| error.to_string())?;
        self.world.read(&mut self.oracle, self.guild).await?;
        Ok(())
    }

    async fn step(&mut self, index: i64, mut step: Step) -> Checked {
        let head = self.oracle.head();
        if let Deed::Undo { back, .. } = &mut step.deed {
            // The first table stays, most of the time also the second.
            *back = if *back == 8 {
                head - 3
            } else {
                (*back).min(head - 4).max(0)
            };
        }
        self.choose_merge(&mut step);
        // An undo of a certain event is never dated before it; without a number it finds one that is
        // older, however late it comes.
        if let Deed::Undo { back, .. } = step.deed {
            let undone = self.oracle.when(head - back).cloned();
            if undone.is_some_and(|undone| undone >= when(&self.request(index, &step))) {
                step.late = 0;
            }
        }
        let request = self.request(index, &step);
        let table = TABLES
            .get(step.table)
            .and_then(|name| self.oracle.table(name.rsplit('/').next()?));
        let meant = table.map(|table| self.meant(&table, &step, &when(&request)));
        let undone = self.undone(&step, &when(&request));
        let asks = undone.map(|seq| self.oracle.asks(seq, step.user));
        let result = Box::pin(self.deliver(&request, &step, head)).await?;
        let rows = self.world.read(&mut self.oracle, self.guild).await?;
        match result {
            Ok(receipt) => {
                let row = rows.last().ok_or("an operation left no event")?;
                check_receipt(&receipt, row)?;
                check_meant(&self.oracle, &step, meant, row)?;
                check_rule(&step, row)?;
                self.check_undo(&step, undone, asks, row)?;
                self.done.push((request, step, receipt));
                Ok(())
            }
            Err(error) if !rows.is_empty() => Err(format!("{error} left events")),
            Err(error) => self.check_error(&step, &error, meant, undone, asks),
        }
    }

    /// Which entries a merge is about: what somebody's own award created, mostly by that person.
    fn choose_merge(&self, step: &mut Step) {
        let Deed::Merge { pick, into, order } = &mut step.deed else {
            return;
        };
        let entries = |event: &Event| {
            let ids = event.changes.iter().filter_map(Change::entry_id);
            ids.collect::<Vec<_>>()
        };
        let mut created = self.done.iter().rev().flat_map(|(request, _, receipt)| {
            let new = receipt.event.changes.iter().filter(|c| c.is_creation());
            new.filter_map(move |change| Some((request, receipt.event.seq, change.entry_id()?)))
        });
        let all: Vec<_> = self
            .done
            .iter()
            .rev()
            .flat_map(|(_, _, receipt)| entries(&receipt.event))
            .collect();
        let Some((request, event, created)) = created.nth(*pick) else {
            step.deed = Deed::LogIn(false);
            return;
        };
        let others = all.iter().filter(|id| **id != created);
        let meant = others.clone().nth(*into).or_else(|| others.clone().next());
        *order = meant.map(|meant| MergeOrder {
            event,
            created,
            meant: *meant,
        });
        if *into > 0 {
            step.user = request.actor.db();
        }
        if order.is_none() {
            step.deed = Deed::LogIn(false);
        }
    }

    fn request(&self, index: i64, step: &Step) -> Request {
        let late = step.late.min(index);
        let at = START_MS + (index - late) * 1000;
        Request {
            op: op_id(index),
            platform: step.platform,
            ..request(self.guild, step.user, at, 0)
        }
    }

    async fn deliver(
        &self,
        request: &Request,
        step: &Step,
        head: i64,
    ) -> Checked<Result<Receipt, ServiceError>> {
        let (here, there) = (&self.world.services, &self.world.others);
        let (first, second) = match step.delivery {
            Delivery::Once => return Ok(perform(here, request, step, head).await),
            Delivery::Twice => (
                perform(here, request, step, head).await,
                perform(there, request, step, head).await,
            ),
            Delivery::AtOnce => {
                tokio::join!(
                    perform(here, request, step, head),
                    perform(there, request, step, head)
                )
            }
        };
        match (&first, &second) {
            (Ok(first), Ok(second)) => {
                is_again(first, second)?;
                if first.repeated == second.repeated {
                    return Err("one of two deliveries is the first".to_owned());
                }
            }
            (Err(_), Err(_)) => {}
            _ => return Err(format!("two deliveries differ: {first:?} and {second:?}")),
        }
        Ok(first)
    }

    /// All that was done arrives once more, and changes nothing.
    async fn redeliver(&mut self) -> Checked {
        for (request, step, first) in &self.done {
            let again = perform(&self.world.others, request, step, 0)
                .await
                .map_err(|error| error.to_string())?;
            // The table may be called otherwise by now.
            if first.event != again.event {
                return Err(format!("{first:#?} was told again as {again:#?}"));
            }
        }
        let rows = self.world.read(&mut self.oracle, self.guild).await?;
        if rows.is_empty() {
            Ok(())
        } else {
            Err(format!("repeated deliveries left events: {rows:?}"))
        }
    }

    fn meant(&self, table: &str, step: &Step, when: &When) -> Vec<Meant> {
        let one = |who: &Who| match NAMES.get(*who) {
            Some(name) => self.oracle.meant(table, name, when),
            None => self.oracle.linked(table, member_of(*who)),
        };
        match &step.deed {
            Deed::Add(who, _) | Deed::Remove(who, _) | Deed::Delete(who) => {
                distinct(who).iter().map(one).collect()
            }
            Deed::SetPoints(who, _)
            | Deed::SetName(who, _)
            | Deed::SetRank(who, _)
            | Deed::SetMember(who, _)
            | Deed::SetExtra(who, _, _) => {
                vec![one(who)]
            }
            _ => Vec::new(),
        }
    }

    fn undone(&self, step: &Step, when: &When) -> Option<i64> {
        match step.deed {
            Deed::UndoLast { .. } => self.oracle.last_undoable(step.user, when),
            Deed::Undo { back, .. } => Some(self.oracle.head() - back),
            _ => None,
        }
    }

    fn check_undo(
        &self,
        step: &Step,
        undone: Option<i64>,
        asks: Option<Asks>,
        row: &Value,
    ) -> Checked {
        let (Deed::UndoLast { force } | Deed::Undo { force, .. }) = step.deed else {
            return Ok(());
        };
        if row["undoes"].as_i64() != undone {
            return Err(format!("it undid {} instead of {undone:?}", row["undoes"]));
        }
        if asks == Some(Asks::Always) && !force {
            return Err("it should have asked first".to_owned());
        }
        if row["outcome"] == "applied" && undone.is_some_and(|seq| !self.oracle.is_undone(seq)) {
            return Err("what was undone does not count as undone".to_owned());
        }
        Ok(())
    }

    fn check_error(
        &self,
        step: &Step,
        error: &ServiceError,
        meant: Option<Vec<Meant>>,
        undone: Option<i64>,
        asks: Option<Asks>,
    ) -> Checked {
        let meant = meant.unwrap_or_else(|| vec![Meant::Unsaid]);
        let fits = match error {
            ServiceError::Store(_)
            | ServiceError::OutcomeUnknown
            | ServiceError::Forbidden { .. } => false,
            ServiceError::Strangers { .. } => !matches!(step.deed, Deed::AddFor(..)),
            ServiceError::UnknownNames { .. } | ServiceError::MemberUnlinked { .. } => {
                meant.iter().any(|meant| !matches!(meant, Meant::Entry(_)))
            }
            ServiceError::ChangedSince { .. } => asks != Some(Asks::Never),
            ServiceError::AlreadyUndone { .. } => {
                undone.is_some_and(|seq| self.oracle.is_undone(seq))
            }
            ServiceError::NothingToUndo => undone.is_none(),
            ServiceError::NameTaken { .. } => matches!(step.deed, Deed::SetName(..)),
            ServiceError::MemberTaken { .. } => matches!(step.deed, Deed::SetMember(..)),
            _ => true,
        };
        if fits {
            Ok(())
        } else {
            Err(format!(
                "this error does not fit: {error:?}, meant {meant:?}, asks {asks:?}"
            ))
        }
    }
}

fn check_receipt(receipt: &Receipt, row: &Value) -> Checked {
    let told = serde_json::to_value(&receipt.event).map_err(|error| error.to_string())?;
    let parts = [
        "guild_id",
        "seq",
        "op_id",
        "actor_id",
        "device_id",
        "action",
        "table_id",
        "changes",
        "outcome",
        "hash",
    ];
    match parts.iter().find(|part| told[**part] != row[**part]) {
        None => Ok(()),
        Some(part) => Err(format!(
            "the answer tells another {part} than the event: {} and {}",
            told[*part], row[*part]
        )),
    }
}

/// Presence decides wherever it names a platform; nobody clicks here.
fn check_rule(step: &Step, row: &Value) -> Checked {
    let rule = row["attribution"].as_str().unwrap_or_default();
    let expected: &[&str] = match (&step.deed, step.platform) {
        (Deed::LogIn(_), _) => &["new"],
        (_, Some(_)) => &["presence"],
        (_, None) => &["recent", "new"],
    };
    if expected.contains(&rule) {
        Ok(())
    } else {
        Err(format!("its session was found by {rule}, not {expected:?}"))
    }
}

/// Each name must have met the entry that it meant; an entry counts once.
fn check_meant(oracle: &Oracle, step: &Step, meant: Option<Vec<Meant>>, row: &Value) -> Checked {
    let changes = row["changes"].as_array().map(Vec::as_slice);
    let mut changes = changes.unwrap_or_default().iter().peekable();
    let mut counted: Vec<String> = Vec::new();
    for meant in meant.unwrap_or_default() {
        match &meant {
            Meant::Unsaid => return Ok(()),
            Meant::Entry(ids) if ids.iter().any(|id| counted.contains(id)) => {
                let is_it = |next: &&Value| ids.iter().any(|id| next["id"] == **id);
                if !changes.peek().is_some_and(is_it) {
                    continue;
                }
            }
            // Who was called so when it was last shown, perhaps named twice by that.
            Meant::Nobody if !matches!(step.deed, Deed::Add(..)) => {
                let id = changes.peek().and_then(|next| next["id"].as_str());
                if !id.is_some_and(|id| !counted.contains(&id.to_owned()) && oracle.was_renamed(id))
                {
                    continue;
                }
            }
            _ => {}
        }
        let first = changes.next().ok_or("a name had no effect")?;
        let created = first["field"] == "name" && first["before"].is_null();
        if created {
            changes.next();
        }
        let id = first["id"].as_str().unwrap_or_default().to_owned();
        let fits = match &meant {
            Meant::Entry(ids) => !created && ids.contains(&id),
            Meant::Nobody => created == matches!(step.deed, Deed::Add(..)),
            Meant::Unsaid => true,
        };
        if !fits {
            return Err(format!("{meant:?} was meant, not {first}"));
        }
        counted.push(id);
    }
    Ok(())
}

/// A name given twice counts once.
fn distinct(who: &[Who]) -> Vec<Who> {
    let key = |who: &Who| {
        NAMES
            .get(*who)
            .map_or_else(|| who.to_string(), |name| name.to_lowercase())
    };
    let mut keys = std::collections::BTreeSet::new();
    who.iter()
        .filter(|who| keys.insert(key(who)))
        .copied()
        .collect()
}

fn member_of(who: Who) -> i64 {
    i64::try_from(who - NAMES.len() + 1).unwrap()
}

fn when(request: &Request) -> When {
    When {
        at: request.at,
        op: request.op.as_str().to_owned(),
    }
}

fn list(who: &[Who]) -> NameList {
    let part = |who: &Who| {
        NAMES.get(*who).map_or_else(
            || format!("<@{}>", member_of(*who)),
            |&name| name.to_owned(),
        )
    };
    NameList::parse(&who.iter().map(part).collect::<Vec<_>>().join(", "), 50).unwrap()
}

/// Changes the ranks and extra fields of a table.
async fn reshape(
    services: &Services,
    request: &Request,
    step: &Step,
) -> Result<Receipt, ServiceError> {
    match &step.deed {
        Deed::Rank(number, title, promote_at) => {
            let order = rank(step, *number, *title, *promote_at);
            services.set_rank(request, order).await
        }
        Deed::Board(channel, Some(wide)) => {
            let layout = if *wide { Layout::Wide } else { Layout::Phone };
            let (table, channel) = (shaped(step), ChannelId::from_db(*channel));
            services
                .post_board(request, &table, channel, Some(layout))
                .await
        }
        Deed::Board(channel, None) => {
            let (table, channel) = (shaped(step), ChannelId::from_db(*channel));
            services.remove_boards(request, &table, Some(channel)).await
        }
        Deed::RemoveRank(number) => {
            let table = shaped(step);
            services.remove_rank(request, &table, *number).await
        }
        Deed::AddField(field, kind) => {
            let order = NewField {
                table: shaped(step),
                name: Name::parse(FIELDS[*field]).unwrap(),
                kind: *kind,
                pattern: None,
            };
            services.add_field(request, order).await
        }
        Deed::EditField(field, name, pattern) => {
            let edit = FieldEdit {
                table: shaped(step),
                field: FIELDS[*field].to_owned(),
                name: name.map(|name| Name::parse(FIELDS[name]).unwrap()),
                pattern: pattern.map(|pattern| (pattern != "-").then(|| pattern.to_owned())),
            };
            services.edit_field(request, edit).await
        }
        Deed::RemoveField(field) => {
            let table = shaped(step);
            services.remove_field(request, &table, FIELDS[*field]).await
        }
        other => unreachable!("{other:?} is about no rank or field"),
    }
}

fn deletion(who: &[Who], table: Option<TableAddress>) -> Deletion {
    Deletion {
        names: list(who).into_items(),
        table,
        table_id: None,
    }
}

async fn perform(
    services: &Services,
    request: &Request,
    step: &Step,
    head: i64,
) -> Result<Receipt, ServiceError> {
    let table = TABLES
        .get(step.table)
        .map(|table| TableAddress::parse(table).unwrap());
    let award = |who: &[Who], points| Award {
        names: list(who).into_items(),
        points,
        table: table.clone(),
        table_id: None,
        reason: (points == 3).then(|| "Bravo! „Țintă” 🎯".to_owned()),
    };
    let set = async |who: &Who, value| {
        let who = list(&[*who]).into_items().remove(0);
        services
            .set(
                request,
                Assignment {
                    who,
                    value,
                    table: table.clone(),
                    table_id: None,
                },
            )
            .await
    };
    let undo = async |event, force, whose| {
        services
            .undo(
                request,
                UndoOrder {
                    event,
                    force: if force { Force::Always } else { Force::Ask },
                    whose,
                },
            )
            .await
    };
    match &step.deed {
        Deed::Add(who, points) => services.add_points(request, award(who, *points)).await,
        Deed::AddFor(who, points, agreed) => {
            add_for(services, request, award(who, *points), *agreed).await
        }
        Deed::Merge { order, .. } => services.merge(request, order.unwrap()).await,
        Deed::Remove(who, points) => services.remove_points(request, award(who, *points)).await,
        Deed::SetPoints(who, value) => set(who, NewValue::Points(*value)).await,
        Deed::SetName(who, name) => {
            set(who, NewValue::Name(Name::parse(NAMES[*name]).unwrap())).await
        }
        Deed::SetRank(who, rank) => {
            set(who, NewValue::Rank(rank.map(|rank| rank.to_string()))).await
        }
        Deed::SetMember(who, member) => {
            set(who, NewValue::Member(member.map(UserId::from_db))).await
        }
        Deed::SetExtra(who, field, value) => {
            let value = value.map(|value| VALUES[value].to_owned());
            set(who, NewValue::Extra(FIELDS[*field].to_owned(), value)).await
        }
        Deed::Delete(who) => services.delete(request, deletion(who, table.clone())).await,
        Deed::UndoLast { force } => undo(None, *force, Whose::Own).await,
        Deed::Undo {
            back,
            force,
            anybodys,
        } => {
            let whose = if *anybodys {
                Whose::Anybodys
            } else {
                Whose::Own
            };
            undo(Some(Seq(head - back)), *force, whose).await
        }
        Deed::Rank(..)
        | Deed::RemoveRank(_)
        | Deed::Board(..)
        | Deed::AddField(..)
        | Deed::EditField(..)
        | Deed::RemoveField(_) => reshape(services, request, step).await,
        Deed::Table(deed) => shape(services, request, step, deed).await,
        Deed::Set(setting) => services.set_setting(request, setting.clone()).await,
        Deed::LogIn(labelled) => {
            services
                .log_in(request, labelled.then(|| "PC Birou".to_owned()))
                .await
        }
        Deed::LogOut(which) => log_out(services, request, *which).await,
        Deed::Rename(labelled) => rename(services, request, *labelled).await,
    }
}

async fn rename(
    services: &Services,
    request: &Request,
    labelled: bool,
) -> Result<Receipt, ServiceError> {
    let (given, label) = if labelled {
        (Some("PC Birou"), "PC de acasă")
    } else {
        (None, "PC Birou")
    };
    let label = label.to_owned();
    services.rename_session(request, given, label).await
}

async fn log_out(
    services: &Services,
    request: &Request,
    which: u8,
) -> Result<Receipt, ServiceError> {
    let which = match which {
        0 => Which::Current,
        1 => Which::AllOthers,
        _ => Which::Named("PC Birou".to_owned()),
    };
    services.log_out(request, &which).await
}

/// Gives points to members who are introduced: one bears a name of the pool, one does not.
async fn add_for(
    services: &Services,
    request: &Request,
    award: Award,
    agreed: bool,
) -> Result<Receipt, ServiceError> {
    let person = |(member, name)| Introduction {
        member: UserId::from_db(member),
        name: Name::parse(name).unwrap(),
        link: None,
    };
    let mut people: Vec<_> = [(1, "ion"), (2, "Maria")].map(person).to_vec();
    let asked = services
        .add_points_for(request, award.clone(), &people)
        .await;
    match asked {
        Err(ServiceError::LinksOffered { links, .. }) if agreed => {
            for link in links {
                let person = people.iter_mut().find(|p| p.member == link.member);
                person.unwrap().link = Some(link.entry);
            }
            services.add_points_for(request, award, &people).await
        }
        asked => asked,
    }
}

/// The table whose structure a step is about.
fn shaped(step: &Step) -> TableAddress {
    TableAddress::parse(TABLES[step.table.min(1)]).unwrap()
}

async fn shape(
    services: &Services,
    request: &Request,
    step: &Step,
    deed: &TableDeed,
) -> Result<Receipt, ServiceError> {
    let second = TableAddress::parse(TABLES[1]).unwrap();
    let mut edit = TableEdit {
        table: shaped(step),
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: None,
    };
    match deed {
        TableDeed::Floor(floor) => edit.floor = Some(*floor),
        TableDeed::Private(private) => edit.private = Some(*private),
        TableDeed::Rename(name) => {
            edit.table = second;
            edit.name = Some(Name::parse(name).unwrap());
        }
        TableDeed::Delete => return services.delete_table(request, &second).await,
        TableDeed::Restore => return services.restore_table(request, &second).await,
        TableDeed::Create => return services.create_table(request, second).await,
    }
    services.edit_table(request, edit).await
}

fn rank(step: &Step, number: i32, title: u8, promote_at: Option<i64>) -> RankOrder {
    RankOrder {
        table: shaped(step),
        number,
        title: Name::parse(["Cadet", "Agent", "Șef"][usize::from(title)]).unwrap(),
        promote_at,
        demote_below: None,
        role: None,
    }
}
