//! The people of the stories, their devices, and what they see.

use std::time::Duration;

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Acting, Device, FakeDiscord, Member, Platform, Reply};

/// A server, two moderators and a member.
pub struct Stage {
    pub discord: FakeDiscord,
    pub dana: Member,
    pub bogdan: Member,
    pub mihai: Member,
}

impl Stage {
    pub fn new(discord: &FakeDiscord) -> Self {
        let guild = discord.guild("BlackWater");
        let moderator = |name| guild.member(name).permissions(MANAGE_GUILD);
        Self {
            discord: discord.clone(),
            dana: moderator("Dana").join(),
            bogdan: moderator("Bogdan").locale("ro").join(),
            mihai: guild.member("Mihai").join(),
        }
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
            shown.replace_range(start..=start + length, "just now");
        }
        shown
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
        self.who.on(&self.device)
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
