//! The messages' keys: one line for each entry of the catalogues.

use super::Key;

macro_rules! keys {
    ($($name:ident = $id:literal;)+) => {
        $(
            #[doc = concat!("The message `", $id, "`.")]
            pub const $name: Key = Key($id);
        )+

        /// Every key.
        pub const ALL: &[Key] = &[$($name),+];
    };
}

keys! {
    POINTS = "points";
    ENTRIES_COUNT = "entries-count";

    BUTTON_CONFIRM = "button-confirm";
    BUTTON_CANCEL = "button-cancel";
    BUTTON_UNDO = "button-undo";
    BUTTON_RESTORE_MINE = "button-restore-mine";
    BUTTON_LINK = "button-link";
    BUTTON_NEXT = "button-next";
    BUTTON_BACK = "button-back";
}
