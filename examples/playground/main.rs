//! The whole thing in one command, with no account anywhere: an embedded Postgres, a stand-in
//! for Discord, and the real bot between them. Plays a story and prints what each device sees.
//!
//! `cargo run --example playground`; with `-- --story conflict` another story, and with `-- --keep`
//! it is left up afterwards.

mod audit;
mod conflict;
mod database;
mod outage;
mod stage;
mod tables;
mod week;

use std::error::Error;
use std::path::Path;

use clap::{Parser, ValueEnum};
use fake_discord::FakeDiscord;
use punctaj::app;
use punctaj::config::{Config, Environment};
use tokio::sync::oneshot;

use database::Database;
use stage::say;

/// Plays a story between people, their devices and the bot.
#[derive(Parser)]
struct Arguments {
    /// Which story.
    #[arg(long, value_enum, default_value_t = Story::Tables)]
    story: Story,
    /// Leave everything up after the story, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Story {
    /// Two moderators on four devices keep one table.
    Tables,
    /// Two devices write the same thing, and nothing is lost.
    Conflict,
    /// A moderator finds out what happened, and puts it right.
    Audit,
    /// A device is away for a while, then the database is.
    Outage,
    /// A unit's week: points, a warning, the closing with its promotions, and an undo.
    Week,
}

impl Story {
    async fn play(self, discord: &FakeDiscord, database: &Database) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Tables => tables::play(discord).await,
            Self::Conflict => conflict::play(discord).await,
            Self::Audit => audit::play(discord).await,
            Self::Outage => outage::play(discord, database).await,
            Self::Week => week::play(discord, &database.url()).await?,
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let data = tempfile::Builder::new()
        .prefix("punctaj-playground-")
        .tempdir()?;
    say("Starting a stand-in for Discord, a private Postgres and the bot …");
    let discord = FakeDiscord::start().await?;
    let database = Database::start(&data.path().join("database")).await?;
    let config = configuration(&discord, &database, data.path())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let bot = app::run(config, async {
        let _ = stopped.await;
    });
    let people = async {
        discord.ready().await;
        arguments.story.play(&discord, &database).await?;
        if arguments.keep {
            keep(&discord).await?;
        }
        let _ = stop.send(());
        Ok::<(), Box<dyn Error>>(())
    };
    // The people leave when the story is over; then the bot stops, then its Postgres.
    let (bot, people) = tokio::join!(bot, people);
    database.stop().await;
    bot?;
    people?;
    discord.stop().await;
    Ok(())
}

fn configuration(
    discord: &FakeDiscord,
    database: &Database,
    data: &Path,
) -> Result<Config, Box<dyn Error>> {
    let (url, folder) = (database.url(), data.join("bot"));
    let variables = [
        ("DISCORD_TOKEN", discord.token()),
        ("DISCORD_API_URL", discord.url()),
        ("PUNCTAJ_DISCORD_RATELIMIT", "off"),
        ("PUNCTAJ_DATABASE_URL", url.as_str()),
        ("PUNCTAJ_DATA_DIR", folder.to_str().unwrap_or_default()),
    ];
    let loaded = Config::load(&Environment::from_variables(variables), data);
    Ok(loaded.into_config(true)?)
}

async fn keep(discord: &FakeDiscord) -> Result<(), Box<dyn Error>> {
    say("\nStill up until Ctrl-C. Play a member with:");
    say(&format!(
        "  curl -s {}/_control/interaction -H 'content-type: application/json' -d '{{\"guild\":\"BlackWater\",\"user\":\"Dana\",\
         \"command\":\"punctaj view\",\"options\":{{}}}}'",
        discord.url()
    ));
    tokio::signal::ctrl_c().await?;
    Ok(())
}
