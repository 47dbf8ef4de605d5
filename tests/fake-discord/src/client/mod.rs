//! The typed client: people who use Discord, so that tests read like stories.

pub(crate) mod acting;
pub(crate) mod channel;
pub(crate) mod components;
pub(crate) mod device;
pub(crate) mod discord;
pub(crate) mod guild;
pub(crate) mod member;
pub(crate) mod options;

/// What the story asks for cannot be done by a person in Discord.
#[track_caller]
pub(crate) fn impossible(why: &str) -> ! {
    panic!("fake-discord: {why}")
}
