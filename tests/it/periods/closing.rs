//! Closing by hand, and undoing it.

use punctaj::domain::event::Action;
use punctaj::domain::moment::Moment;
use punctaj::service::ServiceError;
use punctaj::service::entries::NewValue;
use punctaj::service::error::ConflictKind;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::verify::Problem;
use punctaj::service::view::ViewOrder;

use super::{Story, clan, days};

#[tokio::test]
async fn a_closing_keeps_the_rows_and_everybody_begins_anew() {
    let story = Story::begin("Ana, Ion, Zoe").await;
    story.add("Ana", 12).await;
    story.add("Ion", 3).await;
    let preview = story.preview().await;
    assert_eq!((preview.period.number, preview.period.total), (1, 15));
    assert_eq!(preview.idle, ["Zoe"]);
    let podium: Vec<_> = preview.podium.iter().map(|row| row.points).collect();
    assert_eq!(podium, [12, 3]);
    assert_eq!(
        story.points().await,
        [12, 3, 0],
        "a preview changes nothing"
    );

    let closed = story.close().await;
    assert_eq!(closed.action, Action::PeriodClose);
    assert_eq!(story.points().await, [0, 0, 0]);
    story.add("Zoe", 7).await;
    let report = story.report(None).await.unwrap();
    assert_eq!((report.period.number, report.period.total), (1, 15));
    assert_eq!((report.seq, report.idle.len()), (Some(closed.seq), 1));
    story.close().await;
    assert_eq!(story.report(None).await.unwrap().period.total, 7);
    assert_eq!(story.report(Some(1)).await.unwrap().period.total, 15);
    story.agrees().await;
}

#[tokio::test]
async fn the_floor_is_where_a_period_begins() {
    let story = Story::begin("").await;
    story.edit(Some(-10), None).await;
    story.add("Ana, Ion", 5).await;
    story.set("Ion", NewValue::Points(-4)).await;
    story.close().await;
    assert_eq!(story.points().await, [0, 0]);
    story.set("Ana", NewValue::Points(9)).await;
    story.set("Ion", NewValue::Points(9)).await;
    story.edit(Some(4), None).await;
    let closed = story.close().await;
    assert_eq!(story.points().await, [4, 4]);
    story.undo(closed.seq).await.unwrap();
    assert_eq!(story.points().await, [9, 9]);
    story.agrees().await;
}

#[tokio::test]
async fn two_confirms_close_once() {
    let story = Story::begin("Ana").await;
    story.add("Ana", 5).await;
    let (pinned, request) = (story.pinned().await, story.now());
    let (services, other) = (story.services(), story.now());
    let first = services.close_period(&request, pinned).await.unwrap();
    let again = services.close_period(&request, pinned).await.unwrap();
    assert!(again.repeated && again.event == first.event);
    let second = services.close_period(&other, pinned).await;
    let is_moved = |error: &ServiceError| {
        matches!(
            error,
            ServiceError::PeriodMoved {
                period: 1,
                open: 2,
                ..
            }
        )
    };
    assert!(second.as_ref().is_err_and(is_moved), "{second:?}");
    // At once, by many.
    let pinned = story.pinned().await;
    let requests: Vec<_> = (0..8).map(|_| story.now()).collect();
    let all = requests.iter().map(|it| services.close_period(it, pinned));
    let done = futures_util::future::join_all(all).await;
    assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(story.count(Action::PeriodClose).await, 2);
    story.agrees().await;
}

#[tokio::test]
async fn undoing_a_closing_keeps_what_was_earned_since() {
    let story = Story::begin("Ana, Ion").await;
    story.add("Ana", 12).await;
    let closed = story.close().await;
    story.add("Ana, Ion", 4).await;
    let reopened = story.undo(closed.seq).await.unwrap().event;
    assert_eq!(story.points().await, [16, 4]);
    assert!(matches!(
        story.report(None).await,
        Err(ServiceError::UnknownPeriod { last: None, .. })
    ));
    let twice = story.undo(closed.seq).await;
    assert!(matches!(twice, Err(ServiceError::AlreadyUndone { .. })));
    story.agrees().await;

    // Undoing that closes it again, with the rows that were kept.
    story.undo(reopened.seq).await.unwrap();
    assert_eq!(story.points().await, [4, 4]);
    assert_eq!(story.report(Some(1)).await.unwrap().period.total, 12);
    story.agrees().await;
}

