//! The folders of a user and a machine, where configuration and data may be.

use std::ffi::OsStr;
use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The folders that the system sets aside. Those it doesn't know are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// For users' data, such as `~/.local/share`.
    pub user_data: Option<PathBuf>,
    /// For users' configuration, such as `~/.config`.
    pub user_config: Option<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Where the program is.
    pub program: Option<PathBuf>,
    /// The configuration of this program for the whole machine.
    pub machine: Option<PathBuf>,
    /// Where programs are installed, if settings belong there.
    pub installed: Option<PathBuf>,
}

/// The conventions of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Unix,
    Apple,
    Windows,
}

impl System {
    /// The one that this is.
    pub(super) fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_vendor = "apple") {
            Self::Apple
        } else {
            Self::Unix
        }
    }
}

impl Folders {
    /// The folders by the conventions of a system. `user` knows those of the user, `variable` the
    /// environment.
    pub(super) fn of<'a>(
        system: System,
        user: Option<&impl BaseStrategy>,
        variable: impl Fn(&str) -> Option<&'a OsStr>,
    ) -> Self {
        let below = |name: &str| {
            let folder = variable(name).filter(|folder| !folder.is_empty());
            folder.map(|folder| PathBuf::from(folder).join("Punctaj"))
        };
        let (machine, installed) = match system {
            System::Unix => (Some("/etc/punctaj".into()), None),
            System::Apple => (Some("/Library/Application Support/Punctaj".into()), None),
            System::Windows => (below("PROGRAMDATA"), below("PROGRAMFILES")),
        };
        Self {
            user_data: user.map(BaseStrategy::data_dir),
            user_config: user.map(|user| match system {
                // What the library calls configuration there is for Apple's own format only.
                System::Apple => user.data_dir(),
                System::Unix | System::Windows => user.config_dir(),
            }),
            home: user.map(|user| user.home_dir().to_owned()),
            program: None,
            machine,
            installed,
        }
    }

    /// The same with the folder that the program is in.
    pub(super) fn with_program(mut self, folder: Option<PathBuf>) -> Self {
        self.program = folder;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use etcetera::base_strategy::{Apple, Windows, Xdg};

    use super::*;

    fn variable(name: &str) -> Option<&'static OsStr> {
        let value = match name {
            "PROGRAMDATA" => r"C:\ProgramData",
            "PROGRAMFILES" => r"C:\Program Files",
            _ => return None,
        };
        Some(OsStr::new(value))
    }

    #[test]
    fn three_systems() {
        let home = etcetera::home_dir().unwrap();
        let (xdg, apple, windows) = (
            Xdg::new().unwrap(),
            Apple::new().unwrap(),
            Windows::new().unwrap(),
        );
        let support = home.join("Library/Application Support");
        let windows_machine = Path::new(r"C:\ProgramData").join("Punctaj");
        let windows_programs = Path::new(r"C:\Program Files").join("Punctaj");
        for (folders, config, machine, installed) in [
            (
                Folders::of(System::Unix, Some(&xdg), variable),
                xdg.config_dir(),
                Path::new("/etc/punctaj"),
                None,
            ),
            (
                Folders::of(System::Apple, Some(&apple), variable),
                support,
                Path::new("/Library/Application Support/Punctaj"),
                None,
            ),
            (
                Folders::of(System::Windows, Some(&windows), variable),
                windows.config_dir(),
                &windows_machine,
                Some(windows_programs.as_path()),
            ),
        ] {
            assert_eq!(folders.user_config, Some(config));
            assert_eq!(folders.home.as_ref(), Some(&home));
            assert_eq!(folders.machine.as_deref(), Some(machine));
            assert_eq!(folders.installed.as_deref(), installed);
        }
        assert!(windows.config_dir().ends_with("AppData/Roaming"));
    }

    #[test]
    fn a_user_without_a_home() {
        let folders = Folders::of(System::Unix, None::<&Xdg>, |_| None);
        assert_eq!((folders.home, folders.user_config), (None, None));
        assert_eq!(folders.machine, Some("/etc/punctaj".into()));
        let folders = Folders::of(System::Windows, None::<&Xdg>, |_| Some(OsStr::new("")));
        assert_eq!((folders.machine, folders.installed), (None, None));
    }
}
