//! The oracle: what a guild must look like, told by its events and the contract alone.
//!
//! It is a model at the level of the specification ("two devices at once"), shares no code with
//! the program, and does not believe the events: of a change it takes *which* entry and *what was
//! asked for*; what came of it (before, after, delta, superseded) it computes, and compares.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;

/// What agrees, or in which words it does not.
pub type Checked<T = ()> = Result<T, String>;

/// The most points there can be.
const LIMIT: i64 = 9_000_000_000_000_000;

/// The date of an edit: Discord's clock, then the operation's id by length, then as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    pub at: DateTime<Utc>,
    pub op: String,
}

impl Ord for When {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |when: &Self| (when.at, when.op.len());
        key(self)
            .cmp(&key(other))
            .then_with(|| self.op.cmp(&other.op))
    }
}

impl PartialOrd for When {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Who wrote something, and when.
#[derive(Debug, Clone)]
struct Written {
    when: When,
    seq: i64,
    actor: Option<i64>,
}

#[derive(Debug, Clone)]
struct Entry {
    table: String,
    /// `name`, `rank`, `member`.
    fields: BTreeMap<String, Value>,
    /// Who last wrote each field; `points` is the base.
    written: BTreeMap<String, Written>,
    /// Every name it had, and since when.
    names: Vec<(When, String)>,
    points: i64,
    /// Effective changes of points.
    ledger: Vec<(Written, i64)>,
    created: When,
    restored: Option<When>,
    deleted: Option<When>,
}

/// What a change did, for undoing it.
#[derive(Debug, Clone)]
enum Effect {
    Points {
        entry: String,
        delta: i64,
        base: bool,
    },
    Field {
        entry: String,
        field: String,
        before: Value,
        after: Value,
    },
    Created {
        entry: String,
    },
    Deleted {
        entry: String,
        name: String,
    },
    /// Of a table or a rank.
    Other,
}

/// What is kept of an event.
#[derive(Debug, Clone)]
struct Past {
    actor: Option<i64>,
    action: String,
    applied: bool,
    when: When,
    undoes: Option<i64>,
    table: String,
    /// Whether anything is another than before.
    moved: bool,
    effects: Vec<Effect>,
}

/// Whom a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// One of these entries.
    Entry(Vec<String>),
    /// No entry: a new one is made, or the name is unknown.
    Nobody,
    /// The contract does not say.
    Unsaid,
}

/// Whether undoing an event asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Always,
    Perhaps,
    Never,
}

/// A closed period.
#[derive(Debug, Clone)]
struct Closing {
    table: String,
    number: i64,
    seq: i64,
    when: When,
    /// It was undone.
    open: bool,
    /// Every row as it was before.
    rows: BTreeSet<String>,
}

/// A thing that is neither an entry nor deleted for good: kind, table (ranks), id.
type Thing = (String, String, String);

/// A guild, replayed.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    guild: i64,
    hash: String,
    applied_at: DateTime<Utc>,
    entries: BTreeMap<String, Entry>,
    things: BTreeMap<Thing, BTreeMap<String, Value>>,
    closings: Vec<Closing>,
    past: Vec<Past>,
}

impl Oracle {
    pub fn new(guild: i64) -> Self {
        Self {
            guild,
            hash: "0".repeat(64),
            ..Self::default()
        }
    }

    /// A guild's whole history.
    pub async fn of(pool: &PgPool, guild: i64) -> Self {
        let rows = "select to_jsonb(e) from punctaj.events e where e.guild_id = $1 order by e.seq";
        let rows = sqlx::query_scalar(rows).bind(guild).fetch_all(pool);
        let rows: Vec<Value> = rows.await.unwrap();
        let mut oracle = Self::new(guild);
        for row in &rows {
            oracle.apply(row).unwrap();
        }
        oracle
    }

    /// The number of the newest event.
    pub fn head(&self) -> i64 {
        i64::try_from(self.past.len()).unwrap_or(i64::MAX)
    }

    /// When an event was asked for.
    pub fn when(&self, seq: i64) -> Option<&When> {
        self.past(seq).map(|past| &past.when)
    }

    /// Takes in the guild's next event.
    pub fn apply(&mut self, row: &Value) -> Checked {
        let seq = self.head() + 1;
        self.apply_event(row, seq)
            .map_err(|problem| format!("event {seq}: {problem}\n{row:#}"))
    }

    fn apply_event(&mut self, row: &Value, seq: i64) -> Checked {
        agree("guild", &row["guild_id"], &json!(self.guild))?;
        agree("seq", &row["seq"], &json!(seq))?;
        agree("prev_hash", &row["prev_hash"], &json!(self.hash))?;
        let applied_at = time(&row["applied_at"])?;
        if applied_at < self.applied_at {
            return Err(format!("applied_at goes back from {}", self.applied_at));
        }
        let when = When {
            at: time(&row["at"])?,
            op: text(&row["op_id"])?.to_owned(),
        };
        let event = Event {
            written: Written {
                when: when.clone(),
                seq,
                actor: row["actor_id"].as_i64(),
            },
            table: row["table_id"].as_str().unwrap_or_default().to_owned(),
            action: text(&row["action"])?.to_owned(),
            ranks_gone: list(&row["changes"])
                .filter(|it| {
                    it["what"] == "rank" && it["field"] == "title" && it["after"].is_null()
                })
                .filter_map(|it| it["id"].as_str()?.parse().ok())
                .collect(),
        };
        let changes = row["changes"].as_array().ok_or("no changes")?;
        let undoes = row["undoes"].as_i64();
        let (told, effects) = match (event.action.as_str(), undoes) {
            ("event.undo", Some(undone)) => self.undo(&event, undone, changes)?,
            ("event.undo", None) if row["outcome"] == "refused" => (Vec::new(), Vec::new()),
            ("event.undo", None) | (_, Some(_)) => {
                return Err("undoes and action do not fit".to_owned());
            }
            _ if event.action == "period.close" && !changes.is_empty() => {
                self.close(&event, changes)?
            }
            _ => self.change_all(&event, changes)?,
        };
        agree(
            "changes",
            &Value::from(changes.clone()),
            &Value::from(told.clone()),
        )?;
        self.check_session(row, &event)?;
        let superseded = !told.is_empty() && told.iter().all(|change| change["superseded"] == true);
        let refused = row["outcome"] == "refused";
        if refused && (!told.is_empty() || row["reason"].is_null()) {
            return Err("a refused attempt changed something, or lacks the right".to_owned());
        }
        if !refused {
            let outcome = if superseded { "superseded" } else { "applied" };
            agree("outcome", &row["outcome"], &json!(outcome))?;
        }
        self.past.push(Past {
            actor: event.written.actor,
            action: event.action,
            applied: !superseded && !refused,
            when,
            undoes,
            table: event.table,
            moved: told
                .iter()
                .any(|change| change["before"] != change["after"]),
            effects,
        });
        self.applied_at = applied_at;
        text(&row["hash"])?.clone_into(&mut self.hash);
        Ok(())
    }

