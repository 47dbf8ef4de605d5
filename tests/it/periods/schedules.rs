//! Schedules, with the clock in the test's hands. Europe/Bucharest puts its clocks forward on 29 March
//! 2026 (03:00 becomes 04:00) and back on 25 October 2026 (04:00 becomes 03:00).

use chrono::{DateTime, TimeDelta, Utc};
use punctaj::domain::event::{Action, Event, Via};
use punctaj::domain::ids::ChannelId;
use punctaj::domain::name::{NameList, TableAddress};
use punctaj::domain::period::Every;
use punctaj::domain::session::SessionLimits;
use punctaj::service::notices::{Post, Told};
use punctaj::service::periods::{Day, Often, ScheduleOrder, SchedulePart};
use punctaj::service::points::Award;
use punctaj::service::settings::Setting;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{ServiceError, Services};
use sqlx::{Postgres, Transaction};

use crate::support::db::TestDb;

use super::{Story, clan, days, utc};

const CHANNEL: ChannelId = ChannelId::from_db(77);

/// Every Sunday at 03:30, which the clocks skip in spring and show twice in autumn.
fn sundays() -> ScheduleOrder {
    ScheduleOrder {
        every: Some(Often::Each(Every::Week)),
        day: Some(Day::OfWeek(7)),
        time: Some("03:30".to_owned()),
        channel: Some(CHANNEL),
        ..ScheduleOrder::default()
    }
}

async fn story() -> Story {
    let story = Story::begin("Ana, Ion").await;
    story.ranks().await;
    story.schedule(&story.now(), sundays()).await;
    story
}

async fn run(story: &Story, at: &str) {
    story.services().run_schedules_at(utc(at)).await.unwrap();
}

async fn due(story: &Story) -> Vec<DateTime<Utc>> {
    story.closings().await.into_iter().flatten().collect()
}

/// The reports and warnings that wait to be posted, in order; each is taken as posted.
async fn posted(services: &Services) -> Vec<Told> {
    let mut news = Vec::new();
    while let Some(post) = services.next_post().await.unwrap() {
        services.posted(&post, None).await.unwrap();
        news.extend(post.news);
    }
    news
}

#[tokio::test]
async fn each_sunday_is_closed_once_across_both_clock_changes() {
    let story = story().await;
    // Every half hour, a day before each run to a day after it.
    for sunday in ["2026-01-04", "2026-01-11"] {
        let from = utc(&format!("{sunday}T00:00:00Z"));
        for step in 0..48 {
            let at = from + TimeDelta::minutes(30 * step);
            story.services().run_schedules_at(at).await.unwrap();
        }
    }
    assert_eq!(
        due(&story).await,
        [utc("2026-01-04T01:30:00Z"), utc("2026-01-11T01:30:00Z")]
    );
    for sunday in [
        "2026-03-22",
        "2026-03-29",
        "2026-04-05",
        "2026-10-18",
        "2026-10-25",
        "2026-11-01",
    ] {
        let from = utc(&format!("{sunday}T00:00:00Z")) - TimeDelta::hours(2);
        for step in 0..48 {
            let at = from + TimeDelta::minutes(10 * step);
            story.services().run_schedules_at(at).await.unwrap();
        }
    }
    let told = [
        "2026-01-04T01:30:00Z",
        "2026-01-11T01:30:00Z",
        // Weeks in which nobody looked are one run.
        "2026-01-18T01:30:00Z",
        "2026-03-22T01:30:00Z",
        // 03:30 is skipped: at 04:00.
        "2026-03-29T01:00:00Z",
        "2026-04-05T00:30:00Z",
        "2026-04-12T00:30:00Z",
        "2026-10-18T00:30:00Z",
        // 03:30 comes twice: at the first.
        "2026-10-25T00:30:00Z",
        "2026-11-01T01:30:00Z",
    ];
    assert_eq!(due(&story).await, told.map(utc));
    let via = "select count(*) from punctaj.events where action = 'period.close' and via = 'schedule' and actor_id is null";
    let runs: i64 = sqlx::query_scalar(via)
        .fetch_one(&story.pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(runs).unwrap(), told.len());
    story.agrees().await;
}

