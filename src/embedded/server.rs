//! The server process: from start to stop.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::endpoint::{Endpoint, remove_sockets, remove_temporary};
use super::error::EmbeddedError;
use super::layout::{Layout, remove_file};
use super::tools::{Tools, tail};
use crate::config::DatabaseUrl;

/// Where a running server says who it is.
const PID_FILE: &str = "postmaster.pid";

/// How long a server may take to accept connections.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// How long when it says that it is busy recovering from a crash.
const RECOVERY_LIMIT: Duration = Duration::from_mins(15);

/// Longest wait for one connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What the driver is told while the server starts, recovers or stops.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// Refusals that waiting doesn't cure: wrong password, no such user.
const REFUSED: [&str; 2] = ["28P01", "28000"];

/// Signs in the log that another attempt may go well: the port was taken, or children of a
/// server that was killed have not ended yet.
const PASSING: [&str; 3] = [
    "could not create any TCP/IP sockets",
    "could not bind",
    "pre-existing shared memory block",
];

/// Defaults that can be overridden. Nothing that was acknowledged is lost, also with the plug
/// pulled. The bot logs errors itself, with their context.
const SETTINGS: [(&str, &str); 9] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_min_messages", "log"),
    ("log_checkpoints", "off"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
];

/// A server that was started here. Dropping it stops it the hard way.
#[derive(Debug)]
pub(super) struct Server {
    tools: Tools,
    cluster: PathBuf,
    endpoint: Endpoint,
    log: PathBuf,
    /// The log's length before the start.
    log_start: u64,
    child: Option<Child>,
}

impl Server {
    /// Starts the server, without waiting for it.
    pub(super) fn spawn(
        tools: &Tools,
        layout: &Layout,
        endpoint: Endpoint,
        settings: &[(String, String)],
    ) -> Result<Self, EmbeddedError> {
        let mut command = tools.command("postgres");
        command.arg("-D").arg(&layout.cluster);
        for (name, value) in SETTINGS {
            command.args(["-c", &format!("{name}={value}")]);
        }
        for (name, value) in settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        for (name, value) in endpoint.settings() {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let log = layout.open_log()?;
        let failed = || EmbeddedError::file("opening", &layout.log);
        let log_start = log.metadata().map_err(failed())?.len();
        command.stdout(log.try_clone().map_err(failed())?);
        command.stderr(log);
        let program = PathBuf::from(command.get_program());
        let child = tokio::process::Command::from(command)
            .spawn()
            .map_err(|source| EmbeddedError::Spawn { program, source })?;
        Ok(Self {
            tools: tools.clone(),
            cluster: layout.cluster.clone(),
            endpoint,
            log: layout.log.clone(),
            log_start,
            child: Some(child),
        })
    }

    /// Waits until it accepts connections.
    pub(super) async fn ready(&mut self, url: &DatabaseUrl) -> Result<PgConnection, EmbeddedError> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            if let Some(status) = self.exit_status() {
                return Err(self.ended(status));
            }
            let (reason, limit) = match self.connect(url).await {
                Ok(connection) => return Ok(connection),
                Err(refused) => refused,
            };
            if begin.elapsed() >= limit {
                return Err(EmbeddedError::NotReady {
                    seconds: begin.elapsed().as_secs(),
                    reason,
                    log: self.log.clone(),
                    tail: log_tail(&self.log, self.log_start),
                });
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Connects, or says why not, and how long to wait on.
    async fn connect(&self, url: &DatabaseUrl) -> Result<PgConnection, (String, Duration)> {
        // Another server may have taken the port: it must neither get the password nor be taken
        // for this one.
        if !self.listens() {
            return Err(("it does not listen yet".to_owned(), READY_LIMIT));
        }
        match timeout(CONNECT_LIMIT, PgConnection::connect(url.expose())).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err((error.to_string(), patience(&error))),
            Err(_) => Err(("no answer".to_owned(), READY_LIMIT)),
        }
    }

    /// Whether this very process has its place to listen, by its own account.
    fn listens(&self) -> bool {
        let pid = self.child.as_ref().and_then(Child::id);
        read_pid_file(&self.cluster).is_some_and(|file| {
            let has_place = match self.endpoint {
                Endpoint::Socket(_) => file.socket_folder.is_some(),
                Endpoint::Tcp(_) => file.has_address,
            };
            has_place && Some(file.pid) == pid
        })
    }

    /// The error for its end: with the reason where that is known, else with its last words.
    pub(super) fn ended(&self, status: ExitStatus) -> EmbeddedError {
        let tail = log_tail(&self.log, self.log_start);
        EmbeddedError::full(&self.cluster, &tail).unwrap_or_else(|| EmbeddedError::Exited {
            status: status.to_string(),
            log: self.log.clone(),
            tail,
        })
    }

    #[cfg(test)]
    pub(super) fn tools(&self) -> &Tools {
        &self.tools
    }

    /// Ends when the server has ended.
    pub(super) async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.wait().await.ok()
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    /// Stops it: sessions are ended, everything is written, then it is gone.
    pub(super) async fn stop(mut self) {
        if self.exit_status().is_none() {
            // While this waits, dropping still finds the child.
            let stopped = self.tools.stop_server(&self.cluster).await;
            if let Some(child) = self.child.as_mut() {
                if !stopped {
                    let _ = child.start_kill();
                }
                let _ = timeout(Duration::from_secs(5), child.wait()).await;
            }
        }
        self.child = None;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() && self.exit_status().is_none() {
            // Immediate, since this blocks the thread; what was committed is in the log, from
            // which the next start recovers.
            let mut command = self.tools.stop_command(&self.cluster, "immediate", 5);
            let stopped = command.output().is_ok_and(|done| done.status.success());
            if let (false, Some(child)) = (stopped, self.child.as_mut()) {
                let _ = child.start_kill();
            }
        }
        if let Some(folder) = self.endpoint.temporary() {
            remove_temporary(&folder);
        }
    }
}

/// Whether a failed start is worth another attempt.
pub(super) fn is_passing(error: &EmbeddedError) -> bool {
    let EmbeddedError::Exited { tail, .. } = error else {
        return false;
    };
    PASSING.iter().any(|sign| tail.contains(sign))
}

/// How long to wait on, after a refusal.
fn patience(error: &sqlx::Error) -> Duration {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some(CANNOT_CONNECT_NOW) => RECOVERY_LIMIT,
        Some(code) if REFUSED.contains(&code) => Duration::ZERO,
        _ => READY_LIMIT,
    }
}

