//! The data folder: whether it can be used, whether its disk takes what is written, who has it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use uuid::Uuid;

use super::Finding;
use crate::i18n::{Message, keys};
use crate::journal;

/// Less is worth a word.
#[cfg(unix)]
const LITTLE: u64 = 500 * MEGABYTE;

/// With less the bot may stop any moment.
#[cfg(unix)]
const TOO_LITTLE: u64 = 50 * MEGABYTE;

#[cfg(unix)]
const MEGABYTE: u64 = 1_000_000;

/// How much is written to try the disk.
const PROBE: [u8; 4096] = [0x5a; 4096];

/// Looks at a data folder. `mark` makes the name of the file that is written to try the disk.
#[must_use]
pub fn findings(folder: &Path, mark: Uuid) -> Vec<Finding> {
    let found = match self::folder(folder) {
        Ok(found) => found,
        Err(finding) => return vec![finding],
    };
    let mut findings = vec![found];
    findings.extend(free(folder));
    if folder.is_dir() {
        findings.extend(privacy(folder));
        findings.push(probed(folder, mark));
        findings.push(user(folder));
        findings.extend(damaged(folder));
    }
    findings
}

fn shown(key: crate::i18n::Key, folder: &Path) -> Message {
    Message::new(key).with("folder", folder.display().to_string())
}

/// Whether it is there, or could be made.
fn folder(folder: &Path) -> Result<Finding, Finding> {
    let id = "disk.folder";
    let unusable = |words: String| {
        let message = shown(keys::DIAGNOSE_FOLDER_UNUSABLE, folder).with("words", words);
        Finding::failed(id, message, keys::DIAGNOSE_FOLDER_REMEDY)
    };
    match fs::metadata(folder) {
        Ok(meta) if meta.is_dir() => Ok(Finding::ok(id, shown(keys::DIAGNOSE_FOLDER, folder))),
        Ok(_) => Err(unusable(io::ErrorKind::NotADirectory.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match may_be_made(folder) {
            Ok(()) => Ok(Finding::ok(id, shown(keys::DIAGNOSE_FOLDER_NONE, folder))),
            Err(error) => Err(unusable(error.to_string())),
        },
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Whether a folder can be made: whether the nearest one above that is there takes others. A link to
/// nothing is in the way.
#[cfg(unix)]
fn may_be_made(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let folder = std::path::absolute(folder)?;
    let above = folder.ancestors().find(|it| it.symlink_metadata().is_ok());
    let above = above.unwrap_or(Path::new("/"));
    let needed = Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(CWD, above, needed, AtFlags::EACCESS)?)
}

/// Only trying would tell.
#[cfg(not(unix))]
fn may_be_made(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether others than its user can look into it. A group may pass through: that of the private
/// Postgres does where the bot is root.
#[cfg(unix)]
fn privacy(folder: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder).ok()?.permissions().mode() & 0o777;
    let id = "disk.privacy";
    if mode & 0o067 == 0 {
        return Some(Finding::ok(id, keys::DIAGNOSE_PRIVATE));
    }
    let message = Message::new(keys::DIAGNOSE_PUBLIC).with("mode", format!("{mode:o}"));
    Some(Finding::warning(
        id,
        message,
        shown(keys::DIAGNOSE_PUBLIC_REMEDY, folder),
    ))
}

/// Rights have another form here.
#[cfg(not(unix))]
fn privacy(_: &Path) -> Option<Finding> {
    None
}

/// What is free on the disk of the folder, or of where it would be made.
#[cfg(unix)]
fn free(folder: &Path) -> Option<Finding> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(of_free(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// Not told here.
#[cfg(not(unix))]
fn free(_: &Path) -> Option<Finding> {
    None
}

#[cfg(unix)]
fn of_free(bytes: u64) -> Finding {
    let id = "disk.free";
    let message = Message::new(keys::DIAGNOSE_FREE).with("megabytes", bytes / MEGABYTE);
    if bytes < TOO_LITTLE {
        Finding::failed(id, message, keys::DIAGNOSE_FREE_REMEDY)
    } else if bytes < LITTLE {
        Finding::warning(id, message, keys::DIAGNOSE_FREE_REMEDY)
    } else {
        Finding::ok(id, message)
    }
}

/// Whether the disk takes what the journal would write. The journal itself is the bot's.
fn probed(folder: &Path, mark: Uuid) -> Finding {
    let id = "disk.journal";
    let path = folder.join(format!("diagnose-{mark}"));
    let tried = probe(&path);
    // There is nothing there where it could not be made.
    let _ = fs::remove_file(&path);
    match tried {
        Ok(true) => Finding::ok(id, keys::DIAGNOSE_PROBED),
        tried => {
            let words =
                tried.map_or_else(|error| error.to_string(), |_| "read back otherwise".into());
            let message = shown(keys::DIAGNOSE_PROBE_FAILED, folder).with("words", words);
            Finding::failed(id, message, keys::DIAGNOSE_FOLDER_REMEDY)
        }
    }
}

/// Whether a running bot's own journal took what was written.
#[must_use]
pub fn kept(is_kept: bool) -> Finding {
    if is_kept {
        Finding::ok("disk.journal", keys::DIAGNOSE_PROBED)
    } else {
        Finding::failed(
            "disk.journal",
            keys::DIAGNOSE_UNKEPT,
            keys::DIAGNOSE_FOLDER_REMEDY,
        )
    }
}

/// Whether what was written and synced to the disk is what is read.
fn probe(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create_new(true).open(path)?;
    file.write_all(&PROBE)?;
    file.sync_all()?;
    file.rewind()?;
    let mut read = Vec::new();
    file.read_to_end(&mut read)?;
    Ok(read == PROBE)
}

/// Whether a bot works there, or what waits for one.
fn user(folder: &Path) -> Finding {
    let id = "disk.use";
    if is_in_use(folder) {
        return Finding::ok(id, keys::DIAGNOSE_IN_USE);
    }
    match journal::waiting_in(folder) {
        Ok(0) => Finding::ok(id, keys::DIAGNOSE_IDLE),
        Ok(count) => {
            let message = Message::new(keys::DIAGNOSE_WAITING).with("count", count);
            Finding::warning(id, message, keys::DIAGNOSE_WAITING_REMEDY)
        }
        Err(error) => {
            let message = Message::new(keys::DIAGNOSE_UNCLOSED).with("words", error.to_string());
            Finding::warning(id, message, keys::DIAGNOSE_WAITING_REMEDY)
        }
    }
}

/// Whether another process holds the folder's lock. It is given back at once.
fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Files that could not be read and were set aside.
fn damaged(folder: &Path) -> Option<Finding> {
    let entries = fs::read_dir(folder).ok()?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let damaged: Vec<String> = names.filter(|name| name.contains(".damaged-")).collect();
    if damaged.is_empty() {
        return None;
    }
    let message = Message::new(keys::DIAGNOSE_DAMAGED).with("names", super::listed(&damaged));
    Some(Finding::warning(
        "disk.damaged",
        message,
        keys::DIAGNOSE_DAMAGED_REMEDY,
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::diagnose::Level;

    #[test]
    fn room_is_judged() {
        for (megabytes, expected) in [
            (0, Level::Failed),
            (49, Level::Failed),
            (50, Level::Warning),
            (499, Level::Warning),
            (500, Level::Ok),
        ] {
            assert_eq!(of_free(megabytes * MEGABYTE).level, expected, "{megabytes}");
        }
    }
}
