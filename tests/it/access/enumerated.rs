//! Every operation with every code: whoever holds just what it needs may, and nobody else.

use punctaj::domain::access::Right;
use punctaj::domain::event::Action;
use punctaj::domain::field::FieldKind;
use punctaj::domain::guild::Language;
use punctaj::domain::ids::{ChannelId, Seq};
use punctaj::domain::name::{Name, NameList, NameOrMember, TableAddress};
use punctaj::domain::period::Every;
use punctaj::service::activities::ActivityOrder;
use punctaj::service::audit::SearchOrder;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::fields::{FieldEdit, NewField};
use punctaj::service::merge::MergeOrder;
use punctaj::service::periods::{Often, Pinned, ScheduleOrder};
use punctaj::service::points::Award;
use punctaj::service::settings::Setting;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::view::ViewOrder;
use punctaj::service::{Request, ServiceError, Services};

use super::{GUILD, OWNER, granted, member, missing, order, plain, role, table};
use crate::support::db::{Interactions, TestDb};

/// The codes that an operation needs; none where it needs none. Whoever adds an operation is sent
/// here.
const fn needs(action: Action) -> &'static [Right] {
    match action {
        Action::PointsAdd | Action::EntryMerge => &[Right::ScoreAdd],
        Action::PointsRemove => &[Right::ScoreRemove],
        Action::EntrySet => &[Right::EntryEdit],
        Action::EntryDelete => &[Right::EntryDelete],
        Action::TableCreate
        | Action::TableEdit
        | Action::TableDelete
        | Action::TableRestore
        | Action::FieldAdd
        | Action::FieldEdit
        | Action::FieldRemove
        | Action::RankSet
        | Action::RankRemove
        | Action::ActivitySet
        | Action::ActivityRemove => &[Right::TableEdit],
        Action::PeriodClose | Action::PeriodSchedule | Action::RankApply => &[Right::PeriodClose],
        Action::BoardPost | Action::BoardRemove => &[Right::BoardManage],
        Action::SettingsSet | Action::SettingsView => &[Right::SettingsManage],
        // What is granted has to be held, too.
        Action::AccessGrant | Action::AccessRevoke => &[Right::AccessManage, Right::DataImport],
        Action::AccessView => &[Right::AccessManage],
        // Somebody else's award.
        Action::EventUndo => &[Right::AuditUndo, Right::ScoreAdd],
        Action::TableView => &[Right::TableView],
        Action::AuditView => &[Right::AuditView],
        Action::AuditExport => &[Right::AuditExport],
        Action::DataExport => &[Right::DataExport],
        Action::SessionOpen
        | Action::SessionClose
        | Action::SessionRename
        | Action::AccessRefuse => &[],
    }
}

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

/// A guild in which all can be attempted: a table with all that tables have.
async fn stage(services: &Services, now: &Interactions) {
    let by = || now.by(GUILD, OWNER);
    services.create_table(&by(), clan()).await.unwrap();
    services
        .create_table(&by(), table("Ștearsă"))
        .await
        .unwrap();
    services
        .delete_table(&by(), &table("Ștearsă"))
        .await
        .unwrap();
    services
        .add_points(&by(), award("Ana, Ion", 9))
        .await
        .unwrap();
    services.set_rank(&by(), rank(1)).await.unwrap();
    services.add_field(&by(), field("Insignă")).await.unwrap();
    let guarded = activity("Pază");
    services.set_activity(&by(), guarded).await.unwrap();
    let channel = ChannelId::from_db(7);
    services
        .post_board(&by(), &clan(), channel, None)
        .await
        .unwrap();
    granted(services, now, role(77), "data.import", None).await;
}

