//! The people of the stories, their devices, and what they see.

use std::cell::Cell;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Bucharest;
use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Acting, Channel, Device, FakeDiscord, Member, Platform, Reply};

/// A seat, and the options of a command as they are typed there.
pub type Turn<'a, 'b> = (&'a Seat<'a>, Vec<(&'b str, &'b str)>);

/// A server, its owner, a moderator and a member.
pub struct Stage {
    pub discord: FakeDiscord,
    pub dana: Member,
    pub bogdan: Member,
    pub mihai: Member,
    /// The moment of what people do next, where the story says one.
    clock: Cell<Option<DateTime<Utc>>>,
}

impl Stage {
    pub fn new(discord: &FakeDiscord) -> Self {
        let guild = discord.guild("BlackWater");
        Self {
            discord: discord.clone(),
            dana: guild.member("Dana").owner().join(),
            bogdan: guild
                .member("Bogdan")
                .permissions(MANAGE_GUILD)
                .locale("ro")
                .join(),
            mihai: guild.member("Mihai").join(),
            clock: Cell::default(),
        }
    }

    /// From now on people act at that moment, a minute after each other.
    pub fn it_is(&self, moment: DateTime<Utc>) {
        self.clock.set(Some(moment));
    }

    /// Several give the same command before the first is answered.
    pub async fn at_once(&self, command: &str, turns: &[Turn<'_, '_>]) {
        let start = |(seat, options): &Turn<'_, '_>| {
            let options = options.iter().copied();
            seat.acting().slash_start(command, options)
        };
        let pending: Vec<_> = turns.iter().map(start).collect();
        for (answer, (seat, options)) in pending.into_iter().zip(turns) {
            seat.saw(&typed(command, options), &answer.answer().await);
        }
    }

    /// Prints what the bot posted in a channel.
    pub fn posted(&self, channel: &Channel, message: &Reply) {
        say(&format!("\n  # In #{}:", channel.name()));
        self.show(message);
    }

    /// One of them with a device in hand.
    pub fn seat<'a>(&'a self, who: &'a Member, device: &Device) -> Seat<'a> {
        let device = device.clone();
        Seat {
            stage: self,
            who,
            device,
        }
    }

    /// People and moments as Discord shows them, rather than as bots write them.
    fn as_shown(&self, line: &str) -> String {
        let mut shown = line.to_owned();
        for member in [&self.dana, &self.bogdan, &self.mihai] {
            shown = shown.replace(&member.mention(), &format!("@{}", member.name()));
        }
        while let Some(start) = shown.find("<t:") {
            let Some(length) = shown[start..].find('>') else {
                break;
            };
            let moment = self.moment(&shown[start..start + length]);
            shown.replace_range(start..=start + length, &moment);
        }
        shown
    }

    /// A moment as Discord writes it, `<t:…:f`; stories without a clock take no time.
    fn moment(&self, written: &str) -> String {
        let seconds = written.split(':').nth(1).and_then(|text| text.parse().ok());
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        match (self.clock.get(), at) {
            (Some(_), Some(at)) => at
                .with_timezone(&Bucharest)
                .format("%a %-d %b %H:%M")
                .to_string(),
            _ => "just now".to_owned(),
        }
    }

    fn show(&self, reply: &Reply) {
        for line in reply.text().lines() {
            say(&format!("     │ {}", self.as_shown(line)));
        }
        for (name, bytes) in reply.files() {
            say(&format!("     │ 📎 {name}, {} bytes", bytes.len()));
        }
        if !reply.buttons().is_empty() {
            say(&format!("     │ [{}]", reply.buttons().join("] [")));
        }
    }
}

/// Somebody with a device in hand. What they do and see is printed.
pub struct Seat<'a> {
    stage: &'a Stage,
    pub who: &'a Member,
    pub device: Device,
}

impl Seat<'_> {
    /// For what is not printed.
    pub fn acting(&self) -> Acting {
        let acting = self.who.on(&self.device);
        match self.stage.clock.get() {
            Some(at) => {
                self.stage.it_is(at + TimeDelta::minutes(1));
                acting.at(at)
            }
            None => acting,
        }
    }

    pub async fn slash(&self, command: &str, options: &[(&str, &str)]) -> Reply {
        let reply = self.acting().slash(command, options.iter().copied()).await;
        self.saw(&typed(command, options), &reply);
        reply
    }

    pub async fn press(&self, on: &Reply, button: &str) -> Reply {
        let reply = self.acting().click(on, button).await;
        self.saw(&format!("[{button}]"), &reply);
        reply
    }

    /// Chooses the last one of a menu.
    pub async fn pick_last(&self, on: &Reply, menu: &str) -> Reply {
        let choice = on.menu(menu).pop();
        let (name, value) = choice.map(|it| (it.name, it.value)).unwrap_or_default();
        let reply = self.acting().select(on, menu, [value.as_str()]).await;
        self.saw(&format!("[{menu} ▾ {name}]"), &reply);
        reply
    }

    /// The newest direct message, once there are so many.
    pub async fn direct_message(&self, count: usize) -> Reply {
        for _ in 0..600 {
            let mut messages = self.stage.discord.dms(self.who);
            if messages.len() >= count
                && let Some(message) = messages.pop()
            {
                say(&format!("\n  ✉ {} gets a direct message:", self.who.name()));
                self.stage.show(&message);
                return message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("nobody told {}", self.who.name())
    }

    /// Prints a message as it is seen.
    pub fn show(&self, message: &Reply) {
        self.stage.show(message);
    }

    /// Prints what was done and what came of it.
    pub fn saw(&self, what: &str, reply: &Reply) {
        let icon = match self.device.platform() {
            Platform::Mobile => "📱",
            _ => "💻",
        };
        let what = self.stage.as_shown(what);
        let (who, device) = (self.who.name(), self.device.label());
        say(&format!("\n  {icon} {who} on {device}:  {what}"));
        self.stage.show(reply);
    }
}

/// A command as it is typed.
pub fn typed(command: &str, options: &[(&str, &str)]) -> String {
    options
        .iter()
        .fold(format!("/{command}"), |text, (name, value)| {
            format!("{text} {name}:{value}")
        })
}

pub fn chapter(title: &str) {
    say(&format!("\n── {title}"));
}

#[expect(clippy::print_stdout, reason = "the story is this program's output")]
pub fn say(line: &str) {
    println!("{line}");
}
