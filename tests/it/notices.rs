//! What must be told to others, as the services hand it out.

use punctaj::domain::ids::{ChannelId, Seq};
use punctaj::domain::name::TableAddress;
use punctaj::domain::session::SessionLimits;
use punctaj::service::Services;
use punctaj::service::notices::Told;
use punctaj::service::settings::Setting;

use crate::support::db::{Interactions, TestDb};

const GUILD: i64 = 5;
const ANA: i64 = 6;

async fn set_log(services: &Services, now: &Interactions, channel: i64) {
    let channel = Setting::LogChannel(ChannelId::from_db(channel));
    let request = now.by(GUILD, ANA);
    services.set_setting(&request, channel).await.unwrap();
}

#[tokio::test]
async fn one_connection_is_enough() {
    let db = TestDb::new().await;
    let services = TestDb::services_on(db.url(), 1, 1, SessionLimits::default());
    let now = Interactions::new();
    set_log(&services, &now, 7).await;
    for name in ["Clan", "Politie"] {
        let address = TableAddress::parse(name).unwrap();
        let request = now.by(GUILD, ANA);
        services.create_table(&request, address).await.unwrap();
    }
    let post = services.next_post().await.unwrap().unwrap();
    let told = |told: &Told| match told {
        Told::Edit(receipt) => receipt.event.seq,
        Told::Head { seq, .. } => *seq,
        Told::Overwritten { by, .. } => by.event.seq,
        Told::Board { .. }
        | Told::Role { .. }
        | Told::Outcome(_)
        | Told::Period(_)
        | Told::Warning(_) => {
            unreachable!("nothing of that kind")
        }
    };
    let seqs: Vec<Seq> = post.news.iter().map(told).collect();
    assert_eq!(seqs, [Seq(2), Seq(3), Seq(4)]);
    assert!(!services.posted(&post, None).await.unwrap());
    assert!(services.next_post().await.unwrap().is_none());
}

#[tokio::test]
async fn a_time_zone_that_the_database_does_not_know_stops_nobodys_log() {
    let db = TestDb::new().await;
    let now = Interactions::new();
    set_log(&db.services, &now, 7).await;
    sqlx::query("update punctaj.guilds set timezone = 'Mars/Base'")
        .execute(&db.superuser().await)
        .await
        .unwrap();
    for _ in 0..2 {
        db.services.queue_heads().await.unwrap();
    }
    let post = db.services.next_post().await.unwrap().unwrap();
    let heads = post
        .news
        .iter()
        .filter(|told| matches!(told, Told::Head { .. }));
    assert_eq!(heads.count(), 1);
}

#[tokio::test]
async fn a_channel_that_is_gone_is_news_once() {
    let db = TestDb::new().await;
    let now = Interactions::new();
    let mut news = Vec::new();
    set_log(&db.services, &now, 7).await;
    for problem in [Some("Unknown Channel"), Some("Unknown Channel"), None, None] {
        let address = TableAddress::parse(&format!("T{}", news.len())).unwrap();
        let request = now.by(GUILD, ANA);
        db.services.create_table(&request, address).await.unwrap();
        let post = db.services.next_post().await.unwrap().unwrap();
        news.push(db.services.posted(&post, problem).await.unwrap());
    }
    assert_eq!(news, [true, false, true, false]);
}