/// Attempts it as that person; each time it is another interaction.
async fn attempt(
    services: &Services,
    now: &Interactions,
    who: &impl Fn() -> Request,
    action: Action,
) -> Result<(), ServiceError> {
    let done = match action {
        Action::PointsAdd => services.add_points(&who(), award("Ana", 1)).await,
        Action::PointsRemove => services.remove_points(&who(), award("Ana", 1)).await,
        Action::EntrySet => services.set(&who(), set(NewValue::Name(name("Ana")))).await,
        Action::EntryDelete => {
            let deletion = Deletion {
                names: names("Ion"),
                table: Some(clan()),
                table_id: None,
            };
            services.delete(&who(), deletion).await
        }
        Action::EntryMerge => merge(services, now, who).await,
        Action::TableCreate => services.create_table(&who(), table("Alt/Tabel")).await,
        Action::TableEdit => {
            let edit = TableEdit {
                table: clan(),
                name: None,
                category: None,
                floor: Some(-5),
                private: None,
                proposes: None,
            };
            services.edit_table(&who(), edit).await
        }
        Action::TableDelete => services.delete_table(&who(), &clan()).await,
        Action::TableRestore => services.restore_table(&who(), &table("Ștearsă")).await,
        Action::FieldAdd => services.add_field(&who(), field("Indicativ")).await,
        Action::FieldEdit => {
            let edit = FieldEdit {
                table: clan(),
                field: "Insignă".to_owned(),
                name: Some(name("Semn")),
                pattern: None,
            };
            services.edit_field(&who(), edit).await
        }
        Action::FieldRemove => services.remove_field(&who(), &clan(), "Insignă").await,
        Action::RankSet => services.set_rank(&who(), rank(2)).await,
        Action::RankRemove => services.remove_rank(&who(), &clan(), 1).await,
        Action::ActivitySet => services.set_activity(&who(), activity("Livrat")).await,
        Action::ActivityRemove => services.remove_activity(&who(), &clan(), "Pază").await,
        Action::PeriodClose => {
            let pinned = pinned(services, now).await;
            services.close_period(&who(), pinned).await
        }
        Action::PeriodSchedule => {
            let order = ScheduleOrder {
                warning: Some(1),
                every: Some(Often::Each(Every::Week)),
                ..ScheduleOrder::default()
            };
            services.set_schedule(&who(), &clan(), order).await
        }
        Action::RankApply => {
            let closing = proposing(services, now).await;
            services.apply_ranks(&who(), closing).await
        }
        Action::BoardPost => {
            let channel = ChannelId::from_db(8);
            services.post_board(&who(), &clan(), channel, None).await
        }
        Action::BoardRemove => services.remove_boards(&who(), &clan(), None).await,
        Action::SettingsSet => {
            let language = Setting::Language(Language::Ro);
            services.set_setting(&who(), language).await
        }
        Action::AccessGrant => {
            let order = order(role(9), "data.import", Some(CLAN));
            services.grant(&who(), &order).await
        }
        Action::AccessRevoke => {
            let order = order(role(77), "data.import", None);
            services.revoke(&who(), &order).await
        }
        Action::EventUndo => {
            let undone = services
                .add_points(&now.by(GUILD, OWNER), award("Ana", 1))
                .await?;
            let order = UndoOrder {
                event: Some(undone.event.seq),
                force: Force::Ask,
                whose: Whose::Anybodys,
            };
            services.undo(&who(), order).await
        }
        Action::TableView
        | Action::AuditView
        | Action::AuditExport
        | Action::DataExport
        | Action::SettingsView
        | Action::AccessView => return look(services, who(), action).await,
        Action::SessionOpen
        | Action::SessionClose
        | Action::SessionRename
        | Action::AccessRefuse => return Ok(()),
    };
    done.map(drop)
}

/// The open period, as whoever may close it is shown it.
async fn pinned(services: &Services, now: &Interactions) -> Pinned {
    let preview = services.preview_close(&now.by(GUILD, OWNER), &clan()).await;
    let preview = preview.unwrap();
    Pinned {
        table: preview.table.id,
        number: preview.period.number,
    }
}

/// A closing that proposed a rank for somebody.
async fn proposing(services: &Services, now: &Interactions) -> Seq {
    let by = || now.by(GUILD, OWNER);
    let edit = TableEdit {
        table: clan(),
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: Some(true),
    };
    services.edit_table(&by(), edit).await.unwrap();
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
    let pinned = pinned(services, now).await;
    let closed = services.close_period(&by(), pinned).await.unwrap();
    closed.event.seq
}

