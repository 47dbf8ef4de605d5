//! Who rises and falls by a closing.

use std::collections::BTreeMap;

use punctaj::domain::event::Action;
use punctaj::domain::ids::Seq;
use punctaj::domain::name::Name;
use punctaj::service::entries::NewValue;
use punctaj::service::error::ConflictKind;
use punctaj::service::tables::{RankOrder, RankPart};
use punctaj::service::undo::{Force, RanksLeft, UndoOrder, Whose};
use punctaj::service::{Receipt, ServiceError};

use super::{Story, clan};

/// Six people of the middle rank but for two, with points on both sides of the thresholds.
async fn story() -> Story {
    let story = Story::begin("Ana, Bob, Cip, Dan, Eva, Fane").await;
    story.ranks().await;
    for (name, rank, points) in [
        ("Ana", Some("2"), 20),
        ("Bob", Some("2"), 19),
        ("Cip", Some("2"), 4),
        ("Dan", Some("3"), 99),
        ("Eva", Some("1"), 0),
        ("Fane", None, 99),
    ] {
        let rank = NewValue::Rank(rank.map(str::to_owned));
        story.set(name, rank).await;
        story.add(name, points).await;
    }
    story
}

async fn ranks(story: &Story) -> Vec<Option<i32>> {
    story.rows().await.into_iter().map(|row| row.2).collect()
}

const BEFORE: [Option<i32>; 6] = [Some(2), Some(2), Some(2), Some(3), Some(1), None];
const AFTER: [Option<i32>; 6] = [Some(3), Some(2), Some(1), Some(3), Some(1), None];

#[tokio::test]
async fn a_closing_moves_each_by_one_rank_at_most() {
    let story = story().await;
    let preview = story.preview().await;
    let moved: Vec<_> = preview.promoted.iter().chain(&preview.demoted).collect();
    let told: Vec<_> = moved
        .iter()
        .map(|it| (it.name.as_str(), it.from, it.to))
        .collect();
    assert_eq!(told, [("Ana", Some(2), 3), ("Cip", Some(2), 1)]);
    let closed = story.close().await;
    assert_eq!(ranks(&story).await, AFTER);
    let report = story.report(None).await.unwrap();
    assert_eq!(
        (report.promoted, report.demoted),
        (preview.promoted, preview.demoted)
    );
    assert!(!report.proposes && report.period.proposed == BTreeMap::new());
    story.undo(closed.seq).await.unwrap();
    assert_eq!(ranks(&story).await, BEFORE);
    story.agrees().await;
}

#[tokio::test]
async fn a_rank_that_was_set_since_is_asked_about() {
    let story = story().await;
    let closed = story.close().await;
    story.set("Ana", NewValue::Rank(Some("1".to_owned()))).await;
    let asked = story.undo(closed.seq).await;
    let Err(ServiceError::ChangedSince { conflicts, .. }) = asked else {
        panic!("{asked:?}");
    };
    let names: Vec<_> = conflicts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["Ana"]);
    story.agrees().await;
}

#[tokio::test]
async fn who_is_exempt_keeps_the_rank_and_may_still_rise() {
    let story = story().await;
    for name in ["Ana", "Cip"] {
        story.set(name, NewValue::Exempt(true)).await;
    }
    story.close().await;
    let now = ranks(&story).await;
    assert_eq!((now[0], now[2]), (Some(3), Some(2)));
    let late = story.now();
    story.set("Cip", NewValue::Exempt(false)).await;
    story.set_at(&late, "Cip", NewValue::Exempt(true)).await;
    let closed = story.close().await;
    assert_eq!(ranks(&story).await[2], Some(1));
    story.undo(closed.seq).await.unwrap();
    story.agrees().await;
}

