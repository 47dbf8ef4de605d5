//! The first run: who is welcomed, the guided set-up, and that leaving and coming back keeps the data.

use std::collections::BTreeSet;
use std::time::Duration;

use fake_discord::permissions::{MANAGE_GUILD, SEND_MESSAGES, VIEW_CHANNEL};
use fake_discord::{Channel, Device, Fault, Guild, Member, Reply, ReplyKind};

use crate::support::app::{TestApp, assert_hides, assert_says, until};

fn phone() -> Device {
    Device::phone("Telefon")
}

/// A guild that the bot joins now.
fn joined(app: &TestApp, name: &str) -> Guild {
    app.discord.guild(name)
}

/// Somebody with *Manage Server* there.
fn manager(guild: &Guild, name: &str) -> Member {
    guild.member(name).permissions(MANAGE_GUILD).join()
}

/// What the bot wrote in a channel by itself.
fn posted(channel: &Channel) -> Vec<Reply> {
    let mut messages = channel.messages();
    messages.retain(|message| !message.is_ephemeral());
    messages
}

/// The welcome in a channel.
async fn welcome(channel: &Channel) -> Reply {
    until("a welcome", async || !posted(channel).is_empty()).await;
    posted(channel).remove(0)
}

/// How many events a guild has, of all those or of one action.
async fn events(app: &TestApp, guild: &Guild, action: Option<&str>) -> i64 {
    let pool = app.db.superuser().await;
    let query = "select count(*) from punctaj.events
        where guild_id = $1 and ($2::text is null or action = $2)";
    sqlx::query_scalar(query)
        .bind(i64::try_from(guild.id()).unwrap())
        .bind(action)
        .fetch_one(&pool)
        .await
        .unwrap()
}

/// How many guilds were welcomed, and so much for each process to have looked at its own.
async fn welcomes(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    let query = "select count(*) from punctaj.welcomes";
    sqlx::query_scalar(query).fetch_one(&pool).await.unwrap()
}

/// The set-up, opened from the answer to a command of those who set things up.
async fn opened(who: &Member) -> Reply {
    let on = who.on(&phone());
    let settings = on.slash("punctaj-admin settings show", []).await;
    on.click(&settings, "Set up").await
}

