//! Two devices at once: what one replaces without having seen it is not lost, whoever wrote it and
//! on whichever process; and what a device missed is told to it.

use std::time::Duration;

use fake_discord::{Device, Member, Reply};
use serde_json::Value;

use crate::support::app::{TestApp, all_told, assert_hides, assert_says, until, view};

pub async fn on<'a>(
    who: &Member,
    device: &Device,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(device).slash(command, options).await
}

/// A login, so that a person's devices are told apart.
pub async fn log_in(who: &Member, device: &Device) {
    on(
        who,
        device,
        "punctaj session login",
        [("device", device.label())],
    )
    .await;
}

/// Works in that session, as a person does who takes that device in hand.
pub async fn take(who: &Member, device: &Device) {
    on(
        who,
        device,
        "punctaj session use",
        [("session", device.label())],
    )
    .await;
}

pub async fn set(who: &Member, device: &Device, name: &str, field: &str, value: &str) -> Reply {
    let options = [("name", name), ("field", field), ("value", value)];
    on(who, device, "punctaj set", options).await
}

/// What a person was told directly, once there are that many messages.
pub async fn told(app: &TestApp, who: &Member, count: usize) -> Vec<Reply> {
    let enough = async || app.discord.dms(who).len() >= count;
    until("direct messages", enough).await;
    app.discord.dms(who)
}

/// What the newest event replaced.
pub async fn overwrote(app: &TestApp) -> Value {
    let pool = app.db.superuser().await;
    let query = "select coalesce(overwrote, 'null') from punctaj.events order by seq desc limit 1";
    sqlx::query_scalar(query).fetch_one(&pool).await.unwrap()
}

pub async fn with_entry(app: &TestApp, who: &Member) {
    let pc = Device::desktop("setup");
    on(who, &pc, "punctaj-admin table create", [("table", "T")]).await;
    on(
        who,
        &pc,
        "punctaj add",
        [("names", "Ion"), ("points", "10")],
    )
    .await;
    let rank = [("table", "T"), ("rank", "1"), ("title", "Cadet")];
    on(who, &pc, "punctaj-admin rank set", rank).await;
    let field = [("table", "T"), ("field", "Callsign")];
    on(who, &pc, "punctaj-admin field add", field).await;
    all_told(app).await;
}

