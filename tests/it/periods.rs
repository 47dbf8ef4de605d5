//! Periods: closing by hand and by a schedule, what is kept of them, undoing, ranks.

mod bulk;
mod closing;
mod commands;
mod late;
mod ranks;
mod schedules;

use chrono::{DateTime, TimeDelta, Utc};
use punctaj::domain::event::{Action, Event};
use punctaj::domain::ids::{Seq, TableId};
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::service::entries::{Assignment, NewValue};
use punctaj::service::periods::{Pinned, Report, ScheduleOrder};
use punctaj::service::points::Award;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Receipt, Request, ServiceError, Services};
use sqlx::PgPool;

use crate::support::db::{Interactions, TestDb};
use crate::support::replay::Oracle;

const GUILD: i64 = 100;
const ANA: i64 = 1;

/// A guild with a table, and the words of these stories.
struct Story {
    db: TestDb,
    pool: PgPool,
    now: Interactions,
}

impl Story {
    async fn begin(names: &str) -> Self {
        let db = TestDb::new().await;
        let pool = db.superuser().await;
        let now = Interactions::new();
        let story = Self { db, pool, now };
        let table = story.services().create_table(&story.now(), clan()).await;
        table.unwrap();
        if !names.is_empty() {
            story.add(names, 0).await;
        }
        story
    }

    fn services(&self) -> &Services {
        &self.db.services
    }

    /// The next moment, to be used at once or later.
    fn now(&self) -> Request {
        self.now.by(GUILD, ANA)
    }

    async fn add(&self, names: &str, points: i64) -> Event {
        self.add_at(&self.now(), names, points).await
    }

    async fn add_at(&self, request: &Request, names: &str, points: i64) -> Event {
        let award = Award {
            names: NameList::parse(names, 50).unwrap().into_items(),
            points,
            table: Some(clan()),
            table_id: None,
            reason: None,
        };
        self.services()
            .add_points(request, award)
            .await
            .unwrap()
            .event
    }

    async fn set(&self, name: &str, value: NewValue) -> Event {
        self.set_at(&self.now(), name, value).await
    }

    async fn set_at(&self, request: &Request, name: &str, value: NewValue) -> Event {
        let order = Assignment {
            who: NameList::parse(name, 1).unwrap().into_items().remove(0),
            value,
            table: Some(clan()),
            table_id: None,
        };
        self.services().set(request, order).await.unwrap().event
    }

    /// Three ranks; one rises from 20 points on and falls below 5.
    async fn ranks(&self) {
        for (number, title) in [(1, "Recrut"), (2, "Membru"), (3, "Lider")] {
            let order = RankOrder {
                table: clan(),
                number,
                title: Name::parse(title).unwrap(),
                promote_at: Some(20),
                demote_below: Some(5),
                role: None,
            };
            self.services().set_rank(&self.now(), order).await.unwrap();
        }
    }

    async fn edit(&self, floor: Option<i64>, proposes: Option<bool>) {
        let edit = TableEdit {
            table: clan(),
            name: None,
            category: None,
            floor,
            private: None,
            proposes,
        };
        self.services().edit_table(&self.now(), edit).await.unwrap();
    }

    async fn preview(&self) -> Report {
        let preview = self.services().preview_close(&self.now(), &clan()).await;
        preview.unwrap()
    }

    async fn pinned(&self) -> Pinned {
        let preview = self.preview().await;
        Pinned {
            table: preview.table.id,
            number: preview.period.number,
        }
    }

    async fn close(&self) -> Event {
        let pinned = self.pinned().await;
        let closed = self.services().close_period(&self.now(), pinned).await;
        closed.unwrap().event
    }

    async fn undo(&self, event: Seq) -> Result<Receipt, ServiceError> {
        self.undo_with(event, Force::Ask).await
    }

    async fn undo_with(&self, event: Seq, force: Force) -> Result<Receipt, ServiceError> {
        let order = UndoOrder {
            event: Some(event),
            force,
            whose: Whose::Anybodys,
        };
        self.services().undo(&self.now(), order).await
    }

    async fn schedule(&self, request: &Request, order: ScheduleOrder) -> Event {
        let set = self.services().set_schedule(request, &clan(), order).await;
        set.unwrap().event
    }

    async fn report(&self, period: Option<i32>) -> Result<Report, ServiceError> {
        let now = self.now();
        self.services().period_report(&now, &clan(), period).await
    }

    /// Names, points and ranks.
    async fn rows(&self) -> Vec<(String, i64, Option<i32>)> {
        let rows =
            "select name, points, rank from punctaj.entries where deleted_at is null order by name";
        sqlx::query_as(rows).fetch_all(&self.pool).await.unwrap()
    }

    async fn points(&self) -> Vec<i64> {
        self.rows().await.into_iter().map(|row| row.1).collect()
    }

    /// When each closing was due, in order.
    async fn closings(&self) -> Vec<Option<DateTime<Utc>>> {
        let due = "select due_at from punctaj.periods order by seq";
        sqlx::query_scalar(due).fetch_all(&self.pool).await.unwrap()
    }

    async fn table(&self) -> TableId {
        let id = "select table_id from punctaj.tables";
        let id = sqlx::query_scalar(id).fetch_one(&self.pool).await;
        TableId(id.unwrap())
    }

    async fn count(&self, action: Action) -> i64 {
        let count = "select count(*) from punctaj.events where action = $1 and outcome = 'applied'";
        let count = sqlx::query_scalar(count).bind(action.as_str());
        count.fetch_one(&self.pool).await.unwrap()
    }

    /// The independent replay and the program's own verification both agree.
    async fn agrees(&self) {
        let oracle = Oracle::of(&self.pool, GUILD).await;
        oracle.compare(&self.pool).await.unwrap();
        let guild = self.now().guild;
        let report = self.services().verify_guild(guild).await.unwrap();
        assert_eq!(report.problem, None);
    }
}

fn clan() -> TableAddress {
    TableAddress::parse("Clan").unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}
