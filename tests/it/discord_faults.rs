//! Discord on bad days: each fault meets an `add`, which is there exactly once afterwards, and
//! whoever gave it is told the truth, or nothing.

use std::time::Duration;

use fake_discord::{Attempt, Device, FakeDiscord, Fault, Member, Pending, Reply};
use punctaj::config::{Secret, Shards};
use punctaj::discord::bot::{self, BotError, BotOptions};
use punctaj::discord::gateway::Gateway;
use punctaj::discord::queue::Queue;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::watch;

use crate::support::app::{PATIENCE, TestApp, assert_says, view};
use crate::support::db::TestDb;

/// The path of first answers.
const FIRST: &str = "/callback";
/// The path of edits of the first answer.
const EDIT: &str = "/messages/@original";

/// Interaction was answered already.
const ANSWERED: (u16, u32) = (400, 40060);
const TAKEN: (u16, u32) = (204, 0);
const EDITED: (u16, u32) = (200, 0);
/// The connection closed without an answer.
const HUNG_UP: (u16, u32) = (0, 0);

/// How often a story is told at most that a busy machine may spoil.
const TELLINGS: usize = 10;

struct Story {
    app: TestApp,
    alice: Member,
    phone: Device,
    pool: PgPool,
}

impl Story {
    /// A moderator in a guild with one table.
    async fn begin() -> Self {
        let app = TestApp::start().await;
        let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
        let table = [("table", "Clan")];
        let made = alice
            .on(&phone)
            .slash("punctaj-admin table create", table)
            .await;
        assert!(made.is_answered());
        let pool = app.db.superuser().await;
        Self {
            app,
            alice,
            phone,
            pool,
        }
    }

    fn discord(&self) -> &FakeDiscord {
        &self.app.discord
    }

    fn add(&self, name: &str) -> Pending {
        let options = [("names", name), ("points", "5")];
        self.alice
            .on(&self.phone)
            .slash_start("punctaj add", options)
    }

    /// Holds the guild's lock, so that whatever is done now takes until it is given back.
    async fn stall(&self) -> Transaction<'_, Postgres> {
        let mut lock = self.pool.begin().await.unwrap();
        sqlx::query("select pg_advisory_xact_lock(guild_id) from punctaj.guilds")
            .execute(&mut *lock)
            .await
            .unwrap();
        lock
    }

    /// Waits for so many requests about an interaction.
    async fn attempts(&self, id: u64, count: usize) -> Vec<(u16, u32)> {
        until(|| self.discord().attempts(id).len() >= count).await;
        outcomes(&self.discord().attempts(id))
    }

    /// Waits until so many entries stand in the tables.
    async fn kept(&self, entries: i64) {
        let kept = async {
            let count = "select count(*) from punctaj.entries";
            while sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&self.pool)
                .await
                .unwrap()
                < entries
            {
                tokio::time::sleep(millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), kept).await;
        waited.expect("the edits are kept");
    }

    /// Ends a story in which that many people were given 5 points, each by one `add`, and in which
    /// nothing was sent but these requests.
    async fn end(mut self, people: i64, refusals: usize, sent: &[(u64, &[(u16, u32)])]) {
        self.discord().clear_faults();
        let shown = view(&self.alice, &self.phone).await;
        assert_says(&shown, &["Clan"]);
        // Now nothing is on its way any more.
        self.app.stop_bot().await;
        for (id, requests) in sent {
            assert_eq!(outcomes(&self.discord().attempts(*id)), *requests);
        }
        let (events, entries, points): (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from punctaj.events where action = 'points.add'), \
             count(*), coalesce(sum(points), 0)::bigint from punctaj.entries",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        assert_eq!((events, entries, points), (people, people, people * 5));
        self.app.expect_refusals(refusals);
        self.app.finish().await;
    }
}