#[tokio::test]
async fn what_is_proposed_is_given_once_by_whoever_may() {
    let story = story().await;
    story.edit(None, Some(true)).await;
    let closed = story.close().await;
    assert_eq!(ranks(&story).await, BEFORE);
    let report = story.report(None).await.unwrap();
    assert!(report.is_pending() && report.promoted.len() == 1 && report.demoted.len() == 1);
    let services = story.services();
    let mut nobody = story.now();
    nobody.standing = punctaj::domain::access::Standing::default();
    let refused = services.apply_ranks(&nobody, closed.seq).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));

    // Who was given another rank meanwhile keeps it.
    story.set("Cip", NewValue::Rank(Some("3".to_owned()))).await;
    let applied = services
        .apply_ranks(&story.now(), closed.seq)
        .await
        .unwrap()
        .event;
    assert_eq!(applied.action, Action::RankApply);
    let now = ranks(&story).await;
    assert_eq!((now[0], now[2]), (Some(3), Some(3)));
    let report = story.report(None).await.unwrap();
    assert!(
        !report.is_pending() && report.promoted.len() == 1,
        "the report stays"
    );
    let twice = services.apply_ranks(&story.now(), closed.seq).await;
    assert!(matches!(
        twice,
        Err(ServiceError::NothingProposed { period: 1, .. })
    ));
    story.agrees().await;

    let undone = story.undo(applied.seq).await.unwrap().event;
    assert_eq!(ranks(&story).await[0], Some(2));
    assert!(story.report(None).await.unwrap().is_pending());
    story.agrees().await;
    story.undo(undone.seq).await.unwrap();
    assert_eq!(ranks(&story).await[0], Some(3));
    assert!(!story.report(None).await.unwrap().is_pending());
    story.agrees().await;
}

#[tokio::test]
async fn who_goes_on_leave_before_the_ranks_are_applied_does_not_fall() {
    let story = story().await;
    story.edit(None, Some(true)).await;
    let closed = story.close().await;
    for name in ["Ana", "Cip"] {
        story.set(name, NewValue::Exempt(true)).await;
    }
    let services = story.services();
    services
        .apply_ranks(&story.now(), closed.seq)
        .await
        .unwrap();
    let now = ranks(&story).await;
    assert_eq!((now[0], now[2]), (Some(3), Some(2)));
    story.agrees().await;
}

#[tokio::test]
async fn what_an_undone_closing_proposed_is_not_given() {
    let story = story().await;
    story.edit(None, Some(true)).await;
    let closed = story.close().await;
    let reopened = story.undo(closed.seq).await.unwrap().event;
    let services = story.services();
    let refused = services.apply_ranks(&story.now(), closed.seq).await;
    assert!(matches!(refused, Err(ServiceError::NothingProposed { .. })));
    story.undo(reopened.seq).await.unwrap();
    let applied = services
        .apply_ranks(&story.now(), closed.seq)
        .await
        .unwrap()
        .event;
    // The closing goes while the ranks stay, and what gave them can still be undone.
    story.undo(closed.seq).await.unwrap();
    story.agrees().await;
    assert_eq!(ranks(&story).await[0], Some(3));
    story.undo(applied.seq).await.unwrap();
    assert_eq!(ranks(&story).await, BEFORE);
    story.agrees().await;
    // A rank that is gone by then is not given.
    story.edit(None, Some(true)).await;
    let closed = story.close().await;
    services
        .remove_rank(&story.now(), &clan(), 3)
        .await
        .unwrap();
    services
        .apply_ranks(&story.now(), closed.seq)
        .await
        .unwrap();
    assert_eq!(ranks(&story).await[0], Some(2));
    story.agrees().await;
}

/// Those in the way of an undo, each with the event that put it there.
fn conflicts(asked: Result<Receipt, ServiceError>) -> Vec<(ConflictKind, Option<Seq>)> {
    let conflicts = match asked {
        Err(ServiceError::ChangedSince { conflicts, .. }) => conflicts,
        _ => Vec::new(),
    };
    let told = conflicts.iter();
    told.map(|it| (it.kind, it.by.as_ref().map(|by| by.seq)))
        .collect()
}