/// An award of theirs, whose new entry goes into another. That they could make it is not the point.
async fn merge(
    services: &Services,
    now: &Interactions,
    who: &impl Fn() -> Request,
) -> Result<punctaj::service::Receipt, ServiceError> {
    let able = Request {
        actor: who().actor,
        ..now.by(GUILD, OWNER)
    };
    let text = format!("Nou{}", able.op);
    let created = services.add_points(&able, award(&text, 1)).await?.event;
    let able = Request {
        actor: who().actor,
        ..now.by(GUILD, OWNER)
    };
    let meant = services.add_points(&able, award("Ana", 0)).await?.event;
    let entry = |event: &punctaj::domain::event::Event| event.changes[0].entry_id().unwrap();
    let order = MergeOrder {
        event: created.seq,
        created: entry(&created),
        meant: entry(&meant),
    };
    services.merge(&who(), order).await
}

/// What only reads.
async fn look(services: &Services, who: Request, action: Action) -> Result<(), ServiceError> {
    match action {
        Action::TableView => {
            let order = ViewOrder {
                table: Some(table("Secret")),
                ..ViewOrder::default()
            };
            services.view(&who, &order).await.map(drop)
        }
        Action::AuditView => services
            .search(&who, SearchOrder::default())
            .await
            .map(drop),
        Action::AuditExport => services
            .export_events(&who, SearchOrder::default())
            .await
            .map(drop),
        Action::DataExport => services.export_table(&who, &clan()).await.map(drop),
        Action::SettingsView => services.show_settings(&who).await.map(drop),
        _ => services.grants(&who, None).await.map(drop),
    }
}

/// Whether that is how somebody is refused who lacks one of these.
fn is_refusal(done: &Result<(), ServiceError>, lacking: &[Right]) -> bool {
    match done {
        Err(ServiceError::Forbidden { right } | ServiceError::NotHeld { right }) => {
            lacking.contains(right)
        }
        // A private table does not exist for them.
        Err(ServiceError::UnknownTable { .. }) => lacking == [Right::TableView],
        _ => false,
    }
}

#[tokio::test]
async fn each_operation_needs_its_codes_and_no_other() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    stage(services, &now).await;
    let by = || now.by(GUILD, OWNER);
    services.create_table(&by(), table("Secret")).await.unwrap();
    let edit = TableEdit {
        table: table("Secret"),
        name: None,
        category: None,
        floor: None,
        private: Some(true),
        proposes: None,
    };
    services.edit_table(&by(), edit).await.unwrap();
    // Person 1000 + n holds only the code n, person 2000 + n all but that.
    let codes = || Right::ALL.iter().enumerate();
    let person = |base: i64, index: usize| base + i64::try_from(index).unwrap();
    for (index, code) in codes() {
        granted(
            services,
            &now,
            member(person(1000, index)),
            code.code(),
            None,
        )
        .await;
        for (other, held) in codes().filter(|(other, _)| *other != index) {
            assert_ne!(other, index);
            let whom = member(person(2000, index));
            granted(services, &now, whom, held.code(), None).await;
        }
    }
    for (number, action) in Action::ALL.iter().copied().enumerate() {
        let needed = needs(action);
        if needed.is_empty() {
            continue;
        }
        for (index, code) in codes() {
            if !needed.contains(code) {
                let who = || plain(&now, person(1000, index), &[]);
                let done = attempt(services, &now, &who, action).await;
                assert!(
                    is_refusal(&done, needed),
                    "{action} with {code:?}: {done:?}"
                );
                continue;
            }
            let who = || plain(&now, person(2000, index), &[]);
            let done = attempt(services, &now, &who, action).await;
            assert!(
                is_refusal(&done, &[*code]),
                "{action} without {code:?}: {done:?}"
            );
        }
        let able = person(3000, number);
        for code in needed {
            granted(services, &now, member(able), code.code(), None).await;
        }
        let who = || plain(&now, able, &[]);
        let done = attempt(services, &now, &who, action).await;
        assert!(done.is_ok(), "{action} with {needed:?}: {done:?}");
        // The table is there again for the next one.
        if action == Action::TableDelete {
            services.restore_table(&by(), &clan()).await.unwrap();
        }
        if action == Action::FieldEdit {
            services.add_field(&by(), field("Insignă")).await.unwrap();
        }
    }
    let report = services.verify_guild(super::guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
}

#[tokio::test]
async fn what_depends_on_what_is_asked_needs_the_code_of_that() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    stage(services, &now).await;
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