/// What the server wrote since it was started.
fn log_tail(log: &Path, start: u64) -> String {
    let read = || {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(16 * 1024))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    tail(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

/// Stops a server that an earlier run left behind (the bot was killed), so that there is only
/// one way for a server to come up: started here, with the settings of today.
pub(super) async fn stop_leftover(tools: &Tools, layout: &Layout) -> Result<(), EmbeddedError> {
    let Some(leftover) = read_pid_file(&layout.cluster) else {
        // Also an empty file, from a full disk or a power failure.
        remove_pid_file(&layout.cluster)?;
        remove_sockets(&layout.run);
        return Ok(());
    };
    if is_server(tools, &layout.cluster, leftover.pid).await {
        tracing::warn!(
            pid = leftover.pid,
            "stopping the PostgreSQL server that an earlier run left behind"
        );
        if !tools.stop_server(&layout.cluster).await {
            return Err(EmbeddedError::Leftover {
                pid: leftover.pid,
                folder: layout.cluster.clone(),
            });
        }
    } else {
        // Its number may be another process's by now (in a container, likely one of the
        // bot's own threads): then Postgres would refuse to start, and pg_ctl would signal it.
        remove_pid_file(&layout.cluster)?;
    }
    // Their locks hold the number, too.
    remove_sockets(&layout.run);
    if let Some(folder) = leftover.socket_folder {
        remove_temporary(&folder);
    }
    Ok(())
}

/// Where the server of a cluster listens, if one runs.
pub(super) async fn running(tools: &Tools, layout: &Layout) -> Option<Endpoint> {
    let file = read_pid_file(&layout.cluster)?;
    if !is_server(tools, &layout.cluster, file.pid).await {
        return None;
    }
    match (file.socket_folder, file.port) {
        (Some(folder), _) => Some(Endpoint::Socket(folder)),
        (None, Some(port)) if file.has_address => Some(Endpoint::Tcp(port)),
        _ => None,
    }
}

fn remove_pid_file(cluster: &Path) -> Result<(), EmbeddedError> {
    let file = cluster.join(PID_FILE);
    remove_file(&file).map_err(EmbeddedError::file("removing", &file))
}

fn read_pid_file(cluster: &Path) -> Option<PidFile> {
    parse_pid_file(&fs::read_to_string(cluster.join(PID_FILE)).ok()?)
}

#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: u32,
    port: Option<u16>,
    socket_folder: Option<PathBuf>,
    /// Whether it listens on an address.
    has_address: bool,
}

/// `postmaster.pid`: process, cluster, start time, port, socket folder, address …; each line is
/// written when it is so.
fn parse_pid_file(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    let folder = lines.next().filter(|line| !line.is_empty());
    Some(PidFile {
        pid,
        port,
        socket_folder: folder.map(PathBuf::from),
        has_address: lines.next().is_some_and(|line| !line.is_empty()),
    })
}

/// Whether a process is the Postgres server of this cluster, and not that of another one which
/// has the number by now.
#[cfg(target_os = "linux")]
#[expect(clippy::unused_async, reason = "elsewhere a program is asked")]
async fn is_server(_tools: &Tools, cluster: &Path, pid: u32) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let process = Path::new("/proc").join(pid.to_string());
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let program = arguments[0].rsplit(|byte| *byte == b'/').next();
    let is_postgres = matches!(program, Some(b"postgres" | b"postmaster"));
    // A server runs in its cluster. In some containers not even root may see that.
    let runs_here = fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster);
    let was_told = arguments.contains(&cluster.as_os_str().as_bytes());
    is_postgres && (runs_here || was_told)
}

