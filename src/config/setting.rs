//! The settings there are, under all of their names.

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// The bot's token.
    DiscordToken,
    /// Base URL of the Discord API.
    DiscordApiUrl,
    /// Whether serenity's own limiter is on.
    DiscordRatelimit,
    /// Whether the bot asks to be told where people are signed in.
    Presence,
    /// The shards of this process.
    Shards,
    /// The database.
    DatabaseUrl,
    /// Connections to it.
    DatabasePool,
    /// Whether a remote database without TLS is accepted.
    DatabaseInsecure,
    /// Supabase's API.
    SupabaseUrl,
    /// The key for it.
    SupabaseServiceKey,
    /// The data folder.
    DataDir,
    /// Where health and metrics are served.
    HttpAddr,
    /// What is logged.
    LogFilter,
    /// How it is logged.
    LogFormat,
    /// How long a device session may be idle.
    SessionIdle,
    /// How long a device session lasts.
    SessionLifetime,
}

impl Setting {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 16] = [
        Self::DiscordToken,
        Self::DiscordApiUrl,
        Self::DiscordRatelimit,
        Self::Presence,
        Self::Shards,
        Self::DatabaseUrl,
        Self::DatabasePool,
        Self::DatabaseInsecure,
        Self::SupabaseUrl,
        Self::SupabaseServiceKey,
        Self::DataDir,
        Self::HttpAddr,
        Self::LogFilter,
        Self::LogFormat,
        Self::SessionIdle,
        Self::SessionLifetime,
    ];

    /// Its environment variable, also in `.env`. Some settings are for files only.
    #[must_use]
    pub fn variable(self) -> Option<&'static str> {
        self.names().0
    }

    /// Its section and key in `punctaj.toml`.
    #[must_use]
    pub fn toml_key(self) -> &'static str {
        self.names().1
    }

    /// What operators know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.variable().unwrap_or(self.toml_key())
    }

    /// Whether its value is never shown.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::DiscordToken | Self::SupabaseServiceKey)
    }

    fn names(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::DiscordToken => (Some("DISCORD_TOKEN"), "discord.token"),
            Self::DiscordApiUrl => (Some("DISCORD_API_URL"), "discord.api_url"),
            Self::DiscordRatelimit => (Some("PUNCTAJ_DISCORD_RATELIMIT"), "discord.ratelimit"),
            Self::Presence => (Some("PUNCTAJ_PRESENCE"), "discord.presence"),
            Self::Shards => (Some("PUNCTAJ_SHARDS"), "discord.shards"),
            Self::DatabaseUrl => (Some("PUNCTAJ_DATABASE_URL"), "database.url"),
            Self::DatabasePool => (Some("PUNCTAJ_DATABASE_POOL"), "database.pool"),
            Self::DatabaseInsecure => (Some("PUNCTAJ_DATABASE_INSECURE"), "database.insecure"),
            Self::SupabaseUrl => (Some("SUPABASE_URL"), "supabase.url"),
            Self::SupabaseServiceKey => (Some("SUPABASE_SERVICE_KEY"), "supabase.service_key"),
            Self::DataDir => (Some("PUNCTAJ_DATA_DIR"), "data.dir"),
            Self::HttpAddr => (Some("PUNCTAJ_HTTP_ADDR"), "http.addr"),
            Self::LogFilter => (Some("RUST_LOG"), "log.filter"),
            Self::LogFormat => (Some("PUNCTAJ_LOG_FORMAT"), "log.format"),
            Self::SessionIdle => (None, "sessions.idle"),
            Self::SessionLifetime => (None, "sessions.lifetime"),
        }
    }
}