#[tokio::test]
async fn only_the_last_closing_can_be_undone() {
    let story = Story::begin("Ana").await;
    story.add("Ana", 5).await;
    let first = story.close().await;
    let second = story.close().await;
    let refused = story.undo(first.seq).await;
    let is_not_last = |error: &ServiceError| {
        matches!(
            error,
            ServiceError::NotLastPeriod {
                period: 1,
                last: Some(2),
                ..
            }
        )
    };
    assert!(refused.as_ref().is_err_and(is_not_last), "{refused:?}");
    story.undo(second.seq).await.unwrap();
    let reopened = story.undo(first.seq).await.unwrap().event;
    assert_eq!(story.points().await, [5]);
    // The same number anew, and the old closing can't come back beside it.
    let anew = story.close().await;
    assert_eq!(story.report(None).await.unwrap().period.number, 1);
    let refused = story.undo(reopened.seq).await;
    assert!(matches!(refused, Err(ServiceError::NotLastPeriod { .. })));
    story.undo(anew.seq).await.unwrap();
    story.undo(reopened.seq).await.unwrap();
    assert_eq!(story.report(None).await.unwrap().seq, Some(first.seq));
    let now = story.now();
    let list = story.services().list_periods(&now, &clan(), 0).await;
    let list: Vec<_> = list.unwrap().closings;
    let told: Vec<_> = list.iter().map(|it| (it.seq, it.reopened)).collect();
    let expected = [(anew.seq, true), (second.seq, true), (first.seq, false)];
    assert_eq!(told, expected);
    story.agrees().await;
}

#[tokio::test]
async fn an_entry_that_went_since_is_asked_about() {
    let story = Story::begin("Ana, Ion").await;
    story.add("Ana", 5).await;
    let closed = story.close().await;
    let names = punctaj::domain::name::NameList::parse("Ana", 1).unwrap();
    let deletion = punctaj::service::entries::Deletion {
        names: names.into_items(),
        table: Some(clan()),
        table_id: None,
    };
    let now = story.now();
    let deleted = story.services().delete(&now, deletion).await.unwrap();
    let asked = story.undo(closed.seq).await;
    assert!(matches!(asked, Err(ServiceError::ChangedSince { .. })));
    story.undo_with(closed.seq, Force::Always).await.unwrap();
    story.undo(deleted.event.seq).await.unwrap();
    assert_eq!(story.points().await, [5, 0]);
    story.agrees().await;
}

#[tokio::test]
async fn a_closed_period_is_shown_and_exported_as_it_was() {
    let story = Story::begin("Ana, Ion").await;
    story.ranks().await;
    story.add("Ana", 12).await;
    story.set("Ana", NewValue::Rank(Some("2".to_owned()))).await;
    story.set("Ion", NewValue::Exempt(true)).await;
    story.close().await;
    story.set("Ana", NewValue::Rank(None)).await;
    let (services, now) = (story.services(), story.now());
    services.remove_rank(&now, &clan(), 2).await.unwrap();
    let order = ViewOrder {
        table: Some(clan()),
        period: Some(1),
        ..ViewOrder::default()
    };
    let page = services.view(&story.now(), &order).await.unwrap();
    assert_eq!((page.total, page.points, page.rows.len()), (2, 12, 2));
    let ana = &page.rows[0];
    assert_eq!(
        (ana.name.as_str(), ana.points, ana.rank),
        ("Ana", 12, Some(2))
    );
    assert_eq!(page.table.ranks[&2].title, "Membru");
    let exported = services.export_period(&story.now(), &clan(), 1).await;
    let (table, rows) = exported.unwrap();
    assert_eq!(table.ranks.len(), 3);
    let told: Vec<_> = rows.iter().map(|row| (row.points, row.exempt)).collect();
    assert_eq!(told, [(12, false), (0, true)]);
    let unknown = services.export_period(&story.now(), &clan(), 2).await;
    assert!(matches!(
        unknown,
        Err(ServiceError::UnknownPeriod {
            period: Some(2),
            last: Some(1),
            ..
        })
    ));
    // The past has it too.
    let order = ViewOrder {
        table: Some(clan()),
        at: Some(Moment::instant(chrono::Utc::now() + days(1))),
        ..ViewOrder::default()
    };
    let page = services.view(&story.now(), &order).await.unwrap();
    assert_eq!(page.points, 0);
    story.agrees().await;
}

