//! The system user that the server runs as.
//!
//! Postgres refuses to run as root. A bot that is root starts it as another user, who must be
//! able to reach the cluster.

use std::path::Path;
use std::process::Command;

use super::error::EmbeddedError;

#[cfg(not(unix))]
pub(super) use other::Account;
#[cfg(unix)]
pub(super) use unix::Account;

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown};
    use std::os::unix::process::CommandExt as _;
    use std::path::PathBuf;

    use super::{Command, EmbeddedError, Path};

    /// Whom to try, in this order. macOS calls it `_postgres`.
    const NAMES: [&str; 3] = ["postgres", "_postgres", "nobody"];

    /// The user that the server runs as.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in super::super) struct Account {
        /// Set when it is not the bot's own user.
        other: Option<User>,
    }

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct User {
        name: String,
        uid: u32,
        gid: u32,
    }

    impl Account {
        /// The bot's own user, unless that is root. An existing cluster decides by its owner.
        pub(in super::super) fn choose(cluster: &Path) -> Result<Self, EmbeddedError> {
            let uid = rustix::process::geteuid().as_raw();
            let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
            let owner = fs::metadata(cluster).ok().map(|meta| User {
                name: name_of(&passwd, meta.uid()),
                uid: meta.uid(),
                gid: meta.gid(),
            });
            Self::decide(uid, owner, &passwd, cluster)
        }

        fn decide(
            uid: u32,
            owner: Option<User>,
            passwd: &str,
            cluster: &Path,
        ) -> Result<Self, EmbeddedError> {
            if uid != 0 {
                return match owner {
                    Some(owner) if owner.uid != uid => Err(EmbeddedError::Foreign {
                        folder: cluster.to_owned(),
                        owner: owner.name,
                    }),
                    _ => Ok(Self { other: None }),
                };
            }
            owner
                .filter(|owner| owner.uid != 0)
                .or_else(|| NAMES.iter().find_map(|name| find_user(passwd, name)))
                .map(|user| Self { other: Some(user) })
                .ok_or(EmbeddedError::NoAccount)
        }

        /// Makes a command run as this user.
        pub(in super::super) fn apply(&self, command: &mut Command) {
            if let Some(user) = &self.other {
                command.uid(user.uid).gid(user.gid);
            }
        }

        /// Gives a file or folder to this user.
        pub(in super::super) fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
            let Some(user) = &self.other else {
                return Ok(());
            };
            lchown(path, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::file("changing the owner of", path))
        }

        /// Gives a folder with everything in it to this user, unless it is theirs. The folder
        /// itself comes last, so that an interrupted change is completed the next time.
        pub(in super::super) fn own_tree(&self, path: &Path) -> Result<(), EmbeddedError> {
            let Some(user) = &self.other else {
                return Ok(());
            };
            let meta = fs::symlink_metadata(path);
            if meta.is_ok_and(|meta| meta.uid() == user.uid) {
                return Ok(());
            }
            let failed = EmbeddedError::file("changing the owner of", path);
            give_tree(path, user).map_err(failed)
        }

        /// Whether another user than the bot's runs the server.
        pub(in super::super) fn is_other(&self) -> bool {
            self.other.is_some()
        }

        /// Lets the server's group pass through the bot's own data folder, without listing it.
        pub(in super::super) fn open_passage(&self, data: &Path) -> io::Result<()> {
            let Some(user) = &self.other else {
                return Ok(());
            };
            let meta = fs::metadata(data)?;
            let mode = meta.mode() & 0o7777;
            // Rights that somebody gave to a group on purpose are left alone.
            if meta.uid() != 0 || (meta.gid() != 0 && mode & 0o070 != 0) {
                return Ok(());
            }
            chown(data, None, Some(user.gid))?;
            fs::set_permissions(data, fs::Permissions::from_mode(mode | 0o010))
        }

        /// The error that names the folder in the way of `path`, or else the program.
        pub(in super::super) fn unreachable(&self, path: &Path, program: &Path) -> EmbeddedError {
            let name = self.other.as_ref().map(|user| user.name.clone());
            self.in_the_way(path)
                .unwrap_or_else(|| EmbeddedError::NotRunnable {
                    user: name.unwrap_or_default(),
                    program: program.to_owned(),
                })
        }

        /// The error that names the folder in the way of `path`, if there is one.
        pub(in super::super) fn in_the_way(&self, path: &Path) -> Option<EmbeddedError> {
            let user = self.other.as_ref()?;
            let blocked = blocking_folder(path, user)?;
            Some(EmbeddedError::Unreachable {
                user: user.name.clone(),
                blocked,
            })
        }
    }

    /// The topmost folder of an absolute path which a user can't enter, judging by its mode.
    fn blocking_folder(path: &Path, user: &User) -> Option<PathBuf> {
        let mut folders: Vec<&Path> = path.ancestors().collect();
        folders.reverse();
        let blocked = folders.into_iter().find(|folder| {
            fs::metadata(folder).is_ok_and(|meta| {
                let bit = if meta.uid() == user.uid {
                    0o100
                } else if meta.gid() == user.gid {
                    0o010
                } else {
                    0o001
                };
                meta.mode() & bit == 0
            })
        });
        blocked.map(Path::to_owned)
    }

    fn give_tree(path: &Path, user: &User) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                give_tree(&entry?.path(), user)?;
            }
        }
        lchown(path, Some(user.uid), Some(user.gid))
    }

    fn find_user(passwd: &str, name: &str) -> Option<User> {
        entries(passwd).find(|user| user.name == name && user.uid != 0)
    }

    fn name_of(passwd: &str, uid: u32) -> String {
        entries(passwd)
            .find(|user| user.uid == uid)
            .map_or_else(|| uid.to_string(), |user| user.name)
    }

    fn entries(passwd: &str) -> impl Iterator<Item = User> {
        passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            Some(User {
                name,
                uid: parse_id(uid)?,
                gid: parse_id(gid)?,
            })
        })
    }

    /// macOS writes nobody's number as -2.
    fn parse_id(text: &str) -> Option<u32> {
        let signed = || text.parse().ok().map(i32::cast_unsigned);
        text.parse().ok().or_else(signed)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# comment\n\nbroken:x\n\
            nobody:*:-2:-2::/:/bin/false\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";

        fn user(name: &str, uid: u32, gid: u32) -> User {
            User {
                name: name.to_owned(),
                uid,
                gid,
            }
        }

        #[test]
        fn decides_who_runs_the_server() {
            let postgres = user("postgres", 101, 104);
            let nobody = user("nobody", u32::MAX - 1, u32::MAX - 1);
            let alice = user("alice", 1000, 1000);
            let root = user("root", 0, 0);
            let without = PASSWD.replace("postgres", "other");
            let cluster = Path::new("/data/postgres");
            for (uid, owner, passwd, expected) in [
                (1000, None, PASSWD, Ok(None)),
                (1000, Some(&alice), PASSWD, Ok(None)),
                (
                    1000,
                    Some(&postgres),
                    PASSWD,
                    Err("belongs to user `postgres`"),
                ),
                (0, None, PASSWD, Ok(Some(&postgres))),
                (0, Some(&root), PASSWD, Ok(Some(&postgres))),
                (0, Some(&alice), PASSWD, Ok(Some(&alice))),
                (0, None, &without, Ok(Some(&nobody))),
                (0, None, "", Err("neither a user `postgres` nor `nobody`")),
            ] {
                let decided = Account::decide(uid, owner.cloned(), passwd, cluster);
                match (decided, expected) {
                    (Ok(account), Ok(other)) => assert_eq!(account.other.as_ref(), other),
                    (Err(error), Err(text)) => {
                        assert!(error.to_string().contains(text), "{error}");
                    }
                    (decided, expected) => panic!("{decided:?} is not {expected:?}"),
                }
            }
        }

        #[test]
        fn finds_the_folder_in_the_way() {
            let temp = tempfile::tempdir().unwrap();
            let stranger = user("stranger", 4_000_000, 4_000_000);
            let (outer, inner) = (temp.path().join("a"), temp.path().join("a/b"));
            fs::create_dir_all(&inner).unwrap();
            let chmod = |path: &Path, mode| {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            };
            chmod(temp.path(), 0o711);
            // The folder for temporary files may itself be closed.
            let above = blocking_folder(temp.path(), &stranger);
            for (outer_mode, inner_mode, expected) in [
                (0o755, 0o755, None),
                (0o711, 0o711, None),
                (0o711, 0o700, Some(&inner)),
                (0o700, 0o700, Some(&outer)),
                (0o770, 0o755, Some(&outer)),
            ] {
                chmod(&outer, outer_mode);
                chmod(&inner, inner_mode);
                let expected = above.as_ref().or(expected);
                assert_eq!(blocking_folder(&inner, &stranger).as_ref(), expected);
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    use super::{Command, EmbeddedError, Path};

    /// The user that the server runs as: always the bot's own here.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in super::super) struct Account;

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    impl Account {
        pub(in super::super) fn choose(_cluster: &Path) -> Result<Self, EmbeddedError> {
            Ok(Self)
        }

        pub(in super::super) fn apply(&self, _command: &mut Command) {}

        pub(in super::super) fn own(&self, _path: &Path) -> Result<(), EmbeddedError> {
            Ok(())
        }

        pub(in super::super) fn own_tree(&self, _path: &Path) -> Result<(), EmbeddedError> {
            Ok(())
        }

        pub(in super::super) fn is_other(&self) -> bool {
            false
        }

        pub(in super::super) fn open_passage(&self, _data: &Path) -> io::Result<()> {
            Ok(())
        }

        pub(in super::super) fn unreachable(&self, _path: &Path, program: &Path) -> EmbeddedError {
            EmbeddedError::NotRunnable {
                user: String::new(),
                program: program.to_owned(),
            }
        }

        pub(in super::super) fn in_the_way(&self, _path: &Path) -> Option<EmbeddedError> {
            None
        }
    }
}