#[tokio::test]
async fn a_bot_that_was_off_for_three_weeks_closes_once_and_says_how_late() {
    let story = story().await;
    run(&story, "2026-01-04T01:30:00Z").await;
    story.add("Ana", 7).await;
    assert_eq!(posted(story.services()).await.len(), 1);
    for at in [
        "2026-01-27T01:30:00Z",
        "2026-01-27T01:30:05Z",
        "2026-01-28T00:00:00Z",
    ] {
        run(&story, at).await;
    }
    assert_eq!(
        due(&story).await,
        [utc("2026-01-04T01:30:00Z"), utc("2026-01-11T01:30:00Z")]
    );
    let news = posted(story.services()).await;
    let [Told::Period(report)] = news.as_slice() else {
        panic!("{news:?}");
    };
    assert_eq!(report.period.late_by(), Some(days(16)));
    assert_eq!(
        (report.period.total, report.by, report.period.number),
        (7, None, 2)
    );
    // In time again.
    run(&story, "2026-02-01T01:31:00Z").await;
    let report = story.report(None).await.unwrap();
    assert_eq!((report.period.number, report.period.late_by()), (3, None));
    story.agrees().await;
}

#[tokio::test]
async fn many_processes_at_the_same_instant_close_once() {
    let story = story().await;
    let limits = SessionLimits::default();
    let others: Vec<Services> = (1..=6)
        .map(|seed| TestDb::services_on(story.db.url(), 3, 1000 + seed, limits))
        .collect();
    let mut expected = 0;
    for week in 0..12 {
        story.add("Ana", 1).await;
        let at = utc("2026-01-04T01:30:00Z") + days(7 * week);
        let all = others.iter().map(|services| services.run_schedules_at(at));
        for done in futures_util::future::join_all(all).await {
            done.unwrap();
        }
        expected += 1;
        assert_eq!(
            story.count(Action::PeriodClose).await,
            expected,
            "week {week}"
        );
    }
    assert_eq!(story.points().await, [0, 0]);
    story.agrees().await;
}

/// The guild's lock, which whoever works in it waits for.
async fn locked(story: &Story) -> Transaction<'static, Postgres> {
    let mut lock = story.pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(story.now().guild.db())
        .execute(&mut *lock)
        .await
        .unwrap();
    lock
}

/// Waits until so many are in line for a lock.
async fn in_line(story: &Story, count: i64) {
    let waiting = async || {
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
            where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
        let waiting = sqlx::query_scalar(waiting).fetch_one(&story.pool).await;
        waiting.is_ok_and(|waiting: i64| waiting == count)
    };
    crate::support::app::until("all in line", waiting).await;
}

#[tokio::test]
async fn what_was_set_while_a_process_waited_counts() {
    let story = story().await;
    let lock = locked(&story).await;
    let services = |seed| TestDb::services_on(story.db.url(), 2, seed, SessionLimits::default());
    let (one, other, request) = (services(1), services(2), story.now());
    // Somebody pauses it; behind them waits who has found it due.
    let off = ScheduleOrder {
        every: Some(Often::Off),
        ..ScheduleOrder::default()
    };
    let pausing =
        tokio::spawn(async move { one.set_schedule(&request, &clan(), off).await.map(drop) });
    in_line(&story, 1).await;
    let at = utc("2026-01-04T01:30:00Z");
    let running = tokio::spawn(async move { other.run_schedules_at(at).await });
    in_line(&story, 2).await;
    lock.rollback().await.unwrap();
    pausing.await.unwrap().unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(story.count(Action::PeriodClose).await, 0);
    story.agrees().await;
}

#[tokio::test]
async fn a_run_has_one_name_and_one_row() {
    let story = story().await;
    run(&story, "2026-01-04T01:30:00Z").await;
    let op = "select op_id from punctaj.events where action = 'period.close'";
    let op: String = sqlx::query_scalar(op).fetch_one(&story.pool).await.unwrap();
    assert_eq!(op, format!("schedule/{}/2026-01-04", story.table().await));
    let twice =
        "insert into punctaj.periods (guild_id, seq, op_id, table_id, number, closed_at, due_at,
            due_on, entries, total, structure)
        select guild_id, 1, 'another', table_id, 2, closed_at, due_at, due_on, 0, 0, structure
        from punctaj.periods";
    let twice = sqlx::query(twice).execute(&story.pool).await.unwrap_err();
    let refused = twice.as_database_error().and_then(|it| it.constraint());
    assert_eq!(refused, Some("periods_due_key"));
}