    /// Session events and edits come from an open session of the actor's own.
    fn check_session(&self, row: &Value, event: &Event) -> Checked {
        if row["outcome"] == "refused" && row["device_id"].is_null() {
            return Ok(());
        }
        let (Some(device), Some(actor)) = (row["device_id"].as_str(), event.written.actor) else {
            return agree("via", &row["via"], &json!("schedule"));
        };
        let session = self
            .things
            .get(&("session".to_owned(), String::new(), device.to_owned()));
        let session = session.ok_or("its session is unknown")?;
        agree(
            "the session's user",
            &session["user"],
            &json!(actor.to_string()),
        )?;
        let closes = list(&row["changes"])
            .any(|change| change["id"] == device && change["field"] == "ended");
        if session.contains_key("ended") && !closes {
            return Err("its session had ended".to_owned());
        }
        Ok(())
    }

    fn change_all(
        &mut self,
        event: &Event,
        changes: &[Value],
    ) -> Checked<(Vec<Value>, Vec<Effect>)> {
        let (mut told, mut effects) = (Vec::new(), Vec::new());
        for (index, change) in changes.iter().enumerate() {
            let is_same = |other: &Value| {
                ["what", "id", "field"]
                    .iter()
                    .all(|key| other[*key] == change[*key])
            };
            if change["what"] == "entry" && changes[..index].iter().any(is_same) {
                return Err(format!("it changes the same twice: {change}"));
            }
            let (telling, effect) = match text(&change["what"])? {
                "entry" => self.change_entry(event, change)?,
                _ => self.change_thing(event, change)?,
            };
            told.push(telling);
            effects.extend(effect);
        }
        if event.action == "entry.merge" {
            self.check_merge(&told)?;
        }
        Ok((told, effects))
    }

    /// One entry goes, and another has got just its points.
    fn check_merge(&self, told: &[Value]) -> Checked {
        let [gone, given] = told else {
            return Err("a merge is two changes".to_owned());
        };
        let moved = self.entries.get(text(&gone["id"])?);
        agree(
            "the points of the entry that went",
            &given["delta"],
            &json!(moved.map(|entry| entry.points)),
        )?;
        if gone["id"] == given["id"] || gone["superseded"] == true || !gone["after"].is_null() {
            return Err("nothing went into anything else".to_owned());
        }
        Ok(())
    }

    fn change_entry(&mut self, event: &Event, change: &Value) -> Checked<(Value, Option<Effect>)> {
        let (id, field) = (text(&change["id"])?, text(&change["field"])?);
        let requested = change["requested"].as_i64();
        Ok(match (event.action.as_str(), field, requested) {
            ("points.add", "name", None) => self.create(event, id, text(&change["after"])?)?,
            ("points.add" | "entry.merge", "points", Some(points @ 0..))
            | ("points.remove", "points", Some(points @ ..=0)) => self.add(event, id, points)?,
            ("entry.set", "points", Some(points)) => self.set_points(event, id, points)?,
            ("entry.set", _, None) if change["field_id"].is_string() => {
                self.set_extra(event, change)?
            }
            ("rank.remove" | "event.undo", "rank", None) if self.loses_rank(event, id)? => {
                self.lose_rank(event, id)?
            }
            // Also the undo of a rank's removal, which brings it back to those who held it.
            ("period.close", "points", Some(start)) => self.begin_anew(event, id, start)?,
            ("period.close" | "rank.apply" | "event.undo", "rank", None)
            | ("entry.set", "name" | "rank" | "member" | "exempt", None)
            | ("points.add", "member", None) => {
                self.set(event, id, field, change["after"].clone())?
            }
            ("entry.delete" | "entry.merge", "name", None) => self.delete(event, id, false)?,
            _ => return Err(format!("such a change is not part of it: {change}")),
        })
    }

    // ---- the rules --------------------------------------------------------------------------

    fn create(&mut self, event: &Event, id: &str, name: &str) -> Checked<(Value, Option<Effect>)> {
        if self.entries.contains_key(id) || self.live(&event.table, name).is_some() {
            return Err(format!("{name} exists already"));
        }
        let when = event.written.when.clone();
        let entry = Entry {
            table: event.table.clone(),
            fields: BTreeMap::from([("name".to_owned(), name.into())]),
            written: BTreeMap::from([("name".to_owned(), event.written.clone())]),
            names: vec![(when.clone(), name.to_owned())],
            points: 0,
            ledger: Vec::new(),
            created: when,
            restored: None,
            deleted: None,
        };
        self.entries.insert(id.to_owned(), entry);
        let told = telling(id, name, "name", &Value::Null, &name.into());
        Ok((
            told,
            Some(Effect::Created {
                entry: id.to_owned(),
            }),
        ))
    }

