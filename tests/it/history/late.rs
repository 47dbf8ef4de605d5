//! Deliveries that come late, one story each: all of these went wrong once, and the sequences
//! found them.

use punctaj::domain::event::Outcome;
use punctaj::domain::ids::Seq;
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::points::Award;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Receipt, Request, ServiceError};

use crate::support::db::Interactions;
use crate::support::replay::Oracle;

use super::explore::World;

const GUILD: i64 = 100;

struct Story {
    world: World,
    now: Interactions,
}

impl Story {
    async fn begin(names: &str) -> Self {
        let story = Self {
            world: World::new().await,
            now: Interactions::new(),
        };
        let table = TableAddress::parse("Clan").unwrap();
        story
            .world
            .services
            .create_table(&story.now(), table)
            .await
            .unwrap();
        story.add(&story.now(), names, 10).await.unwrap();
        story
    }

    /// The next moment, to be used at once or later.
    fn now(&self) -> Request {
        self.now.by(GUILD, 1)
    }

    async fn add(
        &self,
        request: &Request,
        names: &str,
        points: i64,
    ) -> Result<Receipt, ServiceError> {
        let names = NameList::parse(names, 50).unwrap().into_items();
        let award = Award {
            names,
            points,
            table: None,
            table_id: None,
            reason: None,
        };
        self.world.services.add_points(request, award).await
    }

    async fn set(&self, request: &Request, name: &str, value: NewValue) -> Receipt {
        let who = NameList::parse(name, 1).unwrap().into_items().remove(0);
        self.world
            .services
            .set(
                request,
                Assignment {
                    who,
                    value,
                    table: None,
                    table_id: None,
                },
            )
            .await
            .unwrap()
    }

    async fn rename(&self, request: &Request, name: &str, to: &str) -> Receipt {
        self.set(request, name, NewValue::Name(Name::parse(to).unwrap()))
            .await
    }

    async fn delete(&self, request: &Request, names: &str) -> Receipt {
        let names = NameList::parse(names, 50).unwrap().into_items();
        self.world
            .services
            .delete(
                request,
                Deletion {
                    names,
                    table: None,
                    table_id: None,
                },
            )
            .await
            .unwrap()
    }

    async fn undo(&self, request: &Request, event: Seq) -> Receipt {
        let order = UndoOrder {
            event: Some(event),
            force: Force::Always,
            whose: Whose::Own,
        };
        self.world.services.undo(request, order).await.unwrap()
    }

    /// The live entries, after the oracle and the program's own verification agreed.
    async fn end(self) -> Vec<(String, i64)> {
        let mut oracle = Oracle::new(GUILD);
        self.world.read(&mut oracle, GUILD).await.unwrap();
        self.world.check(&oracle, GUILD).await.unwrap();
        sqlx::query_as(
            "select name, points from punctaj.entries where deleted_at is null order by name",
        )
        .fetch_all(&self.world.pool)
        .await
        .unwrap()
    }
}

fn entries(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected
        .iter()
        .map(|(name, points)| ((*name).to_owned(), *points))
        .collect()
}

#[tokio::test]
async fn deleting_what_was_deleted_later_is_superseded() {
    let story = Story::begin("Ana, Ion").await;
    let late = story.now();
    story.delete(&story.now(), "Ana").await;
    assert_eq!(
        story.delete(&late, "Ana").await.event.outcome,
        Outcome::Superseded
    );
    assert_eq!(story.end().await, entries(&[("Ion", 10)]));
}

#[tokio::test]
async fn deleting_what_was_brought_back_later_is_superseded() {
    let story = Story::begin("Ana").await;
    let deleted = story.delete(&story.now(), "Ana").await;
    let late = story.now();
    story.undo(&story.now(), deleted.event.seq).await;
    assert_eq!(
        story.delete(&late, "Ana").await.event.outcome,
        Outcome::Superseded
    );
    assert_eq!(story.end().await, entries(&[("Ana", 10)]));
}

#[tokio::test]
async fn undoing_an_award_that_was_overwritten_later_is_superseded() {
    let story = Story::begin("Ana").await;
    let added = story.add(&story.now(), "Ana", 5).await.unwrap();
    let late = story.now();
    story.set(&story.now(), "Ana", NewValue::Points(100)).await;
    assert_eq!(
        story.undo(&late, added.event.seq).await.event.outcome,
        Outcome::Superseded
    );
    assert_eq!(story.end().await, entries(&[("Ana", 100)]));
}

#[tokio::test]
async fn undoing_a_rename_does_not_touch_what_is_deleted() {
    let story = Story::begin("Ana, Ion").await;
    let renamed = story.rename(&story.now(), "Ana", "Anca").await;
    story.delete(&story.now(), "Anca").await;
    assert_eq!(
        story
            .undo(&story.now(), renamed.event.seq)
            .await
            .event
            .outcome,
        Outcome::Superseded
    );
    assert_eq!(story.end().await, entries(&[("Ion", 10)]));
}

#[tokio::test]
async fn names_that_changed_hands_mean_whom_they_meant_then() {
    let story = Story::begin("Ana, Ion").await;
    let late = story.now();
    for (name, to) in [("Ion", "Vlad"), ("Ana", "Ion")] {
        story.rename(&story.now(), name, to).await;
    }
    story.add(&late, "Ana, Ion", 5).await.unwrap();
    assert_eq!(story.end().await, entries(&[("Ion", 15), ("Vlad", 15)]));
}

#[tokio::test]
async fn an_award_dated_after_a_late_deletion_makes_a_new_entry() {
    let story = Story::begin("Ion").await;
    let created = story.add(&story.now(), "Ana", 5).await.unwrap();
    let (undo, late) = (story.now(), story.now());
    story.rename(&story.now(), "Ana", "Anca").await;
    story.undo(&undo, created.event.seq).await;
    let added = story.add(&late, "Ana", 3).await.unwrap();
    assert!(
        added.event.changes[0].is_creation(),
        "{:?}",
        added.event.changes
    );
    assert_eq!(story.end().await, entries(&[("Ana", 3), ("Ion", 10)]));
}
