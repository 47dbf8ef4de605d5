//! Names from files, which may be anything, also a secret in the wrong place.

/// Longer names are no names.
const LIMIT: usize = 40;

/// A name as it may be shown: only if it looks like one.
pub(super) fn shown_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    if !name.is_empty() && name.len() <= LIMIT && name.chars().all(plain) {
        name.to_owned()
    } else {
        "(a strange name)".to_owned()
    }
}
