# What the bot says, in English. Syntax: https://projectfluent.org
#
# Each entry has a line in src/i18n/keys.rs and a twin with the same variables in ro.ftl, save those
# of the command manifest (cmd-…). Tests compare them. Numbers get their separators by themselves.

## Counts

points = { $count ->
        [one] { $count } point
       *[other] { $count } points
    }
entries-count = { $count ->
        [one] { $count } entry
       *[other] { $count } entries
    }

## Buttons: the labels are fixed, people and tests know them

button-confirm = Confirm
button-cancel = Cancel
button-undo = Undo
button-restore-mine = Restore mine
button-link = Link
button-next = Next
button-back = Back