#[tokio::test]
async fn a_process_that_looked_before_another_closed_closes_nothing() {
    let story = story().await;
    // One has looked already, and waits for the guild's lock that the other has.
    let lock = locked(&story).await;
    let services =
        [1, 2].map(|seed| TestDb::services_on(story.db.url(), 2, seed, SessionLimits::default()));
    let at = utc("2026-01-04T01:30:00Z");
    let [one, other] =
        services.map(|services| tokio::spawn(async move { services.run_schedules_at(at).await }));
    in_line(&story, 2).await;
    lock.rollback().await.unwrap();
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(story.count(Action::PeriodClose).await, 1);
    story.agrees().await;
}

#[tokio::test]
async fn pausing_keeps_the_rest_and_nothing_is_made_up_for() {
    let story = story().await;
    let off = ScheduleOrder {
        every: Some(Often::Off),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), off).await;
    run(&story, "2026-02-20T00:00:00Z").await;
    let shown = story
        .services()
        .schedule(&story.now(), &clan())
        .await
        .unwrap();
    assert_eq!((shown.next, shown.channel), (None, Some(CHANNEL)));
    let again = ScheduleOrder {
        every: Some(Often::Each(Every::Week)),
        ..ScheduleOrder::default()
    };
    let mut request = story.now();
    request.at = utc("2026-02-20T12:00:00Z");
    story.schedule(&request, again).await;
    run(&story, "2026-02-21T00:00:00Z").await;
    assert!(due(&story).await.is_empty());
    request = story.now();
    request.at = utc("2026-02-21T00:00:00Z");
    let shown = story.services().schedule(&request, &clan()).await.unwrap();
    assert_eq!(shown.next, Some(utc("2026-02-22T01:30:00Z")));
    run(&story, "2026-02-22T01:30:00Z").await;
    assert_eq!(due(&story).await, [utc("2026-02-22T01:30:00Z")]);
    story.agrees().await;
}

#[tokio::test]
async fn a_schedule_is_an_event_that_is_undone_and_done_again() {
    let story = Story::begin("Ana").await;
    let missing = ScheduleOrder {
        time: Some("20:00".to_owned()),
        ..ScheduleOrder::default()
    };
    let services = story.services();
    let refused = services.set_schedule(&story.now(), &clan(), missing).await;
    assert!(matches!(refused, Err(ServiceError::NoSchedule { .. })));
    let set = story.schedule(&story.now(), sundays()).await;
    assert_eq!((set.action, set.via), (Action::PeriodSchedule, Via::Direct));
    let month = ScheduleOrder {
        every: Some(Often::Each(Every::Month)),
        warning: Some(5),
        ..ScheduleOrder::default()
    };
    let monthly = story.schedule(&story.now(), month).await;
    let shown = async || {
        let now = story.now();
        let shown = services.schedule(&now, &clan()).await.unwrap();
        shown.table.periods.schedule
    };
    assert_eq!(
        (shown().await.day, shown().await.warning),
        (Some(31), Some(5))
    );
    story.agrees().await;
    story.undo(monthly.seq).await.unwrap();
    assert_eq!((shown().await.day, shown().await.warning), (Some(7), None));
    let undone = story.undo(set.seq).await.unwrap().event;
    assert_eq!(shown().await.every, None);
    run(&story, "2026-03-01T01:30:00Z").await;
    assert!(due(&story).await.is_empty());
    story.agrees().await;
    story.undo(undone.seq).await.unwrap();
    assert_eq!(shown().await.every, Some(Every::Week));
    assert_eq!(shown().await.time.as_deref(), Some("03:30"));
    story.agrees().await;
    let named = ScheduleOrder {
        every: Some(Often::Each(Every::Month)),
        day: Some(Day::OfWeek(3)),
        ..ScheduleOrder::default()
    };
    let refused = services.set_schedule(&story.now(), &clan(), named).await;
    assert!(matches!(
        refused,
        Err(ServiceError::NoSuchDay {
            every: Every::Month
        })
    ));
    let eighth = ScheduleOrder {
        day: Some(Day::Numbered(8)),
        ..ScheduleOrder::default()
    };
    let refused = services.set_schedule(&story.now(), &clan(), eighth).await;
    assert!(matches!(
        refused,
        Err(ServiceError::NoSuchDay { every: Every::Week })
    ));
}

