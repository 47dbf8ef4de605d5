//! A large table.

use std::time::Instant;

use super::Story;

const ENTRIES: i64 = 20_000;

#[tokio::test]
async fn many_entries_close_and_open_again() {
    let story = Story::begin("Ana").await;
    story.ranks().await;
    // As if they had been imported: what the history tells of them is no part of this.
    let table = story.table().await;
    sqlx::query(
        "insert into punctaj.entries (entry_id, guild_id, table_id, name, name_key, rank, points, stamps, created_at, created_op)
         select gen_random_uuid(), $1, $2, 'entry ' || n, 'entry ' || n, 2, n % 30, '{}', '2026-01-01', '1'
         from generate_series(1, $3) n",
    )
    .bind(super::GUILD)
    .bind(table.0)
    .bind(ENTRIES)
    .execute(&story.pool)
    .await
    .unwrap();
    let begun = Instant::now();
    let closed = story.close().await;
    println!("closed in {:?}", begun.elapsed());
    let told = closed.changes.len();
    assert!(told > 20_000, "{told}");
    let points = "select count(*) from punctaj.entries where points <> 0";
    let left: i64 = sqlx::query_scalar(points)
        .fetch_one(&story.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    let begun = Instant::now();
    let report = story.report(None).await.unwrap();
    println!("reported in {:?}", begun.elapsed());
    assert_eq!(report.period.entries, ENTRIES + 1);
    assert!(report.promoted.len() > 6_000 && report.demoted.len() > 3_000);
    let begun = Instant::now();
    story.undo(closed.seq).await.unwrap();
    println!("opened in {:?}", begun.elapsed());
    let sum: i64 = sqlx::query_scalar("select sum(points)::bigint from punctaj.entries")
        .fetch_one(&story.pool)
        .await
        .unwrap();
    assert_eq!(sum, (1..=ENTRIES).map(|n| n % 30).sum::<i64>());
}
