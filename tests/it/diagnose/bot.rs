//! `/punctaj-admin diagnose`: what the people of one server are told.

use fake_discord::permissions::{EMBED_LINKS, SEND_MESSAGES};
use fake_discord::{Channel, Device, FakeDiscord, Fault, Reply};

use crate::support::app::{Process, TestApp, all_told, assert_hides, assert_says, patient, until};
use crate::support::db::TestDb;

const COMMAND: &str = "punctaj-admin diagnose";

async fn diagnosed(app: &TestApp, who: &str) -> Reply {
    let phone = Device::phone("Telefon");
    app.moderator(who).on(&phone).slash(COMMAND, []).await
}

/// A board of a table of that name, posted.
async fn board(app: &TestApp, table: &str) -> Channel {
    let channel = app.guild.channel(&table.to_lowercase());
    let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
    let options = [("table", table)];
    alice
        .on(&phone)
        .slash("punctaj-admin table create", options)
        .await;
    let mention = channel.mention();
    let options = [("table", table), ("channel", mention.as_str())];
    alice
        .on(&phone)
        .slash("punctaj-admin board post", options)
        .await;
    let posted = async || channel.last_message().is_some();
    until("the board stands", posted).await;
    channel
}

#[tokio::test]
async fn all_is_well_and_nothing_of_the_host_is_told() {
    let app = TestApp::start().await;
    board(&app, "Clan").await;
    let reply = diagnosed(&app, "alice").await;
    assert!(reply.is_ephemeral());
    assert_says(
        &reply,
        &[
            "✅ **Database:** as it should be",
            "✅ **Disk:**",
            "✅ **Clock:**",
            "One board is up to date",
        ],
    );
    assert_hides(
        &reply,
        &[
            "❌",
            "⚠️",
            "postgres",
            "127.0.0.1",
            app.discord.token(),
            "PUNCTAJ_",
        ],
    );
    app.finish().await;
}

