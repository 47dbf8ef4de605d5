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

/// The people of the story, and their devices.
struct Cast {
    dana: Member,
    bogdan: Member,
    office: Device,
    laptop: Device,
    phone: Device,
    tablet: Device,
}

impl Cast {
    fn new(discord: &FakeDiscord) -> Self {
        let guild = discord.guild("BlackWater");
        let moderator = |name| guild.member(name).permissions(MANAGE_GUILD);
        Self {
            dana: moderator("Dana").join(),
            bogdan: moderator("Bogdan").locale("ro").join(),
            office: Device::desktop("PC Birou"),
            laptop: Device::desktop("Laptop"),
            phone: Device::phone("Telefon"),
            tablet: Device::phone("Tabletă"),
        }
    }

    async fn dana(&self, device: &Device, command: &str, options: &[(&str, &str)]) {
        let reply = self
            .dana
            .on(device)
            .slash(command, options.iter().copied())
            .await;
        self.show(&self.dana, device, &typed(command, options), &reply);
    }

    async fn bogdan(&self, command: &str, options: &[(&str, &str)]) -> Reply {
        let reply = self
            .bogdan
            .on(&self.tablet)
            .slash(command, options.iter().copied())
            .await;
        self.show(&self.bogdan, &self.tablet, &typed(command, options), &reply);
        reply
    }

    fn show(&self, who: &Member, device: &Device, what: &str, reply: &Reply) {
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
            say(&format!("     │ {}", self.as_shown(line)));
        }
        if !reply.buttons().is_empty() {
            say(&format!("     │ [{}]", reply.buttons().join("] [")));
        }
    }

    /// People and moments as Discord shows them, rather than as bots write them.
    fn as_shown(&self, line: &str) -> String {
        let mut shown = line.to_owned();
        for member in [&self.dana, &self.bogdan] {
            shown = shown.replace(&member.mention(), &format!("@{}", member.name()));
        }
        while let Some(start) = shown.find("<t:") {
            let Some(length) = shown[start..].find('>') else {
                break;
            };
            shown.replace_range(start..=start + length, "just now");
        }
        shown
    }
}

async fn story(discord: &FakeDiscord) {
    let cast = Cast::new(discord);
    set_up(&cast).await;
    three_devices_at_once(&cast).await;
    a_mistake(&cast).await;
    the_history(&cast).await;
    leaving(&cast).await;
}

async fn set_up(cast: &Cast) {
    chapter("Dana sets up a score table from the office PC");
    cast.dana(
        &cast.office,
        "punctaj-admin table create",
        &[("table", "BlackWater/Politie")],
    )
    .await;
    let rank = [("table", "Politie"), ("rank", "1"), ("title", "Ofițer")];
    cast.dana(&cast.office, "punctaj-admin rank set", &rank)
        .await;

    chapter("She logs in on each of her three devices: one account, three sessions");
    for device in [&cast.office, &cast.laptop, &cast.phone] {
        cast.dana(
            device,
            "punctaj session login",
            &[("device", device.label())],
        )
        .await;
    }
}

async fn three_devices_at_once(cast: &Cast) {
    chapter("Dana's laptop and phone and Bogdan's tablet give points at the same moment");
    let reason = ("reason", "patrulă de noapte");
    let at_once = [
        (
            &cast.dana,
            &cast.laptop,
            vec![("names", "Ana Pop, Ion Matei"), ("points", "5")],
        ),
        (
            &cast.dana,
            &cast.phone,
            vec![("names", "Ana Pop"), ("points", "3"), reason],
        ),
        (
            &cast.bogdan,
            &cast.tablet,
            vec![("names", "Ana Pop, Maria Enache"), ("points", "2")],
        ),
    ];
    let add = |who: &Member, device: &Device, options: &[(&'static str, &'static str)]| {
        who.on(device)
            .slash_start("punctaj add", options.iter().copied())
    };
    let pending: Vec<_> = at_once
        .iter()
        .map(|(who, device, options)| add(who, device, options))
        .collect();
    for (answer, (who, device, options)) in pending.into_iter().zip(&at_once) {
        cast.show(
            who,
            device,
            &typed("punctaj add", options),
            &answer.answer().await,
        );
    }

    chapter("Everyone sees the same table, each in the layout of the device");
    cast.dana(&cast.office, "punctaj view", &[("layout", "wide")])
        .await;
    cast.bogdan("punctaj view", &[("layout", "phone")]).await;
}

async fn a_mistake(cast: &Cast) {
    chapter("Bogdan mistypes +423 for +4, and takes it back with one tap");
    let wrong = cast
        .bogdan(
            "punctaj add",
            &[("names", "Maria Enache"), ("points", "423")],
        )
        .await;
    let undone = cast.bogdan.on(&cast.tablet).click(&wrong, "Desfă").await;
    cast.show(&cast.bogdan, &cast.tablet, "[Desfă]", &undone);

    chapter("Dana corrects a name from the phone; the office PC sees it at once");
    let corrected = [
        ("name", "Ion Matei"),
        ("field", "name"),
        ("value", "Ioan Matei"),
    ];
    cast.dana(&cast.phone, "punctaj set", &corrected).await;
    cast.dana(&cast.office, "punctaj view", &[("layout", "wide")])
        .await;
}

async fn the_history(cast: &Cast) {
    chapter("Every change is in the history, and the history verifies");
    cast.dana(
        &cast.office,
        "punctaj-audit search",
        &[("table", "Politie")],
    )
    .await;
    cast.dana(&cast.office, "punctaj-audit show", &[("event", "11")])
        .await;
    cast.dana(&cast.office, "punctaj-audit verify", &[]).await;
}

async fn leaving(cast: &Cast) {
    chapter("She leaves the office: that session ends, the others go on");
    cast.dana(
        &cast.phone,
        "punctaj session logout",
        &[("session", "PC Birou")],
    )
    .await;
    cast.dana(&cast.phone, "punctaj session list", &[]).await;
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

fn typed(command: &str, options: &[(&str, &str)]) -> String {
    options
        .iter()
        .fold(format!("/{command}"), |text, (name, value)| {
            format!("{text} {name}:{value}")
        })
}

fn chapter(title: &str) {
    say(&format!("\n── {title}"));
}

#[expect(clippy::print_stdout, reason = "the story is this program's output")]
fn say(line: &str) {
    println!("{line}");
}
