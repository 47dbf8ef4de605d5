//! The canonical form is what `docs/event-format.md` says: for the program, for a second
//! implementation in Rust (`canonical`) and for the one in Python beside the document.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use punctaj::domain::access::{Granted, Grantee, Right, Standing};
use punctaj::domain::canonical as program;
use punctaj::domain::event::{Action, Change, Event, Via};
use punctaj::domain::field::FieldKind;
use punctaj::domain::guild::Language;
use punctaj::domain::ids::{ChannelId, RoleId, UserId};
use punctaj::domain::layout::Layout;
use punctaj::domain::name::{Name, NameList, NameOrMember, TableAddress};
use punctaj::domain::period::Every;
use punctaj::domain::session::SessionLimits;
use punctaj::service::access::GrantOrder;
use punctaj::service::activities::ActivityOrder;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::fields::{FieldEdit, NewField};
use punctaj::service::merge::MergeOrder;
use punctaj::service::periods::{Often, Pinned, ScheduleOrder};
use punctaj::service::points::Award;
use punctaj::service::sessions::Which;
use punctaj::service::settings::Setting;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Request, ServiceError, Services};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::db::{Interactions, TestDb};
use crate::support::replay::Oracle;

use super::canonical;

/// Written by the program once; see [`the_vectors_hold_every_kind_of_event`].
const VECTORS: &str = include_str!("../../../docs/event-vectors.jsonl");
const SCRIPT: &str = include_str!("../../../docs/verify_events.py");

fn vectors() -> Vec<Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_program_computes_the_hashes_of_the_vectors() {
    let mut head = program::GENESIS.to_owned();
    for row in vectors() {
        let event: Event = serde_json::from_value(row).unwrap();
        assert_eq!(event.prev_hash, head, "{}", event.seq);
        assert_eq!(
            program::hash(&event),
            event.hash,
            "{}",
            program::canonical_form(&event)
        );
        head = event.hash;
    }
}

#[test]
fn the_second_implementation_computes_the_same_forms() {
    for row in vectors() {
        let event: Event = serde_json::from_value(row.clone()).unwrap();
        assert_eq!(canonical::form(&row), program::canonical_form(&event));
        assert_eq!(canonical::hash(&row), row["hash"]);
    }
}