#[tokio::test]
async fn a_run_that_was_undone_is_not_made_again() {
    let story = story().await;
    story.add("Ana", 7).await;
    run(&story, "2026-01-04T01:30:00Z").await;
    let closed = story.report(None).await.unwrap().seq.unwrap();
    story.undo(closed).await.unwrap();
    run(&story, "2026-01-04T02:30:00Z").await;
    assert_eq!(story.points().await, [7, 0]);
    // Nor where the time of that day, or the time zone, is set anew.
    let later = ScheduleOrder {
        time: Some("23:00".to_owned()),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), later).await;
    run(&story, "2026-01-04T22:30:00Z").await;
    assert_eq!(story.points().await, [7, 0]);
    run(&story, "2026-01-11T21:00:00Z").await;
    assert_eq!(story.points().await, [0, 0]);
    let zone = Setting::Timezone("Europe/Berlin".parse().unwrap());
    story
        .services()
        .set_setting(&story.now(), zone)
        .await
        .unwrap();
    story.add("Ana", 7).await;
    run(&story, "2026-01-11T22:30:00Z").await;
    assert_eq!(story.points().await, [7, 0]);
    run(&story, "2026-01-18T22:00:00Z").await;
    assert_eq!(story.points().await, [0, 0]);
    story.agrees().await;
}

#[tokio::test]
async fn those_below_a_threshold_are_warned_once() {
    let story = story().await;
    for (name, points) in [("Ana", 4), ("Ion", 6)] {
        let rank = punctaj::service::entries::NewValue::Rank(Some("2".to_owned()));
        story.set(name, rank).await;
        story.add(name, points).await;
    }
    let warning = ScheduleOrder {
        warning: Some(5),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), warning).await;
    run(&story, "2026-01-03T20:29:59Z").await;
    assert!(posted(story.services()).await.is_empty());
    let second = TestDb::services_on(story.db.url(), 3, 5, SessionLimits::default());
    let at = utc("2026-01-03T20:30:00Z");
    for services in [story.services(), &second, story.services()] {
        services.run_schedules_at(at).await.unwrap();
    }
    let news = posted(story.services()).await;
    let [Told::Warning(warning)] = news.as_slice() else {
        panic!("{news:?}");
    };
    let below: Vec<_> = warning.below.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        (below, warning.due),
        (vec!["Ana"], utc("2026-01-04T01:30:00Z"))
    );
    // One that nobody posted before the closing says nothing any more.
    run(&story, "2026-01-04T01:30:00Z").await;
    run(&story, "2026-01-10T23:00:00Z").await;
    run(&story, "2026-01-11T01:30:00Z").await;
    let news = posted(story.services()).await;
    let warnings = news.iter().filter(|told| matches!(told, Told::Warning(_)));
    assert_eq!((warnings.count(), news.len()), (0, 2), "{news:?}");
    story.agrees().await;
}

#[tokio::test]
async fn a_deleted_table_is_not_closed_and_not_made_up_for() {
    let story = story().await;
    let services = story.services();
    services.delete_table(&story.now(), &clan()).await.unwrap();
    run(&story, "2026-01-04T01:30:00Z").await;
    services.restore_table(&story.now(), &clan()).await.unwrap();
    run(&story, "2026-01-05T00:00:00Z").await;
    assert!(due(&story).await.is_empty());
    story.agrees().await;
}

