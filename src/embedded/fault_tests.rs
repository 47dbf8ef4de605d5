//! What can go wrong, provoked for real: as root, and as an ordinary user.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use sqlx::Row as _;

use super::tests::{data, kept, quick, write};
use super::*;

/// A folder with the programs of this machine, some of them replaced by scripts, in which `REAL`
/// stands for the program that is replaced.
fn programs(scripts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o755);
    let candidates = binaries::candidates(&[], Path::new("/"), Path::new("/nowhere"));
    let real = candidates[0].canonicalize().unwrap();
    for name in ["initdb", "postgres", "pg_ctl"] {
        let (program, original) = (folder.path().join(name), real.join(name));
        match scripts.iter().find(|(replaced, _)| *replaced == name) {
            None => symlink(original, program).unwrap(),
            Some((_, script)) => {
                let original = original.canonicalize().unwrap();
                let script = script.replace("REAL", original.to_str().unwrap());
                fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
                chmod(&program, 0o755);
            }
        }
    }
    folder
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postgres/postmaster.pid")
}

/// The process of the server that is running now.
fn server_of(data: &Path) -> Pid {
    let text = fs::read_to_string(pid_file(data)).unwrap();
    let pid = text.lines().next().unwrap().parse().unwrap();
    Pid::from_raw(pid).unwrap()
}

/// Whether a process runs; not if it only waits for its parent to ask how it ended.
fn is_alive(pid: Pid) -> bool {
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let ended = fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") Z "));
    test_kill_process(pid).is_ok() && !ended
}

async fn refusal(options: EmbeddedOptions) -> String {
    EmbeddedPostgres::start(options)
        .await
        .unwrap_err()
        .to_string()
}

/// A process of the server's user that has nothing to do with Postgres. It ends with the test.
struct Bystander(Child);

