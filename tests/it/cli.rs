//! The real binary on the command line: what it refuses, how it says so, how it ends.

use std::process::Output;

use fake_discord::FakeDiscord;

use crate::support::app::{Process, TestApp, assert_says, command, view};
use crate::support::db::TestDb;

async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().unwrap();
    command()
        .args(arguments)
        .env("HOME", home.path())
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Arguments, variables, and what the error must name.
type Refusal<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

#[tokio::test]
async fn what_cannot_run_ends_with_a_clear_error_and_a_non_zero_code() {
    const TOKEN: (&str, &str) = ("DISCORD_TOKEN", "not.a.real-token");
    let cases: &[Refusal<'_>] = &[
        (
            &["run"],
            &[("PUNCTAJ_DATABASE_URL", "postgres://localhost/x")],
            &["DISCORD_TOKEN"],
        ),
        (
            &["run"],
            &[TOKEN, ("PUNCTAJ_DATABASE_URL", "localhost:5432")],
            &["PUNCTAJ_DATABASE_URL"],
        ),
        (
            &["run"],
            &[
                TOKEN,
                (
                    "PUNCTAJ_DATABASE_URL",
                    "postgres://u:hemlig@db.example.com:6543/x?sslmode=require",
                ),
            ],
            &["6543", "5432"],
        ),
        (
            &["run"],
            &[
                TOKEN,
                (
                    "PUNCTAJ_DATABASE_URL",
                    "postgres://u:hemlig@db.example.com/x?sslmode=disable",
                ),
            ],
            &["TLS", "PUNCTAJ_DATABASE_INSECURE"],
        ),
        (
            &["migrate"],
            &[
                ("SUPABASE_URL", "https://abc.supabase.co"),
                ("SUPABASE_SERVICE_KEY", "hemlig"),
            ],
            &["PUNCTAJ_DATABASE_URL"],
        ),
        (
            &["migrate"],
            &[("PUNCTAJ_DATABASE_URL", "postgres://u:hemlig@127.0.0.1:9/x")],
            &["can't be reached"],
        ),
        (&["dance"], &[], &["dance"]),
    ];
    for (arguments, variables, parts) in cases {
        let output = run(arguments, variables).await;
        let text = said(&output);
        assert!(!output.status.success(), "{arguments:?} {variables:?}");
        for part in *parts {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        assert!(!text.contains("hemlig"), "a secret is in:\n{text}");
    }
}

#[tokio::test]
async fn config_works_without_a_token_and_shows_no_secret() {
    let output = run(
        &["config"],
        &[
            (
                "PUNCTAJ_DATABASE_URL",
                "postgres://u:hemlig@db.example.com:6543/x",
            ),
            ("DISCORD_TOKEN", "hemlig"),
            ("PUNCTAJ_PRESENCE", "perhaps"),
        ],
    )
    .await;
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for part in [
        "DISCORD_TOKEN",
        "PUNCTAJ_DATABASE_URL",
        "environment",
        "6543",
        "PUNCTAJ_PRESENCE",
        "default",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains("hemlig"), "{text}");
}

#[tokio::test]
async fn a_refused_token_and_a_wrong_password_end_the_bot() {
    let (db, discord) = (TestDb::new().await, FakeDiscord::start().await.unwrap());
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let common = [
        ("DISCORD_API_URL", discord.url()),
        ("PUNCTAJ_DISCORD_RATELIMIT", "off"),
        ("PUNCTAJ_DATA_DIR", data),
    ];
    let with = |more: &[(&'static str, &'static str)]| [common.as_slice(), more].concat();
    let url: &'static str = Box::leak(db.url().to_owned().into_boxed_str());
    let refused = run(
        &["run"],
        &with(&[("DISCORD_TOKEN", "wrong"), ("PUNCTAJ_DATABASE_URL", url)]),
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("DISCORD_TOKEN"),
        "{}",
        said(&refused)
    );

    let mut wrong = url::Url::parse(url).unwrap();
    wrong.set_password(Some("wrong")).unwrap();
    let wrong: &'static str = Box::leak(wrong.to_string().into_boxed_str());
    let token: &'static str = Box::leak(discord.token().to_owned().into_boxed_str());
    let refused = run(
        &["run"],
        &with(&[("DISCORD_TOKEN", token), ("PUNCTAJ_DATABASE_URL", wrong)]),
    )
    .await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("password"), "{}", said(&refused));
    discord.stop().await;
}

#[tokio::test]
async fn the_real_binary_serves_verifies_and_stops_on_sigterm() {
    let app = TestApp::without_bot().await;
    let bot = Process::start(&app.discord, &app.db);
    app.discord.ready().await;
    let alice = app.moderator("alice");
    let phone = fake_discord::Device::phone("Telefon");
    alice
        .on(&phone)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let added = alice
        .on(&phone)
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert_says(&added, &["Ana", "0 → 5"]);
    assert_says(&view(&alice, &phone).await, &["Ana", "5"]);
    assert_eq!(bot.terminate().await, Some(0));

    let verified = run(&["verify"], &[("PUNCTAJ_DATABASE_URL", app.db.url())]).await;
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(
        said(&verified).contains("3 events agree"),
        "{}",
        said(&verified)
    );
    let pool = app.db.superuser().await;
    sqlx::raw_sql(
        "set session_replication_role = replica;
         create table kept as select changes from punctaj.events where seq = 3;
         update punctaj.events set changes = '[{}]' where seq = 3",
    )
    .execute(&pool)
    .await
    .unwrap();
    let verified = run(&["verify"], &[("PUNCTAJ_DATABASE_URL", app.db.url())]).await;
    assert_eq!(verified.status.code(), Some(1), "{}", said(&verified));
    let told = said(&verified);
    assert!(told.contains("event 3 can't be read"), "{told}");
    sqlx::raw_sql(
        "set session_replication_role = replica;
         update punctaj.events set changes = (select changes from kept) where seq = 3",
    )
    .execute(&pool)
    .await
    .unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_process() {
    let (db, discord) = (TestDb::new().await, FakeDiscord::start().await.unwrap());
    let data = tempfile::tempdir().unwrap();
    let _held = punctaj::config::DataDir::open(data.path()).unwrap();
    let output = run(
        &["run"],
        &[
            ("DISCORD_TOKEN", discord.token()),
            ("DISCORD_API_URL", discord.url()),
            ("PUNCTAJ_DATABASE_URL", db.url()),
            ("PUNCTAJ_DATA_DIR", data.path().to_str().unwrap()),
        ],
    )
    .await;
    assert!(!output.status.success());
    assert!(said(&output).contains("in use"), "{}", said(&output));
    discord.stop().await;
}