#[tokio::test]
async fn a_table_that_goes_and_comes_keeps_its_periods() {
    let story = Story::begin("Ana").await;
    story.add("Ana", 12).await;
    story.close().await;
    let (services, now) = (story.services(), story.now());
    services.delete_table(&now, &clan()).await.unwrap();
    let pinned = punctaj::service::periods::Pinned {
        table: story.table().await,
        number: 2,
    };
    let gone = services.close_period(&story.now(), pinned).await;
    assert!(matches!(gone, Err(ServiceError::TableGone)));
    services.restore_table(&story.now(), &clan()).await.unwrap();
    assert_eq!(story.report(Some(1)).await.unwrap().period.total, 12);
    story.agrees().await;
}

#[tokio::test]
async fn somebody_who_may_not_close_does_not() {
    let story = Story::begin("Ana").await;
    story.add("Ana", 12).await;
    let pinned = story.pinned().await;
    let mut request = story.now();
    request.standing = punctaj::domain::access::Standing::default();
    let (services, address) = (story.services(), clan());
    let refused = services.close_period(&request, pinned).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    let refused = services.preview_close(&request, &address).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    let refused = services.schedule(&request, &address).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    assert_eq!(story.points().await, [12]);
    story.agrees().await;
}

#[tokio::test]
async fn what_was_kept_can_t_be_made_otherwise_unnoticed() {
    let story = Story::begin("Ana, Ion").await;
    story.add("Ana", 12).await;
    let closed = story.close().await.seq;
    let reopened = story.close().await.seq;
    story.undo(reopened).await.unwrap();
    story.agrees().await;
    let guild = story.now().guild;
    // Each is made, noticed, and put right.
    for (forge, mend) in [
        (
            "update punctaj.period_rows set points = 13 where points = 12",
            "update punctaj.period_rows set points = 12 where points = 13",
        ),
        (
            "update punctaj.period_rows set name = 'Ana2' where name = 'Ana'",
            "update punctaj.period_rows set name = 'Ana' where name = 'Ana2'",
        ),
        (
            "update punctaj.period_rows set exempt = not exempt",
            "update punctaj.period_rows set exempt = not exempt",
        ),
        (
            "update punctaj.periods set structure = jsonb_set(structure, '{name}', '\"X\"')",
            "update punctaj.periods set structure = jsonb_set(structure, '{name}', '\"Clan\"')",
        ),
        (
            "update punctaj.periods set reopened = not reopened",
            "update punctaj.periods set reopened = not reopened",
        ),
        (
            "update punctaj.periods set total = total + 1 where not reopened",
            "update punctaj.periods set total = total - 1 where not reopened",
        ),
        (
            "insert into punctaj.periods (guild_id, seq, op_id, table_id, number, closed_at, entries, total, structure, reopened)
             select guild_id, 1, op_id, table_id, 9, closed_at, 0, 0, structure, true from punctaj.periods limit 1",
            "delete from punctaj.periods where seq = 1",
        ),
    ] {
        sqlx::query(forge).execute(&story.pool).await.unwrap();
        let report = story.services().verify_guild(guild).await.unwrap();
        let problem = report.problem.unwrap_or_else(|| panic!("unnoticed: {forge}"));
        if forge.contains("rows") {
            let is_it = matches!(problem, Problem::WrongPeriod { seq, .. } if seq == closed);
            assert!(is_it, "{problem:?}");
        }
        sqlx::query(mend).execute(&story.pool).await.unwrap();
        story.agrees().await;
    }
}

