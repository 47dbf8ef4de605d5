//! Several processes on one database.

use std::time::{Duration, Instant};

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Channel, Device, Guild, Member};

use super::number;
use super::stage::{EQUAL, SPLIT, Stage, guild_of};
use crate::support::app::until;

const PATIENCE: Duration = Duration::from_secs(5);

/// How many guilds share the edits whose way to the board is measured, so that no channel's budget
/// is in the way.
const MEASURED_GUILDS: usize = 30;

async fn share_a_database(shards: &[&'static str]) -> Stage {
    let stage = Stage::new(shards).await;
    for place in &stage.places {
        place.logs().await;
    }
    let nothing = async |_: &Stage| tokio::time::sleep(Duration::from_secs(5)).await;
    stage.through("nothing happened", nothing).await;
    for place in &stage.places {
        stage.log_is_whole(place).await;
    }
    stage
}

#[tokio::test]
async fn two_processes_with_a_shard_each() {
    share_a_database(&SPLIT).await.finish().await;
}

#[tokio::test]
async fn two_processes_with_the_same_shard_of_which_one_is_killed() {
    let mut stage = share_a_database(&EQUAL).await;
    let load = stage.load(PATIENCE);
    load.acknowledged(&stage.guilds(), Instant::now(), 8).await;
    stage.kill(1).await;
    let left = Instant::now();
    load.acknowledged(&stage.guilds(), left, 8).await;
    let told = load.end().await;
    stage.holds(&told).await;
    for place in &stage.places {
        stage.log_is_whole(place).await;
    }
    stage.finish().await;
}

/// What is measured, and not asserted: how long a board takes to show an edit after whoever made it
/// was answered. Which process keeps the board is nobody's business.
#[tokio::test]
async fn the_way_from_an_edit_to_its_board() {
    let stage = Stage::new(&SPLIT).await;
    let mut guilds = Vec::new();
    for at in 0..MEASURED_GUILDS {
        guilds.push(Measured::new(&stage, at).await);
    }
    let edits = number("PUNCTAJ_LATENCY_EDITS").unwrap_or(60);
    let mut times = Vec::new();
    for (edit, guild) in (0..edits).zip(guilds.iter().cycle()) {
        times.push(guild.edited(edit).await);
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "from the answer to the board, {edits} edits: p50 {:?}, p95 {:?}, p99 {:?}",
        at(50),
        at(95),
        at(99)
    );
    stage.finish().await;
}

/// A guild of the first process.
struct Measured<'a> {
    stage: &'a Stage,
    _guild: Guild,
    who: Member,
    board: Channel,
}

impl<'a> Measured<'a> {
    async fn new(stage: &'a Stage, at: usize) -> Self {
        let guild = guild_of(&stage.discord, &format!("Measured {at}"), SPLIT[0]);
        let who = guild.member("ana").permissions(MANAGE_GUILD).join();
        let board = guild.channel("scor");
        let measured = Self {
            stage,
            _guild: guild,
            who,
            board,
        };
        measured
            .slash("punctaj-admin table create", &[("table", "Clan")])
            .await;
        let there = measured.board.mention();
        let post = [("table", "Clan"), ("channel", there.as_str())];
        measured.slash("punctaj-admin board post", &post).await;
        measured.shows("no entries yet").await;
        measured
    }

    async fn slash(&self, command: &str, options: &[(&str, &str)]) {
        let pc = Device::desktop("PC");
        let reply = self
            .who
            .on(&pc)
            .slash(command, options.iter().copied())
            .await;
        assert!(reply.is_answered());
    }

    async fn shows(&self, text: &str) {
        let is_there = async || {
            self.board
                .messages()
                .iter()
                .any(|it| it.text().contains(text))
        };
        until("the board shows it", is_there).await;
    }

    /// How long the board took to show an edit.
    async fn edited(&self, number: u64) -> Duration {
        let name = format!("om {number}.");
        self.slash("punctaj add", &[("names", &name), ("points", "1")])
            .await;
        let answered = Instant::now();
        self.shows(&name).await;
        let path = format!("/channels/{}/messages/", self.board.id());
        let requests = self.stage.discord.requests();
        let mut edits = requests
            .iter()
            .filter(|it| it.method == "PATCH" && it.path.starts_with(&path));
        let shown = edits.next_back().expect("an edit of the board").at;
        shown.saturating_duration_since(answered)
    }
}