    /// A delta, between floor and limit. Too late for a later base and for a later deletion.
    fn add(&mut self, event: &Event, id: &str, requested: i64) -> Checked<(Value, Option<Effect>)> {
        let (floor, barrier) = (self.floor(&event.table), self.barrier(&event.table));
        let entry = self.entry(id)?;
        let wanted = entry.points.saturating_add(requested);
        let after = match requested {
            ..0 => wanted.max(floor.min(entry.points)),
            0.. => wanted.min(LIMIT.max(entry.points)),
        };
        let when = &event.written.when;
        let deleted = entry.deleted.as_ref().is_some_and(|deleted| deleted > when);
        let base = entry.written.get("points").map(|base| &base.when);
        // One of a period that is closed is over.
        let base = base.filter(|base| Some(*base) > barrier.as_ref());
        let superseded = deleted || base.is_some_and(|base| base > when);
        Ok(entry.move_points(event, id, requested, (!superseded).then_some(after), false))
    }

    /// A base: the value and the deltas dated after it.
    fn set_points(
        &mut self,
        event: &Event,
        id: &str,
        value: i64,
    ) -> Checked<(Value, Option<Effect>)> {
        let (floor, barrier) = (self.floor(&event.table), self.barrier(&event.table));
        let closings = self.closings.iter();
        let standing = closings.filter(|it| it.table == event.table && !it.open);
        let closed_by = standing.map(|it| it.seq).max().unwrap_or(0);
        let entry = self.entry(id)?;
        let when = &event.written.when;
        let later: i64 = entry
            .ledger
            .iter()
            .filter(|(written, _)| written.when > *when && written.seq > closed_by)
            .map(|(_, delta)| delta)
            .sum();
        let superseded =
            entry.is_too_late("points", when) || barrier.is_some_and(|closed| closed > *when);
        let after = value.saturating_add(later).clamp(floor, LIMIT);
        let result = entry.move_points(event, id, value, (!superseded).then_some(after), true);
        if !superseded {
            entry
                .written
                .insert("points".to_owned(), event.written.clone());
        }
        Ok(result)
    }

    /// The last closing of a table that stands.
    fn last_closing(&self, table: &str) -> Option<&Closing> {
        let closings = self.closings.iter();
        let standing = closings.filter(|it| it.table == table && !it.open);
        standing.max_by_key(|it| it.number)
    }

    fn barrier(&self, table: &str) -> Option<When> {
        self.last_closing(table).map(|it| it.when.clone())
    }

    /// The rank above or below a number.
    fn neighbour(&self, table: &str, number: i64, above: bool) -> Option<i64> {
        let of_table = self.things.iter().filter(|((what, its, _), fields)| {
            what == "rank" && its == table && fields.contains_key("title")
        });
        let numbers = of_table.filter_map(|((_, _, id), _)| id.parse::<i64>().ok());
        if above {
            numbers.filter(|it| *it > number).min()
        } else {
            numbers.filter(|it| *it < number).max()
        }
    }

    /// Where an entry's rank goes when its table is closed.
    fn moves_to(&self, entry: &Entry) -> Option<i64> {
        let rank = entry.field("rank").as_i64()?;
        let key = ("rank".to_owned(), entry.table.clone(), rank.to_string());
        let fields = self.things.get(&key)?;
        let threshold = |name: &str| fields.get(name).and_then(Value::as_i64);
        let up = threshold("promote_at").filter(|at| entry.points >= *at);
        let down = threshold("demote_below").filter(|below| entry.points < *below);
        let down = down.filter(|_| entry.field("exempt") != true);
        up.and_then(|_| self.neighbour(&entry.table, rank, true))
            .or_else(|| down.and_then(|_| self.neighbour(&entry.table, rank, false)))
    }