#[tokio::test]
async fn a_newcomer_comes_from_the_invitation_to_the_first_points_without_reading_anything() {
    let app = TestApp::start().await;
    let guild = joined(&app, "Night City");
    let general = guild.channel("general");
    let (log, crew) = (guild.channel("log"), guild.role("Crew"));
    let ana = manager(&guild, "ana");
    let welcome = welcome(&general).await;
    assert_says(&welcome, &["I am **Punctaj**", "Press **Set up**"]);
    assert_eq!(
        (welcome.buttons(), welcome.pings().len()),
        (vec!["Set up".to_owned()], 0)
    );

    let on = ana.on(&phone());
    let step = on.click(&welcome, "Set up").await;
    assert!(step.is_ephemeral());
    assert_says(
        &step,
        &[
            "▫️ **Language:** English",
            "▫️ **Tables:** none yet",
            "In which language",
        ],
    );
    let step = on.click(&step, "English").await;
    assert_eq!(step.kind(), ReplyKind::Update);
    assert_says(
        &step,
        &[
            "✅ **Language:** English",
            "In which time zone",
            "Saved as event",
        ],
    );
    let step = on
        .select(&step, "Choose the time zone", ["Europe/London"])
        .await;
    assert_says(
        &step,
        &["✅ **Time zone:** Europe/London", "In which channel"],
    );
    let step = on
        .select(&step, "Choose a channel", [log.mention().as_str()])
        .await;
    assert_says(
        &step,
        &[
            &log.mention(),
            "What is the first table for?",
            "Cadet, Officer",
        ],
    );
    let form = on.click(&step, "police").await;
    let step = on.submit(&form, []).await;
    assert_says(
        &step,
        &["✅ **Tables:** Police", "Who else may give points?"],
    );
    let step = on
        .select(
            &step,
            "Choose a role or a member",
            [crew.mention().as_str()],
        )
        .await;
    assert_says(
        &step,
        &[&crew.mention(), "may give points now", "Who else may"],
    );
    let step = on.click(&step, "Next").await;
    assert_says(
        &step,
        &[
            "You can begin",
            "`/punctaj add names:Ana points:5`",
            "`/punctaj panel`",
            "`/punctaj-admin diagnose`",
        ],
    );
    let given = on
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert_says(&given, &["Ana", "5"]);
    // Seven steps, one of them with a form, and the command.
    assert_eq!(app.discord.transcript().len(), 9);

    let ion = guild.member("ion").roles([&crew]).join();
    let given = ion
        .on(&phone())
        .slash("punctaj add", [("names", "Ana"), ("points", "3")])
        .await;
    assert_says(&given, &["5 → 8"]);
    until("the log", async || !posted(&log).is_empty()).await;
    // Each step is the event of its command, and can be undone like any other.
    for (action, count) in [
        ("settings.set", 3),
        ("table.create", 1),
        ("access.grant", 1),
    ] {
        assert_eq!(events(&app, &guild, Some(action)).await, count, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_shortest_way_is_five_clicks_in_romanian_too() {
    let app = TestApp::start().await;
    let guild = joined(&app, "Politia");
    let ana = guild
        .member("ana")
        .locale("ro")
        .permissions(MANAGE_GUILD)
        .join();
    let welcome = welcome(&guild.channel("general")).await;
    let on = ana.on(&phone());
    // Her Discord is Romanian, the guild's is what Discord made it.
    let step = on.click(&welcome, "Set up").await;
    assert_says(
        &step,
        &["Configurarea Punctaj", "În ce limbă", "niciunul încă"],
    );
    assert_eq!(style(&step, "română"), 1, "it is suggested");
    let zone = on.click(&step, "Fusul orar").await;
    let options = zone.raw()["components"][0]["components"][0]["options"].clone();
    assert_eq!(options[0]["value"], "Europe/Bucharest");
    assert_eq!(options[0]["description"], "propus");
    let table = on.click(&zone, "Tabele").await;
    let form = on.click(&table, "gol").await;
    let done = on.submit(&form, []).await;
    assert_says(&done, &["✅ **Tabele:** Punctaj", "Cine mai are voie"]);
    let done = on.click(&done, "Sari peste").await;
    assert_says(
        &done,
        &["Poți începe", "`/punctaj adaugă nume:Ana puncte:5`"],
    );
    let given = on
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert_says(&given, &["Ana", "5"]);
    // Two of these were to look: the time zone, and what comes after the table.
    assert_eq!(app.discord.transcript().len() - 2, 5);
    app.finish().await;
}

/// The style of a button: 1 stands out.
fn style(reply: &Reply, label: &str) -> u64 {
    let rows = reply.raw()["components"].as_array().unwrap().clone();
    let mut buttons = rows
        .iter()
        .flat_map(|row| row["components"].as_array().unwrap());
    let found = buttons.find(|button| button["label"] == label);
    found.unwrap()["style"].as_u64().unwrap()
}

#[tokio::test]
async fn a_guild_is_welcomed_in_its_own_language() {
    let app = TestApp::start().await;
    let guild = joined(&app, "Casa").locale("ro");
    let general = guild.channel("general");
    // It came in English, as each new guild does: Discord asks communities only.
    welcome(&general).await;
    guild.remove_bot();
    guild.invite_bot_again();
    until("a second welcome", async || posted(&general).len() == 2).await;
    assert_says(
        &posted(&general)[1],
        &["Sunt **Punctaj**", "Apasă **Configurează**"],
    );
    app.finish().await;
}

#[tokio::test]
async fn every_step_can_be_taken_by_itself_and_again() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let log = app.guild.channel("log");
    let on = ana.on(&phone());
    let start = opened(&ana).await;

    let step = on.click(&start, "Who gives points").await;
    let ion = app.member("ion");
    let step = on
        .select(&step, "Choose a role or a member", [ion.mention().as_str()])
        .await;
    assert_says(&step, &[&ion.mention(), "may give points now"]);
    // Several may, one after the other.
    let (dan, crew) = (app.member("dan"), app.guild.role("Crew"));
    for other in [dan.mention(), crew.mention()] {
        let step = on
            .select(
                &step.latest(),
                "Choose a role or a member",
                [other.as_str()],
            )
            .await;
        assert_says(&step, &[&ion.mention(), &other, "Choose who else may"]);
    }
    let step = step.latest();
    assert_eq!(events(&app, &app.guild, Some("access.grant")).await, 3);
    assert_says(&on.click(&step, "Next").await, &["There is no table yet"]);
    let step = on.click(&step.latest(), "Who gives points").await;
    let again = on
        .select(&step, "Choose a role or a member", [ion.mention().as_str()])
        .await;
    assert_says(&again, &["Nothing was changed"]);

    let step = on.click(&step, "Log channel").await;
    let step = on
        .select(&step, "Choose a channel", [log.mention().as_str()])
        .await;
    assert_says(&step, &["✅ **Log channel:**", "first table"]);

    let step = on.click(&step, "Time zone").await;
    let form = on.click(&step, "Another one…").await;
    let refused = on.submit(&form, [("Region/City", "Mars/Olympus")]).await;
    assert_says(
        &refused,
        &["Mars/Olympus", "Nothing was changed", "You had typed"],
    );
    // What was typed is in the form, and the form's answer takes the place of the refusal.
    let form = on.click(&refused, "Try again").await;
    let refused = on.submit(&form, []).await;
    assert_says(&refused, &["Mars/Olympus", "Nothing was changed"]);
    let form = on.click(&refused, "Try again").await;
    let step = on.submit(&form, [("Region/City", "asia/tokyo")]).await;
    assert_eq!(step.kind(), ReplyKind::Update);
    assert_says(&step, &["✅ **Time zone:** Asia/Tokyo"]);
    let step = on.click(&step, "Language").await;
    let step = on.click(&step, "română").await;
    let step = on.click(&step, "Language").await;
    let step = on.click(&step, "English").await;
    assert_says(&step, &["✅ **Language:** English"]);

    let step = on.click(&step, "Tables").await;
    let form = on.click(&step, "clan").await;
    let refused = on
        .submit(&form, [("Its name (or Category/Name)", "a/b: *c*/d")])
        .await;
    assert_says(
        &refused,
        &["Nothing was changed", "You had typed", "a/b: \\*c\\*/d"],
    );
    let form = on.click(&refused, "Try again").await;
    assert_eq!(prefilled(&form), "a/b: *c*/d");
    let name = [("Its name (or Category/Name)", "Arena/Lei")];
    let step = on.submit(&form, name).await;
    assert_says(&step, &["✅ **Tables:** Arena/Lei", "You can begin"]);
    // All is done, and each can be done again.
    let step = on.click(&step, "Tables").await;
    let form = on.click(&step, "class").await;
    let taken = on.submit(&form, name).await;
    assert_says(&taken, &["Arena/Lei", "Nothing was changed"]);
    let form = on.click(&taken, "Try again").await;
    assert_eq!(prefilled(&form), "Arena/Lei");
    let step = on
        .submit(&form, [("Its name (or Category/Name)", "Clasa 5")])
        .await;
    assert_says(&step, &["Arena/Lei", "Clasa 5"]);
    let undone = on.slash("punctaj undo", []).await;
    assert_says(&undone, &["Clasa 5"]);
    assert_hides(&on.click(&step, "Tables").await, &["Clasa 5"]);
    app.finish().await;
}

/// What stands in the only field of a form.
fn prefilled(form: &Reply) -> String {
    let field = &form.raw()["components"][0]["components"][0];
    field["value"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_was_typed_is_kept_as_far_as_a_button_has_room() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let on = ana.on(&phone());
    let step = on.click(&opened(&ana).await, "Tables").await;
    let form = on.click(&step, "police").await;
    let long = format!("{}😀/x/y", "Secția: ".repeat(10));
    let refused = on
        .submit(&form, [("Its name (or Category/Name)", long.as_str())])
        .await;
    assert_says(&refused, &["Nothing was changed", "😀/x/y"]);
    let kept = prefilled(&on.click(&refused, "Try again").await);
    assert!(kept.len() > 60 && long.starts_with(&kept), "{kept}");
    app.finish().await;
}

#[tokio::test]
async fn a_template_speaks_the_language_that_was_chosen_for_everybody() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let on = ana.on(&phone());
    let step = on.click(&opened(&ana).await, "română").await;
    let step = on.click(&step, "Tables").await;
    assert_says(&step, &["**police**: ranks Cadet, Agent"]);
    let form = on.click(&step, "police").await;
    assert_eq!(prefilled(&form), "Poliție");
    on.submit(&form, []).await;
    let ranks = on
        .slash("punctaj-admin rank list", [("table", "Poliție")])
        .await;
    assert_says(&ranks, &["Agent"]);
    let other = [("table", "Alta"), ("template", "police")];
    on.slash("punctaj-admin table create", other).await;
    let ranks = on
        .slash("punctaj-admin rank list", [("table", "Alta")])
        .await;
    assert_says(&ranks, &["Agent"]);
    app.finish().await;
}

#[tokio::test]
async fn the_log_channel_is_set_with_a_word_on_what_the_bot_lacks_there() {
    let mut app = TestApp::start().await;
    let ana = app.moderator("ana");
    let (open, shut, mute) = (
        app.guild.channel("log"),
        app.guild.channel("shut"),
        app.guild.channel("mute"),
    );
    shut.deny_bot(VIEW_CHANNEL);
    mute.deny_bot(SEND_MESSAGES);
    let on = ana.on(&phone());
    let step = on.click(&opened(&ana).await, "Log channel").await;
    let step = on
        .select(&step, "Choose a channel", [mute.mention().as_str()])
        .await;
    let lacks = ["can't be posted", "Send Messages", "bot's role"];
    assert_says(&step, &lacks);
    assert_says(
        &step,
        &["✅ **Log channel:**", &mute.mention(), "first table"],
    );
    let step = on.click(&step, "Log channel").await;
    let step = on
        .select(&step, "Choose a channel", [open.mention().as_str()])
        .await;
    assert_hides(&step, &["can't be posted"]);

    let set = async |channel: &Channel| {
        let mention = channel.mention();
        let options = [("channel", mention.as_str())];
        on.slash("punctaj-admin settings log-channel", options)
            .await
    };
    assert_says(&set(&shut).await, &["can't be posted", "View Channel"]);
    assert_hides(&set(&open).await, &["can't be posted"]);
    // It is set all the same where Discord does not say.
    app.discord
        .inject(Fault::status(500).on("GET", "/channels").times(100));
    assert_hides(&set(&mute).await, &["can't be posted"]);
    app.discord.clear_faults();
    assert_eq!(events(&app, &app.guild, Some("settings.set")).await, 5);
    until("what can't be posted is refused", async || {
        app.discord.refusals().iter().any(|it| it.code == 50013)
    })
    .await;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn everybody_is_told_something_to_do_in_the_end() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let (maker, setter) = (app.member("maker"), app.member("setter"));
    let granter = app.member("granter");
    for (who, right) in [
        (&maker, "table.edit"),
        (&setter, "settings.manage"),
        (&granter, "access.manage"),
    ] {
        app.grant(&ana, who, right).await;
    }
    let open = async |who: &Member| {
        let on = who.on(&phone());
        let tables = on.slash("punctaj-admin table list", []).await;
        let step = on.click(&tables, "Set up").await;
        on.click(&step, "Finish").await
    };
    let end = open(&maker).await;
    assert_says(&end, &["Press **Tables**", "`/punctaj help`"]);
    let maker = (maker, end);
    let (setter, granter) = {
        let ends = (open(&setter).await, open(&granter).await);
        ((setter, ends.0), (granter, ends.1))
    };
    for (_, end) in [&setter, &granter] {
        assert_says(end, &["/punctaj-admin table create", "`/punctaj help`"]);
        assert_hides(end, &["Press **Tables**", "/punctaj panel", "board post"]);
    }
    assert_says(&setter.1, &["`/punctaj-admin diagnose`"]);
    assert_hides(&granter.1, &["/punctaj-admin diagnose"]);

    let (phone, clan) = (phone(), [("table", "Clan")]);
    ana.on(&phone)
        .slash("punctaj-admin table create", clan)
        .await;
    // Looked at anew from where they are.
    let again = async |(who, end): &(Member, Reply), tab: &str| {
        let step = who.on(&phone).click(end, tab).await;
        who.on(&phone).click(&step, "Finish").await
    };
    for (who, tab) in [
        (&maker, "Tables"),
        (&setter, "Language"),
        (&granter, "Who gives points"),
    ] {
        let end = again(who, tab).await;
        assert_says(&end, &["`/punctaj view`", "`/punctaj help`"]);
        assert_hides(&end, &["/punctaj add", "/punctaj panel", "board post"]);
    }
    app.grant(&ana, &setter.0, "scorer").await;
    let end = again(&setter, "Language").await;
    assert_says(
        &end,
        &["`/punctaj add names:Ana points:5`", "/punctaj panel"],
    );
    assert_hides(&end, &["board post"]);
    app.finish().await;
}

#[tokio::test]
async fn whoever_skips_all_of_it_has_changed_nothing() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let on = ana.on(&phone());
    let mut step = opened(&ana).await;
    for asked in [
        "language",
        "time zone",
        "channel",
        "first table",
        "give points",
    ] {
        assert_says(&step, &[asked]);
        step = on.click(&step, "Skip").await;
    }
    assert_says(&step, &["There is no table yet"]);
    assert!(!step.has_button("Skip"));
    let step = on.click(&step, "Language").await;
    let done = on.click(&step, "Finish").await;
    assert_says(&done, &["There is no table yet"]);
    assert_eq!(events(&app, &app.guild, None).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn the_set_up_goes_on_where_it_was_after_the_bot_was_started_again() {
    let mut app = TestApp::start().await;
    let ana = app.moderator("ana");
    let on = ana.on(&phone());
    let step = opened(&ana).await;
    let step = on.click(&step, "English").await;
    app.restart_bot().await;
    let step = on
        .select(&step, "Choose the time zone", ["Europe/Rome"])
        .await;
    assert_says(
        &step,
        &["✅ **Language:** English", "✅ **Time zone:** Europe/Rome"],
    );
    let step = on.click(&step, "Tables").await;
    let form = on.click(&step, "empty").await;
    app.restart_bot().await;
    let step = on
        .submit(&form, [("Its name (or Category/Name)", "Echipa")])
        .await;
    assert_says(&step, &["✅ **Tables:** Echipa"]);
    // Another message begins with what is left.
    let step = on.click(&step, "Log channel").await;
    let welcome = on.click(&step, "Language").await;
    assert_says(&welcome, &["✅ **Tables:** Echipa", "▫️ **Log channel:**"]);
    app.finish().await;
}

#[tokio::test]
async fn whoever_has_no_right_to_it_changes_nothing() {
    let app = TestApp::start().await;
    let guild = joined(&app, "Night City");
    let welcome = welcome(&guild.channel("general")).await;
    let (ana, ion) = (manager(&guild, "ana"), guild.member("ion").join());
    let refused = ion.on(&phone()).click(&welcome, "Set up").await;
    assert!(refused.is_ephemeral());
    assert_says(&refused, &["settings.manage", "Nothing was changed"]);
    assert_eq!(refused.buttons(), Vec::<String>::new());
    assert_eq!(
        events(&app, &guild, Some("settings.view")).await,
        1,
        "it is in the history"
    );

    // Who loses the right with the set-up open is refused at each click.
    let on = ana.on(&phone());
    let step = on.click(&welcome, "Set up").await;
    let table = on.click(&step, "Tables").await;
    let form = on.click(&table, "clan").await;
    ana.set_permissions(0);
    let givers = step.latest();
    for refused in [
        on.submit(&form, []).await,
        on.click(&givers, "Who gives points").await,
        on.click(&givers, "Finish").await,
    ] {
        assert_says(&refused, &["Nothing was changed"]);
    }
    for action in ["settings.set", "access.grant"] {
        assert_eq!(events(&app, &guild, Some(action)).await, 0, "{action}");
    }
    let pool = app.db.superuser().await;
    let tables: i64 = sqlx::query_scalar("select count(*) from punctaj.tables")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(tables, 0);
    app.finish().await;
}

#[tokio::test]
async fn who_may_do_a_part_is_led_through_that() {
    let app = TestApp::start().await;
    let (ana, ion) = (app.moderator("ana"), app.member("ion"));
    app.grant(&ana, &ion, "table.edit").await;
    let on = ion.on(&phone());
    let none = on.slash("punctaj-admin table list", []).await;
    let step = on.click(&none, "Set up").await;
    assert_says(&step, &["What is the first table for?"]);
    let enabled: BTreeSet<String> = step.enabled_buttons().into_iter().collect();
    let closed = ["Language", "Time zone", "Log channel", "Who gives points"];
    assert!(
        closed.iter().all(|tab| !enabled.contains(*tab)),
        "{enabled:?}"
    );
    let form = on.click(&step, "clan").await;
    let done = on.submit(&form, []).await;
    // They may not give points themselves.
    assert_says(&done, &["✅ **Tables:** Clan", "`/punctaj view`"]);
    assert_hides(&done, &["/punctaj add"]);
    app.finish().await;
}

#[tokio::test]
async fn two_set_it_up_at_once() {
    let app = TestApp::start().await;
    let (ana, ion) = (app.moderator("ana"), app.moderator("ion"));
    let (first, second) = tokio::join!(opened(&ana), opened(&ion));
    let (first_on, second_on) = (ana.on(&phone()), ion.on(&phone()));
    let (first, second) = tokio::join!(
        first_on.click(&first, "English"),
        second_on.click(&second, "română"),
    );
    assert_eq!(events(&app, &app.guild, Some("settings.set")).await, 2);
    let (first, second) = tokio::join!(
        first_on.click(&first, "Tables"),
        second_on.click(&second, "Tables"),
    );
    let (first_form, second_form) = tokio::join!(
        first_on.click(&first, "clan"),
        second_on.click(&second, "clan"),
    );
    let (first, second) = tokio::join!(
        first_on.submit(&first_form, []),
        second_on.submit(&second_form, []),
    );
    let told = [first.text(), second.text()];
    let made = told
        .iter()
        .filter(|text| text.contains("✅ **Tables:** Clan"));
    let refused = told
        .iter()
        .filter(|text| text.contains("Nothing was changed"));
    assert_eq!((made.count(), refused.count()), (1, 1), "{told:?}");
    app.finish().await;
}

#[tokio::test]
async fn the_set_up_is_offered_where_there_is_no_table_to_those_who_may_do_it() {
    let app = TestApp::start().await;
    let (ana, ion) = (app.moderator("ana"), app.member("ion"));
    let on = ana.on(&phone());
    let has_button = async |who: &Member, command: &str, options: Vec<(&str, &str)>| {
        let reply = who.on(&phone()).slash(command, options).await;
        reply.has_button("Set up")
    };
    let names = || vec![("names", "Ana")];
    let clan = || vec![("table", "Clan")];
    assert!(has_button(&ana, "punctaj-admin settings show", vec![]).await);
    assert!(has_button(&ana, "punctaj-admin table list", vec![]).await);
    assert!(has_button(&ana, "punctaj-admin rank list", clan()).await);
    assert!(has_button(&ana, "punctaj add", names()).await);
    assert!(has_button(&ana, "punctaj view", vec![]).await);
    assert!(has_button(&ana, "punctaj panel", vec![]).await);
    assert!(has_button(&ana, "punctaj-admin access list", vec![]).await);
    assert!(has_button(&ana, "punctaj-admin diagnose", vec![]).await);
    assert!(!has_button(&ana, "punctaj session list", vec![]).await);
    for (command, options) in [
        ("punctaj add", names()),
        ("punctaj view", vec![]),
        ("punctaj-admin table list", vec![]),
        ("punctaj-admin settings show", vec![]),
        ("punctaj-admin diagnose", vec![]),
    ] {
        assert!(!has_button(&ion, command, options).await, "{command}");
    }
    assert!(!has_button(&ana, "punctaj-admin table create", clan()).await);
    assert!(!has_button(&ana, "punctaj-admin settings show", vec![]).await);
    on.slash("punctaj-admin table delete", clan()).await;
    assert!(has_button(&ana, "punctaj-admin settings show", vec![]).await);
    app.finish().await;
}

#[tokio::test]
async fn one_of_two_processes_welcomes_a_guild_and_none_does_again() {
    let mut app = TestApp::start().await;
    let mut beside = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let guilds: Vec<Guild> = (0..5).map(|it| joined(&app, &format!("G{it}"))).collect();
    for guild in &guilds {
        welcome(&guild.channel("general")).await;
    }
    beside.stop_bot().await;
    beside.forget();
    app.discord.connected(1).await;
    app.restart_bot().await;
    // The bot has heard of them all again when it has greeted one that it hears of later.
    let last = joined(&app, "Last");
    welcome(&last.channel("general")).await;
    app.restart_bot().await;
    for guild in &guilds {
        assert_eq!(posted(&guild.channel("general")).len(), 1);
    }
    assert_eq!(welcomes(&app).await, 6);
    // The one that it was in before is none of them.
    assert_eq!(posted(&app.guild.channel("general")).len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_updated_welcomes_nobody_whom_it_knows() {
    let mut app = TestApp::without_bot().await;
    let known: Vec<Guild> = (0..3)
        .map(|it| app.discord.guild(&format!("G{it}")))
        .collect();
    app.start_bot().await;
    let new = joined(&app, "New");
    welcome(&new.channel("general")).await;
    for guild in &known {
        assert_eq!(posted(&guild.channel("general")).len(), 0);
    }
    assert_eq!(welcomes(&app).await, 1);
    app.finish().await;
}

/// A guild with two channels, to be gone to [`anew`].
async fn with_channels(app: &TestApp, name: &str) -> (Guild, Channel, Channel) {
    let guild = joined(app, name);
    let (general, lobby) = (guild.channel("general"), guild.channel("lobby"));
    general.delete_message(&welcome(&general).await);
    (guild, general, lobby)
}

/// The bot is thrown out, and invited again into the guild as it is now.
fn anew(guild: &Guild) {
    guild.remove_bot();
    guild.invite_bot_again();
}

#[tokio::test]
async fn it_is_said_in_the_system_channel_else_where_the_bot_may_write_else_to_the_owner() {
    let mut app = TestApp::start().await;
    let (guild, general, lobby) = with_channels(&app, "One").await;
    guild.system_channel(&lobby);
    anew(&guild);
    welcome(&lobby).await;
    assert_eq!(posted(&general).len(), 0);

    let (guild, general, lobby) = with_channels(&app, "Two").await;
    guild.system_channel(&general);
    general.deny_bot(SEND_MESSAGES);
    anew(&guild);
    welcome(&lobby).await;

    // What Discord's rights don't tell, its refusal does.
    let (guild, general, lobby) = with_channels(&app, "Three").await;
    guild.system_channel(&lobby);
    let path = format!("/channels/{}/messages", lobby.id());
    app.discord
        .inject(Fault::status(403).code(50013).on("POST", &path).times(1));
    anew(&guild);
    welcome(&general).await;

    let (guild, general, lobby) = with_channels(&app, "Four").await;
    let owner = guild.member("boss").owner().join();
    general.deny_bot(VIEW_CHANNEL);
    lobby.deny_bot(SEND_MESSAGES);
    anew(&guild);
    until("a direct message", async || {
        !app.discord.dms(&owner).is_empty()
    })
    .await;
    let direct = app.discord.dms(&owner).remove(0);
    assert_says(&direct, &["**Four**", "/punctaj-admin settings show"]);
    // What it tells to do works where the bot may not write.
    let settings = owner.on(&phone()).in_channel(&lobby);
    let settings = settings.slash("punctaj-admin settings show", []).await;
    assert_says(
        &owner.on(&phone()).click(&settings, "Set up").await,
        &["In which language"],
    );

    let (guild, general, lobby) = with_channels(&app, "Five").await;
    let owner = guild.member("hermit").owner().join();
    owner.close_dms(true);
    general.deny_bot(SEND_MESSAGES);
    lobby.deny_bot(SEND_MESSAGES);
    anew(&guild);
    until("a refusal", async || {
        app.discord.refusals().iter().any(|it| it.code == 50007)
    })
    .await;
    app.expect_refusals(1);
    // It is no misfortune: everything works.
    assert_says(
        &opened(&manager(&guild, "ana")).await,
        &["In which language"],
    );
    app.finish().await;
}

#[tokio::test]
async fn a_welcome_that_discord_does_not_take_now_is_said_later() {
    let mut app = TestApp::start().await;
    // Longer than one message is tried.
    let wait = Fault::rate_limit(Duration::from_mins(10)).on("POST", "/messages");
    app.discord.inject(wait.times(100));
    let guild = joined(&app, "Night City");
    let general = guild.channel("general");
    until("it is given back", async || {
        let pool = app.db.superuser().await;
        let query = "select count(*) from punctaj.welcomes where joined_at = '-infinity'";
        let given: i64 = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
        given == 1
    })
    .await;
    assert_eq!(posted(&general).len(), 0);
    app.discord.clear_faults();
    app.restart_bot().await;
    welcome(&general).await;
    app.restart_bot().await;
    let last = joined(&app, "Last");
    welcome(&last.channel("general")).await;
    assert_eq!(posted(&general).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn leaving_and_coming_back_keeps_everything() {
    let mut app = TestApp::start().await;
    let guild = joined(&app, "Night City");
    let general = guild.channel("general");
    let scores = guild.channel("scores");
    welcome(&general).await;
    let (ana, ion) = (manager(&guild, "ana"), guild.member("ion").join());
    let on = ana.on(&phone());
    on.slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    app.grant(&ana, &ion, "scorer").await;
    on.slash("punctaj add", [("names", "Dan"), ("points", "7")])
        .await;
    let mention = scores.mention();
    let options = [("table", "Clan"), ("channel", mention.as_str())];
    on.slash("punctaj-admin board post", options).await;
    let shows = async |text: &str| {
        let messages = posted(&scores);
        matches!(messages.as_slice(), [message] if message.text().contains(text))
    };
    until("a board", async || shows("Dan").await).await;

    guild.remove_bot();
    // Somebody tidies up meanwhile, which the bot is not told.
    scores.delete_message(&posted(&scores)[0]);
    app.restart_bot().await;
    guild.invite_bot_again();
    until("the board is posted anew", async || shows("Dan").await).await;
    let given = ion
        .on(&phone())
        .slash("punctaj add", [("names", "Dan"), ("points", "1")])
        .await;
    assert_says(&given, &["7 → 8"]);
    until("the board follows", async || shows("8").await).await;
    assert_eq!(
        posted(&general).len(),
        1,
        "it has tables, so it is not welcomed again"
    );
    // The message that was gone, and the guild before.
    let refusals = app.discord.refusals();
    let codes: BTreeSet<u32> = refusals.iter().map(|it| it.code).collect();
    assert!(
        codes.is_subset(&BTreeSet::from([10008, 50001])),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    assert_eq!(welcomes(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_guild_without_tables_is_welcomed_again_when_it_invites_again() {
    let app = TestApp::start().await;
    let guild = joined(&app, "Night City");
    let general = guild.channel("general");
    welcome(&general).await;
    guild.remove_bot();
    guild.invite_bot_again();
    until("a second welcome", async || posted(&general).len() == 2).await;
    app.finish().await;
}
