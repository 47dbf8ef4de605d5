//! The permission bits that tests need, named as in Discord's documentation.

/// Every permission.
pub const ADMINISTRATOR: u64 = 1 << 3;
/// Edit channels.
pub const MANAGE_CHANNELS: u64 = 1 << 4;
/// Edit the guild.
pub const MANAGE_GUILD: u64 = 1 << 5;
/// Read the audit log.
pub const VIEW_AUDIT_LOG: u64 = 1 << 7;
/// See a channel.
pub const VIEW_CHANNEL: u64 = 1 << 10;
/// Write in a channel.
pub const SEND_MESSAGES: u64 = 1 << 11;
/// Delete the messages of others.
pub const MANAGE_MESSAGES: u64 = 1 << 13;
/// Post embeds.
pub const EMBED_LINKS: u64 = 1 << 14;
/// Post files.
pub const ATTACH_FILES: u64 = 1 << 15;
/// Read what was written before.
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
/// Mention everyone, and all roles.
pub const MENTION_EVERYONE: u64 = 1 << 17;
/// Give and take roles.
pub const MANAGE_ROLES: u64 = 1 << 28;
/// Use the commands of applications.
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
/// Put members in time out.
pub const MODERATE_MEMBERS: u64 = 1 << 40;

/// All the bits that exist, which is what owners and administrators have.
pub const ALL: u64 = (1 << 53) - 1;

/// What the `@everyone` role of a new guild grants.
pub const EVERYONE: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS;

/// What the bot's own role grants in a new guild.
pub const BOT: u64 = EVERYONE | MANAGE_ROLES | MANAGE_MESSAGES;
