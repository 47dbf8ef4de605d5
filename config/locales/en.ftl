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

## Lists

more-lines = … and { $count ->
        [one] one more line
       *[other] { $count } more lines
    }
nobody = nobody

## Names of fields

field-name = name
field-rank = rank
field-points = points
field-member = member
field-category = category
field-floor = floor
field-private = private
field-title = title
field-promote-at = promoted at
field-demote-below = demoted below
field-role = role
field-user = person
field-platform = platform
field-label = label
field-ended = ended

## Values

value-none = none
value-deleted = deleted
value-yes = yes
value-no = no
platform-desktop = desktop app
platform-mobile = phone app
platform-web = browser
platform-unknown = unknown platform
ended-logout = logged out
ended-moderator = by a moderator
ended-idle = not used for too long
ended-lifetime = open for too long
ended-undo = its login was undone

## Answers to edits

receipt-points-add = Added { $points } to { $entries } in { $table }
receipt-points-remove = Removed { $points } from { $entries } in { $table }
receipt-entry-add = Added { $entries } to { $table }
receipt-entry-set = Changed in { $table }
receipt-entry-delete = Deleted { $entries } from { $table }
receipt-table-create = Created the table { $table }
receipt-rank-set = Changed a rank of { $table }
receipt-event-undo = Undid event #{ $event } in { $table }
receipt-session-open = Session opened
receipt-session-close = Session ended
receipt-superseded = Nothing changed in { $table }: a later edit stands
receipt-no-change = All is already as you asked; nothing had to change.
line-points = **{ $name }**: { $before } → { $after } ({ $delta })
line-points-new = **{ $name }** (new): { $before } → { $after } ({ $delta })
line-capped = { $line }; { $requested } were asked for, but a bound of the table was reached
line-field = **{ $name }**, { $field }: { $before } → { $after }
line-created = **{ $name }** is new
line-deleted = **{ $name }** is deleted
line-restored = **{ $name }** is back
line-session-ended = **{ $name }**: { $how }
line-superseded = **{ $name }**, { $field }: stays { $value }, a later edit stands
note-repeated = Given more than once, counted once: { $names }
note-reason = Reason: { $reason }
footer-event = #{ $event }
footer-session = #{ $event } · session { $session }
footer-inferred = #{ $event } · session { $session }, inferred

## Undo

