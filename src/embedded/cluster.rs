//! The cluster on disk: its version, its making, its password.

use std::fs;
use std::io;
use std::path::Path;

use rand::TryRngCore as _;
use rand::rngs::OsRng;

use super::error::EmbeddedError;
use super::layout::{Layout, remove_dir, remove_file, sync_parent, write_private};
use super::tools::{Tools, output_tail};
use crate::config::{Secret, create_private_dir};

/// The superuser of the cluster, called as with Supabase.
pub(super) const SUPERUSER: &str = "postgres";

/// The major version that made the cluster; `None` when there is none.
pub(super) fn version(cluster: &Path) -> Result<Option<u32>, EmbeddedError> {
    let file = cluster.join("PG_VERSION");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_vacant(cluster) => {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(unrecognised(cluster, "it has no PG_VERSION"));
        }
        Err(error) => return Err(EmbeddedError::file("reading", file)(error)),
    };
    let major = text.trim().split('.').next().and_then(|n| n.parse().ok());
    major
        .map(Some)
        .ok_or_else(|| unrecognised(cluster, "its PG_VERSION is damaged"))
}

fn unrecognised(cluster: &Path, reason: &'static str) -> EmbeddedError {
    EmbeddedError::NoCluster {
        folder: cluster.to_owned(),
        reason,
    }
}

/// Absent or empty: nothing can be lost by using the place.
fn is_vacant(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Makes the cluster if there is none. Returns the superuser's password.
pub(super) async fn ensure(
    tools: &Tools,
    layout: &Layout,
    exists: bool,
    durable: bool,
) -> Result<Secret, EmbeddedError> {
    let known = read_password(&layout.password)?;
    if let (Some(password), true) = (&known, exists) {
        return Ok(password.clone());
    }
    // On disk before the cluster is: there is never a cluster whose password is unknown.
    let password = match known {
        Some(password) => password,
        None => new_password(&layout.password)?,
    };
    if exists {
        // A cluster that was copied here without its password.
        reset_password(tools, layout, &password).await?;
    } else {
        create(tools, layout, &password, durable).await?;
    }
    Ok(password)
}

/// The superuser's password, where there is one.
pub(super) fn read_password(file: &Path) -> Result<Option<Secret>, EmbeddedError> {
    match fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EmbeddedError::file("reading", file)(error)),
    }
}

fn new_password(file: &Path) -> Result<Secret, EmbeddedError> {
    let text = random_hex::<24>().map_err(EmbeddedError::file("making", file))?;
    write_private(file, &text)?;
    Ok(Secret::new(text))
}

/// Random digits from the system.
pub(super) fn random_hex<const N: usize>() -> io::Result<String> {
    let mut bytes = [0_u8; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}

/// Makes the cluster beside its place, then moves it there: it is complete or absent.
async fn create(
    tools: &Tools,
    layout: &Layout,
    password: &Secret,
    durable: bool,
) -> Result<(), EmbeddedError> {
    tracing::info!(folder = %layout.cluster.display(), "creating the embedded database");
    let password_file = layout.run.join("initdb-password");
    write_private(&password_file, password.expose())?;
    tools.account.own(&password_file)?;
    let made = initdb(tools, layout, &password_file, durable).await;
    remove_file(&password_file).map_err(EmbeddedError::file("removing", &password_file))?;
    if made.is_err() {
        // On a full disk, every byte counts.
        let _ = remove_dir(&layout.unfinished);
    }
    made?;
    fs::rename(&layout.unfinished, &layout.cluster)
        .and_then(|()| sync_parent(&layout.cluster))
        .map_err(EmbeddedError::file("creating", &layout.cluster))
}

async fn initdb(
    tools: &Tools,
    layout: &Layout,
    password_file: &Path,
    durable: bool,
) -> Result<(), EmbeddedError> {
    let mut output = String::new();
    // Not every system has the locale that knows letters beyond ASCII.
    for locale in ["C.UTF-8", "C"] {
        let place = &layout.unfinished;
        remove_dir(place)
            .and_then(|()| create_private_dir(place))
            .map_err(EmbeddedError::file("creating", place))?;
        tools.account.own(place)?;
        let mut command = tools.command("initdb");
        command.arg("--pgdata").arg(place);
        command.arg("--pwfile").arg(password_file);
        command.args(["--username", SUPERUSER, "--encoding", "UTF8"]);
        command.args(["--auth", "scram-sha-256", "--data-checksums"]);
        command.args(["--locale", locale]);
        if !durable {
            command.arg("--no-sync");
        }
        let done = tools.run(command, "").await?;
        if done.status.success() {
            return Ok(());
        }
        output = output_tail(&done);
        if let Some(full) = EmbeddedError::full(&layout.data, &output) {
            return Err(full);
        }
        tracing::debug!(locale, output, "initdb failed");
    }
    Err(EmbeddedError::Tool {
        program: "initdb",
        output,
    })
}

/// Sets the password while no server runs: the owner of the files needs no password for that.
async fn reset_password(
    tools: &Tools,
    layout: &Layout,
    password: &Secret,
) -> Result<(), EmbeddedError> {
    tracing::warn!("the embedded database's password is lost: setting a new one");
    let mut command = tools.command("postgres");
    command.args(["--single", "-D"]).arg(&layout.cluster);
    command.args(["-c", "log_statement=none", "postgres"]);
    // The password is made of hexadecimal digits: nothing to escape.
    let sql = format!("alter role {SUPERUSER} password '{}'\n", password.expose());
    let done = tools.run(command, &sql).await?;
    let said = output_tail(&done);
    if done.status.success() && !said.contains("ERROR:") {
        return Ok(());
    }
    // So that it is tried again the next time.
    remove_file(&layout.password).map_err(EmbeddedError::file("removing", &layout.password))?;
    if let Some(full) = EmbeddedError::full(&layout.data, &said) {
        return Err(full);
    }
    Err(EmbeddedError::Tool {
        program: "postgres --single",
        output: said.replace(password.expose(), "***"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_cluster_version() {
        for (content, expected) in [
            (Some("15\n"), Some(Some(15))),
            (Some("9.6\n"), Some(Some(9))),
            (Some("x"), None),
            (None, Some(None)),
        ] {
            let temp = tempfile::tempdir().unwrap();
            if let Some(content) = content {
                fs::write(temp.path().join("PG_VERSION"), content).unwrap();
            }
            assert_eq!(version(temp.path()).ok(), expected, "{content:?}");
        }
    }

    #[test]
    fn a_folder_with_other_things_is_not_taken() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(version(&temp.path().join("absent")).unwrap(), None);
        fs::write(temp.path().join("precious"), "").unwrap();
        let error = version(temp.path()).unwrap_err();
        assert!(
            error.to_string().contains("it has no PG_VERSION"),
            "{error}"
        );
        fs::write(temp.path().join("PG_VERSION"), "").unwrap();
        let error = version(temp.path()).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
    }

    #[test]
    fn passwords_are_random_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("password");
        assert!(read_password(&file).unwrap().is_none());
        let first = new_password(&file).unwrap();
        assert_eq!(first.expose().len(), 48);
        assert_eq!(read_password(&file).unwrap(), Some(first.clone()));
        assert_ne!(new_password(&file).unwrap(), first);
        fs::write(&file, "\n").unwrap();
        assert!(read_password(&file).unwrap().is_none());
    }
}
