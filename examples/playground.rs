//! The whole thing in one command, with no account anywhere: an embedded Postgres, a stand-in
//! for Discord, and the real bot between them. Plays a story and prints what each device sees.
//!
//! `cargo run --example playground`, or with `-- --keep` to leave it up afterwards.

use std::error::Error;

use clap::Parser;
use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Device, FakeDiscord, Member, Platform, Reply};
use punctaj::app;
use punctaj::config::{Config, Environment};
use tokio::sync::oneshot;

/// Plays a story between people, their devices and the bot.
#[derive(Parser)]
struct Arguments {
    /// Leave everything up after the story, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let data = tempfile::Builder::new()
        .prefix("punctaj-playground-")
        .tempdir()?;
    say("Starting a stand-in for Discord, a private Postgres and the bot …");
    let discord = FakeDiscord::start().await?;
    let config = configuration(&discord, data.path().to_str().unwrap_or_default())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let bot = app::run(config, async {
        let _ = stopped.await;
    });
    let people = async {
        discord.ready().await;
        story(&discord).await;
        if arguments.keep {
            keep(&discord).await?;
        }
        let _ = stop.send(());
        Ok::<(), Box<dyn Error>>(())
    };
    // The people leave when the story is over; then the bot stops, and its Postgres with it.
    let (bot, people) = tokio::join!(bot, people);
    bot?;
    people?;
    discord.stop().await;
    Ok(())
}

fn configuration(discord: &FakeDiscord, data: &str) -> Result<Config, Box<dyn Error>> {
    let environment = Environment::from_process();
    let path = environment
        .get("PATH")
        .map(ToOwned::to_owned)
        .unwrap_or_default();
    let path = path.to_str().unwrap_or_default();
    let variables = [
        ("PATH", path),
        ("DISCORD_TOKEN", discord.token()),
        ("DISCORD_API_URL", discord.url()),
        ("PUNCTAJ_DISCORD_RATELIMIT", "off"),
        ("PUNCTAJ_DATA_DIR", data),
    ];
    let loaded = Config::load(&Environment::from_variables(variables), data.as_ref());
    Ok(loaded.into_config(true)?)
}

async fn story(discord: &FakeDiscord) {
    let guild = discord.guild("BlackWater");
    let dana = guild.member("Dana").permissions(MANAGE_GUILD).join();
    let bogdan = guild
        .member("Bogdan")
        .permissions(MANAGE_GUILD)
        .locale("ro")
        .join();
    let office = Device::desktop("PC Birou");
    let laptop = Device::desktop("Laptop");
    let phone = Device::phone("Telefon");
    let tablet = Device::phone("Tabletă");

    chapter("Dana sets up a score table from the office PC");
    play(
        &dana,
        &office,
        "punctaj-admin table create",
        &[("table", "BlackWater/Politie")],
    )
    .await;
    play(
        &dana,
        &office,
        "punctaj-admin rank set",
        &[("table", "Politie"), ("rank", "1"), ("title", "Ofițer")],
    )
    .await;

    chapter("She logs in on each of her three devices: one account, three sessions");
    for device in [&office, &laptop, &phone] {
        play(
            &dana,
            device,
            "punctaj session login",
            &[("device", device.label())],
        )
        .await;
    }

    chapter("Dana's laptop and phone and Bogdan's tablet give points at the same moment");
    let at_once = [
        (
            &dana,
            &laptop,
            vec![("names", "Ana Pop, Ion Matei"), ("points", "5")],
        ),
        (
            &dana,
            &phone,
            vec![
                ("names", "Ana Pop"),
                ("points", "3"),
                ("reason", "patrulă de noapte"),
            ],
        ),
        (
            &bogdan,
            &tablet,
            vec![("names", "Ana Pop, Maria Enache"), ("points", "2")],
        ),
    ];
    let pending: Vec<_> = at_once
        .iter()
        .map(|(who, device, options)| {
            who.on(device)
                .slash_start("punctaj add", options.iter().copied())
        })
        .collect();
    for (answer, (who, device, options)) in pending.into_iter().zip(&at_once) {
        show(
            who,
            device,
            &typed("punctaj add", options),
            &answer.answer().await,
        );
    }

    chapter("Everyone sees the same table, each in the layout of the device");
    play(&dana, &office, "punctaj view", &[("layout", "wide")]).await;
    play(&bogdan, &tablet, "punctaj view", &[("layout", "phone")]).await;

    chapter("Bogdan mistypes +423 for +4, and takes it back with one tap");
    let wrong = play(
        &bogdan,
        &tablet,
        "punctaj add",
        &[("names", "Maria Enache"), ("points", "423")],
    )
    .await;
    let undone = bogdan.on(&tablet).click(&wrong, "Desfă").await;
    show(&bogdan, &tablet, "[Desfă]", &undone);

    chapter("Dana corrects a name from the phone; the office PC sees it at once");
    play(
        &dana,
        &phone,
        "punctaj set",
        &[
            ("name", "Ion Matei"),
            ("field", "name"),
            ("value", "Ioan Matei"),
        ],
    )
    .await;
    play(&dana, &office, "punctaj view", &[("layout", "wide")]).await;

    chapter("Every change is in the history, with its device, and the history verifies");
    play(
        &dana,
        &office,
        "punctaj-audit search",
        &[("table", "Politie")],
    )
    .await;
    play(&dana, &office, "punctaj-audit verify", &[]).await;

    chapter("She leaves the office: that session ends, the others go on");
    play(
        &dana,
        &phone,
        "punctaj session logout",
        &[("session", "PC Birou")],
    )
    .await;
    play(&dana, &phone, "punctaj session list", &[]).await;
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

async fn play(who: &Member, device: &Device, command: &str, options: &[(&str, &str)]) -> Reply {
    let reply = who.on(device).slash(command, options.iter().copied()).await;
    show(who, device, &typed(command, options), &reply);
    reply
}

fn typed(command: &str, options: &[(&str, &str)]) -> String {
    options
        .iter()
        .fold(format!("/{command}"), |text, (name, value)| {
            format!("{text} {name}:{value}")
        })
}

fn show(who: &Member, device: &Device, what: &str, reply: &Reply) {
    let icon = match device.platform() {
        Platform::Mobile => "📱",
        _ => "💻",
    };
    say(&format!(
        "\n  {icon} {} on {}:  {what}",
        who.name(),
        device.label()
    ));
    for line in reply.text().lines() {
        say(&format!("     │ {line}"));
    }
    if !reply.buttons().is_empty() {
        say(&format!("     │ [{}]", reply.buttons().join("] [")));
    }
}

fn chapter(title: &str) {
    say(&format!("\n── {title}"));
}

#[expect(clippy::print_stdout, reason = "the story is this program's output")]
fn say(line: &str) {
    println!("{line}");
}