#[test]
fn the_script_computes_the_hashes_of_the_vectors() {
    let output = script(VECTORS);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let head = vectors().pop().unwrap()["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(told.trim_end().ends_with(&head), "{told}");
}

#[test]
fn whatever_is_changed_in_an_event_its_hash_tells() {
    for row in vectors() {
        for pointer in pointers(&row, "") {
            if pointer == "/hash" {
                continue;
            }
            let mut forged = row.clone();
            let place = forged.pointer_mut(&pointer).unwrap();
            *place = other(place, &pointer);
            assert_ne!(
                canonical::hash(&forged),
                row["hash"],
                "{pointer} of {row:#}"
            );
            if let Ok(event) = serde_json::from_value::<Event>(forged) {
                assert_ne!(program::hash(&event), row["hash"], "{pointer} of {row:#}");
            }
        }
    }
}

#[test]
fn a_key_that_no_hash_covers_is_in_no_event() {
    let mut added = 0;
    for row in vectors() {
        for list in ["changes", "overwrote"] {
            for place in 0..row[list].as_array().map_or(0, Vec::len) {
                let mut forged = row.clone();
                forged[list][place]["note"] = json!("x");
                let read = serde_json::from_value::<Event>(forged);
                assert!(read.is_err(), "{list} {place} of {row:#}");
                added += 1;
            }
        }
    }
    assert!(added > 50, "{added}");
}

#[test]
fn the_script_notices_forgeries() {
    let lines: Vec<&str> = VECTORS.lines().collect();
    let replace = |from: &str, to: &str| {
        assert!(VECTORS.contains(from), "{from}");
        VECTORS.replacen(from, to, 1)
    };
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat().join("\n");
    let forgeries = [
        replace("Ștefan", "Stefan"),
        replace(r#""delta": -"#, r#""delta": "#),
        replace(r#""superseded": true"#, r#""superseded": false"#),
        replace(r#""what": "entry""#, r#""what": "entry", "note": "x""#),
        replace(r#""salt": ""#, r#""salt": "0"#),
        replace("+00:00", "+00:01"),
        without(0),
        without(4),
        [&lines[..2], &lines[..2]].concat().join("\n"),
        "{}".to_owned(),
    ];
    for forgery in forgeries {
        let output = script(&forgery);
        assert_eq!(output.status.code(), Some(1), "{forgery}");
    }
}

#[tokio::test]
async fn the_vectors_hold_every_kind_of_event() {
    let db = TestDb::new().await;
    let services = TestDb::services_on(db.url(), 4, 2026, SessionLimits::default());
    let pool = db.superuser().await;
    live(&services, db.url(), &pool).await.unwrap();
    let rows: Vec<(String, Value)> =
        sqlx::query_as("select to_jsonb(e)::text, to_jsonb(e) from punctaj.events e order by seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut oracle = Oracle::new(GUILD);
    for (_, row) in &rows {
        oracle.apply(row).unwrap();
        assert_eq!(canonical::hash(row), row["hash"], "{row:#}");
    }
    oracle.compare(&pool).await.unwrap();
    let lines: Vec<_> = rows.iter().map(|(line, _)| line.as_str()).collect();
    let lines = lines.join("\n") + "\n";
    let in_table = rows.iter().rfind(|(_, row)| row["table_id"].is_string());
    let last = made_up(&rows.last().unwrap().1, &in_table.unwrap().1);
    let output = script(&lines);
    assert!(output.status.success(), "{output:?}");
    if let Some(path) = std::env::var_os("PUNCTAJ_WRITE_VECTORS") {
        std::fs::write(path, format!("{lines}{last}\n")).unwrap();
    }
    // The vectors are such a history.
    let kind = |row: &Value| {
        [
            row["action"].clone(),
            row["outcome"].clone(),
            row["via"].clone(),
        ]
    };
    for action in Action::ALL {
        let has = |(_, row): &(String, Value)| row["action"] == action.as_str();
        assert!(rows.iter().any(has), "{action}");
    }
    let told: Vec<_> = rows.iter().map(|(_, row)| kind(row)).collect();
    let kept: Vec<_> = vectors().iter().map(kind).collect();
    assert_eq!(told, kept[..told.len()]);
}

const GUILD: i64 = 1_300_000_000_000_000_001;
const ANA: i64 = 1_300_000_000_000_000_002;
const ION: i64 = 9_223_372_036_854_775_807;

/// A history in which everything happens.
async fn live(services: &Services, url: &str, pool: &PgPool) -> Result<(), ServiceError> {
    let now = Interactions::new();
    let by = |user| now.by(GUILD, user);
    services
        .create_table(&by(ANA), TableAddress::parse("BlackWater/Poliție").unwrap())
        .await?;
    let phone = services
        .log_in(&by(ANA), Some("Telefon \"vechi\" \\ 📱".to_owned()))
        .await?
        .event
        .device_id;
    let renamed = "PC \u{201e}nou\u{201d}".to_owned();
    services.rename_session(&by(ANA), None, renamed).await?;
    let late = by(ION);
    let names = r#"Ștefan, "Pop, Ana", O"Neill \ Șoim, 👩‍🚒 Ioana"#;
    let why = "Țintă atinsă: \"100 %\" \\ ăîâșț ŞŢ 🎯\n\tși\u{2028}gata\u{7f}";
    services
        .add_points(&by(ANA), award(names, 5, Some(why)))
        .await?;
    services
        .add_points(&by(ION), award("ȘTEFAN, Vasilică", 1_000_000_000, None))
        .await?;
    services
        .remove_points(&by(ION), award("Ștefan, Pop Ana", 7, None))
        .await
        .unwrap_err();
    let journal = Request {
        via: Via::Journal,
        ..by(ION)
    };
    services
        .remove_points(&journal, award(r#""Pop, Ana", Vasilică"#, 7, Some("")))
        .await?;
    services.set_rank(&by(ANA), rank(1, "Cadet", None)).await?;
    services
        .set_rank(&by(ANA), rank(2, "Șef \u{1f396}\u{fe0f}", Some(-40)))
        .await?;
    let exact = Request {
        device: phone,
        ..by(ANA)
    };
    services
        .set(
            &exact,
            assignment("Ștefan", NewValue::Rank(Some("2".to_owned()))),
        )
        .await?;
    services
        .set(
            &late,
            assignment("Ștefan", NewValue::Rank(Some("1".to_owned()))),
        )
        .await?;
    services
        .set(
            &by(ION),
            assignment(
                "Ștefan",
                NewValue::Name(Name::parse("Ștefan cel Mare").unwrap()),
            ),
        )
        .await?;
    services
        .set(&by(ION), assignment("Vasilică", NewValue::Points(i64::MAX)))
        .await?;
    services
        .set(
            &by(ION),
            assignment("Vasilică", NewValue::Member(Some(UserId::from_db(ION)))),
        )
        .await?;
    let deletion = Deletion {
        names: list(r#"Vasilică, O"Neill \ Șoim"#),
        table: None,
        table_id: None,
    };
    services.delete(&by(ANA), deletion).await?;
    services
        .undo(
            &by(ANA),
            UndoOrder {
                event: None,
                force: Force::Ask,
                whose: Whose::Own,
            },
        )
        .await?;
    structure(services, &by).await?;
    periods(services, &by).await?;
    merge(services, &by).await?;
    rights(services, &by).await?;
    refusals(services, pool, &by).await?;
    sessions_end(services, &by, url).await
}

/// A schedule, a closing by it, one by hand that proposes ranks, and its undo.
async fn periods(services: &Services, by: &impl Fn(i64) -> Request) -> Result<(), ServiceError> {
    let ana = || by(ANA);
    let table = TableAddress::parse("Poliția „Nouă”").unwrap();
    let order = ScheduleOrder {
        every: Some(Often::Each(Every::Week)),
        channel: Some(ChannelId::from_db(7)),
        warning: Some(3),
        ..ScheduleOrder::default()
    };
    services.set_schedule(&ana(), &table, order).await?;
    let late = by(ION);
    let next = services.schedule(&ana(), &table).await?.next.unwrap();
    let a_day_late = next + chrono::TimeDelta::days(1);
    services.run_schedules_at(a_day_late).await?;
    let value = NewValue::Points(1);
    let set = Assignment {
        table: Some(table.clone()),
        ..assignment("Ștefan cel Mare", value)
    };
    services.set(&late, set).await?;
    for (number, title) in [(1, "Agent"), (3, "Comisar")] {
        let order = RankOrder {
            table: table.clone(),
            promote_at: Some(2),
            ..rank(number, title, None)
        };
        services.set_rank(&ana(), order).await?;
    }
    for value in [NewValue::Exempt(true), NewValue::Rank(Some("1".to_owned()))] {
        services
            .set(&ana(), assignment("Ștefan cel Mare", value))
            .await?;
    }
    services
        .add_points(&ana(), award("Ștefan cel Mare", 3, None))
        .await?;
    let edit = TableEdit {
        table: table.clone(),
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: Some(true),
    };
    services.edit_table(&ana(), edit).await?;
    let preview = services.preview_close(&ana(), &table).await?;
    let pinned = Pinned {
        table: preview.table.id,
        number: preview.period.number,
    };
    let closed = services.close_period(&ana(), pinned).await?.event.seq;
    services.apply_ranks(&ana(), closed).await?;
    let order = UndoOrder {
        event: Some(closed),
        force: Force::Ask,
        whose: Whose::Own,
    };
    services.undo(&ana(), order).await.map(drop)
}

async fn sessions_end(
    services: &Services,
    by: &impl Fn(i64) -> Request,
    url: &str,
) -> Result<(), ServiceError> {
    services.log_out(&by(ANA), &Which::AllOthers).await?;
    // Another process, which thinks that sessions are over at once.
    let limits = SessionLimits {
        idle: chrono::TimeDelta::zero(),
        ..SessionLimits::default()
    };
    let hasty = TestDb::services_on(url, 1, 2027, limits);
    hasty
        .add_points(&by(ION), award("Ștefan cel Mare", 0, None))
        .await?;
    Ok(())
}

/// Extra fields, tables, ranks and settings.
async fn structure(services: &Services, by: &impl Fn(i64) -> Request) -> Result<(), ServiceError> {
    let (ana, table) = (|| by(ANA), || TableAddress::parse("Poliție").unwrap());
    let field = |name, kind, pattern: Option<&str>| NewField {
        table: table(),
        name: Name::parse(name).unwrap(),
        kind,
        pattern: pattern.map(str::to_owned),
    };
    let badge = field("Insignă „A”", FieldKind::Text, Some(r"[A-ZȘ]-\d{1,4}"));
    services.add_field(&ana(), badge).await?;
    let joined = field("De la", FieldKind::Date, None);
    services.add_field(&ana(), joined).await?;
    let late = by(ION);
    let extra = |field: &str, value: Option<&str>| {
        let value = NewValue::Extra(field.to_owned(), value.map(str::to_owned));
        assignment("Ștefan cel Mare", value)
    };
    for (field, value) in [
        ("insignă „a”", Some("Ș-12")),
        ("De la", Some("31.01.2026")),
        ("De la", None),
    ] {
        services.set(&ana(), extra(field, value)).await?;
    }
    services
        .set(&late, extra("Insignă „A”", Some("B-1")))
        .await?;
    let edit = FieldEdit {
        table: table(),
        field: "Insignă „A”".to_owned(),
        name: Some(Name::parse("Insignă").unwrap()),
        pattern: Some(None),
    };
    services.edit_field(&ana(), edit).await?;
    services
        .set(&ana(), extra("Insignă", Some("<@1> \\ \"x\"")))
        .await?;
    services.remove_field(&ana(), &table(), "De la").await?;
    services.remove_rank(&ana(), &table(), 2).await?;
    for (name, points, quantity) in [("Livrat „lemne”", 2, Some(200)), ("Pază", 3, None)] {
        let order = ActivityOrder {
            table: table(),
            name: Name::parse(name).unwrap(),
            points,
            quantity,
        };
        services.set_activity(&ana(), order).await?;
    }
    services.remove_activity(&ana(), &table(), "pază").await?;
    let edit = TableEdit {
        table: table(),
        name: Some(Name::parse("Poliția „Nouă”").unwrap()),
        category: Some(None),
        floor: Some(-10),
        private: Some(true),
        proposes: None,
    };
    services.edit_table(&ana(), edit).await?;
    let renamed = TableAddress::parse("Poliția „Nouă”").unwrap();
    for (channel, layout) in [(7, None), (8, Some(Layout::Wide)), (7, Some(Layout::Wide))] {
        let channel = ChannelId::from_db(channel);
        services
            .post_board(&ana(), &renamed, channel, layout)
            .await?;
    }
    services
        .remove_boards(&ana(), &renamed, Some(ChannelId::from_db(7)))
        .await?;
    services.delete_table(&ana(), &renamed).await?;
    services.restore_table(&ana(), &renamed).await?;
    for setting in [
        Setting::Language(Language::Ro),
        Setting::Timezone(chrono_tz::America::New_York),
        Setting::LogChannel(ChannelId::from_db(ION)),
    ] {
        services.set_setting(&ana(), setting).await?;
    }
    Ok(())
}

/// Rights for a role and for a member, in each kind of scope.
async fn rights(services: &Services, by: &impl Fn(i64) -> Request) -> Result<(), ServiceError> {
    let order = |who, granted, scope: Option<&str>| GrantOrder {
        who,
        granted: Granted::parse(granted).unwrap(),
        scope: scope.map(str::to_owned),
    };
    let role = Grantee::Role(RoleId::from_db(GUILD));
    let member = Grantee::Member(UserId::from_db(ION));
    let other = || TableAddress::parse("Oraș „Nou”/Pompieri").unwrap();
    services.create_table(&by(ANA), other()).await?;
    for (who, granted, scope) in [
        (role, "viewer", None),
        (member, "score.add", Some("Oraș „Nou”/*")),
        (member, "manager", Some("Poliția „Nouă”")),
    ] {
        services
            .grant(&by(ANA), &order(who, granted, scope))
            .await?;
    }
    let revoked = order(member, "manager", Some("Poliția „Nouă”"));
    services.revoke(&by(ANA), &revoked).await?;
    services.delete_table(&by(ANA), &other()).await?;
    Ok(())
}

/// What was new goes into what was meant.
async fn merge(services: &Services, by: &impl Fn(i64) -> Request) -> Result<(), ServiceError> {
    let given = services
        .add_points(&by(ANA), award("Stefan cel Mare", 3, None))
        .await?
        .event;
    let meant = services
        .add_points(&by(ION), award("Ștefan cel Mare", 1, None))
        .await?
        .event;
    let entry = |event: &Event| event.changes.iter().find_map(Change::entry_id).unwrap();
    let order = MergeOrder {
        event: given.seq,
        created: entry(&given),
        meant: entry(&meant),
    };
    services.merge(&by(ANA), order).await?;
    Ok(())
}

/// Somebody without rights tries all that stands in the history only as refused, and more than
/// is worth an event each.
async fn refusals(
    services: &Services,
    pool: &PgPool,
    by: &impl Fn(i64) -> Request,
) -> Result<(), ServiceError> {
    let attempts = [
        (Action::TableView, Right::TableView),
        (Action::AuditView, Right::AuditView),
        (Action::AuditExport, Right::AuditExport),
        (Action::DataExport, Right::DataExport),
        (Action::SettingsView, Right::SettingsManage),
        (Action::EntryDelete, Right::EntryDelete),
    ];
    let plain = |user| Request {
        standing: Standing::default(),
        ..by(user)
    };
    for (attempt, right) in attempts {
        services.note_refusal(&plain(ION), attempt, right).await?;
    }
    services
        .note_refusal(&plain(ANA), Action::AccessView, Right::AccessManage)
        .await?;
    sqlx::query("update punctaj.refusals set since = since - interval '1 minute'")
        .execute(pool)
        .await
        .unwrap();
    services.tell_refusals().await
}

fn rank(number: i32, title: &str, demote_below: Option<i64>) -> RankOrder {
    RankOrder {
        table: TableAddress::parse("Poliție").unwrap(),
        number,
        title: Name::parse(title).unwrap(),
        promote_at: Some(100),
        demote_below,
        role: demote_below.map(|_| RoleId::from_db(ANA)),
    }
}

fn list(names: &str) -> Vec<NameOrMember> {
    NameList::parse(names, 50).unwrap().into_items()
}

fn award(names: &str, points: i64, reason: Option<&str>) -> Award {
    Award {
        names: list(names),
        points,
        table: None,
        table_id: None,
        reason: reason.map(str::to_owned),
    }
}

fn assignment(name: &str, value: NewValue) -> Assignment {
    Assignment {
        who: list(name).remove(0),
        value,
        table: None,
        table_id: None,
    }
}

/// What does not happen above: an event that replaced something unseen, in every kind of field.
fn made_up(last: &Value, like: &Value) -> Value {
    let mut row = json!({
        "guild_id": GUILD, "seq": last["seq"].as_i64().unwrap() + 1, "op_id": "1456061031710720123",
        "at": "2026-01-01T02:00:00.5+02:00", "applied_at": last["applied_at"], "actor_id": ANA,
        "device_id": like["device_id"], "attribution": "presence", "via": "cli", "action": "entry.set",
        "table_id": like["table_id"], "reason": null, "undoes": null, "outcome": "applied",
        "changes": [{
            "what": "entry", "id": like["changes"][0]["id"], "name": "Ștefan cel Mare", "field": "member",
            "before": "1300000000000000003", "after": null,
        }],
        "overwrote": [
            {"seq": 1, "id": like["changes"][0]["id"], "field": "member", "value": "1300000000000000003"},
            {"seq": 2, "id": like["changes"][0]["id"], "field": "rank", "value": -3},
            {"seq": 3, "id": like["changes"][0]["id"], "field": "Insignă", "field_id": "1", "value": "Ș-12"},
        ],
        "prev_hash": last["hash"], "hash": "", "salt": "000102030405060708090a0b0c0d0e0f",
    });
    let event: Event = serde_json::from_value(row.clone()).unwrap();
    row["hash"] = program::hash(&event).into();
    row
}

/// Runs the script on these lines.
fn script(lines: &str) -> Output {
    let mut python = Command::new("python3");
    let python = python
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = python.spawn().expect("Python 3 is there");
    // It stops reading at the first difference.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

/// Where all the values of a JSON document are.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| pointers(value, &format!("{at}/{key}")))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .flat_map(|(index, value)| pointers(value, &format!("{at}/{index}")))
            .collect(),
        _ => vec![at.to_owned()],
    }
}

/// Another value in its place.
fn other(value: &Value, pointer: &str) -> Value {
    match (value, pointer) {
        (Value::Null, "/seq" | "/undoes" | "/actor_id" | "/guild_id") => 1.into(),
        (Value::Null, _) => "x".into(),
        (Value::Bool(flag), _) => (!flag).into(),
        (Value::Number(number), _) => number
            .as_i64()
            .map_or(0, |number| number.wrapping_sub(1))
            .into(),
        (Value::String(_), "/at" | "/applied_at") => "2026-01-01T00:00:00.000001+00:00".into(),
        (text, _) => format!("{}!", text.as_str().unwrap_or_default()).into(),
    }
}
