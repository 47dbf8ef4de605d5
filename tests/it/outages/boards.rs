//! What a channel's boards may ask of Discord, on bad days too.

use std::time::{Duration, Instant};

use fake_discord::{Channel, FakeDiscord, Fault, Requested};
use tokio::time::sleep;

use super::stage::{SPLIT, Stage};
use crate::support::app::until;

/// Discord's limit for edits of messages in one channel.
const BUDGET: (usize, Duration) = (3, Duration::from_secs(6));

const PATIENCE: Duration = Duration::from_secs(5);

fn path(channel: &Channel) -> String {
    format!("/channels/{}/messages/", channel.id())
}

/// The edits of messages in a channel that were tried.
fn edits(discord: &FakeDiscord, channel: &Channel) -> Vec<Requested> {
    let mut requests = discord.requests();
    requests.retain(|it| it.method == "PATCH" && it.path.starts_with(&path(channel)));
    requests
}

#[tokio::test]
async fn a_channel_is_edited_three_times_in_six_seconds_at_most_whatever_discord_says() {
    let stage = Stage::new(&SPLIT).await;
    let (discord, channel) = (&stage.discord, &stage.places[0].board);
    let second = [("table", "Alta"), ("channel", &*channel.mention())];
    stage.places[0]
        .slash("punctaj-admin table create", &second[..1])
        .await;
    stage.places[0]
        .slash("punctaj-admin board post", &second)
        .await;
    let load = stage.load(PATIENCE);
    for round in 0..10 {
        let fault = match round % 4 {
            0 => Fault::status(500).times(2),
            1 => Fault::rate_limit(Duration::from_millis(500)),
            2 => Fault::status(502).after_effect(),
            _ => Fault::hang_up(),
        };
        discord.inject(fault.on("PATCH", &path(channel)));
        sleep(Duration::from_secs(3)).await;
    }
    discord.clear_faults();
    let told = load.end().await;
    let tried = edits(discord, channel);
    let refused = tried.iter().filter(|edit| edit.status != 200).count();
    assert!(refused > 3, "{tried:?}");
    for window in tried.windows(BUDGET.0 + 1) {
        let took = window[BUDGET.0].at - window[0].at;
        assert!(took >= BUDGET.1, "{took:?}: {window:#?}");
    }
    stage.places[0]
        .slash("punctaj-admin board remove", &second)
        .await;
    channel_has_one(channel).await;
    stage.holds(&told).await;
    stage.finish().await;
}

async fn channel_has_one(channel: &Channel) {
    let one = async || {
        let messages = channel.messages();
        messages
            .iter()
            .filter(|message| !message.is_ephemeral())
            .count()
            == 1
    };
    until("one board is left", one).await;
}

#[tokio::test]
async fn a_channel_is_left_alone_for_as_long_as_discord_asks() {
    let stage = Stage::new(&SPLIT).await;
    let (discord, place) = (&stage.discord, &stage.places[0]);
    let load = stage.load(PATIENCE);
    let limited = || {
        edits(discord, &place.board)
            .iter()
            .filter(|it| it.status == 429)
            .count()
    };
    discord.inject(Fault::rate_limit(Duration::from_secs(12)).on("PATCH", &path(&place.board)));
    let begun = Instant::now();
    until("Discord asks for time", async || limited() > 0).await;
    let met = edits(discord, &place.board).len();
    let more = async || edits(discord, &place.board).len() > met;
    until("the channel is edited again", more).await;
    println!("edited again after {:?}", begun.elapsed());
    assert_eq!(limited(), 1, "it was asked before its time");
    let told = load.end().await;
    stage.holds(&told).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_channel_that_is_deleted_is_reported_before_anything_is_written_to_it() {
    let stage = Stage::new(&SPLIT).await;
    let place = &stage.places[0];
    let doomed = place.guild.channel("gone");
    let (there, log) = (doomed.mention(), place.log.mention());
    let post = [("table", "Clan"), ("channel", there.as_str())];
    place
        .slash("punctaj-admin settings log-channel", &[("channel", &log)])
        .await;
    place.slash("punctaj-admin board post", &post).await;
    until("the board", async || !doomed.messages().is_empty()).await;
    doomed.delete();
    let reported = |text: &str| text.contains("can’t be posted") && text.contains(&there);
    let reports = || {
        place
            .log
            .messages()
            .iter()
            .filter(|it| reported(&it.text()))
            .count()
    };
    until("the report", async || reports() > 0).await;
    let told = stage.load(PATIENCE).end().await;
    stage.holds(&told).await;
    assert_eq!(reports(), 1);
    let asked = stage.discord.requests();
    let in_vain = asked
        .iter()
        .filter(|it| it.path.starts_with(&path(&doomed)) && it.status == 404);
    assert_eq!(in_vain.count(), 0);
    stage.finish().await;
}