#[tokio::test]
async fn an_undo_proposes_nothing_in_the_name_of_another_closing() {
    let story = story().await;
    story.edit(None, Some(true)).await;
    let services = story.services();
    let apply = async |closing| {
        let applied = services.apply_ranks(&story.now(), closing).await;
        applied.unwrap().event
    };
    let first = story.close().await;
    let applied = apply(first.seq).await;
    let reopened = story.undo(first.seq).await.unwrap().event;
    // Brought back, it is the same closing.
    story.undo(reopened.seq).await.unwrap();
    let undone = story.undo(applied.seq).await.unwrap().event;
    assert!(story.report(None).await.unwrap().is_pending());
    story.undo(undone.seq).await.unwrap();
    assert!(!story.report(None).await.unwrap().is_pending());
    // Closed anew under the same number, it is another one.
    story.undo(first.seq).await.unwrap();
    story.add("Bob", 1).await;
    let second = story.close().await;
    let proposed = async || story.report(Some(1)).await.unwrap().period.proposed;
    let before = proposed().await;
    assert_eq!(before.values().collect::<Vec<_>>(), [&3], "Bob rises");
    let asked = conflicts(story.undo(applied.seq).await);
    assert_eq!(asked, [(ConflictKind::ClosedAnew, Some(second.seq))]);
    story.undo_with(applied.seq, Force::Always).await.unwrap();
    assert_eq!(proposed().await, before);
    let now = ranks(&story).await;
    assert_eq!((now[0], now[2]), (Some(2), Some(2)));
    story.agrees().await;
}

#[tokio::test]
async fn an_undone_closing_says_which_ranks_stay() {
    let story = story().await;
    story.edit(None, Some(true)).await;
    let closed = story.close().await;
    let services = story.services();
    let applied = services.apply_ranks(&story.now(), closed.seq).await;
    let applied = applied.unwrap().event.seq;
    let order = UndoOrder {
        event: Some(closed.seq),
        force: Force::Ask,
        whose: Whose::Anybodys,
    };
    let left = |names: &[&str]| {
        Some(RanksLeft {
            event: applied,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    let preview = services.preview_undo(&story.now(), order.clone()).await;
    assert_eq!(preview.unwrap().left, left(&["Ana", "Cip"]));
    // Who has another rank by now does not keep that one.
    story.set("Ana", NewValue::Rank(Some("1".to_owned()))).await;
    let request = story.now();
    for repeated in [false, true] {
        let undone = services.undo(&request, order.clone()).await.unwrap();
        assert_eq!((undone.repeated, undone.left), (repeated, left(&["Cip"])));
    }
    // They were taken back before: nothing stays.
    story.undo_with(applied, Force::Always).await.unwrap();
    let again = story.close().await;
    assert_eq!(story.undo(again.seq).await.unwrap().left, None);
}

#[tokio::test]
async fn who_is_on_leave_is_not_named_for_earning_nothing() {
    let story = Story::begin("Ana, Ion").await;
    assert_eq!(story.preview().await.idle, ["Ana", "Ion"]);
    story.set("Ana", NewValue::Exempt(true)).await;
    assert_eq!(story.preview().await.idle, ["Ion"]);
    story.close().await;
    assert_eq!(story.report(None).await.unwrap().idle, ["Ion"]);
}

#[tokio::test]
async fn what_a_rank_has_is_taken_away_again() {
    let story = Story::begin("").await;
    let services = story.services();
    let order = |promote_at, demote_below| RankOrder {
        table: clan(),
        number: 1,
        title: Name::parse("Recrut").unwrap(),
        promote_at,
        demote_below,
        role: None,
    };
    let rank = async || {
        let table = services.table(&story.now(), &clan()).await.unwrap();
        let rank = table.ranks.get(&1).cloned().unwrap();
        (rank.promote_at, rank.demote_below)
    };
    let set = order(Some(20), Some(5));
    services.set_rank(&story.now(), set).await.unwrap();
    let set = async |order, without| {
        let now = story.now();
        services.set_rank_without(&now, order, Some(without)).await
    };
    let cleared = set(order(None, None), RankPart::PromoteAt).await.unwrap();
    assert_eq!(rank().await, (None, Some(5)));
    set(order(None, None), RankPart::DemoteBelow).await.unwrap();
    assert_eq!(rank().await, (None, None));
    story.agrees().await;
    story.undo(cleared.event.seq).await.unwrap();
    assert_eq!(rank().await, (Some(20), None));
    // What is given anew is given.
    set(order(Some(8), None), RankPart::PromoteAt)
        .await
        .unwrap();
    assert_eq!(rank().await, (Some(8), None));
    story.agrees().await;
}
