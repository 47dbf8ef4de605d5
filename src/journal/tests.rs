use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use serde_json::json;
use uuid::Uuid;

use super::file::{RedbFile, builder};
use super::*;
use crate::domain::ids::{GuildId, OpId, TableId, UserId};

const GUILD: GuildId = GuildId::from_db(1);

fn origin(op: u32) -> Origin {
    Origin {
        guild: GUILD,
        person: UserId::from_db(7),
        op: OpId::new(op.to_string()),
    }
}

async fn kept(edits: &Edits) -> Vec<Kept> {
    let mut kept = Vec::new();
    for (id, _) in edits.all() {
        kept.extend(edits.read(id).await.unwrap());
    }
    kept
}

#[tokio::test]
async fn edits_come_back_in_their_order_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let edits = Edits::open(folder.path()).unwrap();
    for op in 1..=20 {
        edits
            .keep(origin(op), &json!({ "number": op }))
            .await
            .unwrap();
    }
    let first = edits.all()[0].0;
    let second = edits.all()[1].0;
    edits.remove(first).await;
    edits.decide(second, &json!("done")).await.unwrap();
    drop(edits);

    let edits = Edits::open(folder.path()).unwrap();
    let found = kept(&edits).await;
    let numbers: Vec<_> = found
        .iter()
        .map(|kept| kept.edit["number"].clone())
        .collect();
    assert_eq!(json!(numbers), json!((2..=20).collect::<Vec<_>>()));
    assert_eq!(found[0].outcome, Some(json!("done")));
    assert_eq!(edits.depth(), 19);
    let next = edits.keep(origin(21), &json!(1)).await.unwrap();
    assert!(edits.all().iter().all(|(id, _)| *id <= next));
}

#[tokio::test]
async fn one_operation_is_one_edit() {
    let folder = tempfile::tempdir().unwrap();
    let edits = Edits::open(folder.path()).unwrap();
    let first = edits.keep(origin(1), &json!(1)).await.unwrap();
    assert_eq!(edits.keep(origin(1), &json!(2)).await.unwrap(), first);
    assert_eq!(kept(&edits).await.len(), 1);
    assert!(edits.waits(GUILD) && !edits.waits(GuildId::from_db(2)));
    edits.decide(first, &json!("done")).await.unwrap();
    assert!(!edits.waits(GUILD), "what is done holds nobody up");
    edits.remove(first).await;
    assert_eq!(edits.depth(), 0);
    assert_ne!(edits.keep(origin(1), &json!(3)).await.unwrap(), first);
}

#[tokio::test]
async fn one_person_does_not_fill_it() {
    let folder = tempfile::tempdir().unwrap();
    let edits = Edits::open(folder.path()).unwrap();
    for op in 0..u32::try_from(MAX_EDITS_OF_ONE).unwrap() {
        edits.keep(origin(op), &json!(1)).await.unwrap();
    }
    let full = edits.keep(origin(1_000_000), &json!(1)).await;
    assert!(matches!(full, Err(JournalError::Full)), "{full:?}");
    let other = Origin {
        person: UserId::from_db(8),
        ..origin(1_000_001)
    };
    edits.keep(other, &json!(1)).await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_carried_out_is_put_away_and_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let edits = Edits::open(folder.path()).unwrap();
    let id = edits.keep(origin(1), &json!(1)).await.unwrap();
    edits.set_aside(id).await.unwrap();
    assert_eq!((edits.depth(), edits.aside().await.unwrap()), (0, 1));
}

#[tokio::test]
async fn a_damaged_journal_is_set_aside_whatever_is_wrong_with_it() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("no journal", |bytes| {
            *bytes = b"something else".repeat(1000);
        }),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 3)),
        ("zeros at the beginning", |bytes| bytes[..512].fill(0)),
        ("another word inside", |bytes| {
            let at = bytes.windows(5).position(|word| word == b"hello").unwrap();
            bytes[at] ^= 0xff;
        }),
    ];
    for (what, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        let edits = Edits::open(folder.path()).unwrap();
        edits.keep(origin(1), &json!("hello")).await.unwrap();
        drop(edits);
        let path = folder.path().join("journal.redb");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();

        let edits = Edits::open(folder.path()).unwrap();
        assert_eq!(edits.depth(), 0, "{what}");
        let aside = fs::read(folder.path().join("journal.redb.damaged-1")).unwrap();
        assert_eq!(aside.len(), bytes.len(), "{what}");
        edits.keep(origin(2), &json!("again")).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    Edits::open(folder.path()).unwrap();
    let meta = fs::metadata(folder.path().join("journal.redb")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
}

/// A disk that can be full.
#[derive(Debug, Clone)]
struct Disk {
    bytes: Arc<InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        self.bytes.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.bytes.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        if self.full.load(Ordering::SeqCst) && len > self.bytes.len()? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.set_len(len)
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        self.bytes.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.bytes.write(offset, data)
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_takes_edits_again_when_there_is_room() {
    let disk = Disk {
        bytes: Arc::new(InMemoryBackend::new()),
        full: Arc::default(),
    };
    let same = disk.clone();
    let open = move || builder().create_with_backend(same.clone());
    let edits = Edits::on(RedbFile::with(open).unwrap()).unwrap();
    disk.full.store(true, Ordering::SeqCst);
    // What is in the file has room, and what is new finds none in the end.
    let long = "x".repeat(5_000);
    let mut kept_ops = 0;
    let refused = loop {
        match edits.keep(origin(kept_ops), &json!(long)).await {
            Ok(_) => kept_ops += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, JournalError::File(_)), "{refused:?}");
    let all = edits.all();
    assert_eq!(all.len(), usize::try_from(kept_ops).unwrap());
    // What becomes of those that wait is known all the same, and they are let go of.
    for (id, _) in &all {
        edits.decide(*id, &json!(long)).await.unwrap();
        let kept = edits.read(*id).await.unwrap().unwrap();
        assert_eq!(kept.outcome, Some(json!(long)));
    }
    for (id, _) in &all {
        edits.remove(*id).await;
    }
    assert_eq!(edits.depth(), 0);
    disk.full.store(false, Ordering::SeqCst);
    edits.keep(origin(1_000), &json!(5)).await.unwrap();
    edits.sweep().await;
    let edits = edits.reopened().unwrap();
    let found: Vec<_> = kept(&edits).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].edit, json!(5));
}

#[tokio::test]
async fn as_many_tables_are_kept_as_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let known = LastKnown::open(folder.path()).unwrap();
    let table = |number: usize| TableId(Uuid::from_u128(u128::try_from(number).unwrap()));
    for number in 0..=MAX_TABLES {
        known.ask_for(GUILD, table(number));
        known
            .keep((GUILD, table(number)), &json!(number))
            .await
            .unwrap();
        // The very first is looked at all the time.
        known.ask_for(GUILD, table(0));
    }
    drop(known);
    let known = LastKnown::open(folder.path()).unwrap();
    let found: Vec<serde_json::Value> = known.of_guild(GUILD).await.unwrap();
    assert_eq!(found.len(), MAX_TABLES);
    assert!(found.contains(&json!(0)) && !found.contains(&json!(1)));
    assert_eq!(known.wanted().len(), MAX_TABLES);
    let others: Vec<serde_json::Value> = known.of_guild(GuildId::from_db(2)).await.unwrap();
    assert!(
        others.is_empty(),
        "nothing crosses from one guild to another"
    );
    known.forget((GUILD, table(0))).await.unwrap();
    let found: Vec<serde_json::Value> = known.of_guild(GUILD).await.unwrap();
    assert!(!found.contains(&json!(0)));
}
