//! Runs the programs of Postgres as the right user, apart from the bot's terminal and secrets.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::account::Account;
use super::binaries::Binaries;
use super::error::EmbeddedError;

/// Longest that a program other than the server may take.
const LIMIT: Duration = Duration::from_mins(3);

/// Lines of output that an error shows.
const TAIL_LINES: usize = 15;

/// The programs, and who runs them where.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub binaries: Binaries,
    pub account: Account,
    /// The data folder: where the programs run, since the bot's own working folder may be closed
    /// to the other user.
    pub data: PathBuf,
}

impl Tools {
    /// A command that is ready but for its arguments.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command.current_dir(&self.data).stdin(Stdio::null());
        clean_environment(&mut command);
        detach(&mut command);
        self.account.apply(&mut command);
        command
    }

    /// Runs a command to its end, writing `input` to it.
    pub(super) async fn run(&self, command: Command, input: &str) -> Result<Output, EmbeddedError> {
        let program = PathBuf::from(command.get_program());
        let failed = |source| EmbeddedError::Spawn {
            program: program.clone(),
            source,
        };
        let mut command = tokio::process::Command::from(command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading says why in its own output.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        match tokio::time::timeout(LIMIT, child.wait_with_output()).await {
            Ok(output) => output.map_err(failed),
            Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
        }
    }

    /// Makes sure that the account can enter the data folder and start the server. Trying it
    /// is surer than reading modes: there are also access lists.
    pub(super) async fn check_reach(&self) -> Result<(), EmbeddedError> {
        if !self.account.is_other() || self.can_start().await? {
            return Ok(());
        }
        self.account
            .open_passage(&self.data)
            .map_err(EmbeddedError::file("changing the rights of", &self.data))?;
        if self.can_start().await? {
            return Ok(());
        }
        let program = self.binaries.program("postgres");
        Err(self.account.unreachable(&self.data, &program))
    }

    async fn can_start(&self) -> Result<bool, EmbeddedError> {
        let mut command = self.command("postgres");
        command.arg("--version");
        match self.run(command, "").await {
            Ok(output) => Ok(output.status.success()),
            Err(EmbeddedError::Spawn { source, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// `pg_ctl stop` for a cluster.
    pub(super) fn stop_command(&self, cluster: &Path, mode: &str, seconds: u64) -> Command {
        let mut command = self.command("pg_ctl");
        command.args(["stop", "--silent", "--wait", "--mode", mode]);
        command.args(["--timeout", &seconds.to_string()]);
        command.arg("--pgdata").arg(cluster);
        command
    }

    /// Stops the server of a cluster: politely, then at once. True when it is gone.
    pub(super) async fn stop_server(&self, cluster: &Path) -> bool {
        for (mode, seconds) in [("fast", 30), ("immediate", 10)] {
            let stopped = self
                .run(self.stop_command(cluster, mode, seconds), "")
                .await;
            if stopped.is_ok_and(|output| output.status.success()) {
                return true;
            }
            tracing::warn!(mode, "the embedded PostgreSQL did not stop in time");
        }
        false
    }
}

/// The end of a program's output, for an error.
pub(super) fn output_tail(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    tail(&text)
}

/// The last lines of a text.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The bot's environment holds its secrets, and `PG*` variables meant for other servers. `C`
/// keeps messages in English and the server single-threaded on macOS.
#[cfg(unix)]
fn clean_environment(command: &mut Command) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C");
}

/// Windows programs need much of their environment.
#[cfg(not(unix))]
fn clean_environment(command: &mut Command) {
    for name in [
        "DISCORD_TOKEN",
        "SUPABASE_SERVICE_KEY",
        "PUNCTAJ_DATABASE_URL",
        "PGDATA",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGPASSWORD",
        "PGOPTIONS",
    ] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
}

/// Ctrl-C in the terminal is for the bot, which stops the server when it is done with it.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

#[cfg(not(any(unix, windows)))]
fn detach(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_shown() {
        let lines: Vec<String> = (1..=40).map(|n| n.to_string()).collect();
        let text = lines.join("\n");
        assert!(tail(&text).starts_with("26\n"));
        assert!(tail(&text).ends_with("40"));
        assert_eq!(tail(""), "");
    }
}
