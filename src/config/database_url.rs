//! The address of a Postgres database, with its password kept out of sight.

use std::fmt;

use url::Url;

/// A `postgres://` URL. `Debug` and `Display` mask what is secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Url,
    ignored: Vec<String>,
}

/// Why a text is not a database URL. Never repeats the text: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// It could not be parsed.
    #[error(
        "is not a valid URL ({0}); expected postgres://user:password@host:5432/database, with special characters in the password percent-encoded"
    )]
    Malformed(url::ParseError),
    /// It is a URL, but of something else.
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    /// It names no host.
    #[error("names no host; expected postgres://user:password@host:5432/database")]
    Host,
    /// Its `sslmode` is none.
    #[error(
        "has an unknown sslmode; expected disable, allow, prefer, require, verify-ca or verify-full"
    )]
    SslMode,
    /// Its `port` parameter is none.
    #[error("has a parameter `port` that is not a port number")]
    Port,
}

/// The parameters that the driver knows, besides those that begin with `options[`. It logs the
/// others with their values, which may be secrets: they are left out.
const KNOWN_PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Known parameters that hold no secret. A key can be given as text instead of a file.
const PUBLIC_PARAMETERS: [&str; 11] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "application_name",
];

/// Values of `sslmode`.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// How a URL asks for TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Encryption is not insisted on.
    Optional,
    /// Encrypted, but whoever answers is believed.
    Unverified,
    /// Encrypted, and the server's certificate is verified.
    Verified,
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not a Postgres URL with a host.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let url = Url::parse(text.trim()).map_err(DatabaseUrlError::Malformed)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(DatabaseUrlError::Scheme);
        }
        let url = Self::without_unknown_parameters(url);
        url.check()?;
        Ok(url)
    }

    fn without_unknown_parameters(mut url: Url) -> Self {
        let (known, unknown): (Vec<_>, Vec<_>) = url
            .query_pairs()
            .into_owned()
            .partition(|(key, _)| is_known_parameter(key));
        if !unknown.is_empty() {
            replace_query(&mut url, known);
        }
        let ignored = unknown.into_iter().map(|(key, _)| key).collect();
        Self { url, ignored }
    }

    fn check(&self) -> Result<(), DatabaseUrlError> {
        if self.host().is_empty() {
            return Err(DatabaseUrlError::Host);
        }
        for (key, value) in self.url.query_pairs() {
            match key.as_ref() {
                "sslmode" | "ssl-mode" if !is_ssl_mode(&value) => {
                    return Err(DatabaseUrlError::SslMode);
                }
                "port" if value.parse::<u16>().is_err() => return Err(DatabaseUrlError::Port),
                _ => {}
            }
        }
        Ok(())
    }

    /// Names of parameters that the driver doesn't know, and that were left out.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The whole URL with its password, for the driver only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        // As in the driver, a parameter would win over the path.
        let others = url.query_pairs().into_owned();
        let others: Vec<_> = others.filter(|(key, _)| key != "dbname").collect();
        if others.len() != self.url.query_pairs().count() {
            replace_query(&mut url, others);
        }
        url.set_path(name);
        Self {
            url,
            ignored: self.ignored.clone(),
        }
    }

    /// The host or socket folder that the driver will connect to: parameters win over the
    /// authority, and the last one counts.
    #[must_use]
    pub fn host(&self) -> String {
        let query = self.url.query_pairs().filter(|(key, value)| {
            matches!(key.as_ref(), "host" | "hostaddr") && !value.is_empty()
        });
        // The driver prefers a socket, however a later host may be given.
        let (mut socket, mut host) = (None, None);
        for (key, value) in query {
            if key == "host" && value.starts_with('/') {
                socket = Some(value);
            } else {
                host = Some(value);
            }
        }
        socket
            .or(host)
            .map_or_else(|| self.authority_host(), std::borrow::Cow::into_owned)
    }

    /// The port that the driver will connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url
            .query_pairs()
            .filter(|(key, _)| key == "port")
            .filter_map(|(_, value)| value.parse().ok())
            .last()
            .or(self.url.port())
            .unwrap_or(5432)
    }

    /// Whether the server is on this machine: a socket, `localhost` or a loopback address.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.starts_with('/')
            || host.eq_ignore_ascii_case("localhost")
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.to_canonical().is_loopback())
    }

    /// What the URL says about TLS.
    #[must_use]
    pub fn tls(&self) -> Tls {
        let mode = self
            .url
            .query_pairs()
            .filter(|(key, _)| matches!(key.as_ref(), "sslmode" | "ssl-mode"))
            .last()
            .map(|(_, value)| value.to_ascii_lowercase());
        match mode.as_deref() {
            Some("require") => Tls::Unverified,
            Some("verify-ca" | "verify-full") => Tls::Verified,
            _ => Tls::Optional,
        }
    }

    fn authority_host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        // A socket folder is written percent-encoded: postgres://%2Frun%2Fpostgresql/db
        host.replace("%2F", "/").replace("%2f", "/")
    }

    fn masked(&self) -> Url {
        let mut url = self.url.clone();
        if url.password().is_some() {
            // Refused only for URLs without a host, and those hold no password.
            let _ = url.set_password(Some("***"));
        }
        let pairs = url.query_pairs().into_owned().map(|(key, value)| {
            let public = PUBLIC_PARAMETERS.contains(&key.as_str());
            (key, if public { value } else { "***".to_owned() })
        });
        let pairs: Vec<_> = pairs.collect();
        if !pairs.is_empty() {
            replace_query(&mut url, pairs);
        }
        url
    }
}

