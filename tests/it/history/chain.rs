//! The chain of events under concurrency: whole, gapless, and its time never goes back.

use punctaj::domain::name::{NameList, TableAddress};
use punctaj::service::points::Award;
use punctaj::service::sessions::Which;
use punctaj::service::{Request, ServiceError, Services};

use crate::support::db::{Interactions, TestDb};
use crate::support::replay::Oracle;

use super::explore::World;

const GUILDS: [i64; 2] = [1, 2];

fn award(points: i64) -> Award {
    let names = NameList::parse("Ana, Ion", 50).unwrap().into_items();
    Award {
        names,
        points,
        table: None,
        table_id: None,
        reason: None,
    }
}

async fn act(services: &Services, request: &Request, kind: usize) -> Result<(), ServiceError> {
    match kind % 11 {
        0 => services.log_in(request, None).await.map(drop),
        1 => services.log_out(request, &Which::Current).await.map(drop),
        2 => services.remove_points(request, award(9)).await.map(drop),
        _ => services.add_points(request, award(2)).await.map(drop),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_at_three_processes_make_one_chain_per_guild() {
    let (world, now) = (World::new().await, Interactions::new());
    for guild in GUILDS {
        let table = TableAddress::parse("Clan").unwrap();
        world
            .services
            .create_table(&now.by(guild, 1), table)
            .await
            .unwrap();
    }
    let third = world.another(3);
    let mut tasks = tokio::task::JoinSet::new();
    // As many at once as the processes have connections: none waits for one.
    for task in 0..6 {
        let services = [&world.services, &world.others, &third][task % 3].clone();
        let requests: Vec<_> = (0..40)
            .map(|index| {
                now.by(
                    GUILDS[(task / 3 + index) % 2],
                    i64::try_from(index % 7).unwrap(),
                )
            })
            .collect();
        tasks.spawn(async move {
            let mut results = Vec::new();
            for (index, request) in requests.iter().enumerate() {
                results.push(act(&services, request, task + index).await);
            }
            results
        });
    }
    // An entry or a session that is not there yet is an error; nothing else is.
    let expected = |error: &ServiceError| {
        matches!(
            error,
            ServiceError::UnknownNames { .. } | ServiceError::UnknownSession { .. }
        )
    };
    let results = tasks.join_all().await.into_iter().flatten();
    let failed = results.filter_map(Result::err);
    let unexpected: Vec<_> = failed.filter(|error| !expected(error)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    for guild in GUILDS {
        let mut oracle = Oracle::new(guild);
        world.read(&mut oracle, guild).await.unwrap();
        assert!(oracle.head() > 100, "{}", oracle.head());
        world.check(&oracle, guild).await.unwrap();
    }
}

#[tokio::test]
async fn the_time_of_effect_does_not_go_back_when_the_clock_does() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    db.services
        .create_table(&now.by(1, 1), TableAddress::parse("Clan").unwrap())
        .await
        .unwrap();
    let pool = db.superuser().await;
    // To the guild it looks as if the database's clock had been set back by ten minutes.
    let set_back = "update punctaj.guilds set applied_at = applied_at + interval '10 minutes' returning applied_at";
    let (latest,): (chrono::DateTime<chrono::Utc>,) =
        sqlx::query_as(set_back).fetch_one(&pool).await.unwrap();
    let first = db
        .services
        .add_points(&now.by(1, 1), award(1))
        .await
        .unwrap()
        .event;
    let second = db
        .services
        .add_points(&now.by(1, 2), award(1))
        .await
        .unwrap()
        .event;
    assert_eq!((first.applied_at, second.applied_at), (latest, latest));
    let report = db.services.verify(&now.by(1, 1)).await.unwrap();
    assert_eq!(report.problem, None);
}
