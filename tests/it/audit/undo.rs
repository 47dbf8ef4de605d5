//! Undo of every kind of event: afterwards everything is as before it, and undoing that brings back
//! what it did. And of one event by many at once: once.

use std::collections::BTreeMap;

use fake_discord::Device;
use punctaj::domain::access::{Bundle, Granted, Grantee};
use punctaj::domain::event::{Action, Event, Outcome};
use punctaj::domain::field::FieldKind;
use punctaj::domain::guild::Language;
use punctaj::domain::ids::{ChannelId, RoleId, Seq};
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::domain::period::Every;
use punctaj::service::access::GrantOrder;
use punctaj::service::activities::ActivityOrder;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::fields::{FieldEdit, NewField};
use punctaj::service::merge::MergeOrder;
use punctaj::service::periods::{Often, Pinned, ScheduleOrder};
use punctaj::service::sessions::Which;
use punctaj::service::settings::Setting;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Receipt, Request, ServiceError, Services};
use serde_json::{Value, json};

use crate::support::app::{TestApp, assert_says};
use crate::support::db::{Interactions, TestDb};

use super::filters::award;

const GUILD: i64 = 100;

const fn undoing(event: Seq) -> UndoOrder {
    UndoOrder {
        event: Some(event),
        force: Force::Ask,
        whose: Whose::Own,
    }
}