undo-asks = Undo event #{ $event } all the same?
undo-question = What it wrote was changed since. Nothing was changed yet: Confirm undoes it all the same, Cancel leaves all as it is.
undo-conflict = **{ $name }**, { $field }: now { $now }; { $effect }
undo-conflict-by = **{ $name }**, { $field }: now { $now }, by { $who } { $when } (#{ $event }); { $effect }
undo-puts-back = undo puts { $back } there
undo-deletes = undo deletes it
nothing-changed = Nothing was changed.

## Tables

table-heading = **{ $table }** — { $entries }, { $points }
table-page = Page { $page } of { $pages }
table-empty = It has no entries yet. Add the first with `/punctaj add`.
table-cut = { $count ->
        [one] One row of this page is too long to be shown; `/punctaj-admin data export` has it.
       *[other] { $count } rows of this page are too long to be shown; `/punctaj-admin data export` has them.
    }
column-name = Name
column-rank = Rank
column-points = Points
choose-table = Which table do you mean? Choose one, or name it in the option `table`.
choose-table-menu = Choose a table
tables-title = { $count ->
        [one] One table
       *[other] { $count } tables
    }
tables-none = There is no table yet. `/punctaj-admin table create` makes one.
tables-line = **{ $table }** — { $entries }, { $ranks ->
        [0] no ranks
        [one] one rank
       *[other] { $ranks } ranks
    }
ranks-title = Ranks of { $table }
ranks-none = { $table } has no ranks yet. `/punctaj-admin rank set` makes one.
ranks-line = { $rank } · **{ $title }**
ranks-promote = {" "}· promoted at { $points }
ranks-demote = {" "}· demoted below { $points }

## Device sessions

sessions-title = Your open sessions
session-line = **{ $label }** · `{ $id }` · { $platform } · opened { $since } · last used { $seen }
session-unnamed = no label
session-current = { $session }
    ↳ this one: { $how }
session-used = From now on you work in this session: { $session }
session-all-others = all the others
session-choice = { $id }, { $platform }
attribution-exact = exact, from the button that was clicked
attribution-presence = inferred from where this person is online
attribution-recent = inferred, the session used last
attribution-new = newly opened

## The history

search-title = Events, newest first
search-empty = No event fits.
search-line = **#{ $event }** { $when } { $who } · `{ $action }`
search-undone = {" "}· undone by #{ $event }
search-more = {" "}(+{ $count })
search-changes = { $count ->
        [one] one change
       *[other] { $count } changes
    }
search-menu = Open an event
event-title = Event #{ $event } · { $action }
event-who = **Who:** { $value }
event-table = **Table:** { $value }
event-outcome = **Outcome:** { $value }
event-device = **Device:** { $value }
event-attribution = **Device known how:** { $value }
event-via = **Came through:** { $value }
event-at = **Asked for:** { $value }
event-applied-at = **Took effect:** { $value }
event-reason = **Reason:** { $value }
event-undoes = **Undoes:** { $value }
event-undone-by = **Undone by:** { $value }
event-overwrote = **Overwrote, unseen:** { $value }
event-no-changes = No changes.
event-hash = hash { $hash }…
outcome-applied = applied
outcome-superseded = superseded: a later edit stands
outcome-refused = refused: no right to it
export-events = { $count ->
        [one] One event, oldest first.
       *[other] { $count } events, oldest first.
    }
export-table = { $table }: { $entries }.
verify-ok = The history agrees
verify-ok-line = { $count ->
        [one] One event was recomputed, and replaying it gives exactly what the tables hold.
       *[other] All { $count } events were recomputed, and replaying them gives exactly what the tables hold.
    }
verify-problem = The history does not agree
verify-head = Head: #{ $event }
    `{ $hash }`
verify-missing = Event #{ $event } is missing.
verify-chain = Event #{ $event } does not follow on the hash of the event before it.
verify-hash = The content of event #{ $event } is not what its hash was computed from.
verify-before = Event #{ $event } changes { $field } of { $name }, which was not as it says.
verify-wrong-head = The head is event #{ $event } by the server's own row, but the events end elsewhere.
verify-state = In the tables, { $field } of { $name } ({ $what }) is not what the events tell.

## Help

help-title = What you can do here
help-nothing = There is nothing here that you may do. Someone with Manage Server can.
help-everyday = Every day
help-everyday-text = Several names at once are separated by commas; a name with a comma stands in quotation marks. Without `table` you work on the table you used last.
help-undo = Undo
help-undo-text = Every edit's reply has an Undo button, and an undo can be undone too. Called again, the command walks backwards.
help-sessions = Devices
help-sessions-text = Discord does not say from which device you write. With a session for each of your devices, the history tells them apart.
help-audit = History
help-audit-text = Every change is an event with a number; none can be altered.
help-admin = Setting up
help-admin-text = A table is called `Name` or `Category/Name`.

## What went wrong

error-internal = Something went wrong inside the bot. Reference: `{ $reference }`
error-outcome-unknown = The connection to the database broke at the moment of saving, and whether your edit was saved could not be found out. Look with `/punctaj view` before you repeat it. Reference: `{ $reference }`
error-unreachable = The database can't be reached at the moment. Try again in a minute.
error-guild-only = This works only in a server. Use the command in a channel of yours.
error-old-button = This button or menu comes from another version of the bot. Use the command again to get a new one.
error-old-command = Discord has this command from another version of the bot. Try again in a few minutes, or restart Discord.
error-option = One of the options can't be read. Choose what Discord offers, or type it anew.
error-forbidden = You lack the right `{ $right }` for that. Someone with Manage Server can do it.
error-no-tables = There is no table here yet. Someone with Manage Server makes one with `/punctaj-admin table create`.
error-unknown-table = There is no table { $table }. `/punctaj-admin table list` shows what there is.
error-unknown-table-near = There is no table { $table }. Did you mean: { $near }?
error-ambiguous-table = Several tables are called { $table }. Name one with its category: { $tables }.
error-table-exists = There is a table { $table } already. Choose another name or category.
error-unknown-names = These names are not in { $table }:
line-unknown-name = - **{ $name }**
line-unknown-name-near = - **{ $name }** — did you mean: { $near }?
hint-unknown-names = Correct the names and try again; `/punctaj add` makes new entries.
error-name-taken = Another entry of { $table } is called { $name }. Choose another name.
error-member-taken = The member is linked to another entry of this table, so { $name } can't be linked to them. Set that entry's `member` to `-` first.
error-member-unlinked = { $member } is not linked to an entry of { $table }. Give the entry's name, or link it with `/punctaj set` and the field `member`.
error-unknown-rank = { $table } has no rank { $rank }. `/punctaj-admin rank list` shows its ranks; `-` takes a rank away.
error-below-floor = { $value } is below { $floor }, the lowest that this table allows. Give a higher number.
error-unknown-field = There is no field { $field }. There are: name, rank, points, member.
error-unknown-event = There is no event #{ $event }. Event numbers stand in every reply, and in `/punctaj-audit search`.
error-not-yours = Event #{ $event } is somebody else's. You can undo your own changes.
error-already-undone = Event #{ $event } is undone already, by #{ $by }. To get it back, undo #{ $by }.
error-not-undoable = Event #{ $event } can't be undone: it is about a session, or had no effect.
error-nothing-to-undo = You have no change here that could be undone.
error-unknown-session = You have no open session { $session }. `/punctaj session list` shows yours.
error-no-other-sessions = You have no other open session.
error-session-missing = Say which session you want to use. `/punctaj session list` shows yours.
error-draft-gone = This menu or search is too old to go on with, or not yours. Use the command again.
error-add-negative = `add` takes no negative points. To take points away, use `/punctaj remove`.
error-remove-negative = `remove` takes the points as a positive number. To give points, use `/punctaj add`.
error-remove-zero = Removing 0 points changes nothing. Give at least 1.
error-award-limit = One command gives or takes at most { $limit } points. Give a smaller number.
error-not-points = { $given } is no number of points. They are a whole number in digits, such as 12 or -3, and at most { $limit } either way. Give such a number.
error-not-a-member = { $given } is no member. Give a mention of a member, or their id; `-` unlinks.
error-reason-long = The reason has { $chars } characters; at most { $limit } are allowed. Shorten it.
error-label-long = The label has { $chars } characters; at most { $limit } are allowed. Shorten it.
error-event-number = An event's number is 1 or more. It stands in every reply.
error-unknown-action = There is no action { $action }. There are: { $known }.
error-unknown-layout = There is no such layout. There are: phone, wide.
error-unknown-sort = There is no such order. There are: points, name, rank.
error-unknown-format = There is no such format. Choose one that Discord offers.
error-rank-number = A rank's number is between 1 and { $limit }. Give such a number.
error-file-large = The file would have { $size } MiB, and Discord takes at most { $limit } MiB here. Narrow it down with the filters.
error-name-empty = A name is empty. Give at least one visible character.
error-name-long = A name has { $chars } characters; at most { $limit } are allowed. Shorten it.
error-name-character = A name has the character { $character }, which is invisible or breaks lines. Type the name anew.
error-category = The category: { $problem }
error-extra-slash = A table's address has at most one slash: `Category/Name`. Leave out the others.
error-names-empty = There is no name in the list. Give at least one.
error-names-many = The list has { $count } names; one command takes at most { $limit }. Split it.
error-names-part = { $part } in the list can't be read. { $problem }
error-quote-open = A quotation mark is not closed. Close it, or leave it out.
error-quote-text = After a closing quotation mark comes a comma. Put one there.

## Commands: names, descriptions, options, choices

cmd-punctaj = punctaj
    .description = Points: add, remove, set, view, undo
cmd-punctaj-add = add
    .description = Adds points to one or several entries; new names become entries
cmd-punctaj-add-points = points
    .description = How many, 0 to 1,000,000,000 (0 if left out)
cmd-punctaj-remove = remove
    .description = Takes points away, down to the table's floor
cmd-punctaj-remove-points = points
    .description = How many, 1 to 1,000,000,000
cmd-punctaj-set = set
    .description = Sets one field of an entry: name, rank, points or member
cmd-punctaj-set-name = name
    .description = The entry: its name, or a mention of its member
cmd-punctaj-delete = delete
    .description = Deletes entries; undo brings them back with their points
cmd-punctaj-view = view
    .description = Shows a table, in pages
cmd-punctaj-undo = undo
    .description = Undoes your last change, or one of yours by its number
cmd-punctaj-undo-event = event
    .description = The number of your event, as in #12
cmd-punctaj-session = session
    .description = Your devices
cmd-punctaj-session-login = login
    .description = Starts a fresh session for this device
cmd-punctaj-session-list = list
    .description = Shows your open sessions
cmd-punctaj-session-use = use
    .description = Switches to another of your sessions
cmd-punctaj-session-logout = logout
    .description = Ends this session, or another of yours
cmd-punctaj-help = help
    .description = What you can do here
cmd-punctaj-audit = punctaj-audit
    .description = The history of all changes
cmd-punctaj-audit-search = search
    .description = Searches the history; all filters combine
cmd-punctaj-audit-search-name = name
    .description = Events about this entry or table
cmd-punctaj-audit-show = show
    .description = Shows one event whole
cmd-punctaj-audit-export = export
    .description = The result of a search as a file
cmd-punctaj-audit-export-name = name
    .description = Events about this entry or table
cmd-punctaj-audit-verify = verify
    .description = Checks that the history is whole and agrees with the tables
cmd-punctaj-admin = punctaj-admin
    .description = Setting up tables, ranks and data
cmd-punctaj-admin-table = table
    .description = Tables
cmd-punctaj-admin-table-create = create
    .description = Creates a table
cmd-punctaj-admin-table-create-table = table
    .description = Name or Category/Name
cmd-punctaj-admin-table-list = list
    .description = Lists the tables
cmd-punctaj-admin-rank = rank
    .description = The ranks of a table
cmd-punctaj-admin-rank-set = set
    .description = Creates a rank, or changes the one of that number
cmd-punctaj-admin-rank-list = list
    .description = Lists the ranks of a table
cmd-punctaj-admin-data = data
    .description = Data in and out
cmd-punctaj-admin-data-export = export
    .description = A table as a file
cmd-opt-names = names
    .description = Names or mentions, separated by commas
cmd-opt-name = name
    .description = The entry's name
cmd-opt-points = points
    .description = How many points
cmd-opt-table = table
    .description = Which table; the one you used last if left out
cmd-opt-reason = reason
    .description = Why, in up to 300 characters
cmd-opt-field = field
    .description = Which field
cmd-opt-value = value
    .description = What it is to hold; - empties rank and member
cmd-opt-sort = sort
    .description = In which order
cmd-opt-layout = layout
    .description = For a phone or for a wide screen; remembered for this session
cmd-opt-share = share
    .description = Show it to everybody in the channel
cmd-opt-event = event
    .description = The event's number, as in #12
cmd-opt-device = device
    .description = What you call this device, such as PC Birou
cmd-opt-session = session
    .description = Which of your sessions: its id or label
cmd-opt-topic = topic
    .description = About what
cmd-opt-who = who
    .description = Who acted
cmd-opt-action = action
    .description = What was done
cmd-opt-format = format
    .description = The kind of file; CSV if left out
cmd-opt-rank = rank
    .description = Its number; higher is higher
cmd-opt-title = title
    .description = What it is called
cmd-opt-promote_at = promote_at
    .description = Points from which one rises to the next rank
cmd-opt-demote_below = demote_below
    .description = Points below which one falls to the rank before
cmd-opt-role = role
    .description = The Discord role that goes with it
cmd-choice-points = points
cmd-choice-name = name
cmd-choice-rank = rank
cmd-choice-phone = phone
cmd-choice-wide = wide
cmd-choice-everyday = every day
cmd-choice-sessions = devices and sessions
cmd-choice-undo = undo
cmd-choice-audit = history
cmd-choice-admin = setting up
cmd-choice-csv = CSV
cmd-choice-json = JSON
cmd-choice-jsonl = JSON Lines
