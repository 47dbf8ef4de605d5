//! Who rises and falls by a closing.

use std::collections::BTreeMap;

use punctaj::domain::event::Action;
use punctaj::service::ServiceError;
use punctaj::service::entries::NewValue;

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