fn clan() -> TableAddress {
    TableAddress::parse("Clan").unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn rank(number: i32, title: &str) -> RankOrder {
    RankOrder {
        table: clan(),
        number,
        title: name(title),
        promote_at: Some(50),
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
        pattern: Some("[A-Z].*".to_owned()),
    }
}

fn badge(text: &str) -> NewValue {
    NewValue::Extra("Insignă".to_owned(), Some(text.to_owned()))
}

fn set(who: &str, value: NewValue) -> Assignment {
    Assignment {
        who: NameList::parse(who, 1).unwrap().into_items().remove(0),
        value,
        table: Some(clan()),
        table_id: None,
    }
}

/// What was done of an action, for undoing it; none where there is nothing to undo by its nature.
/// Whoever adds an action is sent here.
async fn done(services: &Services, now: &Interactions, action: Action) -> Option<Receipt> {
    let by = || now.by(GUILD, 1);
    let names = || NameList::parse("Ana, Ion", 2).unwrap().into_items();
    let deletion = Deletion {
        names: names(),
        table: Some(clan()),
        table_id: None,
    };
    let receipt = match action {
        // Several at once, one of them new.
        Action::PointsAdd => {
            services
                .add_points(&by(), award("Clan", "Ana, Ion, Nou", 7))
                .await
        }
        // Down to the floor.
        Action::PointsRemove => {
            services
                .remove_points(&by(), award("Clan", "Ana, Ion", 15))
                .await
        }
        Action::EntrySet => services.set(&by(), set("Ana", badge("Alta"))).await,
        Action::EntryDelete => services.delete(&by(), deletion).await,
        Action::EntryMerge => {
            let order = award("Clan", "Nou", 7);
            let added = services.add_points(&by(), order).await.unwrap().event;
            let meant = services
                .add_points(&by(), award("Clan", "Ana", 0))
                .await
                .unwrap();
            let entry = |event: &Event| event.changes[0].entry_id().unwrap();
            let order = MergeOrder {
                event: added.seq,
                created: entry(&added),
                meant: entry(&meant.event),
            };
            services.merge(&by(), order).await
        }
        Action::TableCreate
        | Action::TableEdit
        | Action::TableDelete
        | Action::TableRestore
        | Action::FieldAdd
        | Action::FieldEdit
        | Action::FieldRemove => structure(services, now, action).await,
        Action::RankSet => services.set_rank(&by(), rank(2, "Căpitan")).await,
        Action::RankRemove => services.remove_rank(&by(), &clan(), 2).await,
        Action::ActivitySet => services.set_activity(&by(), activity("Livrat")).await,
        Action::ActivityRemove => services.remove_activity(&by(), &clan(), "Pază").await,
        Action::PeriodClose => close(services, now).await,
        Action::PeriodSchedule => {
            let order = ScheduleOrder {
                every: Some(Often::Each(Every::Month)),
                channel: Some(ChannelId::from_db(5)),
                warning: Some(24),
                ..ScheduleOrder::default()
            };
            services.set_schedule(&by(), &clan(), order).await
        }
        Action::RankApply => {
            let report = services.period_report(&by(), &clan(), None).await;
            let closing = report.unwrap().seq.unwrap();
            services.apply_ranks(&by(), closing).await
        }
        Action::BoardPost => post_board(services, now, 8).await,
        Action::BoardRemove => remove_board(services, now, 9).await,
        Action::SettingsSet => {
            let channel = Setting::LogChannel(ChannelId::from_db(5));
            services.set_setting(&by(), channel).await
        }
        Action::AccessGrant => services.grant(&by(), &scorer(7)).await,
        Action::AccessRevoke => services.revoke(&by(), &scorer(8)).await,
        Action::EventUndo => {
            let added = services
                .add_points(&by(), award("Clan", "Ana", 7))
                .await
                .unwrap();
            services.undo(&by(), undoing(added.event.seq)).await
        }
        // Of the actor's own devices, not of data.
        Action::SessionOpen => services.log_in(&by(), None).await,
        Action::SessionRename => {
            let label = "Laptop".to_owned();
            services.rename_session(&by(), None, label).await
        }
        Action::SessionClose => services.log_out(&by(), &Which::Current).await,
        // They change nothing: they stand in the history only as refused.
        Action::TableView
        | Action::AuditView
        | Action::AuditExport
        | Action::DataExport
        | Action::SettingsView
        | Action::AccessView
        | Action::AccessRefuse => return None,
    };
    Some(receipt.unwrap())
}

/// What is done to a table or its extra fields.
async fn structure(
    services: &Services,
    now: &Interactions,
    action: Action,
) -> Result<Receipt, ServiceError> {
    let by = || now.by(GUILD, 1);
    match action {
        Action::TableCreate => {
            let other = TableAddress::parse("Alt/Tabel").unwrap();
            services.create_table(&by(), other).await
        }
        Action::TableEdit => {
            let edit = TableEdit {
                table: clan(),
                name: Some(name("Gașcă")),
                category: Some(Some(name("Oraș"))),
                floor: Some(-5),
                private: Some(true),
                proposes: Some(true),
            };
            services.edit_table(&by(), edit).await
        }
        Action::TableDelete => services.delete_table(&by(), &clan()).await,
        Action::TableRestore => {
            services.delete_table(&by(), &clan()).await.unwrap();
            services.restore_table(&by(), &clan()).await
        }
        Action::FieldAdd => services.add_field(&by(), field("Indicativ")).await,
        Action::FieldEdit => {
            let edit = FieldEdit {
                table: clan(),
                field: "Insignă".to_owned(),
                name: Some(name("Semn")),
                pattern: Some(None),
            };
            services.edit_field(&by(), edit).await
        }
        _ => services.remove_field(&by(), &clan(), "Insignă").await,
    }
}

/// Points of the table, for a role.
fn scorer(role: i64) -> GrantOrder {
    GrantOrder {
        who: Grantee::Role(RoleId::from_db(role)),
        granted: Granted::Bundle(Bundle::Scorer),
        scope: Some("Clan".to_owned()),
    }
}

async fn close(services: &Services, now: &Interactions) -> Result<Receipt, ServiceError> {
    let by = || now.by(GUILD, 1);
    let preview = services.preview_close(&by(), &clan()).await.unwrap();
    let pinned = Pinned {
        table: preview.table.id,
        number: preview.period.number,
    };
    services.close_period(&by(), pinned).await
}

/// What must have been before an action can be done, and is not undone with it.
async fn prepare(services: &Services, now: &Interactions, action: Action) {
    if action != Action::RankApply {
        return;
    }
    let by = || now.by(GUILD, 1);
    services.set_rank(&by(), rank(3, "Major")).await.unwrap();
    let proposed = TableEdit {
        table: clan(),
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: Some(true),
    };
    services.edit_table(&by(), proposed).await.unwrap();
    let given = services.add_points(&by(), award("Clan", "Ana", 60)).await;
    given.unwrap();
    close(services, now).await.unwrap();
}

async fn post_board(
    services: &Services,
    now: &Interactions,
    channel: i64,
) -> Result<Receipt, ServiceError> {
    let channel = ChannelId::from_db(channel);
    let request = now.by(GUILD, 1);
    services.post_board(&request, &clan(), channel, None).await
}

async fn remove_board(
    services: &Services,
    now: &Interactions,
    channel: i64,
) -> Result<Receipt, ServiceError> {
    post_board(services, now, channel).await.unwrap();
    let request = now.by(GUILD, 1);
    services.remove_boards(&request, &clan(), None).await
}

const fn is_undoable(action: Action) -> bool {
    !action.is_session() && !action.is_only_refused()
}

/// Everything that people see, without when it was written.
async fn state(db: &TestDb) -> BTreeMap<String, Value> {
    let pool = db.superuser().await;
    let rows: Vec<(String, Value)> = sqlx::query_as(
        "select 'table ' || table_id, jsonb_build_array(category, name, floor, private, deleted_at is null,
            promotions, schedule_every, schedule_day, schedule_time, schedule_channel, schedule_warning, schedule_paused)
         from punctaj.tables where deleted_at is null
         union all select 'rank ' || number, jsonb_build_array(title, promote_at, demote_below, role_id)
         from punctaj.ranks
         union all select 'activity ' || number, jsonb_build_array(name, quantity, points)
         from punctaj.activities
         union all select 'period ' || number, jsonb_build_array(since, closed_at, entries, total, proposed)
         from punctaj.periods where not reopened
         union all select 'board ' || channel_id, jsonb_build_array(layout)
         from punctaj.boards where layout is not null
         union all select 'field ' || number, jsonb_build_array(name, kind, pattern)
         from punctaj.fields where not removed
         union all select 'entry ' || name, jsonb_build_array(member_id, rank, points, extra)
         from punctaj.entries where deleted_at is null
         union all select 'grant ' || grant_id, jsonb_build_array(role_id, user_id, granted, category, table_id)
         from punctaj.grants
         union all select 'settings', jsonb_build_array(language, timezone, log_channel) from punctaj.guilds",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// A table with ranks, an extra field, and entries that hold all of it.
async fn filled(services: &Services, now: &Interactions) {
    let by = || now.by(GUILD, 1);
    services.create_table(&by(), clan()).await.unwrap();
    services.set_rank(&by(), rank(2, "Sergent")).await.unwrap();
    services.add_field(&by(), field("Insignă")).await.unwrap();
    let guarded = activity("Pază");
    services.set_activity(&by(), guarded).await.unwrap();
    services
        .add_points(&by(), award("Clan", "Ana, Ion", 10))
        .await
        .unwrap();
    let values = [
        NewValue::Rank(Some("Sergent".to_owned())),
        NewValue::Extra("Insignă".to_owned(), Some("Prima".to_owned())),
    ];
    for value in values {
        services.set(&by(), set("Ana", value)).await.unwrap();
    }
    services.grant(&by(), &scorer(8)).await.unwrap();
    let language = Setting::Language(Language::ALL[0]);
    services.set_setting(&by(), language).await.unwrap();
}

#[tokio::test]
async fn every_action_can_be_undone_and_that_be_undone_or_is_refused_clearly() {
    for &action in Action::ALL {
        let (db, now) = (TestDb::new().await, Interactions::new());
        let services = &db.services;
        filled(services, &now).await;
        prepare(services, &now, action).await;
        let mut before = state(&db).await;
        let Some(receipt) = done(services, &now, action).await else {
            assert!(!is_undoable(action), "{action}");
            continue;
        };
        assert_eq!(
            (receipt.event.action, receipt.event.outcome),
            (action, Outcome::Applied)
        );
        let after = state(&db).await;
        let undone = services
            .undo(&now.by(GUILD, 1), undoing(receipt.event.seq))
            .await;
        if !is_undoable(action) {
            let refused = matches!(undone, Err(ServiceError::NotUndoable { .. }));
            assert!(refused, "{action}: {undone:?}");
            continue;
        }
        match action {
            // Before it, the table was deleted; before the undo, the points were given.
            Action::TableRestore => {
                before.retain(|key, _| !key.starts_with("table "));
            }
            Action::EventUndo => {
                before.get_mut("entry Ana").unwrap()[2] = 17.into();
            }
            Action::BoardRemove => {
                before.insert("board 9".to_owned(), json!(["phone"]));
            }
            // Before it, what is merged was given.
            Action::EntryMerge => {
                before.insert("entry Nou".to_owned(), json!([null, null, 7, {}]));
            }
            _ => {}
        }
        let undone = undone.unwrap().event.seq;
        assert_eq!(state(&db).await, before, "{action} undone");
        let twice = services
            .undo(&now.by(GUILD, 1), undoing(receipt.event.seq))
            .await;
        let already =
            matches!(&twice, Err(ServiceError::AlreadyUndone { by, .. }) if *by == undone);
        assert!(already, "{action} twice: {twice:?}");
        services
            .undo(
                &now.by(GUILD, 1),
                // Taking a field away again is asked for: entries hold values of it.
                UndoOrder {
                    force: Force::Always,
                    ..undoing(undone)
                },
            )
            .await
            .unwrap();
        assert_eq!(state(&db).await, after, "{action} brought back");
        let report = services.verify(&now.by(GUILD, 1)).await.unwrap();
        assert_eq!(report.problem, None, "{action}");
    }
}

#[tokio::test]
async fn many_undos_of_one_event_at_once_are_exactly_one() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    filled(&db.services, &now).await;
    let added = db
        .services
        .add_points(&now.by(GUILD, 1), award("Clan", "Ana, Ion, Nou", 7))
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for user in 0..20 {
        let (services, request) = (db.services.clone(), now.by(GUILD, user));
        let order = UndoOrder {
            whose: Whose::Anybodys,
            force: Force::Always,
            ..undoing(added.event.seq)
        };
        tasks.spawn(async move { services.undo(&request, order).await });
    }
    let results = tasks.join_all().await;
    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    let by = done.into_iter().next().unwrap().unwrap().event.seq;
    for error in refused.into_iter().filter_map(Result::err) {
        let already = matches!(error, ServiceError::AlreadyUndone { by: told, .. } if told == by);
        assert!(already, "{error}");
    }
    let state = state(&db).await;
    assert_eq!(state["entry Ana"][2], 10);
    assert!(!state.contains_key("entry Nou"));
}

#[tokio::test]
async fn two_people_confirm_the_same_undo_through_two_bots_and_it_is_done_once() {
    let mut app = TestApp::start().await;
    let mut beside = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let (alice, bob) = (app.moderator("alice"), app.moderator("bob"));
    let on = Device::phone("Telefon");
    let create = [("table", "Clan")];
    alice
        .on(&on)
        .slash("punctaj-admin table create", create)
        .await;
    let give = [("names", "Ana"), ("points", "5")];
    alice.on(&on).slash("punctaj add", give).await;
    let mut previews = Vec::new();
    for who in [&alice, &bob] {
        let preview = who
            .on(&on)
            .slash("punctaj-audit undo", [("event", "3")])
            .await;
        assert!(preview.has_button("Confirm"), "{}", preview.text());
        previews.push(preview);
    }
    let (one, two) = (alice.on(&on), bob.on(&on));
    let (one, two) = tokio::join!(
        one.click(&previews[0], "Confirm"),
        two.click(&previews[1], "Confirm")
    );
    let texts = [one.text(), two.text()];
    let undid = texts.iter().filter(|text| text.contains("Undid event #3"));
    assert_eq!(undid.count(), 1, "{texts:?}");
    let already = if one.text().contains("Undid") {
        &two
    } else {
        &one
    };
    assert_says(already, &["was undone already"]);
    let pool = app.db.superuser().await;
    let undos: i64 =
        sqlx::query_scalar("select count(*) from punctaj.events where action = 'event.undo'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(undos, 1);
    beside.stop_bot().await;
    app.stop_bot().await;
    // Both bots answer each interaction, and Discord takes one of the answers.
    let refusals = app.discord.refusals();
    assert!(
        refusals.iter().all(|refusal| refusal.code == 40060),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    beside.forget();
    app.finish().await;
}

#[tokio::test]
async fn a_late_undo_without_a_number_undoes_what_was_there_when_it_was_asked_for() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    filled(&db.services, &now).await;
    let first = db
        .services
        .add_points(&now.by(GUILD, 1), award("Clan", "Ana", 1))
        .await
        .unwrap();
    let late: Request = now.by(GUILD, 1);
    db.services
        .add_points(&now.by(GUILD, 1), award("Clan", "Ana", 2))
        .await
        .unwrap();
    let last = UndoOrder {
        event: None,
        force: Force::Ask,
        whose: Whose::Own,
    };
    let undone = db.services.undo(&late, last).await.unwrap();
    assert_eq!(undone.event.undoes, Some(first.event.seq));
    assert_eq!(state(&db).await["entry Ana"][2], 12);
}