fn outcomes(attempts: &[Attempt]) -> Vec<(u16, u32)> {
    let outcome = |attempt: &Attempt| (attempt.status, attempt.code);
    attempts.iter().map(outcome).collect()
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.expect("what is waited for happens");
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The first answer under a fault: there is one, it is right, and it took exactly these requests.
async fn answered_after(fault: Fault, requests: &[(u16, u32)]) {
    for _ in 0..TELLINGS {
        if answered_in_time(fault.clone(), requests).await {
            return;
        }
    }
    unreachable!("never answered in time under {fault:?}");
}

/// Whether the story could be told: a machine that is so busy that the `add` is deferred, or that
/// the bot's time is up before its second try, has another one to tell.
async fn answered_in_time(fault: Fault, requests: &[(u16, u32)]) -> bool {
    let mut story = Story::begin().await;
    story.discord().inject(fault.on("POST", FIRST));
    let pending = story.add("Ana");
    let id = pending.interaction_id();
    let reply = pending.answer().await;
    if reply.was_deferred() || !reply.is_answered() {
        story.app.stop_bot().await;
        story.app.expect_refusals(story.discord().refusals().len());
        story.app.finish().await;
        return false;
    }
    assert_says(&reply, &["Ana", "0 → 5"]);
    assert!(reply.has_button("Undo"));
    // A fault may be struck, or a request carried out, after the answer can be seen.
    story.attempts(id, requests.len()).await;
    assert_eq!((reply.follow_ups().len(), reply.earlier().len()), (0, 0));
    assert_says(&view(&story.alice, &story.phone).await, &["Ana", "5"]);
    let refused = requests.iter().filter(|&&request| request == ANSWERED);
    story.end(1, refused.count(), &[(id, requests)]).await;
    true
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_met_once() {
    answered_after(Fault::rate_limit(millis(600)), &[(429, 0), TAKEN]).await;
}

#[tokio::test]
async fn the_global_rate_limit_is_waited_for_and_met_once() {
    answered_after(Fault::rate_limit(millis(600)).global(), &[(429, 0), TAKEN]).await;
}

#[tokio::test]
async fn an_answer_that_discord_failed_to_take_is_repeated() {
    let fault = Fault::status(503).times(2);
    answered_after(fault, &[(503, 0), (503, 0), TAKEN]).await;
}

#[tokio::test]
async fn an_answer_that_discord_took_and_called_failed_counts() {
    let fault = Fault::status(502).after_effect();
    answered_after(fault, &[(502, 0), ANSWERED]).await;
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_is_repeated() {
    answered_after(Fault::hang_up(), &[HUNG_UP, TAKEN]).await;
}

#[tokio::test]
async fn an_answer_that_was_taken_before_the_connection_broke_counts() {
    answered_after(Fault::hang_up().after_effect(), &[HUNG_UP, ANSWERED]).await;
}

#[tokio::test]
async fn an_answer_that_discord_takes_late_is_shown_once() {
    // The second try comes first, and the first one is refused when it comes to it.
    answered_after(Fault::late(millis(1800)), &[TAKEN, ANSWERED]).await;
}

#[tokio::test]
async fn an_answer_that_discord_takes_and_confirms_late_counts() {
    answered_after(Fault::late(millis(1800)).after_effect(), &[TAKEN, ANSWERED]).await;
}

/// An `add` whose answer is lost for good at once: one request, and the edit stands.
async fn given_up_at_once(fault: Fault, request: (u16, u32)) {
    let story = Story::begin().await;
    story.discord().inject(fault.on("POST", FIRST));
    let id = story.add("Ana").interaction_id();
    assert_eq!(story.attempts(id, 1).await, [request]);
    story.discord().clear_faults();
    story.kept(1).await;
    assert_says(&view(&story.alice, &story.phone).await, &["Ana", "5"]);
    story.end(1, 0, &[(id, &[request])]).await;
}

#[tokio::test]
async fn an_answer_that_discord_refuses_is_not_repeated() {
    given_up_at_once(Fault::status(403).code(50001), (403, 50001)).await;
}

#[tokio::test]
async fn a_rate_limit_beyond_the_interactions_life_is_not_waited_for() {
    given_up_at_once(Fault::rate_limit(Duration::from_mins(1)), (429, 0)).await;
}

/// An `add` whose answer Discord never takes: the bot gives up, the edit stands, and the same
/// interaction delivered again gets the answer without a second edit.
async fn undeliverable(mut story: Story, fault: Fault) {
    story
        .discord()
        .inject(fault.on("POST", FIRST).times(usize::MAX));
    let id = story.add("Ana").interaction_id();
    story.kept(1).await;
    // A shutdown waits for an answer that is still tried.
    story.app.restart_bot().await;
    story.discord().clear_faults();
    let attempts = story.discord().attempts(id);
    assert!(!attempts.iter().any(Attempt::accepted), "{attempts:?}");
    assert!(attempts.len() <= 11, "{} tries", attempts.len());
    assert_says(&view(&story.alice, &story.phone).await, &["Ana", "5"]);
    let again = story.discord().redeliver(id).await;
    assert_eq!(outcomes(&again), [TAKEN]);
    let reply = story.discord().pending(id).answer().await;
    assert_says(&reply, &["Ana", "0 → 5"]);
    story.end(1, 0, &[]).await;
}

#[tokio::test]
async fn what_discord_never_takes_ends_the_delivery_and_not_the_edit() {
    let (limits, errors) = (Story::begin().await, Story::begin().await);
    let (breaks, silence) = (Story::begin().await, Story::begin().await);
    // At the same time, since each lasts as long as an interaction waits.
    tokio::join!(
        undeliverable(limits, Fault::rate_limit(millis(50))),
        undeliverable(errors, Fault::status(500)),
        undeliverable(breaks, Fault::hang_up()),
        undeliverable(silence, Fault::late(Duration::from_hours(1))),
    );
}

#[tokio::test]
async fn deferred_answers_arrive_once_whatever_happens_to_them() {
    let story = Story::begin().await;
    let lock = story.stall().await;
    // One fault for each deferral; for each edit too, where who meets which does not matter: there
    // is time enough to meet several.
    let faults = [
        Fault::rate_limit(millis(100)),
        Fault::status(503),
        Fault::status(502).after_effect(),
        Fault::hang_up(),
        Fault::hang_up().after_effect(),
    ];
    let names = ["Ana", "Ion", "Dan", "Eva", "Mia"];
    let pending: Vec<_> = names.iter().map(|name| story.add(name)).collect();
    let ids: Vec<u64> = pending.iter().map(Pending::interaction_id).collect();
    for (fault, id) in faults.into_iter().zip(&ids) {
        let path = format!("/interactions/{id}/");
        story.discord().inject(fault.clone().on("POST", &path));
        story.discord().inject(fault.on("PATCH", EDIT));
    }
    for id in &ids {
        until(|| {
            let attempts = story.discord().attempts(*id);
            let taken = |attempt: &Attempt| {
                attempt.accepted() || (attempt.status, attempt.code) == ANSWERED
            };
            attempts.last().is_some_and(taken)
        })
        .await;
    }
    lock.rollback().await.unwrap();
    for (name, pending) in names.iter().zip(pending) {
        let reply = pending.answer().await;
        assert!(reply.was_deferred() && reply.is_ephemeral());
        assert_says(&reply, &[name, "0 → 5"]);
        assert!(reply.has_button("Undo"));
        assert_eq!(reply.follow_ups().len(), 0);
    }
    until(|| {
        let last = |id: &u64| story.discord().attempts(*id).pop();
        let mut last = ids.iter().filter_map(last);
        last.all(|attempt| attempt.method == "PATCH" && attempt.accepted())
    })
    .await;
    let requests = story.discord().requests();
    for (method, accepted) in [("POST", 204), ("PATCH", 200)] {
        for status in [429, 503, 502, 0, accepted] {
            let met = requests.iter().any(|request| {
                let answers = request.path.contains(FIRST) || request.path.contains(EDIT);
                answers && request.method == method && request.status == status
            });
            assert!(met, "{method} met {status}");
        }
    }
    // Two of the deferrals were taken without the bot knowing.
    story.end(5, 2, &[]).await;
}

#[tokio::test]
async fn an_interaction_that_is_too_old_keeps_its_edit() {
    let story = Story::begin().await;
    let lock = story.stall().await;
    let too_late = story.add("Ana");
    story.discord().pass_time(PATIENCE);
    let in_time = story.add("Ion");
    let (old, young) = (too_late.interaction_id(), in_time.interaction_id());
    assert_eq!(story.attempts(old, 1).await, [(404, 10062)]);
    assert_eq!(story.attempts(young, 1).await, [TAKEN]);
    // The token of a deferred answer dies after a quarter of an hour.
    story.discord().pass_time(Duration::from_mins(16));
    lock.rollback().await.unwrap();
    assert_eq!(story.attempts(young, 2).await, [TAKEN, (401, 50027)]);
    // Nothing tells Discord that the edit which came too late to answer is kept.
    story.kept(2).await;
    let shown = view(&story.alice, &story.phone).await;
    assert_says(&shown, &["Ana", "Ion", "5"]);
    let sent: [(u64, &[_]); 2] = [(old, &[(404, 10062)]), (young, &[TAKEN, (401, 50027)])];
    story.end(2, 2, &sent).await;
}

#[tokio::test]
async fn further_messages_are_repeated_only_where_that_cannot_double_them() {
    let mut story = Story::begin().await;
    story.add("Ana").answer().await;
    let pc = Device::desktop("PC");
    let acting = story.alice.on(&pc);
    let rename = |from, to| [("name", from), ("field", "name"), ("value", to)];
    acting.slash("punctaj set", rename("Ana", "Anca")).await;
    let events = acting
        .autocomplete("punctaj undo", [("event", "")], "event")
        .await;
    let event = events.first().expect("an event to undo").value.clone();
    acting.slash("punctaj set", rename("Anca", "Anita")).await;
    let asked = acting
        .slash("punctaj undo", [("event", event.as_str())])
        .await;
    assert!(asked.has_button("Confirm"), "{}", asked.text());

    // The right is gone: that is said in a message of its own, since the click was deferred.
    story.alice.set_permissions(0);
    let cases = [
        (Fault::rate_limit(millis(100)), vec![(429, 0), EDITED], 1),
        (Fault::status(502).after_effect(), vec![(502, 0)], 1),
        (Fault::hang_up().after_effect(), vec![HUNG_UP], 1),
        (Fault::status(503), vec![(503, 0)], 0),
    ];
    let mut sent = Vec::new();
    for (fault, requests, shown) in cases {
        let lock = story.stall().await;
        let pending = acting.click_start(&asked, "Confirm");
        let id = pending.interaction_id();
        assert_eq!(story.attempts(id, 1).await, [TAKEN]);
        story
            .discord()
            .inject(fault.clone().on("POST", "/webhooks/"));
        lock.rollback().await.unwrap();
        let attempts = story.attempts(id, 1 + requests.len()).await;
        assert_eq!(attempts[1..], requests, "{fault:?}");
        sent.push((id, attempts, shown));
    }
    story.app.restart_bot().await;
    for (id, requests, shown) in &sent {
        let told = story.discord().follow_ups(*id);
        assert_eq!(told.len(), *shown, "{requests:?}");
        assert!(told.iter().all(Reply::is_ephemeral));
    }
    let names: Vec<String> = sqlx::query_scalar("select name from punctaj.entries")
        .fetch_all(&story.pool)
        .await
        .unwrap();
    assert_eq!(names, ["Anita"]);
    let sent: Vec<_> = sent
        .iter()
        .map(|(id, requests, _)| (*id, requests.as_slice()))
        .collect();
    story.end(1, 0, &sent).await;
}

#[tokio::test]
async fn files_are_uploaded_after_a_deferral_and_once() {
    let story = Story::begin().await;
    story.add("Ana").answer().await;
    let fault = Fault::status(502).after_effect();
    story.discord().inject(fault.on("PATCH", EDIT));
    let pc = Device::desktop("PC");
    let reply = story
        .alice
        .on(&pc)
        .slash("punctaj-admin data export", [])
        .await;
    let id = reply.interaction_id().unwrap();
    let requests = [TAKEN, (502, 0), EDITED];
    assert_eq!(story.attempts(id, 3).await, requests);
    let files = reply.latest().files();
    assert_eq!(files.len(), 1);
    assert!(String::from_utf8_lossy(&files[0].1).contains("Ana"));
    story.end(1, 0, &[(id, &requests)]).await;
}

/// What happens at the gateway, and an `add` during it.
async fn gateway_story(story: Story, happens: impl FnOnce(&FakeDiscord), resumes: bool) {
    let before = story.discord().connections()[0].session.clone();
    happens(story.discord());
    let during = resumes.then(|| story.add("Ana"));
    let back = || {
        let connections = story.discord().connections();
        let is_back = |resumed| resumed == u64::from(resumes);
        connections.len() == 1
            && is_back(connections[0].resumed)
            && (connections[0].session == before) == resumes
    };
    until(back).await;
    // What came while the bot was away is played back; else it is given when the bot is back.
    let pending = during.unwrap_or_else(|| story.add("Ana"));
    assert_says(&pending.answer().await, &["Ana", "0 → 5"]);
    story.end(1, 0, &[]).await;
}

#[tokio::test]
async fn a_broken_gateway_connection_is_resumed_with_what_was_missed() {
    gateway_story(Story::begin().await, FakeDiscord::disconnect_gateway, true).await;
}

#[tokio::test]
async fn a_request_to_reconnect_is_followed() {
    gateway_story(Story::begin().await, FakeDiscord::request_reconnect, true).await;
}

#[tokio::test]
async fn a_session_that_may_be_resumed_is_resumed() {
    let (a, b) = (Story::begin().await, Story::begin().await);
    let (c, d) = (Story::begin().await, Story::begin().await);
    tokio::join!(
        gateway_story(a, |discord| discord.revoke_sessions(true), true),
        gateway_story(b, |discord| discord.close_gateway(4000), true),
        gateway_story(c, |discord| discord.close_gateway(4001), true),
        gateway_story(d, |discord| discord.close_gateway(4008), true),
    );
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew() {
    let (a, b) = (Story::begin().await, Story::begin().await);
    let (c, d) = (Story::begin().await, Story::begin().await);
    // At the same time, since the library takes its time.
    tokio::join!(
        gateway_story(a, FakeDiscord::invalidate_sessions, false),
        gateway_story(b, |discord| discord.revoke_sessions(false), false),
        gateway_story(c, |discord| discord.close_gateway(4007), false),
        gateway_story(d, |discord| discord.close_gateway(4009), false),
    );
}

/// The bot without a database, until it ends by itself.
async fn ended_by(happens: impl FnOnce(&FakeDiscord)) -> BotError {
    let discord = FakeDiscord::start().await.unwrap();
    let services = TestDb::services_nowhere();
    let options = BotOptions {
        token: Secret::new(discord.token()),
        api_url: Some(discord.url().parse().unwrap()),
        ratelimit: false,
        presence: false,
        shards: Shards::Auto,
    };
    let (_stop, stopping) = watch::channel(false);
    let data = tempfile::tempdir().unwrap();
    let queue = Queue::open(data.path()).unwrap();
    let bot = bot::run(options, (services, queue), Gateway::default(), stopping);
    let bot = tokio::spawn(bot);
    discord.ready().await;
    happens(&discord);
    let ended = tokio::time::timeout(Duration::from_secs(30), bot).await;
    discord.stop().await;
    ended.expect("the bot ends").unwrap().unwrap_err()
}

#[tokio::test]
async fn close_codes_that_waiting_does_not_mend_end_the_bot_and_say_why() {
    let ended = ended_by(|discord| discord.close_gateway(4004)).await;
    assert!(matches!(ended, BotError::Token), "{ended}");
    for code in [4013, 4014] {
        let ended = ended_by(|discord| discord.close_gateway(code)).await;
        assert!(matches!(ended, BotError::Gateway(_)), "{ended}");
        assert!(ended.to_string().contains("intents"), "{ended}");
    }
}

#[tokio::test]
async fn a_bad_start_is_got_over() {
    let mut app = TestApp::without_bot().await;
    let faults = [
        Fault::status(503).on("GET", "/users/@me"),
        Fault::status(429).on("PUT", "/commands"),
    ];
    for fault in faults {
        app.discord.inject(fault);
    }
    app.discord.turn_away(4000);
    app.start_bot().await;
    let alice = app.moderator("alice");
    let phone = Device::phone("Telefon");
    let table = [("table", "Clan")];
    let made = alice
        .on(&phone)
        .slash("punctaj-admin table create", table)
        .await;
    assert!(made.is_answered());
    app.finish().await;
}
