//! Whom the server's own settings (Server Settings > Integrations) hide commands from. The bot's
//! rights don't show a command that Discord hides.
//!
//! The rules are Discord's: what is set for a command stands in place of what is set for the whole
//! application; there, what is set for a member stands before what is set for their roles, of which one
//! that allows is enough, and these before what is set for everybody
//! (<https://discord.com/developers/docs/interactions/application-commands#permissions>).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serenity::http::{Http, Route};
use serenity::model::id;
use tokio::time::Instant;

use super::delivery::{self, Limits};
use crate::domain::access::{Grantee, Standing};
use crate::domain::ids::GuildId;

/// How long it is worth asking.
const LONGEST: Duration = Duration::from_secs(5);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A registered command.
#[derive(Debug, Deserialize)]
struct Registered {
    id: String,
    name: String,
}

/// What is set for a command, or for the application.
#[derive(Debug, Deserialize)]
struct Settings {
    id: String,
    permissions: Vec<Permission>,
}

/// Who may see it, or may not.
#[derive(Debug, Deserialize)]
struct Permission {
    id: String,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "permission")]
    shows: bool,
}

/// Of roles and of members; there are channels, too.
const ROLE: u8 = 1;
const MEMBER: u8 = 2;

/// Which of these commands somebody does not see. None where Discord does not say.
pub async fn hidden(
    http: &Http,
    guild: GuildId,
    (who, standing): (Grantee, &Standing),
    commands: BTreeSet<&'static str>,
) -> Vec<&'static str> {
    let Some(application_id) = http.application_id() else {
        return Vec::new();
    };
    let limits = Limits {
        until: Instant::now() + LONGEST,
        patience: PATIENCE,
    };
    let guild_id = id::GuildId::new(guild.get().max(1));
    let registered = Route::Commands { application_id };
    let registered = delivery::fetch::<Vec<Registered>>(http, registered, limits);
    let settings = Route::GuildCommandsPermissions {
        application_id,
        guild_id,
    };
    let settings = delivery::fetch::<Vec<Settings>>(http, settings, limits);
    let (registered, settings) = match tokio::try_join!(registered, settings) {
        Ok((registered, settings)) => {
            (registered.unwrap_or_default(), settings.unwrap_or_default())
        }
        Err(error) => {
            tracing::debug!(%error, "whom commands are hidden from is not known");
            return Vec::new();
        }
    };
    let application = application_id.to_string();
    let set_for = |id: &str| settings.iter().find(|settings| settings.id == id);
    let is_hidden = |name: &&str| {
        let own = registered.iter().find(|command| command.name == **name);
        let own = own.and_then(|command| set_for(&command.id));
        let settings = own.or_else(|| set_for(&application));
        settings.is_some_and(|settings| hides(&settings.permissions, who, standing, guild))
    };
    commands.into_iter().filter(is_hidden).collect()
}

/// Whether these settings hide a command from somebody.
fn hides(set: &[Permission], who: Grantee, standing: &Standing, guild: GuildId) -> bool {
    let set_for = |kind: u8, id: String| {
        let mut set = set.iter().filter(move |it| it.kind == kind && it.id == id);
        set.next().map(|it| it.shows)
    };
    let own = match who {
        Grantee::Member(member) => set_for(MEMBER, member.to_string()),
        Grantee::Role(_) => None,
    };
    let roles = standing
        .roles
        .iter()
        .filter_map(|role| set_for(ROLE, role.to_string()));
    let roles = roles.reduce(|one, other| one || other);
    let everybodys = set_for(ROLE, guild.to_string());
    let shown = own.or(roles).or(everybodys).unwrap_or(true);
    !standing.manage_server && !shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{RoleId, UserId};

    #[test]
    fn a_member_comes_before_their_roles_and_these_before_everybody() {
        let guild = GuildId::from_db(1);
        let set = |kind, id: i64, shows| Permission {
            id: id.to_string(),
            kind,
            shows,
        };
        let standing = |roles: &[i64]| Standing {
            manage_server: false,
            roles: roles.iter().copied().map(RoleId::from_db).collect(),
        };
        let ana = Grantee::Member(UserId::from_db(5));
        let everybody = || set(ROLE, 1, false);
        let cases = [
            (vec![], vec![], false),
            (vec![everybody()], vec![], true),
            (vec![everybody(), set(ROLE, 7, true)], vec![7], false),
            (vec![everybody(), set(ROLE, 7, true)], vec![8], true),
            (
                vec![set(ROLE, 7, false), set(ROLE, 8, true)],
                vec![7, 8],
                false,
            ),
            (
                vec![set(ROLE, 7, true), set(MEMBER, 5, false)],
                vec![7],
                true,
            ),
            (vec![everybody(), set(MEMBER, 5, true)], vec![], false),
            // Of channels, and of other members, it says nothing.
            (vec![set(3, 5, false), set(MEMBER, 6, false)], vec![], false),
        ];
        for (number, (set, roles, hidden)) in cases.into_iter().enumerate() {
            let standing = standing(&roles);
            assert_eq!(hides(&set, ana, &standing, guild), hidden, "{number}");
        }
        let owner = Standing {
            manage_server: true,
            ..standing(&[])
        };
        assert!(!hides(&[everybody()], ana, &owner, guild));
    }
}
