//! A stateful stand-in for Discord: REST and gateway over real sockets, on one port.
//!
//! A bot is pointed at [`FakeDiscord::url`] with [`FakeDiscord::token`]; tests tell stories with
//! the typed client, which plays the people:
//!
//! ```no_run
//! # async fn story() -> std::io::Result<()> {
//! use fake_discord::{Device, FakeDiscord, permissions::MANAGE_GUILD};
//!
//! let discord = FakeDiscord::start().await?;
//! let guild = discord.guild("BlackWater");
//! let alice = guild.member("alice").permissions(MANAGE_GUILD).locale("ro").join();
//! // … start the bot here …
//! discord.ready().await;
//! let phone = Device::phone("Telefon");
//! let reply = alice.on(&phone).slash("punctaj add", [("names", "Ana, Ion"), ("points", "5")]).await;
//! assert!(reply.has_button("Undo"));
//! let undone = alice.on(&phone).click(&reply, "Undo").await;
//! assert!(discord.refusals().is_empty());
//! # Ok(()) }
//! ```
//!
//! # Layout
//!
//! | module | what it is |
//! |---|---|
//! | `state` | the world behind one lock: guilds, people, messages, commands, interactions |
//! | `gateway` | sessions that survive a lost socket, and the sockets |
//! | `rest` | one entrance: read, authorise, validate, route, record |
//! | `rules` | what Discord refuses although its description does not say so |
//! | `openapi` | bodies held against the official description, if `DISCORD_OPENAPI` names it |
//! | `fault`, `door` | what goes wrong when a test orders it |
//! | `client` | the people: guilds, members, devices, commands, clicks |
//! | `control` | the same over HTTP, for tools that are not written in Rust |
//!
//! # Bad days
//!
//! [`FakeDiscord::inject`] orders a [`Fault`] for requests: rate limits with all that Discord says
//! about them, errors before and after the request was carried out, lateness, connections that
//! close without an answer. The gateway drops sockets ([`FakeDiscord::disconnect_gateway`]), closes
//! them with a code ([`FakeDiscord::close_gateway`], [`FakeDiscord::turn_away`]), asks to reconnect
//! ([`FakeDiscord::request_reconnect`]) and takes sessions back
//! ([`FakeDiscord::revoke_sessions`], [`FakeDiscord::invalidate_sessions`]); all of Discord goes
//! away and comes back ([`FakeDiscord::go_away`], [`FakeDiscord::come_back`]); what is sent while a
//! bot is away is played back when it resumes. Story time passes with [`FakeDiscord::pass_time`],
//! and [`FakeDiscord::redeliver`] sends an interaction twice.
//!
//! # The control route
//!
//! `POST /_control/interaction` with a JSON body lets any program play a member:
//!
//! | field | meaning |
//! |---|---|
//! | `guild`, `user` | names; made on first use |
//! | `kind` | `slash` (default), `autocomplete`, `context_menu`, `click`, `select`, `submit` |
//! | `command` | the command (`punctaj add`), the button's label, or the select's placeholder |
//! | `options` | an object: option or field → text; for `select` a list of values |
//! | `focused` | the option being completed |
//! | `message` | the message of a click or select; for `submit` the interaction that opened the modal |
//! | `target` | the member a context menu is used on |
//! | `device` | a label |
//!
//! It answers `{kind, text, content, buttons, ephemeral, deferred, message, interaction, raw}`, or
//! 400 with `{error}` when a person could not do that.

#![expect(
    clippy::panic,
    reason = "a test double says loudly what the story asks of it and Discord would not allow"
)]

mod client;
mod control;
mod door;
mod fault;
mod gateway;
mod openapi;
pub mod permissions;
mod problem;
mod records;
mod reply;
mod rest;
mod rules;
mod server;
mod snowflake;
mod state;
mod wire;

pub use crate::{
    client::{
        acting::{Acting, Choice, Pending},
        channel::Channel,
        device::{Device, Platform},
        discord::{Builder, FakeDiscord},
        guild::{Guild, Role},
        member::{Member, MemberBuilder},
    },
    fault::Fault,
    gateway::Connection,
    records::{Refusal, Requested, Step, Violation},
    reply::{Reply, ReplyKind},
    state::Attempt,
};