#[tokio::test]
async fn each_report_is_a_message_of_its_own() {
    let story = Story::begin("Ana").await;
    let services = story.services();
    let log = Setting::LogChannel(ChannelId::from_db(9));
    services.set_setting(&story.now(), log).await.unwrap();
    posted(services).await;
    for _ in 0..3 {
        story.add("Ana", 3).await;
        story.close().await;
    }
    story.add("Ana", 3).await;
    let mut posts = Vec::new();
    while let Some(post) = services.next_post().await.unwrap() {
        services.posted(&post, None).await.unwrap();
        posts.push(post.news);
    }
    let reports = |news: &Vec<Told>| {
        news.iter()
            .filter(|it| matches!(it, Told::Period(_)))
            .count()
    };
    let each: Vec<_> = posts.iter().map(|it| (it.len(), reports(it))).collect();
    // What was given and that it was closed, then the report.
    assert_eq!(
        each,
        [(2, 0), (1, 1), (2, 0), (1, 1), (2, 0), (1, 1), (1, 0)]
    );
    // In order.
    let numbers = posts.iter().flatten().filter_map(|told| match told {
        Told::Period(report) => Some(report.period.number),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn without_a_channel_the_log_has_the_report() {
    let story = Story::begin("Ana").await;
    let services = story.services();
    story.close().await;
    assert!(posted(services).await.is_empty(), "nobody reads it");
    let log = Setting::LogChannel(ChannelId::from_db(9));
    services.set_setting(&story.now(), log).await.unwrap();
    posted(services).await;
    story.add("Ana", 3).await;
    posted(services).await;
    story.close().await;
    let news = posted(services).await;
    assert!(
        matches!(news.as_slice(), [Told::Edit(_), Told::Period(_)]),
        "{news:?}"
    );
}

#[tokio::test]
async fn what_else_a_schedule_says_leaves_its_runs_as_they_are() {
    let story = story().await;
    // Nobody looked on the 4th.
    let mut request = story.now();
    request.at = utc("2026-01-05T00:00:00Z");
    let warning = ScheduleOrder {
        warning: Some(5),
        channel: Some(ChannelId::from_db(78)),
        ..ScheduleOrder::default()
    };
    let set = story.schedule(&request, warning).await;
    run(&story, "2026-01-05T00:00:01Z").await;
    assert_eq!(due(&story).await, [utc("2026-01-04T01:30:00Z")]);
    story.undo(set.seq).await.unwrap();
    run(&story, "2026-01-11T01:30:00Z").await;
    assert_eq!(due(&story).await.len(), 2);
    // The same again is no other schedule.
    request = story.now();
    request.at = utc("2026-01-19T00:00:00Z");
    story.schedule(&request, sundays()).await;
    run(&story, "2026-01-19T00:00:01Z").await;
    assert_eq!(due(&story).await.len(), 3);
    story.agrees().await;
}

#[tokio::test]
async fn another_time_zone_closes_nothing_at_once() {
    let story = story().await;
    let zone = async |zone: &str, at: &str| {
        let mut request = story.now();
        request.at = utc(at);
        let zone = Setting::Timezone(zone.parse().unwrap());
        let set = story.services().set_setting(&request, zone).await;
        set.unwrap().event
    };
    let next = async |at: &str| {
        let mut request = story.now();
        request.at = utc(at);
        let shown = story.services().schedule(&request, &clan()).await;
        shown.unwrap().next
    };
    let american = zone("America/New_York", "2026-01-03T12:00:00Z").await;
    assert_eq!(
        next("2026-01-04T02:00:00Z").await,
        Some(utc("2026-01-04T08:30:00Z"))
    );
    run(&story, "2026-01-04T02:00:00Z").await;
    // By the clocks of Bucharest it was due half an hour ago.
    let bucharest = zone("Europe/Bucharest", "2026-01-04T02:00:00Z").await;
    run(&story, "2026-01-04T02:00:01Z").await;
    assert!(due(&story).await.is_empty());
    let sunday = Some(utc("2026-01-11T01:30:00Z"));
    assert_eq!(next("2026-01-04T02:00:01Z").await, sunday);
    // An undo is another time zone too.
    let undo = async |event: &Event, at: &str| {
        let mut request = story.now();
        request.at = utc(at);
        let order = UndoOrder {
            event: Some(event.seq),
            force: Force::Ask,
            whose: Whose::Anybodys,
        };
        story.services().undo(&request, order).await.unwrap();
    };
    undo(&bucharest, "2026-01-04T03:00:00Z").await;
    undo(&american, "2026-01-04T04:00:00Z").await;
    run(&story, "2026-01-04T08:30:00Z").await;
    assert!(due(&story).await.is_empty());
    run(&story, "2026-01-11T01:30:00Z").await;
    assert_eq!(due(&story).await.into_iter().next(), sunday);
    story.agrees().await;
}

#[tokio::test]
async fn a_run_at_another_moment_has_a_warning_of_its_own() {
    let story = story().await;
    let rank = punctaj::service::entries::NewValue::Rank(Some("2".to_owned()));
    story.set("Ana", rank).await;
    let warning = ScheduleOrder {
        warning: Some(5),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), warning).await;
    run(&story, "2026-01-03T20:30:00Z").await;
    let warned = async || {
        let news = posted(story.services()).await;
        let due = |told| match told {
            Told::Warning(warning) => Some(warning.due),
            _ => None,
        };
        news.into_iter().filter_map(due).collect::<Vec<_>>()
    };
    assert_eq!(warned().await, [utc("2026-01-04T01:30:00Z")]);
    let later = ScheduleOrder {
        time: Some("10:00".to_owned()),
        ..ScheduleOrder::default()
    };
    let mut request = story.now();
    request.at = utc("2026-01-03T21:00:00Z");
    story.schedule(&request, later).await;
    run(&story, "2026-01-04T02:59:59Z").await;
    assert!(warned().await.is_empty());
    for _ in 0..2 {
        run(&story, "2026-01-04T03:00:00Z").await;
    }
    assert_eq!(warned().await, [utc("2026-01-04T08:00:00Z")]);
}

#[tokio::test]
async fn months_are_closed_by_their_schedule() {
    let story = Story::begin("Ana, Ion").await;
    story.ranks().await;
    let rank = punctaj::service::entries::NewValue::Rank(Some("2".to_owned()));
    story.set("Ana", rank).await;
    let monthly = ScheduleOrder {
        every: Some(Often::Each(Every::Month)),
        time: Some("20:00".to_owned()),
        channel: Some(CHANNEL),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), monthly).await;
    let mut totals = Vec::new();
    for (points, before, on) in [
        (20, "2026-01-31T17:59:59Z", "2026-01-31T18:00:00Z"),
        (3, "2026-02-28T17:59:59Z", "2026-02-28T18:00:00Z"),
        (9, "2026-03-31T16:59:59Z", "2026-03-31T17:00:00Z"),
    ] {
        story.add("Ana", points).await;
        run(&story, before).await;
        assert_eq!(due(&story).await.len(), totals.len());
        run(&story, on).await;
        totals.push(points);
        assert_eq!(due(&story).await.last(), Some(&utc(on)));
    }
    let news = posted(story.services()).await;
    let told = news.iter().map(|told| match told {
        Told::Period(report) => (
            report.period.total,
            report.promoted.len(),
            report.demoted.len(),
        ),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(20, 1, 0), (3, 0, 1), (9, 0, 0)]);
    assert_eq!(story.points().await, [0, 0]);
    story.agrees().await;
}

#[tokio::test]
async fn reports_of_several_tables_stand_in_one_channel() {
    let story = story().await;
    let services = story.services();
    let other = TableAddress::parse("Medici").unwrap();
    let created = services.create_table(&story.now(), other.clone()).await;
    created.unwrap();
    let set = services.set_schedule(&story.now(), &other, sundays()).await;
    set.unwrap();
    story.add("Ana", 7).await;
    let award = Award {
        names: NameList::parse("Radu", 1).unwrap().into_items(),
        points: 4,
        table: Some(other),
        table_id: None,
        reason: None,
    };
    services.add_points(&story.now(), award).await.unwrap();
    run(&story, "2026-01-04T01:30:00Z").await;
    let mut posts = Vec::new();
    while let Some(post) = services.next_post().await.unwrap() {
        services.posted(&post, None).await.unwrap();
        posts.push(post);
    }
    let report = |post: &Post| match post.news.as_slice() {
        [Told::Period(report)] => (report.table.name.clone(), report.period.total),
        other => panic!("{other:?}"),
    };
    let mut told: Vec<_> = posts.iter().map(report).collect();
    told.sort();
    assert_eq!(told, [("Clan".to_owned(), 7), ("Medici".to_owned(), 4)]);
}

#[tokio::test]
async fn a_preview_says_when_the_schedule_closes_again() {
    let story = Story::begin("Ana").await;
    assert_eq!(story.preview().await.next, None);
    story.schedule(&story.now(), sundays()).await;
    let next = Some(utc("2026-01-04T01:30:00Z"));
    assert_eq!(story.preview().await.next, next);
    story.close().await;
    assert_eq!(story.preview().await.next, next, "all the same");
    assert_eq!(story.report(None).await.unwrap().next, None);
}

#[tokio::test]
async fn what_a_schedule_has_is_taken_away_again() {
    let story = story().await;
    let warning = ScheduleOrder {
        warning: Some(5),
        ..ScheduleOrder::default()
    };
    story.schedule(&story.now(), warning).await;
    for part in [SchedulePart::Channel, SchedulePart::Warning] {
        let clear = ScheduleOrder {
            clear: Some(part),
            ..ScheduleOrder::default()
        };
        story.schedule(&story.now(), clear).await;
    }
    let shown = story.services().schedule(&story.now(), &clan()).await;
    let shown = shown.unwrap().table.periods.schedule;
    assert_eq!((shown.channel, shown.warning), (None, None));
    assert_eq!(shown.time.as_deref(), Some("03:30"));
    story.agrees().await;
}