    /// A table's period is closed: all that must come of it is worked out before the event is asked.
    fn close(&mut self, event: &Event, changes: &[Value]) -> Checked<(Vec<Value>, Vec<Effect>)> {
        let table = ("table".to_owned(), String::new(), event.table.clone());
        let fields = self.things.get(&table).cloned().unwrap_or_default();
        let proposes = fields.contains_key("promotions");
        let start = self.floor(&event.table).max(0);
        let live: Vec<(String, Entry)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.table == event.table && entry.deleted.is_none())
            .map(|(id, entry)| (id.clone(), entry.clone()))
            .collect();
        let moves: BTreeMap<String, i64> = live
            .iter()
            .filter_map(|(id, entry)| Some((id.clone(), self.moves_to(entry)?)))
            .collect();
        let last = self.last_closing(&event.table).cloned();
        let number = last.as_ref().map_or(1, |last| last.number + 1);
        let told = |field: &str| {
            let it = changes
                .iter()
                .find(|it| it["what"] == "period" && it["field"] == field);
            it.map_or(Value::Null, |it| it["after"].clone())
        };
        for change in changes.iter().filter(|it| it["what"] == "period") {
            agree(
                "the period's number",
                &change["id"],
                &json!(number.to_string()),
            )?;
        }
        agree(
            "when it was closed",
            &time(&told("closed"))?,
            &event.written.when.at,
        )?;
        let since = told("since");
        let since = (!since.is_null()).then(|| time(&since)).transpose()?;
        agree("since when", &since, &last.map(|last| last.when.at))?;
        let by_schedule = event.written.when.op.starts_with("schedule/");
        agree("whether it was due", &told("due").is_string(), &by_schedule)?;
        agree("how many", &told("entries"), &json!(live.len()))?;
        let total: i64 = live.iter().map(|(_, entry)| entry.points).sum();
        agree("the total", &told("total"), &json!(total))?;
        let offers = moves.iter().map(|(id, rank)| format!("{id}:{rank}"));
        let offers = offers.collect::<Vec<_>>().join(",");
        let offers = if proposes && !moves.is_empty() {
            json!(offers)
        } else {
            Value::Null
        };
        agree("the ranks proposed", &told("proposed"), &offers)?;
        self.closings.push(Closing {
            table: event.table.clone(),
            number,
            seq: event.written.seq,
            when: event.written.when.clone(),
            open: false,
            rows: live.iter().map(|(id, entry)| kept(id, entry)).collect(),
        });
        let done = self.change_all(event, changes)?;
        for (id, before) in &live {
            let after = self.entry(id)?;
            // A base of the period that is over, also where it is dated after the closing.
            let base = after.written.get("points");
            if base.is_some_and(|base| base.when > event.written.when) {
                after.written.remove("points");
            }
            agree("what begins anew", &after.points, &start)?;
            let late = before.is_too_late("rank", &event.written.when);
            let rank = moves.get(id).filter(|_| !proposes && !late);
            let rank = rank.map_or_else(|| before.field("rank"), |rank| json!(rank));
            agree("the rank", &after.field("rank"), &rank)?;
        }
        Ok(done)
    }

    fn begin_anew(
        &mut self,
        event: &Event,
        id: &str,
        start: i64,
    ) -> Checked<(Value, Option<Effect>)> {
        let entry = self.entry(id)?;
        Ok(entry.move_points(event, id, start, Some(start), false))
    }

    /// A closing is undone, or brought back, by the events that say so.
    fn reopen(&mut self, event: &Event, undone: i64) -> Checked {
        let (mut seq, mut opens) = (undone, true);
        while let Some(before) = self.past(seq).and_then(|past| past.undoes) {
            (seq, opens) = (before, !opens);
        }
        let last = self
            .last_closing(&event.table)
            .map_or(0, |last| last.number);
        let closing = self.closings.iter_mut().find(|it| it.seq == seq);
        let closing = closing.ok_or("a closing that was undone is unknown")?;
        let due = if opens { last } else { last + 1 };
        agree(
            "which period is opened or closed again",
            &closing.number,
            &due,
        )?;
        closing.open = opens;
        Ok(())
    }

    /// A register: the last write wins.
    fn set(
        &mut self,
        event: &Event,
        id: &str,
        field: &str,
        value: Value,
    ) -> Checked<(Value, Option<Effect>)> {
        let entry = self.entry(id)?;
        let (before, name) = (entry.field(field), entry.name());
        if entry.deleted.is_some() || entry.is_too_late(field, &event.written.when) {
            return Ok((superseded(telling(id, &name, field, &before, &value)), None));
        }
        entry.fields.insert(field.to_owned(), value.clone());
        entry
            .written
            .insert(field.to_owned(), event.written.clone());
        if field == "name" {
            entry.names.push((event.written.when.clone(), entry.name()));
        }
        let told = telling(id, &name, field, &before, &value);
        if ["name", "member"].contains(&field) {
            self.unique(id, field)?;
        }
        Ok((
            told,
            Some(Effect::Field {
                entry: id.to_owned(),
                field: field.to_owned(),
                before,
                after: value,
            }),
        ))
    }

    fn loses_rank(&self, event: &Event, id: &str) -> Checked<bool> {
        let entry = self.entries.get(id).ok_or("an unknown entry")?;
        let rank = entry.field("rank").as_i64();
        Ok(rank.is_some_and(|rank| event.ranks_gone.contains(&rank)))
    }

    /// A rank that is gone is nobody's, however late that was said.
    fn lose_rank(&mut self, event: &Event, id: &str) -> Checked<(Value, Option<Effect>)> {
        let entry = self.entry(id)?;
        let before = entry.field("rank");
        entry.fields.insert("rank".to_owned(), Value::Null);
        let written = entry.written.entry("rank".to_owned());
        let written = written.or_insert_with(|| event.written.clone());
        if written.when < event.written.when {
            *written = event.written.clone();
        }
        let told = telling(id, &entry.name(), "rank", &before, &Value::Null);
        let effect = Effect::Field {
            entry: id.to_owned(),
            field: "rank".to_owned(),
            before,
            after: Value::Null,
        };
        Ok((told, Some(effect)))
    }

    /// A register that people named, known by its number.
    fn set_extra(&mut self, event: &Event, change: &Value) -> Checked<(Value, Option<Effect>)> {
        let (id, number) = (text(&change["id"])?, text(&change["field_id"])?);
        let register = format!("extra:{number}");
        let (mut told, effect) = self.set(event, id, &register, change["after"].clone())?;
        let named = self
            .things
            .get(&("field".to_owned(), event.table.clone(), number.to_owned()))
            .and_then(|field| field.get("name"))
            .unwrap_or(&change["field"]);
        told["field"] = named.clone();
        told["field_id"] = number.into();
        Ok((told, effect))
    }

    /// Deletes, unless something was done to the entry that is dated later (`always`: even then).
    fn delete(
        &mut self,
        event: &Event,
        id: &str,
        always: bool,
    ) -> Checked<(Value, Option<Effect>)> {
        let entry = self.entry(id)?;
        let (name, when) = (entry.name(), event.written.when.clone());
        if !always && (entry.deleted.is_some() || entry.last_edit() > when) {
            let stays = Value::from(name.clone());
            return Ok((superseded(telling(id, &name, "name", &stays, &stays)), None));
        }
        entry.deleted = Some(when);
        let told = telling(id, &name, "name", &name.clone().into(), &Value::Null);
        Ok((
            told,
            Some(Effect::Deleted {
                entry: id.to_owned(),
                name,
            }),
        ))
    }

    /// Brings back, under another name if its own is taken.
    fn restore(&mut self, event: &Event, id: &str, name: &str) -> Checked<(Value, Option<Effect>)> {
        let free = self.free(id, "name", &name.into())?;
        let free = text(&free)?.to_owned();
        let entry = self.entry(id)?;
        entry.deleted = None;
        entry.restored = Some(event.written.when.clone());
        if entry.name() != free {
            entry.fields.insert("name".to_owned(), free.clone().into());
            entry
                .written
                .insert("name".to_owned(), event.written.clone());
            entry.names.push((event.written.when.clone(), free.clone()));
        }
        let told = telling(id, &free, "name", &Value::Null, &free.clone().into());
        Ok((
            told,
            Some(Effect::Created {
                entry: id.to_owned(),
            }),
        ))
    }

    /// The value, or what comes in its place where another entry holds it and only one may.
    fn free(&self, id: &str, field: &str, value: &Value) -> Checked<Value> {
        let this = self.entries.get(id).ok_or("an unknown entry comes back")?;
        let is_taken = |value: &Value| {
            self.entries.iter().any(|(other, entry)| {
                let is_other = other != id && entry.table == this.table && entry.deleted.is_none();
                is_other && same_value(&entry.field(field), value)
            })
        };
        Ok(match (field, value) {
            ("name", Value::String(name)) if is_taken(value) => (2..1000)
                .map(|number| Value::from(format!("{name} ({number})")))
                .find(|name| !is_taken(name))
                .ok_or("a thousand names are taken")?,
            ("member", Value::String(_)) if is_taken(value) => Value::Null,
            ("rank", Value::Number(number)) if !self.has_rank(&this.table, number) => Value::Null,
            _ => value.clone(),
        })
    }

    fn has_rank(&self, table: &str, number: &serde_json::Number) -> bool {
        let rank = ("rank".to_owned(), table.to_owned(), number.to_string());
        self.things
            .get(&rank)
            .is_some_and(|fields| fields.contains_key("title"))
    }

    /// What an event did is taken back, the last thing first.
    fn undo(
        &mut self,
        event: &Event,
        undone: i64,
        changes: &[Value],
    ) -> Checked<(Vec<Value>, Vec<Effect>)> {
        let past = self
            .past(undone)
            .ok_or("it undoes an event that is not there")?
            .clone();
        if !past.applied || past.action.starts_with("session.") {
            return Err("it undoes what can't be undone".to_owned());
        }
        if self.is_undone(undone) {
            return Err(format!("{undone} was undone already"));
        }
        if past
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Other))
            && !changes.iter().any(|change| change["what"] == "period")
        {
            return self.change_all(event, changes);
        }
        let mut done = Vec::new();
        for change in changes.iter().filter(|it| it["what"] == "period") {
            if change["field"] == "closed" {
                self.reopen(event, undone)?;
            }
            done.push(self.change_thing(event, change)?);
        }
        for effect in past.effects.iter().rev() {
            let deleted = |oracle: &Self, id: &str| {
                oracle
                    .entries
                    .get(id)
                    .is_some_and(|entry| entry.deleted.is_some())
            };
            match effect {
                Effect::Points { entry, delta, .. } => done.push(self.add(event, entry, -delta)?),
                Effect::Field {
                    entry,
                    field,
                    before,
                    ..
                } => {
                    let former = self.free(entry, field, before)?;
                    let (mut told, effect) = self.set(event, entry, field, former)?;
                    if let Some(number) = field.strip_prefix("extra:") {
                        let is_it = |change: &&Value| change["field_id"] == number;
                        let change = changes.iter().find(is_it).ok_or("a field is not told")?;
                        told["field"] = change["field"].clone();
                        told["field_id"] = number.into();
                    }
                    done.push((told, effect));
                }
                Effect::Created { entry } if !deleted(self, entry) => {
                    done.push(self.delete(event, entry, true)?);
                }
                Effect::Deleted { entry, name } if deleted(self, entry) => {
                    done.push(self.restore(event, entry, name)?);
                    let rank = self.entry(entry)?.field("rank");
                    if self.free(entry, "rank", &rank)? != rank {
                        done.push(self.lose_rank(event, entry)?);
                    }
                    let member = self.entry(entry)?.field("member");
                    let free = self.free(entry, "member", &member)?;
                    if free != member {
                        done.push(self.set(event, entry, "member", free)?);
                    }
                    self.unique(entry, "member")?;
                }
                Effect::Created { .. } | Effect::Deleted { .. } | Effect::Other => {}
            }
        }
        let (told, effects): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        Ok((told, effects.into_iter().flatten().collect()))
    }

    /// Tables, ranks and sessions change in the order of `seq`, as told.
    fn change_thing(&mut self, event: &Event, change: &Value) -> Checked<(Value, Option<Effect>)> {
        let (what, field) = (text(&change["what"])?, text(&change["field"])?);
        let table = if ["rank", "field", "activity", "board", "period"].contains(&what) {
            event.table.clone()
        } else {
            String::new()
        };
        let fields = self
            .things
            .entry((what.to_owned(), table, text(&change["id"])?.to_owned()))
            .or_default();
        let before = fields.remove(field).unwrap_or_default();
        if !change["after"].is_null() {
            fields.insert(field.to_owned(), change["after"].clone());
        }
        let mut told = change.clone();
        told["before"] = before;
        Ok((told, (what != "session").then_some(Effect::Other)))
    }

    // ---- questions --------------------------------------------------------------------------

    /// The table of that name, if it is there.
    pub fn table(&self, name: &str) -> Option<String> {
        let mut tables = self
            .things
            .iter()
            .filter(|((what, _, _), _)| what == "table");
        tables
            .find(|(_, fields)| fields.get("name").is_some_and(|told| told == name))
            .map(|((_, _, id), _)| id.clone())
    }

    /// Whom a name meant at that moment.
    pub fn meant(&self, table: &str, name: &str, when: &When) -> Meant {
        let in_table = || {
            self.entries
                .iter()
                .filter(|(_, entry)| entry.table == table)
        };
        let then: Vec<_> = in_table()
            .filter(|(_, e)| e.bore(name, when))
            .map(|(id, _)| id.clone())
            .collect();
        if !then.is_empty() {
            return Meant::Entry(then);
        }
        let since: Vec<_> = in_table()
            .filter(|(_, e)| e.bore_since(name, when))
            .collect();
        match (since.as_slice(), self.live(table, name)) {
            ([], None) => Meant::Nobody,
            ([(only, _)], Some(live)) if *only == &live => Meant::Entry(vec![live]),
            _ => Meant::Unsaid,
        }
    }

    /// The entry that is linked to a member.
    pub fn linked(&self, table: &str, member: i64) -> Meant {
        let linked = Value::from(member.to_string());
        let mut live = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.table == table && entry.deleted.is_none());
        live.find(|(_, entry)| entry.field("member") == linked)
            .map_or(Meant::Nobody, |(id, _)| Meant::Entry(vec![id.clone()]))
    }

    /// Whether the newest undo of an event stands.
    pub fn is_undone(&self, seq: i64) -> bool {
        let undo = (seq..=self.head()).rev().find(|later| {
            self.past(*later)
                .is_some_and(|past| past.applied && past.undoes == Some(seq))
        });
        undo.is_some_and(|undo| !self.is_undone(undo))
    }

    /// What `undo` without a number undoes, when asked at that moment: the newest event that had
    /// an effect one can see, and was asked for before.
    pub fn last_undoable(&self, actor: i64, when: &When) -> Option<i64> {
        let is_there = |past: &Past| {
            let table = ("table".to_owned(), String::new(), past.table.clone());
            past.table.is_empty()
                || past.action == "table.delete"
                || self
                    .things
                    .get(&table)
                    .is_some_and(|fields| fields.contains_key("name"))
        };
        let counts = |past: &Past| {
            past.applied
                && past.when < *when
                && past.moved
                && past.undoes.is_none()
                && !past.action.starts_with("session.")
        };
        (1..=self.head()).rev().find(|seq| {
            let past = self.past(*seq).filter(|past| past.actor == Some(actor));
            past.is_some_and(|past| counts(past) && is_there(past)) && !self.is_undone(*seq)
        })
    }

    /// Whether undoing an event changes back more than its actor has seen.
    pub fn asks(&self, seq: i64, actor: i64) -> Asks {
        let Some(past) = self.past(seq) else {
            return Asks::Perhaps;
        };
        if past
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Other))
        {
            return Asks::Perhaps;
        }
        let asks = past
            .effects
            .iter()
            .map(|effect| self.asks_for(effect, seq, actor));
        asks.min_by_key(|asks| match asks {
            Asks::Always => 0,
            Asks::Perhaps => 1,
            Asks::Never => 2,
        })
        .unwrap_or(Asks::Never)
    }

    fn asks_for(&self, effect: &Effect, seq: i64, actor: i64) -> Asks {
        let (Effect::Points { entry: id, .. }
        | Effect::Field { entry: id, .. }
        | Effect::Created { entry: id }
        | Effect::Deleted { entry: id, .. }) = effect
        else {
            return Asks::Perhaps;
        };
        let Some(entry) = self.entries.get(id) else {
            return Asks::Perhaps;
        };
        let by_others = |written: &Written| written.seq > seq && written.actor != Some(actor);
        match effect {
            Effect::Deleted { name, .. } if entry.deleted.is_some() => {
                let (member, rank) = (entry.field("member"), entry.field("rank"));
                let is_free = |field, value: &Value| {
                    self.free(id, field, value).is_ok_and(|free| free == *value)
                };
                let name = name.clone().into();
                if is_free("name", &name) && is_free("member", &member) && is_free("rank", &rank) {
                    Asks::Never
                } else {
                    Asks::Always
                }
            }
            Effect::Deleted { .. } => Asks::Never,
            _ if entry.deleted.is_some() => Asks::Perhaps,
            Effect::Field { field, after, .. } if entry.field(field) != *after => Asks::Always,
            Effect::Field { field, before, .. }
                if self
                    .free(id, field, before)
                    .is_ok_and(|free| free != *before) =>
            {
                Asks::Always
            }
            Effect::Points { base: true, .. } => Asks::Perhaps,
            Effect::Created { .. } => {
                let points = entry
                    .ledger
                    .iter()
                    .any(|(written, delta)| *delta != 0 && by_others(written));
                if points || entry.written.values().any(by_others) {
                    Asks::Always
                } else {
                    Asks::Perhaps
                }
            }
            _ => Asks::Never,
        }
    }

    // ---- what is there ----------------------------------------------------------------------

    /// Compares with what the database holds.
    pub async fn compare(&self, pool: &PgPool) -> Checked {
        self.compare_entries(pool).await?;
        self.compare_things(pool).await?;
        self.compare_periods(pool).await?;
        let ledger = rows(pool, "select jsonb_build_array(seq, entry_id, delta) from punctaj.ledger where guild_id = $1", self.guild).await?;
        let mut told: BTreeMap<(i64, &str), i64> = BTreeMap::new();
        for (id, entry) in &self.entries {
            for (written, delta) in &entry.ledger {
                *told.entry((written.seq, id)).or_default() += delta;
            }
        }
        let told = told
            .into_iter()
            .filter(|(_, delta)| *delta != 0)
            .map(|((seq, id), delta)| json!([seq, id, delta]));
        agree("the ledger", &in_order(ledger), &in_order(told))?;
        let head = rows(
            pool,
            "select to_jsonb(g) from punctaj.guilds g where guild_id = $1",
            self.guild,
        )
        .await?;
        let head = head.first().ok_or("the guild has no row")?;
        agree("the head's number", &head["head_seq"], &json!(self.head()))?;
        agree("the head's hash", &head["head_hash"], &json!(self.hash))?;
        agree(
            "the head's time",
            &time(&head["applied_at"])?,
            &self.applied_at,
        )
    }

    async fn compare_entries(&self, pool: &PgPool) -> Checked {
        let stored = rows(
            pool,
            "select jsonb_build_object('id', entry_id, 'table', table_id, 'name', name, 'rank', rank,
                'member', member_id::text, 'points', points, 'extra', extra, 'deleted', deleted_op,
                'exempt', case when exempt then true end)
             from punctaj.entries where guild_id = $1",
            self.guild,
        )
        .await?;
        let told = self.entries.iter().map(|(id, entry)| {
            json!({
                "id": id, "table": entry.table, "name": entry.name(), "rank": entry.field("rank"),
                "member": entry.field("member"), "points": entry.points, "extra": entry.extra(),
                "deleted": entry.deleted.as_ref().map(|when| &when.op),
                "exempt": entry.field("exempt"),
            })
        });
        agree("the entries", &in_order(stored), &in_order(told))
    }

    /// The rows that were kept of every closing, also of those that were undone.
    async fn compare_periods(&self, pool: &PgPool) -> Checked {
        let stored = rows(
            pool,
            "select jsonb_build_array(p.seq, p.table_id, p.number, p.reopened,
                (select coalesce(jsonb_agg(jsonb_build_object('id', r.entry_id, 'name', r.name, 'rank', r.rank,
                    'member', r.member_id::text, 'points', r.points, 'extra', r.extra, 'exempt', r.exempt)), '[]')
                 from punctaj.period_rows r where r.guild_id = p.guild_id and r.seq = p.seq))
             from punctaj.periods p where p.guild_id = $1",
            self.guild,
        )
        .await?;
        let stored = stored.into_iter().map(|row| {
            let kept: BTreeSet<String> = list(&row[4]).map(Value::to_string).collect();
            json!([row[0], row[1], row[2], row[3], kept])
        });
        let told = self
            .closings
            .iter()
            .map(|it| json!([it.seq, it.table, it.number, it.open, it.rows]));
        agree("the periods", &in_order(stored), &in_order(told))
    }

    async fn compare_things(&self, pool: &PgPool) -> Checked {
        let stored = rows(
            pool,
            "select jsonb_build_array('table', '', table_id, jsonb_build_object('name',
                case when deleted_at is null then name end, 'category', category, 'floor', floor, 'private', private,
                'promotions', promotions, 'every', schedule_every, 'day', schedule_day, 'time', schedule_time,
                'channel', schedule_channel::text, 'warning', schedule_warning,
                'paused', case when schedule_paused then true end))
             from punctaj.tables where guild_id = $1
             union all
             select jsonb_build_array('rank', table_id, number::text, jsonb_build_object('title', title,
                'promote_at', promote_at, 'demote_below', demote_below, 'role', role_id::text))
             from punctaj.ranks where table_id in (select table_id from punctaj.tables where guild_id = $1)
             union all
             select jsonb_build_array('field', table_id, number::text, jsonb_build_object('name',
                case when not removed then name end, 'kind', kind, 'pattern', pattern))
             from punctaj.fields where table_id in (select table_id from punctaj.tables where guild_id = $1)
             union all
             select jsonb_build_array('activity', table_id, number::text, jsonb_build_object('name', name,
                'quantity', quantity, 'points', points))
             from punctaj.activities where table_id in (select table_id from punctaj.tables where guild_id = $1)
             union all
             select jsonb_build_array('board', table_id, channel_id::text, jsonb_build_object('layout', layout))
             from punctaj.boards where layout is not null
                and table_id in (select table_id from punctaj.tables where guild_id = $1)
             union all
             select jsonb_build_array('period', table_id, number::text, jsonb_build_object(
                'closed', to_char(closed_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                'since', to_char(since at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                'due', to_char(due_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                'entries', entries, 'total', total, 'proposed', proposed))
             from punctaj.periods where guild_id = $1 and not reopened
             union all
             select jsonb_build_array('guild', '', guild_id::text, jsonb_build_object('language', language,
                'timezone', timezone, 'log_channel', log_channel::text))
             from punctaj.guilds where guild_id = $1 and num_nonnulls(language, timezone, log_channel) > 0
             union all
             select jsonb_build_array('grant', '', grant_id, jsonb_build_object('right', granted,
                'who', coalesce('role:' || role_id, 'member:' || user_id),
                'scope', coalesce('table:' || table_id, 'category:' || category, 'guild')))
             from punctaj.grants where guild_id = $1
             union all
             select jsonb_build_array('session', '', device_id, jsonb_build_object('user', user_id::text,
                'platform', platform, 'label', label, 'ended', end_reason))
             from punctaj.sessions where guild_id = $1",
            self.guild,
        )
        .await?;
        let stored = stored.into_iter().map(|mut row| {
            if let Some(fields) = row[3].as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            row
        });
        let told = self
            .things
            .iter()
            .filter(|(_, fields)| !fields.is_empty())
            .map(|(key, fields)| {
                let (what, table, id) = key;
                json!([what, table, id, fields])
            });
        agree(
            "settings, grants, tables, ranks, fields and sessions",
            &in_order(stored),
            &in_order(told),
        )
    }

    fn past(&self, seq: i64) -> Option<&Past> {
        self.past.get(usize::try_from(seq - 1).ok()?)
    }

    fn entry(&mut self, id: &str) -> Checked<&mut Entry> {
        self.entries
            .get_mut(id)
            .ok_or_else(|| format!("entry {id} was never created"))
    }

    fn live(&self, table: &str, name: &str) -> Option<String> {
        let mut live = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.table == table && entry.deleted.is_none());
        live.find(|(_, entry)| same(&entry.name(), name))
            .map(|(id, _)| id.clone())
    }

    fn floor(&self, table: &str) -> i64 {
        let table = self
            .things
            .get(&("table".to_owned(), String::new(), table.to_owned()));
        table
            .and_then(|fields| fields.get("floor")?.as_i64())
            .unwrap_or(0)
    }

    /// Whether an entry has had another name than it has.
    pub fn was_renamed(&self, id: &str) -> bool {
        self.entries.get(id).is_some_and(|entry| {
            let name = entry.name();
            entry.names.iter().any(|(_, former)| *former != name)
        })
    }

    /// Two live entries of a table never share a name or a member.
    fn unique(&self, id: &str, field: &str) -> Checked {
        let Some(this) = self.entries.get(id) else {
            return Ok(());
        };
        let value = this.field(field);
        let mut others = self.entries.iter().filter(|(other, _)| *other != id);
        let is_same = |entry: &Entry| {
            entry.table == this.table
                && entry.deleted.is_none()
                && same_value(&entry.field(field), &value)
        };
        match others.find(|(_, entry)| is_same(entry)) {
            Some((other, _)) => Err(format!("{field} {value} is taken by {other}")),
            None => Ok(()),
        }
    }
}