impl Bystander {
    fn start(tools: &Tools) -> Self {
        let mut command = Command::new("sleep");
        command.arg("3600");
        tools.account.apply(&mut command);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn whatever_a_killed_server_leaves_is_cleared_away() {
    let data = data();
    let folder = data.path();
    let postgres = EmbeddedPostgres::start(quick(folder)).await.unwrap();
    write(&postgres).await;
    let tools = postgres.server_tools();
    postgres.stop().await;

    let mut bystander = Bystander::start(&tools);
    let other_data = super::tests::data();
    let other = EmbeddedPostgres::start(quick(other_data.path()))
        .await
        .unwrap();
    let stranger = server_of(other_data.path());

    let stale = |pid: String| format!("{pid}\n{}\n1\n5432\n\n\n", folder.display());
    let leave = |pid: String| {
        fs::write(pid_file(folder), stale(pid.clone())).unwrap();
        let lock = folder.join("postgres-run/.s.PGSQL.5432.lock");
        fs::write(lock, stale(pid)).unwrap();
        fs::write(folder.join("postgres-run/.s.PGSQL.5432"), "").unwrap();
    };
    // A process number is soon another process's: of this very bot, of any program, or of the
    // server of another cluster. None of them may be signalled.
    for pid in [
        std::process::id().to_string(),
        bystander.0.id().to_string(),
        stranger.as_raw_nonzero().to_string(),
        "999999999".to_owned(),
        String::new(),
    ] {
        leave(pid.clone());
        let postgres = EmbeddedPostgres::start(quick(folder)).await.unwrap();
        assert_eq!(kept(&postgres).await, "Ștefan", "{pid:?}");
        postgres.stop().await;
    }
    fs::write(pid_file(folder), "").unwrap();
    // As with the plug pulled, but that some of the server's processes may still be ending.
    let postgres = EmbeddedPostgres::start(quick(folder)).await.unwrap();
    kill_process(server_of(folder), Signal::KILL).unwrap();
    std::mem::forget(postgres);
    let postgres = EmbeddedPostgres::start(quick(folder)).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;

    assert!(bystander.0.try_wait().unwrap().is_none());
    assert!(is_alive(stranger));
    assert_eq!(server_of(other_data.path()), stranger);
    other.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_stop_is_named() {
    let data = data();
    let left = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    write(&left).await;
    std::mem::forget(left);
    let pid = server_of(data.path());
    let stuck = programs(&[("pg_ctl", "exit 1")]);
    let text = refusal(quick(data.path()).search([stuck.path().to_owned()])).await;
    let expected = format!("from an earlier run (process {})", pid.as_raw_nonzero());
    assert!(text.contains(&expected), "{text}");
    assert!(text.ends_with("end that process and start again"), "{text}");
    assert!(is_alive(pid));

    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;
}

#[tokio::test]
async fn a_port_that_was_taken_meanwhile() {
    let data = data();
    let options = quick(data.path()).transport(Transport::Tcp);
    let first = EmbeddedPostgres::start(options).await.unwrap();
    write(&first).await;
    let tools = first.server_tools();
    first.stop().await;
    let layout = Layout::prepare(data.path()).unwrap();
    let password = Secret::new(fs::read_to_string(&layout.password).unwrap());
    let settings = [("fsync".to_owned(), "off".to_owned())];

    // Somebody who would take the password, and anything else.
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    taken.set_nonblocking(true).unwrap();
    let port = taken.local_addr().unwrap().port();
    let attempts = AtomicU32::new(0);
    let reserve = || match attempts.fetch_add(1, Ordering::Relaxed) {
        0 => Ok(Endpoint::Tcp(port)),
        _ => Endpoint::reserve(Transport::Tcp, &layout, &tools),
    };
    let (server, url, mut connection) = launch(&tools, &layout, &settings, &password, reserve)
        .await
        .unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
    assert_ne!(url.port(), port);
    assert!(taken.accept().is_err(), "nobody knocked there");
    let found = connection.fetch_one("show data_directory").await.unwrap();
    assert_eq!(found.get::<String, _>(0), layout.cluster.to_str().unwrap());
    drop(connection);
    server.stop().await;

    // If it never gets a port, it says so in the end.
    let never = || Ok(Endpoint::Tcp(port));
    let error = launch(&tools, &layout, &settings, &password, never)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("Address already in use"), "{text}");
    assert!(text.contains("postgres.log"), "{text}");
}

#[tokio::test]
async fn a_full_disk_while_the_database_is_made() {
    let data = data();
    // `/dev/full` is a disk that is always full.
    let full = programs(&[(
        "initdb",
        "[ \"$1\" = --pgdata ] && echo 15 > \"$2/PG_VERSION\"\n\
         exec dd if=/dev/zero of=/dev/full bs=8192 count=1",
    )]);
    let text = refusal(quick(data.path()).search([full.path().to_owned()])).await;
    assert!(
        text.starts_with(&format!(
            "the disk with {} is full (",
            data.path().display()
        )),
        "{text}"
    );
    assert!(text.contains("No space left on device"), "{text}");
    assert!(
        text.ends_with("make room there, or set PUNCTAJ_DATA_DIR to a folder on another disk"),
        "{text}"
    );
    for left in ["postgres", "postgres.new", "postgres-run/initdb-password"] {
        assert!(!data.path().join(left).exists(), "{left}");
    }
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    postgres.stop().await;
}

#[tokio::test]
async fn a_full_disk_when_the_server_starts() {
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    write(&postgres).await;
    postgres.stop().await;
    // The real server writes this file whenever it starts.
    let options = data.path().join("postgres/postmaster.opts");
    fs::remove_file(&options).unwrap();
    symlink("/dev/full", &options).unwrap();
    let text = refusal(quick(data.path())).await;
    assert!(text.starts_with("the disk with "), "{text}");
    assert!(
        text.contains("could not write file \"postmaster.opts\": No space left on device"),
        "{text}"
    );

    fs::remove_file(&options).unwrap();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;
}

#[tokio::test]
async fn a_database_that_another_user_made() {
    let data = data();
    if geteuid().is_root() {
        // Root may do it: the server runs as the database's owner.
        let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
        write(&postgres).await;
        postgres.stop().await;
        for owner in [0, 54_321] {
            give(data.path(), owner);
            let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
            assert_eq!(kept(&postgres).await, "Ștefan");
            let process = format!("/proc/{}", server_of(data.path()).as_raw_nonzero());
            let runs_as = fs::metadata(process).unwrap().uid();
            postgres.stop().await;
            match owner {
                0 => assert_ne!(runs_as, 0),
                _ => assert_eq!(runs_as, owner),
            }
        }
    } else {
        // Anything of root's is somebody else's.
        symlink("/root", data.path().join("postgres")).unwrap();
        let text = refusal(quick(data.path())).await;
        assert!(text.contains("belongs to user `root`;"), "{text}");
        assert!(
            text.contains("start punctaj as that user, or set PUNCTAJ_DATA_DIR"),
            "{text}"
        );
    }
}

fn give(path: &Path, owner: u32) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
    chown(path, Some(owner), Some(owner)).unwrap();
}

#[tokio::test]
async fn a_copied_database_without_its_mode() {
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    write(&postgres).await;
    postgres.stop().await;
    let cluster = data.path().join("postgres");
    chmod(&cluster, 0o755);
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    assert_eq!(fs::metadata(&cluster).unwrap().mode() & 0o777, 0o700);
    postgres.stop().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_entered_is_named() {
    let temp = data();
    let closed = temp.path().join("closed");
    let inner = closed.join("data");
    fs::create_dir_all(&inner).unwrap();
    chmod(temp.path(), 0o711);
    if geteuid().is_root() {
        // Root gets in, but not the user who is to run the server.
        chmod(&closed, 0o700);
        chmod(&inner, 0o755);
        let text = refusal(quick(&inner)).await;
        let blocked = closed.canonicalize().unwrap();
        let expected = format!("who can't enter {};", blocked.display());
        assert!(text.contains(&expected), "{text}");
        assert!(
            text.contains("set PUNCTAJ_DATA_DIR to a folder such as /var/lib/punctaj"),
            "{text}"
        );
    } else {
        chmod(&closed, 0o500);
        let text = refusal(quick(&closed.join("other"))).await;
        chmod(&closed, 0o700);
        assert!(
            text.contains("closed/other failed (Permission denied"),
            "{text}"
        );
        assert!(
            text.contains("set PUNCTAJ_DATA_DIR to a folder that this user can write to"),
            "{text}"
        );
    }
    assert!(!inner.join("postgres").exists());
}
