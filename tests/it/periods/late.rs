//! Edits that come late, over the barrier of a closing.

use punctaj::domain::event::Outcome;
use punctaj::service::entries::NewValue;

use super::Story;

#[tokio::test]
async fn a_set_dated_before_a_closing_comes_too_late_and_a_delta_counts() {
    let story = Story::begin("Ana").await;
    story.add("Ana", 12).await;
    let (late_set, late_add) = (story.now(), story.now());
    story.close().await;
    let set = story.set_at(&late_set, "Ana", NewValue::Points(100)).await;
    assert_eq!(set.outcome, Outcome::Superseded);
    assert_eq!(story.points().await, [0]);
    story.add_at(&late_add, "Ana", 5).await;
    assert_eq!(story.points().await, [5]);
    story.agrees().await;
}

#[tokio::test]
async fn what_comes_late_comes_to_the_same_in_any_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let story = Story::begin("Ana").await;
        let (add, set, more) = (story.now(), story.now(), story.now());
        story.close().await;
        for edit in order {
            match edit {
                0 => drop(story.add_at(&add, "Ana", 3).await),
                1 => drop(story.set_at(&set, "Ana", NewValue::Points(50)).await),
                _ => drop(story.add_at(&more, "Ana", 4).await),
            }
        }
        assert_eq!(story.points().await, [7], "{order:?}");
        story.agrees().await;
    }
}

#[tokio::test]
async fn a_base_of_a_closed_period_is_over() {
    let story = Story::begin("Ana").await;
    let late = story.now();
    story.set("Ana", NewValue::Points(50)).await;
    let closed = story.close().await;
    story.add_at(&late, "Ana", 3).await;
    assert_eq!(story.points().await, [3]);
    story.agrees().await;
    // Where the period is open again, its base counts again.
    let later = story.now();
    story.undo(closed.seq).await.unwrap();
    assert_eq!(story.points().await, [53]);
    story.set("Ana", NewValue::Points(10)).await;
    let event = story.add_at(&later, "Ana", 3).await;
    assert_eq!(event.outcome, Outcome::Superseded);
    story.agrees().await;
}

#[tokio::test]
async fn a_set_after_a_closing_loses_nothing_of_the_period_before() {
    let story = Story::begin("Ana").await;
    // Another device, which this one never saw.
    let mut other = story.now.by(super::GUILD, 2);
    story.add_at(&other, "Ana", 12).await;
    story.close().await;
    let set = story.set("Ana", NewValue::Points(5)).await;
    assert_eq!(set.overwrote, None);
    other = story.now.by(super::GUILD, 2);
    story.add_at(&other, "Ana", 1).await;
    let set = story.set("Ana", NewValue::Points(7)).await;
    assert_eq!(set.overwrote.map(|lost| lost.len()), Some(1));
    story.agrees().await;
}

#[tokio::test]
async fn a_base_that_is_dated_after_a_closing_goes_with_its_period_all_the_same() {
    let story = Story::begin("Ana, Ion").await;
    // Somebody confirms; before that is done, others set points, and one of them to nothing.
    let (closing, late) = (story.now(), story.now());
    story.set("Ana", NewValue::Points(50)).await;
    story.set("Ion", NewValue::Points(0)).await;
    let pinned = story.pinned().await;
    let services = story.services();
    services.close_period(&closing, pinned).await.unwrap();
    assert_eq!(story.report(None).await.unwrap().period.total, 50);
    story.add_at(&late, "Ana, Ion", 5).await;
    assert_eq!(story.points().await, [5, 5]);
    story.agrees().await;
}

#[tokio::test]
async fn a_late_set_counts_nothing_of_the_period_before() {
    let story = Story::begin("Ana").await;
    let (closing, late) = (story.now(), story.now());
    story.add("Ana", 7).await;
    let pinned = story.pinned().await;
    let services = story.services();
    services.close_period(&closing, pinned).await.unwrap();
    story.add("Ana", 2).await;
    story.set_at(&late, "Ana", NewValue::Points(30)).await;
    assert_eq!(story.points().await, [32]);
    story.agrees().await;
}