#[tokio::test]
async fn a_value_replaced_unseen_is_told_and_comes_back_by_a_tap() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    view(&ana, &phone).await;
    view(&bob, &pc).await;

    for (field, first, second, back) in [
        ("Callsign", "A-1", "B-2", "B-2 → A-1"),
        ("rank", "Cadet", "-", "— → Cadet"),
        ("points", "50", "7", "7 → 50"),
    ] {
        view(&ana, &phone).await;
        let mine = set(&ana, &phone, "Ion", field, first).await;
        assert_hides(&mine, &["another device"]);
        assert_eq!(
            overwrote(&app).await,
            Value::Null,
            "{field}: what was seen is no conflict"
        );
        let before = app.discord.dms(&ana).len();
        let theirs = set(&bob, &pc, "Ion", field, second).await;
        assert_says(
            &theirs,
            &["Replaced what another device had written", first],
        );
        let lost = overwrote(&app).await;
        assert_eq!(lost[0]["field"], field, "{lost}");
        let dm = told(&app, &ana, before + 1).await.pop().unwrap();
        assert!(
            dm.content().contains("Ion") && dm.content().contains(first),
            "{}",
            dm.content()
        );
        assert!(dm.pings().is_empty() && dm.has_button("Restore mine"));
        let restored = ana.on(&phone).click(&dm, "Restore mine").await;
        assert_says(&restored, &[back]);
        // Bob saw what he wrote; that it was taken back he is told in his turn.
        told(&app, &bob, 1).await;
        view(&bob, &pc).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn two_devices_of_one_person_at_the_same_moment_on_two_processes() {
    let mut app = TestApp::start().await;
    let ana = app.moderator("ana");
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    log_in(&ana, &phone).await;
    log_in(&ana, &pc).await;
    take(&ana, &phone).await;
    let mut other = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let one = set(&ana, &phone, "Ion", "Callsign", "from the phone").await;
    assert_says(&one, &["from the phone"]);
    // Whoever was slower is done: else it might take the other device in hand again.
    other.stop_bot().await;
    app.restart_bot().await;
    take(&ana, &pc).await;
    other.start_bot().await;
    app.discord.connected(2).await;
    let two = set(&ana, &pc, "Ion", "Callsign", "from the PC").await;
    assert_says(
        &two,
        &[
            "from the phone → from the PC",
            "Replaced what another device",
        ],
    );
    let dm = told(&app, &ana, 1).await.remove(0);
    let restored = ana.on(&phone).click(&dm, "Restore mine").await;
    assert_says(&restored, &["from the PC → from the phone"]);
    all_told(&app).await;
    other.stop_bot().await;
    other.forget();
    app.stop_bot().await;
    let refusals = app.discord.refusals();
    assert!(
        refusals.iter().all(|refusal| refusal.code == 40060),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    app.finish().await;
}

#[tokio::test]
async fn points_given_by_two_at_once_are_no_conflict() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let five = [("names", "Ion"), ("points", "5")];
    let three = [("names", "Ion"), ("points", "3")];
    let (one, two) = (
        ana.on(&phone).slash_start("punctaj add", five),
        bob.on(&pc).slash_start("punctaj add", three),
    );
    for reply in [one.answer().await, two.answer().await] {
        assert_hides(&reply, &["Replaced"]);
    }
    assert_says(&view(&ana, &phone).await, &["18"]);
    assert_eq!(overwrote(&app).await, Value::Null);

    // A table that was looked at hides nothing about another one.
    on(
        &ana,
        &phone,
        "punctaj-admin table create",
        [("table", "Other")],
    )
    .await;
    set_in(&bob, &pc, "T", "9").await;
    on(&ana, &phone, "punctaj view", [("table", "Other")]).await;
    let blind = set_in(&ana, &phone, "T", "11").await;
    assert_says(&blind, &["Replaced what another device had written", "9"]);
    all_told(&app).await;
    app.finish().await;
}

async fn set_in(who: &Member, device: &Device, table: &str, callsign: &str) -> Reply {
    let options = [
        ("name", "Ion"),
        ("field", "Callsign"),
        ("value", callsign),
        ("table", table),
    ];
    on(who, device, "punctaj set", options).await
}

#[tokio::test]
async fn who_takes_no_direct_messages_is_told_in_the_log_channel_or_with_the_next_command() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    ana.close_dms(true);
    set(&ana, &phone, "Ion", "Callsign", "mine").await;
    view(&bob, &pc).await;
    set(&ana, &phone, "Ion", "Callsign", "mine too").await;
    set(&bob, &pc, "Ion", "Callsign", "his").await;
    all_told(&app).await;
    assert!(app.discord.dms(&ana).is_empty());
    let next = on(
        &ana,
        &phone,
        "punctaj add",
        [("names", "Ion"), ("points", "1")],
    )
    .await;
    let id = next.interaction_id().unwrap();
    let follow_up = follow_up(&app, id).await;
    assert!(
        follow_up.content().contains("mine too"),
        "{}",
        follow_up.content()
    );
    assert!(follow_up.is_ephemeral() && follow_up.has_button("Restore mine"));
    let restored = ana.on(&phone).click(&follow_up, "Restore mine").await;
    assert_says(&restored, &["his → mine too"]);
    told(&app, &bob, 1).await;

    // Somebody else's button.
    let log = app.guild.channel("log");
    let set_log = [("channel", &*log.mention())];
    on(&bob, &pc, "punctaj-admin settings log-channel", set_log).await;
    set(&bob, &pc, "Ion", "Callsign", "his again").await;
    all_told(&app).await;
    let notice = log
        .messages()
        .into_iter()
        .find(|message| message.has_button("Restore mine"))
        .expect("a notice in the log channel");
    assert_eq!(notice.pings(), [ana.mention()]);
    let refused = bob.on(&pc).click(&notice, "Restore mine").await;
    assert_says(&refused, &["somebody else's"]);
    ana.on(&phone).click(&notice, "Restore mine").await;
    assert_says(&view(&ana, &phone).await, &["mine too"]);
    all_told(&app).await;
    // Discord refused two direct messages.
    let mut app = app;
    app.expect_refusals(2);
    app.finish().await;
}