#[tokio::test]
async fn points_of_a_period_that_was_closed_since_are_asked_about() {
    let story = Story::begin("Ana, Ion").await;
    let added = story.add("Ana", 12).await;
    let created = story.add("Zoe", 0).await;
    let closed = story.close().await;
    story.add("Ana", 20).await;
    let asked = story.undo(added.seq).await;
    let Err(ServiceError::ChangedSince { conflicts, .. }) = asked else {
        panic!("{asked:?}");
    };
    let [conflict] = conflicts.as_slice() else {
        panic!("{conflicts:?}");
    };
    let by = conflict.by.as_ref().map(|by| by.seq);
    assert_eq!(
        (conflict.kind, by),
        (ConflictKind::ClosedSince, Some(closed.seq))
    );
    assert_eq!(story.points().await, [20, 0, 0]);
    // It goes on for what was shown.
    let shown = Force::shown(&conflicts);
    let undone = story.undo_with(added.seq, shown).await.unwrap().event;
    assert_eq!(story.points().await, [8, 0, 0]);
    story.undo(undone.seq).await.unwrap();
    // Where no points move, there is nothing to ask.
    story.undo(created.seq).await.unwrap();
    // Nor where the period is open again.
    story.undo(closed.seq).await.unwrap();
    story.undo(added.seq).await.unwrap();
    assert_eq!(story.points().await, [20, 0]);
    story.agrees().await;
}

#[tokio::test]
async fn an_entry_that_comes_back_with_the_points_of_a_closed_period_is_asked_about() {
    let story = Story::begin("Ana, Ion").await;
    story.add("Ana", 12).await;
    let delete = async |name: &str| {
        let names = punctaj::domain::name::NameList::parse(name, 1).unwrap();
        let deletion = punctaj::service::entries::Deletion {
            names: names.into_items(),
            table: Some(clan()),
            table_id: None,
        };
        let deleted = story.services().delete(&story.now(), deletion).await;
        deleted.unwrap().event.seq
    };
    let (ana, ion) = (delete("Ana").await, delete("Ion").await);
    story.close().await;
    let asked = story.undo(ana).await;
    assert!(matches!(asked, Err(ServiceError::ChangedSince { .. })));
    story.undo(ion).await.unwrap();
    story.undo_with(ana, Force::Always).await.unwrap();
    assert_eq!(story.points().await, [12, 0]);
    story.agrees().await;
}

#[tokio::test]
async fn undo_walks_past_a_closing_that_is_not_the_last() {
    let story = Story::begin("").await;
    let added = story.add("Ana", 5).await;
    let own = story.close().await;
    let services = story.services();
    let pinned = story.pinned().await;
    let other = story.now.by(super::GUILD, 2);
    let later = services.close_period(&other, pinned).await.unwrap().event;
    let undo = async || {
        let order = UndoOrder {
            event: None,
            force: Force::Ask,
            whose: Whose::Own,
        };
        services.undo(&story.now(), order).await
    };
    let asked = undo().await;
    let is_before = |error: &ServiceError| matches!(error, ServiceError::ChangedSince { event, .. } if *event == added.seq);
    assert!(asked.as_ref().is_err_and(is_before), "{asked:?}");
    // Where it is the last one again, it is the next.
    story.undo(later.seq).await.unwrap();
    assert_eq!(undo().await.unwrap().event.undoes, Some(own.seq));
    assert_eq!(undo().await.unwrap().event.undoes, Some(added.seq));
    story.agrees().await;
}