fn replace_query(url: &mut Url, pairs: Vec<(String, String)>) {
    if pairs.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
}

fn is_known_parameter(key: &str) -> bool {
    KNOWN_PARAMETERS.contains(&key) || key.starts_with("options[")
}

fn is_ssl_mode(value: &str) -> bool {
    SSL_MODES.contains(&value.to_ascii_lowercase().as_str())
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The mask stays readable: `:` and `*` need no encoding there.
        f.write_str(&self.masked().as_str().replace("%2A%2A%2A", "***"))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        DatabaseUrl::parse(text).unwrap()
    }

    #[test]
    fn masks_every_secret() {
        for (text, shown) in [
            (
                "postgres://user:pa%40ss@host:5432/db",
                "postgres://user:***@host:5432/db",
            ),
            ("postgres://user@host/db", "postgres://user@host/db"),
            (
                "postgresql://host/db?user=u&password=hidden&sslmode=require",
                "postgresql://host/db?user=u&password=***&sslmode=require",
            ),
            (
                "postgres://h/db?sslkey=PRIVATE&options=x&passwrd=typo&host=h2",
                "postgres://h/db?sslkey=***&options=***&host=h2",
            ),
        ] {
            assert_eq!(url(text).to_string(), shown);
            assert_eq!(format!("{:?}", url(text)), shown);
        }
    }

    #[test]
    fn refuses_other_texts_without_repeating_them() {
        for text in [
            "",
            "hunter2",
            "mysql://user:hunter2@host/db",
            "postgres://user:hunter2@host:port/db",
            "postgres://user:hun/ter2@host:5432/db",
            "postgres:///db?password=hunter2",
            "postgres://h/db?sslmode=hunter2",
            "postgres://h/db?port=hunter2",
            "host=h password=hunter2",
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn finds_the_host_and_port_that_the_driver_uses() {
        for (text, host, port, local) in [
            ("postgres://db.example.com/x", "db.example.com", 5432, false),
            ("postgres://h:6543/x", "h", 6543, false),
            ("postgres://h/x?port=6543", "h", 6543, false),
            ("postgres://h:6543/x?port=5432", "h", 5432, false),
            ("postgres://localhost/x", "localhost", 5432, true),
            ("postgres://LOCALHOST/x", "LOCALHOST", 5432, true),
            ("postgres://127.8.9.1/x", "127.8.9.1", 5432, true),
            ("postgres://[::1]/x", "[::1]", 5432, true),
            (
                "postgres://[::ffff:127.0.0.1]/x",
                "[::ffff:7f00:1]",
                5432,
                true,
            ),
            ("postgres://10.0.0.1/x", "10.0.0.1", 5432, false),
            (
                "postgres://localhost.example.com/x",
                "localhost.example.com",
                5432,
                false,
            ),
            (
                "postgres://localhost/x?host=evil.example",
                "evil.example",
                5432,
                false,
            ),
            (
                "postgres://localhost/x?hostaddr=10.1.1.1",
                "10.1.1.1",
                5432,
                false,
            ),
            (
                "postgres:///x?host=/run/postgresql",
                "/run/postgresql",
                5432,
                true,
            ),
            (
                "postgres://%2Frun%2Fpostgresql/x",
                "/run/postgresql",
                5432,
                true,
            ),
            (
                "postgres://h/x?host=/run&host=evil.example",
                "/run",
                5432,
                true,
            ),
        ] {
            let url = url(text);
            assert_eq!(
                (url.host().as_str(), url.port(), url.is_local()),
                (host, port, local),
                "{text}"
            );
        }
    }

    #[test]
    fn reads_the_tls_mode() {
        for (query, tls) in [
            ("", Tls::Optional),
            ("?sslmode=disable", Tls::Optional),
            ("?sslmode=prefer", Tls::Optional),
            ("?sslmode=require", Tls::Unverified),
            ("?ssl-mode=require", Tls::Unverified),
            ("?sslmode=verify-ca", Tls::Verified),
            ("?sslmode=require&sslmode=verify-full", Tls::Verified),
            ("?sslmode=verify-full&sslmode=disable", Tls::Optional),
            ("?SSLMODE=require", Tls::Optional),
            ("?sslmode=REQUIRE", Tls::Unverified),
        ] {
            assert_eq!(
                url(&format!("postgres://h/db{query}")).tls(),
                tls,
                "{query}"
            );
        }
    }

    #[test]
    fn leaves_out_what_the_driver_would_log() {
        let url = url("postgres://h/db?pgbouncer=true&sslmode=require&passwrd=hunter2");
        assert_eq!(url.expose(), "postgres://h/db?sslmode=require");
        assert_eq!(url.ignored(), ["pgbouncer", "passwrd"]);
    }

    #[test]
    fn another_database_on_the_same_server() {
        assert_eq!(
            url("postgres://u:p@h/a?dbname=b&sslmode=require")
                .with_database("c")
                .expose(),
            "postgres://u:p@h/c?sslmode=require"
        );
    }
}