async fn follow_up(app: &TestApp, interaction: u64) -> Reply {
    for _ in 0..600 {
        if let Some(reply) = app.discord.follow_ups(interaction).pop() {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("a follow-up was expected");
}

#[tokio::test]
async fn a_device_that_was_away_is_told_what_it_missed() {
    let mut app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    log_in(&ana, &phone).await;
    let own = on(
        &ana,
        &phone,
        "punctaj add",
        [("names", "Ion"), ("points", "1")],
    )
    .await;
    assert_hides(&own, &["meanwhile"]);
    for name in ["Maria", "Vasile", "Elena"] {
        on(&bob, &pc, "punctaj add", [("names", name), ("points", "2")]).await;
    }
    let back = view(&ana, &phone).await;
    assert_says(
        &back,
        &[
            "3 changes were made on other devices meanwhile",
            "/punctaj news",
        ],
    );
    let again = on(
        &ana,
        &phone,
        "punctaj add",
        [("names", "Ion"), ("points", "1")],
    )
    .await;
    assert_hides(&again, &["meanwhile"]);
    let news = on(&ana, &phone, "punctaj news", []).await;
    assert_says(
        &news,
        &["3 changes since you last asked", "Maria", "Vasile", "Elena"],
    );
    assert_hides(&news, &["Ion"]);
    let none = on(&ana, &phone, "punctaj news", []).await;
    assert_says(&none, &["Nothing changed"]);
    on(
        &bob,
        &pc,
        "punctaj add",
        [("names", "Maria"), ("points", "2")],
    )
    .await;
    let one = on(
        &ana,
        &phone,
        "punctaj add",
        [("names", "Ion"), ("points", "1")],
    )
    .await;
    assert_says(&one, &["One change was made"]);
    // An answer that Discord does not take has shown nothing.
    app.discord.fail_next("POST", "/callback", 400, 50035, 1);
    let failed = ana.on(&phone).slash_start("punctaj news", []);
    let id = failed.interaction_id();
    until("the answer", async || !app.discord.attempts(id).is_empty()).await;
    // A shutdown waits until that is noted.
    app.restart_bot().await;
    let news = on(&ana, &phone, "punctaj news", []).await;
    assert_says(&news, &["One change since you last asked", "Maria"]);
    app.finish().await;
}

/// Two people rename Ion, Bob a moment after Ana, through two bots; what each is answered.
async fn renamed_by_two(app: &TestApp, ana: &Member, reversed: bool) -> (Reply, Reply) {
    let bob = app.moderator("bob");
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(app, ana).await;
    view(ana, &phone).await;
    view(&bob, &pc).await;
    let moment = chrono::Utc::now();
    let options = |to| [("name", "Ion"), ("field", "name"), ("value", to)];
    let first = || {
        let acting = ana.on(&phone).at(moment);
        acting.slash_start("punctaj set", options("Ioan"))
    };
    let second = || {
        let acting = bob.on(&pc).at(moment + chrono::TimeDelta::milliseconds(1));
        acting.slash_start("punctaj set", options("Ionuț"))
    };
    if reversed {
        let second = second().answer().await;
        (first().answer().await, second)
    } else {
        let first = first().answer().await;
        (first, second().answer().await)
    }
}

#[tokio::test]
async fn the_later_of_two_names_wins_whichever_comes_first_and_the_other_is_a_tap_away() {
    for reversed in [false, true] {
        let mut app = TestApp::start().await;
        let mut other = TestApp::beside(&app).await;
        app.discord.connected(2).await;
        let (ana, phone) = (app.moderator("ana"), Device::phone("Telefon"));
        let (first, second) = renamed_by_two(&app, &ana, reversed).await;
        assert_says(&second, &["→ Ionuț"]);
        let shown = view(&ana, &phone).await;
        assert_says(&shown, &["Ionuț"]);
        assert_hides(&shown, &["Ioan "]);

        // Both are in the history, whichever was there first.
        let pool = app.db.superuser().await;
        let tried: Vec<String> = sqlx::query_scalar(
            "select changes -> 0 ->> 'after' from punctaj.events where action = 'entry.set' order by at",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(tried, ["Ioan", "Ionuț"]);
        let (offer, said) = if reversed {
            (first, "Ioan came too late; a later edit holds Ionuț")
        } else {
            assert_says(&first, &["Ion → Ioan"]);
            assert_says(&second, &["Replaced what another device", "Ioan → Ionuț"]);
            (told(&app, &ana, 1).await.remove(0), "Ioan")
        };
        assert!(
            offer.content().contains(said) || offer.text().contains(said),
            "{}",
            offer.text()
        );
        let restored = ana.on(&phone).click(&offer, "Restore mine").await;
        assert_says(&restored, &["Ionuț → Ioan"]);
        assert_says(&view(&ana, &phone).await, &["Ioan"]);
        let verified = on(&ana, &phone, "punctaj-audit verify", []).await;
        assert_says(&verified, &["agree"]);
        all_told(&app).await;
        other.stop_bot().await;
        other.forget();
        app.stop_bot().await;
        let refusals = app.discord.refusals();
        assert!(
            refusals.iter().all(|refusal| refusal.code == 40060),
            "{refusals:#?}"
        );
        app.expect_refusals(refusals.len());
        app.finish().await;
    }
}

#[tokio::test]
async fn a_deletion_beats_edits_dated_before_it_and_none_dated_after() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let before = chrono::Utc::now();
    let gone = on(&bob, &pc, "punctaj delete", [("names", "Ion")]).await;
    assert_says(&gone, &["Ion"]);
    // Composed while Ion was there, delivered afterwards: nothing comes back to life by it.
    let five = [("names", "Ion"), ("points", "5")];
    let late = ana.on(&phone).at(before).slash("punctaj add", five).await;
    assert_says(&late, &["Nothing changed", "a later edit stands"]);
    let callsign = [("name", "Ion"), ("field", "Callsign"), ("value", "A-1")];
    let late = ana
        .on(&phone)
        .at(before)
        .slash("punctaj set", callsign)
        .await;
    assert_says(&late, &["A-1 came too late"]);
    assert_hides(&view(&ana, &phone).await, &["Ion"]);
    // There is nothing to put it back into, and that is said.
    let nowhere = ana.on(&phone).click(&late, "Restore mine").await;
    assert_says(&nowhere, &["Nothing was changed"]);

    // Whoever names Ion afterwards means another one, from nothing.
    let anew = on(&ana, &phone, "punctaj add", five).await;
    assert_says(&anew, &["(new): 0 → 5"]);
    let verified = on(&ana, &phone, "punctaj-audit verify", []).await;
    assert_says(&verified, &["agree"]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_form_filled_in_on_an_old_value_adds_to_what_stands() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let panel = on(&ana, &phone, "punctaj panel", []).await;
    let picked = ana.on(&phone).select(&panel, "1:panel", ["Ion"]).await;
    let form = ana.on(&phone).click(&picked, "Other…").await;
    assert!(form.is_modal());
    // Meanwhile somebody else gives points, and sets the base anew.
    on(
        &bob,
        &pc,
        "punctaj add",
        [("names", "Ion"), ("points", "3")],
    )
    .await;
    set(&bob, &pc, "Ion", "points", "100").await;
    let given = ana.on(&phone).submit(&form, [("points", "7")]).await;
    assert_says(&given, &["100 → 107"]);
    assert_eq!(overwrote(&app).await, Value::Null, "points add up");
    all_told(&app).await;
    app.finish().await;
}
