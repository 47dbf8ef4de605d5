//! The stand-in as a program: `FAKE_DISCORD_ADDR=127.0.0.1:8920 fake-discord`.
//!
//! Prints the environment a bot needs to reach it, makes a guild with two members, and serves
//! until Ctrl-C. `POST /_control/interaction` plays the members; see the library's documentation.

use std::{
    error::Error,
    io::{Write, stdout},
    net::SocketAddr,
};

use fake_discord::{FakeDiscord, permissions::MANAGE_GUILD};

const VARIABLE: &str = "FAKE_DISCORD_ADDR";
const DEFAULT: &str = "127.0.0.1:8920";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let address: SocketAddr = address().parse()?;
    let discord = FakeDiscord::builder().address(address).start().await?;
    let guild = discord.guild("Demo");
    let alice = guild.member("alice").permissions(MANAGE_GUILD).join();
    let bob = guild.member("bob").join();
    let channel = guild.channel("punctaj");
    let mut out = stdout();
    writeln!(out, "DISCORD_TOKEN={}", discord.token())?;
    writeln!(out, "DISCORD_API_URL={}", discord.url())?;
    writeln!(out, "PUNCTAJ_DISCORD_RATELIMIT=off")?;
    writeln!(
        out,
        "# guild {} ({}), channel {}, alice {} (may manage the guild), bob {}",
        guild.name(),
        guild.id(),
        channel.id(),
        alice.id(),
        bob.id(),
    )?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    discord.stop().await;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in is a program of its own, with this one setting"
)]
fn address() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned())
}