/// What all changes of one event share.
struct Event {
    written: Written,
    table: String,
    action: String,
    /// The ranks that go by it.
    ranks_gone: BTreeSet<i64>,
}

impl Entry {
    fn name(&self) -> String {
        self.fields["name"].as_str().unwrap_or_default().to_owned()
    }

    fn field(&self, field: &str) -> Value {
        self.fields.get(field).cloned().unwrap_or_default()
    }

    /// The registers that people named, by their numbers.
    fn extra(&self) -> BTreeMap<&str, &Value> {
        let registers = self.fields.iter().filter(|(_, value)| !value.is_null());
        registers
            .filter_map(|(name, value)| Some((name.strip_prefix("extra:")?, value)))
            .collect()
    }

    /// Whether something dated later stands: a write of the same register, or a deletion.
    fn is_too_late(&self, field: &str, when: &When) -> bool {
        let deleted = self.deleted.as_ref().is_some_and(|deleted| deleted > when);
        deleted
            || self
                .written
                .get(field)
                .is_some_and(|written| written.when > *when)
    }

    /// The newest date of anything that had an effect on it.
    fn last_edit(&self) -> When {
        let registers = self.written.values().map(|written| &written.when);
        let deltas = self
            .ledger
            .iter()
            .filter(|(_, delta)| *delta != 0)
            .map(|(written, _)| &written.when);
        registers
            .chain(deltas)
            .chain(&self.restored)
            .chain([&self.created])
            .max()
            .unwrap_or(&self.created)
            .clone()
    }