#[tokio::test]
async fn why_a_board_or_the_log_does_not_show() {
    let mut app = TestApp::start().await;
    let (gone, shut, log) = (
        board(&app, "Gone").await,
        board(&app, "Shut").await,
        app.guild.channel("log"),
    );
    let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
    let mention = log.mention();
    let options = [("channel", mention.as_str())];
    alice
        .on(&phone)
        .slash("punctaj-admin settings log-channel", options)
        .await;
    all_told(&app).await;
    app.guild.hide_command("punctaj-audit");
    gone.delete();
    shut.deny_bot(SEND_MESSAGES);
    log.deny_bot(SEND_MESSAGES | EMBED_LINKS);
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "❌ The board of **Gone** has no channel any more",
            "/punctaj-admin board post",
            &format!(
                "❌ The board of **Shut** in {} can't be shown: the bot lacks *Send Messages*",
                shut.mention()
            ),
            &format!(
                "❌ Edits can't be posted in {}: the bot lacks *Send Messages*",
                log.mention()
            ),
            "/punctaj-audit",
        ],
    );
    // A board is an embed, and the log is not.
    shut.deny_bot(EMBED_LINKS);
    log.deny_bot(EMBED_LINKS);
    let reply = diagnosed(&app, "alice").await;
    assert_says(&reply, &["the bot lacks *Embed Links*"]);
    assert_hides(&reply, &["Edits can't be posted"]);
    shut.deny_bot(0);
    log.delete();
    // As a bot notes it that Discord refused.
    let pool = app.db.superuser().await;
    let note = "update punctaj.boards set problem = 'Missing *x*' where channel_id = $1";
    sqlx::query(note)
        .bind(i64::try_from(shut.id()).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "Discord says: Missing \\*x\\*",
            "❌ The log channel is not there any more",
        ],
    );
    // What the bot tries to post meanwhile.
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn a_board_takes_the_place_of_those_whose_channel_is_gone() {
    let mut app = TestApp::start().await;
    let (old, other) = (board(&app, "Clan").await, board(&app, "Alt").await);
    let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
    let slash = async |command: &str, options: &[(&str, &str)]| {
        let options = options.iter().copied();
        alice.on(&phone).slash(command, options).await
    };
    // What the log channel could not take, in Discord's words.
    let log = app.guild.channel("log");
    let mention = log.mention();
    slash(
        "punctaj-admin settings log-channel",
        &[("channel", &mention)],
    )
    .await;
    all_told(&app).await;
    let pool = app.db.superuser().await;
    sqlx::query("update punctaj.guilds set log_problem = 'Missing *y*'")
        .execute(&pool)
        .await
        .unwrap();
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "❌ The last edits could not be posted",
            "Discord says: Missing \\*y\\*",
        ],
    );
    old.delete();
    let gone = async || {
        let reply = diagnosed(&app, "alice").await;
        reply
            .text()
            .contains("The board of **Clan** has no channel")
    };
    until("it is known that the channel is gone", gone).await;
    let parked = async || {
        let parked = "select count(*) from punctaj.boards where problem is not null";
        sqlx::query_scalar::<_, i64>(parked)
            .fetch_one(&pool)
            .await
            .unwrap()
            == 1
    };
    until("the board is parked", parked).await;
    let new = app.guild.channel("nou");
    let mention = new.mention();
    slash(
        "punctaj-admin board post",
        &[("table", "Clan"), ("channel", &mention)],
    )
    .await;
    until("the board stands", async || new.last_message().is_some()).await;
    let list = slash("punctaj-admin board list", &[("table", "Clan")]).await;
    assert_says(&list, &[&mention]);
    assert_hides(&list, &[&old.mention()]);
    // Boards of a table that was deleted are nobody's trouble.
    other.deny_bot(SEND_MESSAGES);
    let deleted = [("table", "Alt"), ("confirm", "Alt")];
    slash("punctaj-admin table delete", &deleted[..1]).await;
    let reply = diagnosed(&app, "alice").await;
    assert_hides(&reply, &["**Clan**"]);
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn a_board_that_was_never_posted_is_behind() {
    let app = TestApp::start().await;
    board(&app, "Clan").await;
    let pool = app.db.superuser().await;
    let never = "update punctaj.boards set seen_seq = 0, message_id = null, claimed_at = now() + interval '1 hour'; \
         set session_replication_role = replica; \
         update punctaj.events set applied_at = applied_at - interval '7 minutes' where action = 'board.post'";
    sqlx::raw_sql(never).execute(&pool).await.unwrap();
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &["⚠️ The board of **Clan** in", "behind for 7 minutes"],
    );
    let back = "set session_replication_role = replica; \
         update punctaj.events set applied_at = applied_at + interval '7 minutes' where action = 'board.post'";
    sqlx::raw_sql(back).execute(&pool).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn what_discord_said_to_the_last_post_in_the_log() {
    let mut app = TestApp::start().await;
    let log = app.guild.channel("log");
    let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
    let on = alice.on(&phone);
    // What rights don't tell.
    let path = format!("/channels/{}/messages", log.id());
    app.discord
        .inject(Fault::status(403).code(50013).on("POST", &path).times(1000));
    let mention = log.mention();
    let options = [("channel", mention.as_str())];
    on.slash("punctaj-admin settings log-channel", options)
        .await;
    let told = format!("❌ The last edits could not be posted in {mention}. Discord says: ");
    let is_told = async || diagnosed(&app, "alice").await.text().contains(&told);
    until("it is told", is_told).await;
    app.discord.clear_faults();
    on.slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let is_well = async || !diagnosed(&app, "alice").await.text().contains("❌");
    until("it is well again", is_well).await;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn a_disk_of_the_bot_that_takes_nothing_any_more() {
    let app = TestApp::without_bot().await;
    let data = tempfile::tempdir().unwrap();
    let bot = Process::with_little_room(&app.discord, app.db.url(), data.path(), 100_000);
    app.discord.ready().await;
    assert_says(&diagnosed(&app, "alice").await, &["✅ **Disk:**"]);
    bot.fill_disk();
    assert_says(&diagnosed(&app, "alice").await, &["❌ **Disk:**"]);
    bot.kill().await;
    app.finish().await;
}

#[tokio::test]
async fn what_waits_for_long_is_told_in_the_callers_language() {
    let app = TestApp::start().await;
    let channel = board(&app, "Clan").await;
    let pool = app.db.superuser().await;
    // Somebody holds both: nothing is done with them.
    let hold = "update punctaj.boards set seen_seq = 1, claimed_at = now() + interval '1 hour'; \
         insert into punctaj.outbox (guild_id, user_id, kind, body, created_at, batch, claimed_at, parked) \
         select guild_id, 7, 'outcome', '{\"text\": \"x\"}', now() - interval '5 minutes', gen_random_uuid(), \
             now() + interval '1 hour', parked \
         from punctaj.guilds, unnest(array[true, false]) parked";
    sqlx::raw_sql(hold).execute(&pool).await.unwrap();
    let old = "set session_replication_role = replica; \
         update punctaj.events set applied_at = applied_at - interval '40 minutes' where seq = 2";
    sqlx::raw_sql(old).execute(&pool).await.unwrap();
    let ana = app
        .guild
        .member("ana")
        .permissions(fake_discord::permissions::MANAGE_GUILD)
        .locale("ro")
        .join();
    let reply = ana.on(&Device::phone("Telefon")).slash(COMMAND, []).await;
    assert_says(
        &reply,
        &[
            "✅ **Baza de date:** în regulă",
            &format!(
                "⚠️ Avizierul tabelului **Clan** din {} a rămas în urmă de 40 de minute",
                channel.mention()
            ),
            "⚠️ Un mesaj așteaptă să fie postat",
            "✅ Un mesaj așteaptă următoarea comandă a cuiva",
        ],
    );
    let back = "set session_replication_role = replica; \
         update punctaj.events set applied_at = applied_at + interval '40 minutes' where seq = 2";
    sqlx::raw_sql(back).execute(&pool).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn discord_that_keeps_presences_or_answers_to_itself() {
    let discord = patient().refuse_presence().start().await.unwrap();
    let mut app = TestApp::on(discord).await;
    app.start_bot().await;
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "⚠️ Discord does not tell where people are signed in",
            "Presence Intent",
        ],
    );
    fail(&app.discord, "/users/@me");
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "❌ **Discord:** does not work",
            "punctaj diagnose",
            "⚠️ Discord does not say what the bot may do here",
        ],
    );
    app.finish().await;
}

fn fail(discord: &FakeDiscord, path: &str) {
    discord.inject(fake_discord::Fault::status(500).on("GET", path));
}

#[tokio::test]
async fn a_database_that_is_away_is_said_to_be() {
    let mut app = TestApp::without_bot().await;
    app.start_bot_with(TestDb::services_nowhere()).await;
    let reply = diagnosed(&app, "alice").await;
    assert_says(
        &reply,
        &[
            "❌ **Database:** does not work",
            "✅ **Disk:**",
            "while the database is away",
        ],
    );
    assert_hides(&reply, &["127.0.0.1", "nobody@"]);
    // What others were granted is not known.
    let bob = app.member("bob");
    let refused = bob.on(&Device::desktop("PC")).slash(COMMAND, []).await;
    assert_hides(&refused, &["Disk", "Database:"]);
    app.finish().await;
}

#[tokio::test]
async fn whoever_may_not_manage_the_settings_is_refused() {
    let app = TestApp::start().await;
    board(&app, "Clan").await;
    let bob = app.member("bob");
    let reply = bob.on(&Device::desktop("PC")).slash(COMMAND, []).await;
    assert_says(&reply, &["settings.manage"]);
    assert_hides(&reply, &["Database"]);
    app.finish().await;
}
