//! The device in a person's hand.

/// The kinds of client that Discord tells apart in presences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// The desktop program.
    Desktop,
    /// A phone or tablet.
    Mobile,
    /// A browser.
    Web,
}

impl Platform {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Web => "web",
        }
    }
}

/// A Discord client. Interactions say nothing about it: it is a label of the story, and a place
/// where a presence can say that somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    label: String,
    platform: Platform,
}

impl Device {
    /// A phone.
    #[must_use]
    pub fn phone(label: &str) -> Self {
        Self::new(label, Platform::Mobile)
    }

    /// A PC.
    #[must_use]
    pub fn desktop(label: &str) -> Self {
        Self::new(label, Platform::Desktop)
    }

    /// A browser.
    #[must_use]
    pub fn web(label: &str) -> Self {
        Self::new(label, Platform::Web)
    }

    fn new(label: &str, platform: Platform) -> Self {
        Self {
            label: label.to_owned(),
            platform,
        }
    }

    /// The label, as the transcript shows it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The kind of client.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.platform
    }
}