    /// Moves the points to `after`; nowhere if that came too late.
    fn move_points(
        &mut self,
        event: &Event,
        id: &str,
        requested: i64,
        after: Option<i64>,
        base: bool,
    ) -> (Value, Option<Effect>) {
        let before = self.points;
        let delta = after.unwrap_or(before) - before;
        self.points += delta;
        let mut told = telling(
            id,
            &self.name(),
            "points",
            &before.into(),
            &self.points.into(),
        );
        told["requested"] = requested.into();
        told["delta"] = delta.into();
        if after.is_none() {
            return (superseded(told), None);
        }
        self.ledger.push((event.written.clone(), delta));
        (
            told,
            Some(Effect::Points {
                entry: id.to_owned(),
                delta,
                base,
            }),
        )
    }

    /// Whether it was there at that moment, under that name.
    fn bore(&self, name: &str, when: &When) -> bool {
        let there =
            self.created <= *when && self.deleted.as_ref().is_none_or(|deleted| deleted > when);
        let named = self
            .names
            .iter()
            .filter(|(since, _)| since <= when)
            .max_by(|one, two| one.0.cmp(&two.0));
        there && named.is_some_and(|(_, then)| same(then, name))
    }

    /// Whether it took that name only after that moment.
    fn bore_since(&self, name: &str, when: &When) -> bool {
        self.names
            .iter()
            .any(|(since, then)| since > when && same(then, name))
    }
}