/// Whether a process is the Postgres server of this cluster.
#[cfg(all(unix, not(target_os = "linux")))]
async fn is_server(tools: &Tools, cluster: &Path, pid: u32) -> bool {
    let mut command = std::process::Command::new("ps");
    command.args(["-ww", "-o", "command=", "-p", &pid.to_string()]);
    let Ok(output) = tools.run(command, "").await else {
        return false;
    };
    let line = String::from_utf8_lossy(&output.stdout);
    line.contains("postgres") && line.contains(&*cluster.to_string_lossy())
}

/// Whether the Postgres server of this cluster runs. Signals go through pipes here, which no
/// other program listens to.
#[cfg(not(unix))]
async fn is_server(tools: &Tools, cluster: &Path, _pid: u32) -> bool {
    let mut command = tools.command("pg_ctl");
    command.args(["status", "--pgdata"]).arg(cluster);
    let asked = tools.run(command, "").await;
    asked.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_pid_file() {
        let folder = |text: &str| Some(PathBuf::from(text));
        for (text, expected) in [
            (
                "42\n/data/postgres\n1700000000\n5432\n/data/run\n\n  123  4\nready\n",
                Some((42, Some(5432), folder("/data/run"), false)),
            ),
            (
                "42\n/data\n1700000000\n5432\n\n127.0.0.1\n",
                Some((42, Some(5432), None, true)),
            ),
            ("42\n", Some((42, None, None, false))),
            ("-42\n/data\n", None),
            ("", None),
        ] {
            let expected = expected.map(|(pid, port, socket_folder, has_address)| PidFile {
                pid,
                port,
                socket_folder,
                has_address,
            });
            assert_eq!(parse_pid_file(text), expected, "{text}");
        }
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let exited = |tail: &str| EmbeddedError::Exited {
            status: "exit status: 1".into(),
            log: "log".into(),
            tail: tail.into(),
        };
        assert!(is_passing(&exited(
            "FATAL: could not create any TCP/IP sockets"
        )));
        assert!(is_passing(&exited(
            "FATAL: pre-existing shared memory block (key 1)"
        )));
        assert!(!is_passing(&exited(
            "FATAL: unrecognized configuration parameter"
        )));
        assert!(!is_passing(&EmbeddedError::NoAccount));
    }
}
