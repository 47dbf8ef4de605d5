//! Whom the server's own settings (Server Settings > Integrations) hide commands from. The bot's
//! rights don't show a command that Discord hides.
//!
//! The rules are Discord's: what is set for a command stands in place of what is set for the whole
//! application; there, what is set for a member stands before what is set for their roles, of which one
//! that allows is enough, and these before what is set for everybody. Nothing is hidden from
//! administrators
//! (<https://discord.com/developers/docs/interactions/application-commands#permissions>).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serenity::http::{Http, Route};
use serenity::model::id;
use tokio::time::Instant;

use super::delivery::{self, Limits, Unfetched};
use crate::domain::ids::{GuildId, RoleId, UserId};

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

/// Who looks for a command: a member or a role, or everybody in general.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// The member, if it is one.
    pub member: Option<UserId>,
    /// The member's roles; of a role, itself.
    pub roles: Vec<RoleId>,
    /// Whether they are an administrator.
    pub administrator: bool,
}

/// Which of these commands somebody does not see.
///
/// # Errors
/// Discord does not say.
pub async fn hidden(
    http: &Http,
    guild: GuildId,
    viewer: &Viewer,
    commands: BTreeSet<&'static str>,
) -> Result<Vec<&'static str>, Unfetched> {
    let Some(application_id) = http.application_id() else {
        return Ok(Vec::new());
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
    let (registered, settings) = tokio::try_join!(registered, settings)?;
    let (registered, settings) = (registered.unwrap_or_default(), settings.unwrap_or_default());
    let application = application_id.to_string();
    let set_for = |id: &str| settings.iter().find(|settings| settings.id == id);
    let is_hidden = |name: &&str| {
        let own = registered.iter().find(|command| command.name == **name);
        let own = own.and_then(|command| set_for(&command.id));
        let settings = own.or_else(|| set_for(&application));
        settings.is_some_and(|settings| hides(&settings.permissions, viewer, guild))
    };
    Ok(commands.into_iter().filter(is_hidden).collect())
}

/// Whether these settings hide a command from somebody.
fn hides(set: &[Permission], viewer: &Viewer, guild: GuildId) -> bool {
    let set_for = |kind: u8, id: String| {
        let mut set = set.iter().filter(move |it| it.kind == kind && it.id == id);
        set.next().map(|it| it.shows)
    };
    let own = viewer
        .member
        .and_then(|member| set_for(MEMBER, member.to_string()));
    let roles = viewer
        .roles
        .iter()
        .filter_map(|role| set_for(ROLE, role.to_string()));
    let roles = roles.reduce(|one, other| one || other);
    let everybodys = set_for(ROLE, guild.to_string());
    let shown = own.or(roles).or(everybodys).unwrap_or(true);
    !viewer.administrator && !shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_comes_before_their_roles_and_these_before_everybody() {
        let guild = GuildId::from_db(1);
        let set = |kind, id: i64, shows| Permission {
            id: id.to_string(),
            kind,
            shows,
        };
        let ana = |roles: &[i64]| Viewer {
            member: Some(UserId::from_db(5)),
            roles: roles.iter().copied().map(RoleId::from_db).collect(),
            administrator: false,
        };
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
            assert_eq!(hides(&set, &ana(&roles), guild), hidden, "{number}");
        }
        let administrator = Viewer {
            administrator: true,
            ..ana(&[])
        };
        assert!(!hides(&[everybody()], &administrator, guild));
        // To everybody in general.
        assert!(hides(
            &[everybody(), set(MEMBER, 5, true)],
            &Viewer::default(),
            guild
        ));
    }
}