/// A row as a closing keeps it.
fn kept(id: &str, entry: &Entry) -> String {
    let row = json!({
        "id": id, "name": entry.name(), "rank": entry.field("rank"), "member": entry.field("member"),
        "points": entry.points, "extra": entry.extra(), "exempt": entry.field("exempt") == true,
    });
    row.to_string()
}

fn telling(id: &str, name: &str, field: &str, before: &Value, after: &Value) -> Value {
    json!({"what": "entry", "id": id, "name": name, "field": field, "before": before, "after": after})
}

fn superseded(mut telling: Value) -> Value {
    telling["superseded"] = true.into();
    telling
}

fn same(one: &str, two: &str) -> bool {
    one.to_lowercase() == two.to_lowercase()
}

fn same_value(one: &Value, two: &Value) -> bool {
    matches!((one.as_str(), two.as_str()), (Some(one), Some(two)) if same(one, two))
}

fn agree<T: PartialEq + Debug>(what: &str, told: &T, computed: &T) -> Checked {
    if told == computed {
        Ok(())
    } else {
        Err(format!(
            "{what}: it is {told:#?}, and should be {computed:#?}"
        ))
    }
}

fn text(value: &Value) -> Checked<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("a text was expected, not {value}"))
}

fn time(value: &Value) -> Checked<DateTime<Utc>> {
    text(value)?
        .parse()
        .map_err(|_| format!("a time was expected, not {value}"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn in_order(values: impl IntoIterator<Item = Value>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

async fn rows(pool: &PgPool, query: &'static str, guild: i64) -> Checked<Vec<Value>> {
    sqlx::query_scalar(query)
        .bind(guild)
        .fetch_all(pool)
        .await
        .map_err(|error| error.to_string())
}
