# What the bot says, in English. Syntax: https://projectfluent.org
#
# Each entry has a line in src/i18n/keys.rs and a twin with the same variables in ro.ftl, save those
# of the command manifest (cmd-…). Tests compare them. Numbers get their separators by themselves.
# A row of a table is called an entry throughout.

## Counts

points = { $count ->
        [one] { $count } point
       *[other] { $count } points
    }
entries-count = { $count ->
        [one] { $count } entry
       *[other] { $count } entries
    }
characters-count = { $count ->
        [one] { $count } character
       *[other] { $count } characters
    }

## Buttons: the labels are fixed, people and tests know them

button-confirm = Confirm
button-cancel = Cancel
button-undo = Undo
button-restore-mine = Restore mine
button-link = Link
button-meant = Meant { $name }?
button-other = Other…
button-take = Take away
button-give = Add
button-search = Search…
button-all = Show all
button-clear = Pick nobody
button-export = Export
button-next = Next
button-browse = Browse
button-back = Back
button-apply-ranks = Apply ranks
button-setup = Set up
button-setup-skip = Skip
button-setup-done = Finish
button-setup-other-zone = Another one…
button-setup-again = Try again

## Lists

more-lines = … and { $count ->
        [one] one more line
       *[other] { $count } more lines
    }
more-names = {" "}and { $count } more
nobody = nobody

## Names of fields

field-name = name
field-rank = rank
field-points = points
field-member = member
field-category = category
field-floor = floor
field-quantity = quantity
field-private = private
field-title = title
field-promote-at = promoted at
field-demote-below = demoted below
field-role = role
field-user = person
field-platform = platform
field-label = label
field-ended = ended
field-kind = kind
field-pattern = pattern
field-language = language
field-timezone = time zone
field-log-channel = log channel
field-layout = layout
field-exempt = exempt
field-promotions = promotions
field-every = how often
field-day = day
field-time = time
field-channel = channel
field-warning = hours of warning
field-paused = paused
field-closed = closing
field-proposed = proposed ranks

## Values

value-none = —
value-yes = yes
value-no = no
value-automatic = automatic
value-proposed = only proposed
value-week = every week
value-month = every month
value-ranks = { $count ->
        [one] { $count } rank
       *[other] { $count } ranks
    }
kind-text = text
kind-number = number
kind-date = date
layout-phone = for phones
layout-wide = for wide screens
language-name = English
subject-guild = Settings
platform-desktop = desktop app
platform-mobile = phone app
platform-web = browser
platform-unknown = unknown platform
ended-logout = logged out
ended-moderator = ended by a moderator
ended-idle = ended after too long without use
ended-lifetime = ended because it was open for too long
ended-undo = ended by undoing its login

## Answers to edits

receipt-points-add = { $count ->
        [one] Added { $points } to 1 entry in { $table }
       *[other] Added { $points } each to { $count } entries in { $table }
    }
receipt-points-add-total = Added { $points } in all to { $entries } in { $table }
receipt-points-remove = { $count ->
        [one] Removed { $points } from 1 entry in { $table }
       *[other] Removed { $points } each from { $count } entries in { $table }
    }
receipt-points-remove-total = Removed { $points } in all from { $entries } in { $table }
receipt-entry-add = { $count ->
        [one] Added 1 entry to { $table }
       *[other] Added { $count } entries to { $table }
    }
receipt-entry-set = Changed an entry in { $table }
receipt-entry-delete = { $count ->
        [one] Deleted 1 entry from { $table }
       *[other] Deleted { $count } entries from { $table }
    }
receipt-entry-merge = Moved a new entry into the one that was meant, in { $table }
receipt-table-create = Created the table { $table }
receipt-table-edit = Changed the table { $table }
receipt-table-delete = Deleted the table { $table }, with everything in it
receipt-table-restore = Brought back the table { $table }, with everything in it
receipt-field-add = New field in { $table }
receipt-field-edit = Changed a field of { $table }
receipt-field-remove = Removed a field from { $table }; undo brings it back with its values
receipt-rank-set = Changed the ranks of { $table }
receipt-rank-remove = Removed a rank from { $table }
receipt-activity-set = Changed the activities of { $table }
receipt-activity-remove = Removed an activity from { $table }
receipt-rank-apply = Applied the proposed ranks in { $table }
receipt-period-close = Closed a period of { $table }
receipt-period-schedule = Changed the schedule of { $table }
receipt-board-post = Board of { $table }
receipt-board-remove = Removed boards of { $table }
receipt-settings-set = Changed the settings
receipt-access-grant = Granted a right
receipt-access-grant-in = Granted a right in { $table }
receipt-access-revoke = Revoked a right
receipt-access-revoke-in = Revoked a right in { $table }
receipt-in-settings = the settings
receipt-event-undo = Undid event #{ $event } in { $table }
receipt-session-open = Session opened
receipt-session-close = { $count ->
        [one] Session ended
       *[other] { $count } sessions ended
    }
receipt-session-rename = Session renamed
receipt-session-unchanged = The session already has this label
receipt-superseded = Nothing changed in { $table }: a later edit stands
receipt-unchanged = Nothing changed in { $table }
receipt-undo-unchanged = Event #{ $event } in { $table } is undone, but there was nothing to change
receipt-no-change = Everything is already as you asked.
line-points = **{ $name }**{ $state ->
        [new] {" "}(new)
        [deleted] {" "}(deleted)
        [restored] {" "}(back)
       *[same] {""}
    }: { $before } → { $after } ({ $delta })
line-points-floored = **{ $name }**: { $before } → { $after } ({ $delta } instead of { $requested }: the table's floor was reached)
line-points-capped = **{ $name }**: { $before } → { $after } ({ $delta } instead of { $requested }: the highest possible number was reached)
line-points-unchanged = **{ $name }**: stays at { $points }
line-points-at-floor = **{ $name }**: stays at { $points }; the table's floor was reached already
line-points-at-cap = **{ $name }**: stays at { $points }; the highest possible number was reached already
line-field = **{ $name }**, { $field }: { $before } → { $after }
line-unchanged = **{ $name }**, { $field }: was { $value } already
line-created = { $what ->
        [table] New table
        [rank] New rank
        [period] Period closed
        [board] New board
        [activity] New activity
        [field] New field
        [session] New session
       *[entry] New entry
    }: **{ $name }**
line-deleted = { $what ->
        [table] Table deleted
        [rank] Rank deleted
        [period] Period opened again
        [board] Board removed
        [activity] Activity removed
        [field] Field removed
        [session] Session deleted
       *[entry] Entry deleted
    }: **{ $name }**
line-granted = **{ $name }**: granted `{ $right }`
line-revoked = **{ $name }**: revoked `{ $right }`
line-grant-scope = **{ $name }**, where: { $scope }
line-restored = { $what ->
        [table] Table restored
        [rank] Rank restored
        [period] Period closed again
        [board] Board restored
        [activity] Activity restored
        [field] Field restored
        [session] Session restored
       *[entry] Entry restored
    }: **{ $name }**
line-session-ended = **{ $name }**: { $how }
line-superseded = **{ $name }**, { $field }: stays { $value }; a later edit stands
line-too-late = **{ $name }**, { $field }: { $wanted } came too late; a later edit holds { $value }
note-ranks-left = { $count ->
        [one] ⚠️ The rank that was applied from this closing stays: { $names }.
       *[other] ⚠️ The ranks that were applied from this closing stay ({ $count }): { $names }.
    } To take them back too, undo event #{ $event }.
note-repeated = Given more than once, counted once: { $names }
note-reason = Reason: { $reason }
note-overwrote = ⚠️ Replaced what another device had written in { $field } and this one had not seen: { $value } (event #{ $event })
note-missed = { $count ->
        [one] One change was made on another device meanwhile: `/punctaj news`
       *[other] { $count } changes were made on other devices meanwhile: `/punctaj news`
    }
note-missed-many = More than { $count } changes were made on other devices meanwhile: `/punctaj news`
footer-event = #{ $event }
footer-session = #{ $event } · session { $session }
footer-inferred = #{ $event } · session { $session }, inferred

## Offering to link

offer-link = { $count ->
        [one] One member mentioned is not linked to any entry in { $table }, but an entry bears their name.
       *[other] { $count } members mentioned are not linked to any entry in { $table }, but entries bear their names.
    } Nothing was changed yet: Link links what is listed here and gives the points to all that you named, Cancel leaves everything as it is.
offer-line = - { $member } and **{ $name }**

## Undo

undo-preview-title = Undo event #{ $event }?
undo-preview-event = **`{ $action }`** by { $who }, { $when }
undo-preview = Nothing was changed yet. The undo would do this:
undo-asks = Undo event #{ $event } all the same?
undo-question = Other changes were made since. Nothing was changed yet: Confirm undoes it all the same, Cancel leaves everything as it is.
undo-by = {" "}(by { $who }, { $when }, #{ $event })
undo-changed = **{ $name }**, { $field }: what this event wrote was changed since, it is { $now } now{ $by }; after the undo: { $back }
undo-gone = **{ $name }** no longer exists{ $by }; the undo does not change that
undo-gone-back = **{ $name }**, { $field }: no longer exists{ $by }; after the undo: { $back }
undo-name-taken = The name **{ $name }** belongs to another entry now{ $by }; the undo gives the name { $back } instead
undo-member-taken = { $now } is linked to the entry **{ $name }** now{ $by }; the undo does not link them back
undo-in-use = **{ $name }** was worked on since{ $by }; after the undo it no longer exists
undo-in-use-points = **{ $name }** was worked on since{ $by }, and has { $points } now; after the undo it no longer exists
undo-rank-gone = **{ $name }** had the rank { $now }, which no longer exists{ $by }; after the undo there is no rank
undo-rank-held = **{ $name }** holds the rank { $now }{ $by }; after the undo that rank no longer exists
undo-field-used = **{ $name }** has a value in { $field } now{ $by }; after the undo, the field and its values are out of sight
undo-granted-anew = `{ $right }` was revoked since, and granted to { $who } anew{ $by }; after the undo it is not granted any more
undo-closed-since = Period { $period } of **{ $name }** was closed since{ $by }, with the points as they were then; the undo changes the points of the open period instead
undo-closed-anew = Period { $period } of **{ $name }** was closed anew since{ $by }; after the undo, what that closing proposes stays as it is
nothing-changed = Nothing was changed.

## Tables

table-heading = **{ $table }** — { $entries }, { $points }
table-heading-then = **{ $table }** as of { $at } — { $entries }, { $points }
table-heading-period = **{ $table }**, period { $period }, closed { $at } — { $entries }, { $points }
table-known = ⚠️ The database can’t be reached: this is the last known state, and may be outdated.
table-ahead = That moment has not come yet: this is the table as it stands now.
table-moved-since = It is called { $now } now.
table-deleted-since = It was deleted since.
table-page = Page { $page } of { $pages }
table-empty = It has no entries yet. Add the first with `/punctaj add`.
table-empty-then = It had no entries then.
table-cut = { $count ->
        [one] One row of this page is too long to fit here; `/punctaj-admin data export` has it.
       *[other] { $count } rows of this page are too long to fit here; `/punctaj-admin data export` has them.
    }
column-name = Name
column-rank = Rank
column-points = Points
choose-table = Which table do you mean? Choose it in the menu, or name it in the option `table`.
choose-table-menu = Choose a table
tables-title = { $count ->
        [one] One table
       *[other] { $count } tables
    }
tables-none = There is no table yet. Create one with `/punctaj-admin table create`.
tables-line = **{ $table }** — { $entries }, { $ranks ->
        [0] no ranks
        [one] one rank
       *[other] { $ranks } ranks
    }
ranks-title = Ranks of { $table }
ranks-none = { $table } has no ranks yet. Create one with `/punctaj-admin rank set`.
activities-none = { $table } has no activities yet. Set one with `/punctaj-admin activity set`.
activities-title = Activities of { $table }
activities-line = { $activity } { $quantity } = { $points }
ranks-line = { $rank } · **{ $title }**
ranks-promote = {" "}· promoted at { $points }
ranks-demote = {" "}· demoted below { $points }
boards-title = Boards of { $table }
boards-none = { $table } has no board there. Post one with `/punctaj-admin board post`.
boards-line = { $channel } · { $layout } · { $link }
boards-line-soon = { $channel } · { $layout } · about to be posted
boards-line-problem = { $channel } · { $layout } · ⚠️ can’t be posted: { $problem }. Once that is put right, post it again with `/punctaj-admin board post`.
board-empty = It has no entries yet.
board-changed = Changed { $at }
board-table-deleted = The table { $table } was deleted.
period-preview-title = Close period { $period } of { $table }?
period-preview = Nothing was changed yet. Confirm keeps the table as it is then under this number, and everybody begins anew with { $points }; Cancel leaves everything as it is.
period-preview-next = The schedule closes the table again on { $at }, { $in }, all the same.
period-title = Period { $period } of { $table }
period-range = **From** { $since } **to** { $closed }
period-range-first = **Up to** { $closed }
period-by = **Closed by:** { $who }
period-schedule = the schedule
period-late = ⚠️ Closed { $late } late: it was due { $due }.
period-reopened = This closing was undone.
period-total = **{ $entries }**, { $points } in all
period-podium = { $medal } **{ $name }** — { $points }
period-nobody = Nobody earned any points.
period-promoted = { $how ->
        [proposed] **Proposed for promotion ({ $count }):**
       *[given] **Promoted ({ $count }):**
    } { $names }
period-demoted = { $how ->
        [proposed] **Proposed for demotion ({ $count }):**
       *[given] **Demoted ({ $count }):**
    } { $names }
period-idle = **Earned nothing ({ $count }):** { $names }
period-pending = These ranks are only proposed. Apply ranks gives and takes them.
period-warning = ⏰ **{ $table }** is closed { $when }.
period-warning-names = Below the threshold of their rank ({ $count }): { $names }
periods-title = Closed periods of { $table }
periods-none = { $table } has no closed period yet. Close the open one with `/punctaj-admin period close`.
periods-range = { $since } – { $closed }
periods-range-first = up to { $closed }
periods-line = **{ $period }** · { $range } · { $entries }, { $points } · { $who } · #{ $event }
periods-late = {" "}· ⚠️ { $late } late
periods-reopened = {" "}· undone
span-days = { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
span-hours = { $count ->
        [one] { $count } hour
       *[other] { $count } hours
    }
span-minutes = { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }
schedule-title = Schedule of { $table }
schedule-none = { $table } is not closed by itself. Set when it is with `/punctaj-admin period schedule`, option `every`.
schedule-week = **Closes:** every week on { $day } at { $time } ({ $zone })
schedule-month = **Closes:** every month on day { $day }, or the last one, at { $time } ({ $zone })
schedule-next = **Next time:** { $at }, { $in }
schedule-paused = **Paused:** it does not close by itself until `every` is given again.
schedule-channel = **Reports:** { $channel }
schedule-no-channel = **Reports:** nowhere; give a `channel`, or set a log channel.
schedule-warning = **Warning:** { $count ->
        [one] one hour before
       *[other] { $count } hours before
    }
schedule-no-warning = **Warning:** none
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
settings-title = Settings of this server
settings-line = **{ $field }:** { $value }
settings-log-problem = ⚠️ The bot can’t post in the log channel. Discord says: { $problem }. Check that the channel is there and that the bot may view it and send messages in it, then set it again.
setup-welcome = 👋 Hello! I am **Punctaj**: I keep score tables for your community. Points are given with a command or on a panel, every change is in a history, and everything can be undone. Press **{ button-setup }** to begin; it takes about a minute. Members with the Manage Server permission can do that.
setup-welcome-owner = 👋 Hello! I am **Punctaj** and was added to your server **{ $guild }**, but I may not write in any channel there. I work all the same: type `/punctaj-admin settings show` in a channel of the server and press **{ button-setup }** below the answer.
setup-title = Set up Punctaj
setup-saved = Saved as event #{ $event }. `/punctaj undo` takes it back.
setup-given = { $who } may give points now. Choose who else may, or press **{ button-next }**.
setup-line-done = ✅ **{ $step }:** { $value }
setup-line-open = ▫️ **{ $step }:** { $value }
setup-step-language = Language
setup-step-zone = Time zone
setup-step-log = Log channel
setup-step-table = Tables
setup-step-givers = Who gives points
setup-no-table = none yet
setup-managers = members with Manage Server
setup-suggested = suggested
setup-ask-language = **In which language should I write where everybody reads?** To you alone I answer in the language of your Discord.
setup-ask-zone = **In which time zone do you live?** Days, times and the ends of weeks follow it.
setup-ask-log = **In which channel should I log every change?** I need to be able to view it and to send messages in it. Without one nothing is lost: the history has everything.
setup-ask-table = **What is the first table for?** Choose what it begins with, then its name. Everything can be changed later.
setup-ask-givers = **Who else may give points?** Choose a role or a member, one after the other if there are several. They may create entries, and add, remove and set points in all tables.
setup-template = - **{ $name }**: { $has }
setup-template-plain = just names and points
setup-template-fields = names and points, and the field { $fields }
setup-template-ranks = ranks { $ranks }; fields { $fields }
setup-menu-zone = Choose the time zone
setup-menu-log = Choose a channel
setup-menu-givers = Choose a role or a member
setup-form-zone = Time zone
setup-form-zone-name = Region/City
setup-form-table = First table
setup-form-table-name = Its name (or Category/Name)
setup-name-plain = Points
setup-name-police = Police
setup-name-clan = Clan
setup-name-class = Class
setup-done = **🎉 You can begin.** Type this to give the first points, with a name of your own:
    `/punctaj add names:Ana points:5`
setup-done-more = What else there is:
setup-done-no-table = **There is no table yet.** Press **{ setup-step-table }** and choose one: then points can be given.
setup-done-unseen = **There is no table here yet that you may see.** Members with Manage Server, or with the right `table.edit`, make one by `/punctaj-admin table create`: tell them.
setup-done-look = **🎉 All is there.** Those who are named under **{ setup-step-givers }** give points. Type this to look at a table:
    `/punctaj view`
access-scope-guild = the whole server
access-scope-category = all tables of the category { $category }
access-scope-table = the table { $table }
access-scope-table-unknown = a table
access-list-title = Rights that are granted
access-list-line = { $who }: `{ $right }` — { $scope }
access-list-none = Nothing is granted here yet. Members with the Manage Server permission may do everything, and everybody may look at tables that are not private.
access-list-always = Besides, members with the Manage Server permission may do everything, and everybody may look at tables that are not private.
access-explain-title = Rights in { $scope }
access-explain-who = **Who:** { $who }
access-explain-yes = ✅ `{ $right }` — { $why }
access-explain-no = ❌ `{ $right }` — { $why }
access-why-manage-server = holds Discord’s Manage Server permission
access-why-open = the table is not private, so everybody may look
access-why-grant = `{ $granted }` granted to { $who } for { $scope }
access-why-elsewhere = not here; only for { $scope } (`{ $granted }` granted to { $who })
access-why-not = nobody granted it, to them or to a role of theirs
access-hidden = ⚠️ The settings of this server (Server Settings → Integrations) hide `/{ $command }` from { $who }: the right alone does not show it. Allow the command there.
access-everyone = everybody (@everyone)
access-bundle-viewer = looks at tables
access-bundle-scorer = enters points
access-bundle-manager = keeps tables: points, entries, ranks, periods, boards
access-bundle-auditor = looks after the history
access-bundle-admin = everything
log-edit = **#{ $event }** · { $title } · { $who }
log-head = 🔒 History up to event **#{ $event }**: `{ $hash }`
log-board = ⚠️ The board of { $table } in { $channel } can’t be posted: { $problem }. Check that the channel is there and that the bot may write in it, then use `/punctaj-admin board post` again.
log-role = ⚠️ The bot can’t hand out or take back { $role }, which goes with a rank. { $why } Points are not held up by this, and the bot tries again by itself.
notice-overwritten = ⚠️ In { $table }, what you had written for **{ $name }** in { $field } was replaced by { $who }, who had not seen it: { $lost } → { $now } (event #{ $event }).
news-title = { $count ->
        [one] One change since you last asked
       *[other] { $count } changes since you last asked
    }
news-none = Nothing changed on other devices since you last asked here.
news-line = **#{ $event }** { $when } · { $title } · { $who }
news-more = … and { $count ->
        [one] one later change
       *[other] { $count } later changes
    }: `/punctaj news` once more
template-police-ranks = Cadet, Officer, Sergeant, Lieutenant, Captain, Chief
template-police-fields = Badge, Callsign
template-clan-ranks = Recruit, Member, Veteran, Officer, Leader
template-clan-fields = In-game name
template-class-fields = Group

## Profiles

profile-entries = Entries of { $name }
profile-own-entries = Your entries
profile-none = { $name } is not linked to any entry here. Someone with the right `entry.edit` can link them: `/punctaj set`, field `member`.
profile-own-none = You are not linked to any entry here. Someone with the right `entry.edit` can link you: `/punctaj set`, field `member`. The card of any entry: `/punctaj profile` with its `name`.
profile-table = **Table:** { $table }
profile-points = **Points:** { $points }
profile-place = **Place:** { $place } of { $count }
profile-rank = **Rank:** { $rank }
profile-next = **Next rank:** { $rank }, { $points } to go
profile-next-reached = **Next rank:** { $rank }, enough points for it
profile-next-highest = **Next rank:** none, this is the highest
profile-exempt = **Exempt:** a closing does not demote
profile-member = **Member:** { $member }
profile-extra = **{ $field }:** { $value }
profile-recent = **Recent changes**
profile-event = #{ $event } { $when } { $who } · `{ $action }`
profile-entry = **{ $table }** · { $name }
profile-more = { $count ->
        [one] … and one more entry. Name its table in the option `table`.
       *[other] … and { $count } more entries. Name a table in the option `table`.
    }

## The panel for a sitting

panel-title = Panel: { $table }
panel-picked = **Picked ({ $count }):** { $names }
panel-nobody = **Picked:** nobody yet. Choose people in the menu.
panel-person = { $name } ({ $points })
panel-more = … and { $count } more
panel-taking = The buttons take points away now.
panel-search = **Search:** “{ $search }”, { $entries }
panel-search-none = No name here has “{ $search }” in it. A new one is added with `/punctaj add`; its points count in this sitting too.
panel-gone = Deleted meanwhile, so not picked any more: { $names }
panel-last = **Last step**, #{ $event }
panel-last-undo = **Last step**, #{ $event }: undid #{ $undone }
panel-next-undo = Undo takes back #{ $event }.
panel-totals = **This sitting**, begun { $when }: { $count ->
        [one] { $count } step
       *[other] { $count } steps
    }, { $points } in all
panel-total = **{ $name }**: { $points }
panel-no-steps = **This sitting**, begun { $when }: no step yet
panel-note-nobody = ⚠️ Nothing was changed: nobody is picked. Choose people in the menu first.
panel-note-outdated = ⚠️ Nothing was changed: when you pressed, other people were picked than this panel showed. It shows those picked now; press again if they are right.
panel-note-many = ⚠️ At most { $limit } people can be picked at once. The choice stays as it was.
panel-note-other-worth = ⚠️ Nothing was changed: this activity is gone, or worth other points by now. The buttons show what holds now.
panel-note-undone = ⚠️ Nothing was changed: #{ $event } was undone already.
panel-menu = Pick people, page { $page } of { $pages }
panel-footer = session { $session }

## The form of the menu on a member

form-give = Points for { $name }
form-points = Points
form-reason = Reason (may be left out)
form-table = Table (may be left out)
form-table-hint = The one you used last
form-panel-give = Add points to those picked
form-panel-take = Take points from those picked
form-search = Look for people
form-search-name = Part of a name
form-search-hint = Leave empty for everybody
form-typed = You had typed:
form-typed-line = - { $label }: { $value }

## Device sessions

sessions-title = Your open sessions
session-line = **{ $label }** · `{ $id }` · { $platform } · opened { $since } · last used { $seen }
session-unnamed = no label
session-current = { $session }
    ↳ the current one: { $how }
session-used = From now on you work in this session: { $session }
session-used-elsewhere = Discord shows you signed in on one kind of client, another one: { $platform }. As long as that is so, your commands count as coming from there; buttons keep the session of their message.
session-all-others = all the others
session-choice = { $id }, { $platform }
sessions-desk-title = { $count ->
        [0] Open sessions
        [one] 1 open session
       *[other] { $count } open sessions
    }
sessions-desk-none = None is open.
sessions-desk-right = Ending a session of somebody else needs the right `settings.manage`.
sessions-desk-page = Page { $page } of { $pages }
sessions-desk-menu = End a session
attribution-exact = exact, from the button that was clicked
attribution-presence = inferred from the device this person was online on
attribution-recent = inferred, being the one used last
attribution-new = newly opened

## The history

search-title = Events, newest first
search-empty = No event matches.
search-line = **#{ $event }** { $when } { $who } · `{ $action }`
search-undone = {" "}· undone by #{ $event }
search-unreadable = **#{ $event }** can't be read: somebody changed it, or a newer version of the bot wrote it.
search-more = {" "}… and { $count ->
        [one] one more change
       *[other] { $count } more changes
    }
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
event-attribution = **How the session was recognised:** { $value }
event-via = **Came through:** { $value }
event-at = **Asked for:** { $value }
event-applied-at = **Took effect:** { $value }
event-reason = **Reason:** { $value }
event-missing = **Missing right:** { $value }
event-refused = { $count ->
        [one] { $rights }
       *[other] { $rights }, in { $count } attempts
    }
event-undoes = **Undoes:** { $value }
event-undone-by = **Undone by:** { $value }
event-overwrote = **Overwrote, unseen by its author:** { $value }
event-no-changes = No changes.
event-hash = hash { $hash }
via-direct = directly
via-journal = queued while the database was away
via-schedule = automatically
via-cli = an operator's command
outcome-applied = applied
outcome-superseded = no effect: a later edit stands
outcome-refused = refused: no right to it
export-events = { $count ->
        [one] One event.
       *[other] { $count } events, oldest first.
    }
export-files = { $count ->
        [one] In one file.
       *[other] In { $count } files.
    }
export-unreadable = ⚠ { $count ->
        [one] One event can't be read and is in no file: { $events }.
       *[other] { $count } events can't be read and are in no file: { $events }.
    } Run `/punctaj-audit verify`.
export-part = File { $part } of { $parts }: events #{ $first } to #{ $last }.
export-table = { $table }: { $entries }.
verify-ok = The history is intact
verify-ok-line = { $count ->
        [0] There is no event yet.
        [one] The only event was verified, and agrees exactly with what the tables hold.
       *[other] All { $count } events were verified, and agree exactly with what the tables hold.
    }
verify-problem = The history is not intact
verify-head = Last event: #{ $event }
    `{ $hash }`
verify-compare = Compare it with a head that was posted in the log channel or written into an export: `/punctaj-audit show` shows the whole hash of an event, and it must be the same as then.
verify-progress = { $count ->
        [one] Verifying: { $events } of one event …
       *[other] Verifying: { $events } of { $count } events …
    }
verify-before-first = There is an event #{ $event }, but the first one is #1: somebody put it in.
verify-missing = Event #{ $event } is missing.
verify-unreadable = Event #{ $event } can't be read: somebody changed it, or a newer version of the bot wrote it.
verify-chain = The hash of event #{ $event } does not continue that of the event before it.
verify-hash = The content of event #{ $event } no longer matches its hash.
verify-before = Event #{ $event } changes the field “{ $field }” of **{ $name }**, but the value before was not the one written in it.
verify-ledger = The ledger of points does not hold what event #{ $event } says of { $name }.
verify-sum = The points of { $name } are not the sum of what the ledger of points holds.
verify-period = What was kept of the period that event #{ $event } closed is not what the events tell: { $name }.
verify-wrong-head = The last event should be #{ $event }, but the history ends elsewhere.
verify-state = In the tables, the field “{ $field }” of { $what ->
        [entry] the entry
        [table] the table
        [rank] the rank
        [period] the period
        [board] the board
        [activity] the activity
        [grant] the right of
        [field] the field
        [session] the session
        [guild] the settings
       *[other] {""}
    } { $name } is not what follows from the events.
verify-thing = **{ $name }**
verify-thing-in = **{ $name }** in { $table }

## What is wrong, and what to do

diagnose-title = How the bot is
diagnose-configuration = Configuration
diagnose-database = Database
diagnose-supabase = Supabase
diagnose-discord = Discord
diagnose-clock = Clock
diagnose-disk = Disk
diagnose-guild = This server
diagnose-short-ok = **{ $family }:** as it should be
diagnose-short-warning = **{ $family }:** works, but could do so better or more safely
diagnose-short-failed = **{ $family }:** does not work, or is not safe
diagnose-short-remedy = Tell whoever runs the bot: `punctaj diagnose` shows them what it is.
diagnose-said = { $text }
diagnose-unused = Not looked at, since { $name } can't be used
diagnose-unused-remedy = Mend the configuration first.
diagnose-places = Settings were found in: { $places }
diagnose-places-none = No place holds a setting: everything has its default
diagnose-place-remedy = `punctaj config` shows every place that was searched.
diagnose-setting = { $name }: { $value } ({ $origin })
diagnose-reached = { $address } answers
diagnose-unreached = { $address } can't be reached: { $words }
diagnose-why-address = Correct PUNCTAJ_DATABASE_URL: postgres://user:password@host:5432/database, with special characters in the password percent-encoded.
diagnose-why-refused = Nobody listens there: check host and port in PUNCTAJ_DATABASE_URL, and start the database server.
diagnose-why-host = The host has no address: check its name in PUNCTAJ_DATABASE_URL. Supabase's direct host has IPv6 only; without IPv6 use the session pooler (port 5432).
diagnose-why-silent = Nobody answers: check the host in PUNCTAJ_DATABASE_URL and the firewalls on the way, and whether a paused Supabase project needs restoring.
diagnose-why-tls = Check sslmode and sslrootcert in PUNCTAJ_DATABASE_URL; docs/supabase.md tells where to get the certificate.
diagnose-why-password = Correct user and password in PUNCTAJ_DATABASE_URL; special characters are percent-encoded (`@` is `%40`).
diagnose-why-database = Correct the name of the database at the end of PUNCTAJ_DATABASE_URL, or create that database.
diagnose-why-full = End other programs' connections, or allow more; PUNCTAJ_DATABASE_POOL sets how many the bot takes.
diagnose-why-starting = Wait until the server has started.
diagnose-why-other = See what the server says, and its log.
diagnose-version = PostgreSQL { $version }
diagnose-version-remedy = Use PostgreSQL { $oldest } or newer.
diagnose-tls-local = The connection does not leave this machine
diagnose-tls-verified = The connection is encrypted, and the server's certificate is verified
diagnose-tls-unverified = The connection is encrypted, but the server's certificate is not verified
diagnose-tls-none = The connection is not encrypted: the password and all data can be read on the way
diagnose-tls-remedy = Add sslmode=verify-full and sslrootcert=… to PUNCTAJ_DATABASE_URL; see docs/supabase.md.
diagnose-writable = The database takes changes
diagnose-read-only = The database takes no changes: it is a standby, or read-only
diagnose-read-only-remedy = Connect to the primary server. Supabase makes a project read-only when its disk is full.
diagnose-session = Each connection keeps its session
diagnose-pooled = A pooler hands each transaction to another connection, so queries can silently receive each other's results
diagnose-pooled-remedy = Connect directly, or to a pooler in session mode (Supabase: port 5432, PgBouncer: pool_mode = session).
diagnose-schema = The schema is up to date
diagnose-schema-missing = There is no schema yet
diagnose-schema-pending = Migrations are pending: { $names }
diagnose-migrate = Run `punctaj migrate`, or start the bot: it applies what is pending.
diagnose-schema-newer = A newer version of the program made changes: { $names }
diagnose-schema-newer-remedy = That is fine during an update and after going back by one version. Otherwise use the newer program.
diagnose-schema-broken = Migrations are not as this program has them, or failed half-way: { $names }
diagnose-schema-broken-remedy = Use the program that made the schema, or restore a backup; `punctaj migrate` refuses to go on.
diagnose-schema-closed = The schema can't be looked at: { $words }
diagnose-schema-closed-remedy = Connect as the user that owns the schema `punctaj`.
diagnose-role = The bot can work under the role punctaj_app
diagnose-role-left = The bot can’t hand out or take back { $role }
diagnose-roles-late = { $count ->
        [one] One member has waited for the role of their rank for minutes
       *[other] { $count } members have waited for the roles of their ranks for minutes
    }
diagnose-roles-late-remedy = Mend what is said about roles here, if anything is. The bot goes on trying; points don’t wait for it.
diagnose-roles-given-up = { $count ->
        [one] The bot has given up handing one member the role of their rank
       *[other] The bot has given up handing { $count } members the roles of their ranks
    }
diagnose-roles-given-up-remedy = Mend what is said about roles here. The bot tries again once a role is changed on Discord or chosen again with `/punctaj-admin rank set`.
diagnose-roles-unlinked = { $count ->
        [one] One entry has a rank with a role, but is linked to no member, so nobody gets it (`/punctaj set`, field `member`)
       *[other] { $count } entries have ranks with roles, but are linked to no members, so nobody gets them (`/punctaj set`, field `member`)
    }
diagnose-unseen = { $count ->
        [one] Of one private table that you may not look at, nothing is said here
       *[other] Of { $count } private tables that you may not look at, nothing is said here
    }
diagnose-role-closed = The bot can't take on the role punctaj_app
diagnose-role-remedy = As the schema's owner: `create role punctaj_app nologin` where it is missing, then `grant punctaj_app to` the user of PUNCTAJ_DATABASE_URL.
diagnose-rights = punctaj_app has the rights that it needs, and no others
diagnose-rights-lacking = punctaj_app lacks rights: { $names }
diagnose-rights-lacking-remedy = Grant them to punctaj_app again, as the schema's owner.
diagnose-rights-surplus = punctaj_app has rights that it should not have: { $names }
diagnose-rights-surplus-remedy = Revoke them from punctaj_app.
diagnose-rows = Row-level security is on for every table
diagnose-rows-open = Tables without row-level security, or with a policy for others than punctaj_app: { $names }
diagnose-rows-closed = No policy lets punctaj_app work with rows: { $names }
diagnose-rows-remedy = `alter table punctaj.… enable row level security`, and drop policies that are not the program's.
diagnose-rows-closed-remedy = Make these policies again, as the program’s migrations do.
diagnose-unexposed = Neither everybody nor anon, authenticated and service_role have any right
diagnose-exposed = Others have rights that they should not have: { $names }
diagnose-exposed-remedy = Revoke them; docs/supabase.md has the statements (Who may do what).
diagnose-guarded = The history is guarded against changes
diagnose-unguarded = Triggers that guard the history are missing or off: { $names }
diagnose-unguarded-remedy = Enable them (`alter table punctaj.… enable trigger …`), and run `punctaj verify`.
diagnose-triggers = Boards, the log and ranks’ roles are told of changes
diagnose-triggers-missing = Triggers that tell boards, the log and ranks’ roles of changes are missing or off: { $names }
diagnose-triggers-remedy = Enable them (`alter table punctaj.… enable trigger …`); where they are missing, restore the database from a backup.
diagnose-notify = Notifications arrive
diagnose-notify-lost = A notification did not arrive: boards and the log channel follow some seconds later
diagnose-notify-remedy = Connect directly, or to a pooler in session mode.
diagnose-notify-untried = Notifications could not be tried: { $words }
diagnose-notify-untried-remedy = Free some connections, or connect to the primary server rather than a standby.
diagnose-room = The server has { $count ->
        [one] one connection
       *[other] { $count } connections
    } for bots; one bot takes up to { $need }
diagnose-room-remedy = Lower PUNCTAJ_DATABASE_POOL, end other programs' connections, or allow more.
diagnose-programs = The programs of PostgreSQL { $version } are in { $folder }
diagnose-programs-none = There is no PostgreSQL on this machine: the first start downloads it
diagnose-programs-remedy = Install PostgreSQL 15 or newer (only its programs are needed), or set PUNCTAJ_DATABASE_URL.
diagnose-embedded-runs = The embedded PostgreSQL in { $folder } runs
diagnose-embedded-rests = The embedded PostgreSQL in { $folder } does not run; the bot starts it
diagnose-embedded-none = There is no embedded PostgreSQL yet; the first start makes it in { $folder }
diagnose-embedded-remedy = Set PUNCTAJ_DATA_DIR to a folder that this user can reach, such as /var/lib/punctaj, or start the bot as another user than root.
diagnose-supabase-off = Supabase's API is not configured, and not used
diagnose-rest = The REST API takes the key
diagnose-key-refused = Supabase refuses the key
diagnose-key-remedy = Set SUPABASE_SERVICE_KEY to the project's secret key (dashboard, Project Settings, API Keys), and SUPABASE_URL to the same project.
diagnose-no-supabase = Supabase's API can't be reached: { $words }
diagnose-no-supabase-remedy = Check SUPABASE_URL (https://PROJECT.supabase.co), and whether the project is paused.
diagnose-supabase-status = Supabase's API answers with status { $status }
diagnose-rest-unexposed = The REST API does not show the schema punctaj
diagnose-rest-listed = The REST API lists the schema punctaj; so far the rights still keep it shut
diagnose-rest-exposed = The REST API shows the tables of the schema punctaj
diagnose-rest-exposed-remedy = Take punctaj out of the exposed schemas (dashboard, Project Settings, Data API), and see docs/supabase.md.
diagnose-storage = Storage answers
diagnose-storage-none = There is no Storage there
diagnose-storage-remedy = Check SUPABASE_URL. Everything else works without Storage.
diagnose-no-token = DISCORD_TOKEN is not set
diagnose-no-token-remedy = Put the bot's token there (Discord developer portal, Bot, Reset Token).
diagnose-token = Discord knows the token: the bot is { $name }
diagnose-token-refused = Discord does not know the token
diagnose-no-discord = Discord can't be reached: { $words }
diagnose-no-discord-remedy = Check this machine's network, DNS and proxy, and https://discordstatus.com.
diagnose-discord-status = Discord answers with status { $status }
diagnose-discord-status-remedy = Try again later; https://discordstatus.com tells of outages.
diagnose-discord-limited = Discord limits how often it is asked, and did not answer this
diagnose-discord-limited-remedy = Wait a minute and look again. If it stays so, something asks Discord too often from this address.
diagnose-presence = Discord may tell where people are signed in
diagnose-presence-off = Discord is not asked where people are signed in (PUNCTAJ_PRESENCE=off)
diagnose-presence-refused = Discord does not tell where people are signed in, so devices are not recognised by it
diagnose-presence-remedy = Switch on Presence Intent (Discord developer portal, Bot) and restart the bot, or set PUNCTAJ_PRESENCE=off.
diagnose-gateway = Connections that the bot has left today: { $remaining } of { $total }
diagnose-gateway-remedy = Find out why the bot restarts so often; Discord resets a token that uses them all up.
diagnose-shards = PUNCTAJ_SHARDS makes { $count ->
        [one] one shard
       *[other] { $count } shards
    } in all, Discord recommends { $recommended }
diagnose-shards-remedy = Raise the total in PUNCTAJ_SHARDS in all processes, or set it to `auto`.
diagnose-commands = The commands are registered
diagnose-commands-other = The registered commands are not those of this program: { $names }
diagnose-commands-remedy = Start the bot: it registers its commands. People may have to restart their Discord app to see them.
diagnose-clock-ok = This machine's clock agrees with that of: { $whose }
diagnose-clock-off = This machine's clock is { $count ->
        [one] one second
       *[other] { $count } seconds
    } { $side ->
        [ahead] ahead of
       *[behind] behind
    } that of: { $whose }
diagnose-clock-remedy = Let the system set its clock (`timedatectl set-ntp true`). The order of edits does not depend on it.
diagnose-folder = The data folder is { $folder }
diagnose-folder-none = There is no data folder { $folder } yet; the first start makes it
diagnose-folder-unusable = The data folder { $folder } can't be used: { $words }
diagnose-folder-remedy = Set PUNCTAJ_DATA_DIR to a folder on a disk with room that the bot's user can write to.
diagnose-private = Only its user can look into the data folder
diagnose-public = Others can look into the data folder (mode { $mode })
diagnose-public-remedy = `chmod 700 { $folder }`
diagnose-free = { $megabytes } MB are free on the disk
diagnose-free-remedy = Make room, or move the data folder to a larger disk (PUNCTAJ_DATA_DIR).
diagnose-probed = The disk takes what is written, and gives it back
diagnose-probe-failed = Nothing can be kept in { $folder }: { $words }
diagnose-unkept = The disk does not take what is written
diagnose-in-use = A running bot has the data folder
diagnose-idle = No bot has the data folder, and no edits wait in its journal
diagnose-waiting = No bot has the data folder, and { $count ->
        [one] one edit waits
       *[other] { $count } edits wait
    } in its journal
diagnose-waiting-remedy = Start the bot with this data folder, so that they are done.
diagnose-unclosed = What waits in the journal can't be told: { $words }
diagnose-damaged = Damaged files were set aside: { $names }
diagnose-damaged-remedy = Check the disk. Edits may be in those files that exist nowhere else: keep them until their authors were asked.
diagnose-boards = { $count ->
        [one] One board is up to date
       *[other] { $count } boards are up to date
    }
diagnose-board-channel = The board of **{ $table }** has no channel any more
diagnose-board-channel-remedy = Post it in another channel with `/punctaj-admin board post`: that one takes the place of this one. Without a channel, `/punctaj-admin board remove` removes all boards of the table.
diagnose-board-rights = The board of **{ $table }** in { $channel } can't be shown: the bot lacks { $names } there
diagnose-channel-remedy = Allow that for the bot's role in the channel's permissions.
diagnose-board-problem = The board of **{ $table }** in { $channel } can't be posted. Discord says: { $problem }
diagnose-board-problem-remedy = Once that is mended, post it again with `/punctaj-admin board post`.
diagnose-board-behind = The board of **{ $table }** in { $channel } has been behind for { $count ->
        [one] one minute
       *[other] { $count } minutes
    }
diagnose-schedules = { $count ->
        [one] One table is closed by its schedule, next on { $at }
       *[other] { $count } tables are closed by their schedules, the next one on { $at }
    }
diagnose-schedule-paused = **{ $table }** is not closed: its schedule is paused. `/punctaj-admin period schedule` with `every` starts it again.
diagnose-schedule-overdue = **{ $table }** should have been closed on { $at } and is open still
diagnose-schedule-overdue-remedy = The bot tries again every few seconds. If it stays so, tell whoever runs the bot: its log says why. `/punctaj-admin period close` closes it by hand.
diagnose-schedule-late = **{ $table }** was closed later than on { $at }, when it was due: the bot or the database was away
diagnose-schedule-untold = Closings of **{ $table }** by its schedule are not reported anywhere: neither the schedule nor the server has a channel for that
diagnose-schedule-channel = The channel for reports on **{ $table }** is not there any more, so they go to the log channel
diagnose-schedule-channel-remedy = Set another one with `/punctaj-admin period schedule` and `channel`.
diagnose-schedule-rights = Reports on **{ $table }** can't be posted in { $channel }: the bot lacks { $names } there
diagnose-roles = { $count ->
        [one] The bot can hand out the one role that goes with ranks
       *[other] The bot can hand out { $count } roles that go with ranks
    }
diagnose-rank-role = The bot can’t hand out { $role }, which goes with: { $names }
diagnose-late-remedy = Discord may be slow or limit the bot; it goes on trying. If it stays so, tell whoever runs the bot.
diagnose-log = Edits are posted in { $channel }
diagnose-log-none = No log channel is set, so edits are not posted anywhere
diagnose-log-channel = The log channel is not there any more
diagnose-log-channel-remedy = Set another one with `/punctaj-admin settings log-channel`.
diagnose-log-rights = Edits can't be posted in { $channel }: the bot lacks { $names } there
diagnose-log-problem = The last edits could not be posted in { $channel }. Discord says: { $problem }
diagnose-notices = Nothing waits to be told
diagnose-notices-late = { $count ->
        [one] One message waits
       *[other] { $count } messages wait
    } to be posted, some for minutes
diagnose-notices-parked = { $count ->
        [one] One message waits
       *[other] { $count } messages wait
    } for somebody's next command, since the bot may not write to them directly
diagnose-guild-presence-remedy = Whoever runs the bot can switch on Presence Intent (Discord developer portal, Bot).
diagnose-hidden = Server Settings > Integrations hides these commands from everybody who is not named there: { $names }
diagnose-untold = Discord does not say what the bot may do here
diagnose-untold-remedy = Try again in a minute.
diagnose-guild-unread = What is set here can't be read while the database is away
permission-view-channel = *View Channel*
permission-send-messages = *Send Messages*
permission-embed-links = *Embed Links*
permission-read-history = *Read Message History*

## Help

help-title = What you can do here
help-nothing = You have no right to do anything here. Ask someone with the Manage Server permission.
help-more = What each of these does: `/punctaj help` with `topic`.
help-everyday = Every day
help-everyday-text = Separate several names with commas; put a name that contains a comma in quotation marks. A mention means the entry linked to that member; `add` makes one if there is none. Without `table` you work on the table you used last. On a member's menu (Apps), “Punctaj: add points” and “Punctaj: profile” do the same without typing. `view` with `at` shows a table as it was; a date alone means the end of that day. For many awards in a row, `panel` opens a panel with buttons.
help-undo = Undo
help-undo-text = Every edit's reply has an Undo button, and an undo can be undone too. Used again, the command goes further back each time.
help-sessions = Devices
help-sessions-text = Discord does not say which device you write from. With a session for each of your devices, the history tells them apart. A button belongs to the session of its message. For a command, the session is inferred: from the only kind of client you are signed in on, if Discord shows one, else it is the one you used last.
help-presence-refused = ⚠ Discord refuses to tell this bot where people are signed in, so it can't infer devices from that. Whoever runs the bot can switch on *Presence Intent* in the Developer Portal, under Bot, and restart it.
help-audit = History
help-audit-text = Every change is an event with a number, and nobody can alter it afterwards; so is every refused attempt. All filters of `search` combine, its list leads to each event and its undo, and `export` takes the same filters.
help-admin = Setting up
help-admin-text = A table is called `Name` or `Category/Name`.

## What went wrong

error-internal = Something went wrong inside the bot. Reference: `{ $reference }`
error-outcome-unknown = The connection to the database broke at the very moment of saving, and we could not find out whether your edit was saved. Check with `/punctaj view` before you repeat it. Reference: `{ $reference }`
error-unreachable = The database can't be reached at the moment. Try again in a minute.
queued = ⏳ Queued, not done yet: the database can’t be reached, or takes too long. This is kept safely and will be done as soon as the database is back; you will be told what became of it.
queued-done = ✅ What you asked for ({ $at }) is done now:
queued-asks = ❔ What you asked for ({ $at }) needs an answer before it is done:
queued-again = Nothing was done. Give the command again in the server, with all that it asks for.
queued-unreadable = ❌ An edit of yours that waited for the database can’t be read any more, so it was not done. Give the command again; whoever runs the bot finds what is left of it in the journal.
queued-not-done = ❌ What you asked for ({ $at }) was not done:
queued-add = • add { $points }: { $names }
queued-activity = • add for { $activity } { $quantity }: { $names }
queued-remove = • remove { $points }: { $names }
queued-set = • { $name }: { $field } → { $value }
queued-delete = • delete: { $names }
queued-undo = • undo event #{ $event }
queued-undo-last = • undo your last change
queued-panel-add = • add { $points } to everyone picked on the panel
queued-panel-remove = • remove { $points } from everyone picked on the panel
queued-table = • in { $table }
error-none-known = The database can’t be reached, and I don’t know the last state of any table that you may see. Try again in a few minutes.
error-not-known = The database can’t be reached. I know the last state only of: { $known }. Name one of them in `table`.
error-not-kept = The database can’t be reached, and the edit can’t be kept here either: the disk of the bot refuses it. Tell whoever runs the bot, and try again later.
error-queue-full = The database can’t be reached, and as many edits wait for it as may wait. Try again when it is back.
error-panel-ended = This panel's session has ended, or it is somebody else's. Open a new panel with `/punctaj panel`.
error-busy = The database is too busy at the moment. Try again in a few seconds.
error-guild-only = This works only in a server. Use the command in a channel of your server.
error-old-button = This button or menu comes from another version of the bot. Use the command again to get a new one.
error-old-command = Discord has this command from another version of the bot. Try again in a few minutes, or restart Discord.
error-option = One of the options can't be read. Choose what Discord offers, or type it again.
error-forbidden = You lack the right `{ $right }`, which this needs. Members with the Manage Server permission can give it to you with `/punctaj-admin access grant`.
error-forbidden-givers = You lack the right `{ $right }`, which this needs. Members with the Manage Server permission can give it to you with `/punctaj-admin access grant`, and so can { $givers }.
error-already-granted = That very right is granted there already. See what is granted with `/punctaj-admin access list`.
error-not-granted = `{ $right }` was not granted to them there, so there is nothing to revoke. See what is granted with `/punctaj-admin access list`; a bundle is revoked as a whole, and each scope by itself.
error-of-guild = The right `{ $right }` is about the server as a whole, so it would come to nothing in a category or a table. Grant it without `scope`.
error-not-held = You don’t hold the right `{ $right }` there yourself, so you can’t grant or revoke it. Ask a member with the Manage Server permission.
error-own-rights = Nobody changes their own rights, or those of a role that they have. Ask a member with the Manage Server permission.
error-ranked-role = { $role } goes with the rank { $rank } of { $table }: everybody who is promoted would get this right, and could change Punctaj’s rights or settings. Grant it to another role or to members, or give that rank another role first with `/punctaj-admin rank set`.
error-left = You are no longer in that server, or Punctaj is not, so you have no rights there any more. Ask somebody who is there to do it.
error-unknown-scope = There is no table and no category { $scope }. Give a table such as `Category/Name`, a whole category as `Category/*`, or leave it out for the whole server.
error-unknown-right = There is no right { $right }. Choose a bundle (`viewer`, `scorer`, `manager`, `auditor`, `admin`) or a code such as `score.add`.
error-no-tables = There is no table here yet. Someone with the Manage Server permission can create one with `/punctaj-admin table create`.
error-unknown-table = There is no table { $table }. See which there are with `/punctaj-admin table list`.
error-unknown-table-near = There is no table { $table }. Did you mean: { $near }?
error-ambiguous-table = Several tables are called { $table }. Name it with its category: { $tables }.
error-table-exists = There is a table { $table } already. Choose another name or category.
error-table-gone = The table was deleted meanwhile. See which there are with `/punctaj-admin table list`.
error-not-deleted = No deleted table is called { $table }. Choose one that Discord offers while you type.
error-table-not-yet = At { $at } there was no table { $table } yet. Choose a later moment.
error-table-not-yet-since = At { $at } there was no table { $table } yet; it is there since { $since }. Choose a later moment.
error-table-deleted-then = At { $at } the table { $table } was deleted. Choose another moment.
error-history-broken = The history does not fit together at event #{ $event }, so what was after it can't be shown. Ask a moderator to run `/punctaj-audit verify`.
error-unknown-names = These names are not in { $table }:
line-unknown-name = - **{ $name }**
line-unknown-name-near = - **{ $name }** — did you mean: { $near }?
hint-unknown-names = Correct the names and try again; new entries are created with `/punctaj add`.
error-name-taken = Another entry in { $table } is called { $name } already. Choose another name.
error-member-taken = The member is linked to another entry of this table already, so { $name } can't be linked to them. Set that entry's field `member` to `-` first.
error-member-unlinked = { $member } is not linked to any entry in { $table }. Give the entry's name, or link it with `/punctaj set`, field `member`.
error-member-unlinked-near = { $member } is not linked to any entry in { $table }. Did you mean: { $near }? Give the entry's name, or link it with `/punctaj set`, field `member`.
error-no-member = { $member } (`{ $id }`) is not a member of this server. Mention someone who is, or give the entry's name.
error-member-unknown = Discord did not say who { $member } (`{ $id }`) is. Try again in a minute, or give the entry's name.
error-may-not-link = In { $table }, an entry that is not linked to anyone bears the name of { $member }: **{ $name }**. Linking it needs the right `entry.edit`, which you lack. Give the entry's name instead of the mention.
error-link-outdated = There is no unlinked entry **{ $name }** any more. Use the command again to see what can be linked now.
error-merge-outdated = **{ $name }** was changed or deleted since this button was made, so the points stay where they are. Look at it with `/punctaj profile`.
error-unknown-rank = { $table } has no rank { $rank }. See its ranks with `/punctaj-admin rank list`; `-` takes the rank away.
error-below-floor = { $value } is below { $floor }, the lowest that this table allows. Give a higher number.
error-role-missing = There is no role { $role } in this server any more. Choose another one with `/punctaj-admin rank set`.
error-role-everyones = Everybody in this server has that role anyway, so it can’t go with a rank. Choose another one.
error-role-managed = { $role } belongs to a bot, to boosts or to another service, which alone gives it. Choose another role, or make one for the rank.
error-role-too-high = { $role } does not stand below the bot’s highest role, so the bot can neither hand it out nor take it back. In Server Settings > Roles, drag the bot’s role above it.
error-role-may-not = The bot lacks the permission Manage Roles, without which it can neither hand out { $role } nor take it back. In Server Settings > Roles, give it to the bot’s role.
error-role-powerful = { $role } has the permission { $permission ->
        [manage-guild] Manage Server
        [manage-roles] Manage Roles
        [manage-channels] Manage Channels
        [manage-webhooks] Manage Webhooks
        [kick-members] Kick Members
        [ban-members] Ban Members
        [moderate-members] Timeout Members
        [manage-messages] Manage Messages
        [manage-threads] Manage Threads
        [manage-expressions] Manage Expressions
        [manage-events] Manage Events
        [mention-everyone] Mention @everyone
       *[administrator] Administrator
    }, and the bot hands out no role by which somebody could harm the server. Choose another role, or take that permission from it.
error-role-rights = { $role } was granted a right to change Punctaj’s rights or settings, so it can’t go with a rank. Choose another role, or take that right from it with `/punctaj-admin access revoke`.
error-role-above-you = { $role } does not stand below your own highest role, and only the server’s owner may hand out such a role. Choose a lower one, or ask the owner.
error-role-refused = Discord refuses to have { $role } handed out or taken back: { $problem }. Check the bot’s permissions and the order of the roles in Server Settings > Roles.
error-roles-unknown = Discord did not say which roles there are, so the role could not be checked. Try again in a minute.
error-below-new-floor = { $count ->
        [one] One entry has
       *[other] { $count } entries have
    } fewer points than { $floor }. Raise them first, or choose a lower floor.
error-unknown-field = There is no field { $field }. Choose one of: name, rank, points, member, exempt{ $count ->
        [0] .
       *[other] , { $known }.
    }
error-field-exists = There is a field { $field } already. Choose another name.
error-no-board = { $table } has no such board. See its boards with `/punctaj-admin board list`.
error-period-moved = Period { $period } of { $table } is not the open one any more; that is period { $open }. Look again with `/punctaj-admin period close`.
error-unknown-period = { $table } has no closed period { $period }; the last one is { $last }. See them with `/punctaj-admin period list`.
error-no-periods = { $table } has no closed period yet. Close the open one with `/punctaj-admin period close`.
error-not-last-period = Period { $period } of { $table } can't be opened or closed again: periods were closed or opened since, and the last closed one is { $last }. Undo the later ones first.
error-nothing-proposed = No ranks of period { $period } of { $table } wait to be applied: they were applied, or the closing was undone. See it with `/punctaj-admin period report`.
error-no-schedule = { $table } has no schedule yet. Give `every` too, to say how often it is closed.
error-no-such-weekday = A week has no such day. Give a day of the week, or its number from 1 (Monday) to 7.
error-unknown-part = There is nothing of that name to clear. Choose one that Discord offers. Nothing was changed.
error-no-such-day = A month has no such day. Give a number from 1 to 31; in a shorter month it means the last day.
error-day = That is no day of a week or month. Give a day of the week, or a number from 1 to 31.
error-time = That is no time of the day. Write it like 20:00.
error-hours = A warning comes 0 to { $limit } hours before; 0 means none. Give such a number.
error-unknown-every = There is no such interval. Choose one that Discord offers.
error-unknown-promotions = There is no such way. Choose one that Discord offers.
error-yes-or-no = This field is yes or no. Give one of them.
error-period-number = A period's number is at least 1. See them with `/punctaj-admin period list`.
error-period-and-at = A closed period and a moment can't be shown together. Give only one of `period` and `at`.
error-too-many-fields = A table has at most { $limit } fields of its own. Remove one first.
error-too-many-activities = A table has at most { $limit } activities. Remove one first.
error-activity-exists = There is an activity { $activity } again already. Remove that one first.
error-no-activities = { $table } has no activity { $activity }, nor any other yet. Give the points as `points`, or set one with `/punctaj-admin activity set`.
error-unknown-activity = { $table } has no activity { $activity }. It has: { $known }.
error-unfit-quantity = There are no points for a quantity of { $quantity } of { $activity }. They are given for each { $least }, up to 1,000,000,000 points at once.
error-quantity = A quantity is 1 to { $limit }. Give a number in that range.
error-worth-nothing = An activity is worth at least one point. Give a number from 1 on.
error-points-or-activity = Points are given either as `points` or by an `activity`, not both. Leave one of them out.
error-quantity-alone = A `quantity` needs an `activity`. Choose one, or give `points`.
error-value-long = The value for { $field } has { $chars }; the limit is { $limit }. Shorten it.
error-value-number = { $value } does not fit { $field }, which holds a number. Give digits, such as 12 or 12.5, with at most 15 digits before and 6 after the point.
error-value-date = { $value } does not fit { $field }, which holds a date. Write it as 2026-01-31 or 31.01.2026.
error-value-pattern = { $value } does not fit { $field }: it must match the pattern `{ $pattern }`.
error-pattern = `{ $pattern }` is no regular expression that the bot takes. Correct it, keep it under { $limit } characters, or give `-` for none.
error-unknown-kind = There is no such kind of field. Choose one that Discord offers.
error-unreadable-event = Event #{ $event } can't be read: somebody changed it, or a newer version of the bot wrote it. `/punctaj-audit verify` tells whether the history is intact.
error-unknown-event = There is no event #{ $event }. An event's number is in the reply to the edit, and in `/punctaj-audit search`.
error-not-yours = Event #{ $event } is somebody else's, and here you can undo only your own changes. Choose one of your own events.
error-not-your-value = The value of event #{ $event } was somebody else's, and only whoever wrote it can put it back. Set the field with `/punctaj set`.
error-restore-gone = **{ $name }** was deleted meanwhile, so there is nothing that the value could be put back into. Bring it back first: find the deletion with `/punctaj-audit search` and undo it.
error-already-undone = Event #{ $event } was undone already, by #{ $by }. If you want it back, undo #{ $by }.
error-not-undoable = Event #{ $event } can't be undone: it is about a session, or had no effect. Choose another event.
error-nothing-to-undo = You have no change here that could be undone. An undo itself can be undone, by its number.
error-unknown-session = None of your open sessions matches “{ $session }”. See yours with `/punctaj session list`.
error-ambiguous-session = Several of your open sessions match “{ $session }”. Give the id of one of them: { $ids }.
error-unknown-device = No session of this server matches “{ $device }”. Give a device's id, at least its first 8 characters, or its label.
error-no-session = You have no open session on this device, so there is nothing to end. You can open one with `/punctaj session login`.
error-no-other-sessions = You have no open session besides the current one. End that one with `/punctaj session logout`, without options.
error-session-over = The session { $session } is over already. See those that are open with `/punctaj-audit sessions`.
error-label-missing = You did not say what the session is to be called. Give a label, such as PC Birou.
error-session-missing = You did not say which session you want to use. See yours with `/punctaj session list`.
error-draft-gone = This menu or search is too old to go on with, or not yours. Use the command again.
error-add-negative = `add` takes no negative number. To take points away, use `/punctaj remove`.
error-remove-negative = `remove` takes a positive number. To give points, use `/punctaj add`.
error-remove-zero = Removing 0 points changes nothing. Give at least 1.
error-award-limit = One command gives or takes at most { $limit }. Give a smaller number.
error-panel-points = A panel takes whole numbers from 1 on; its buttons say whether they are added or taken away. Write a number such as 4.
error-not-points = { $given } is not a number of points. Give a whole number, in digits only, such as 12 or -3, between -{ $limit } and { $limit }.
error-not-a-member = { $given } is not a member. Mention a member, or give their id; `-` removes the link.
error-not-a-moment = { $given } is not a moment. Give a date such as `2026-11-20` or `2026-11-20 21:15` (time zone of this server), a Discord timestamp, or an age such as `3h` or `2d`.
error-reason-long = The reason has { $chars }; the limit is { $limit }. Shorten it.
error-label-long = The label has { $chars }; the limit is { $limit }. Shorten it.
error-event-number = An event's number is at least 1. It is in the reply to the edit.
error-unknown-action = There is no action { $action }. Choose one of: { $known }.
error-unknown-only = There is no such filter. Choose one that Discord offers.
error-unknown-layout = There is no such layout. Choose one that Discord offers.
error-unknown-sort = There is no such order. Choose one that Discord offers.
error-unknown-format = There is no such format. Choose one that Discord offers.
error-unknown-template = There is no such template. Choose one that Discord offers.
error-unknown-language = There is no such language. Choose one that Discord offers.
error-timezone = There is no time zone { $zone }. Choose one that Discord offers while you type, such as Europe/Bucharest.
error-nothing-given = You did not say what is to change. Give at least one of the other options.
error-rank-number = A rank's number is between 1 and { $limit }. Give such a number.
error-file-large = The file would have { $size } MiB, and Discord takes at most { $limit } MiB here. Narrow it down with the filters.
error-export-large = The export would have { $size } MiB. The bot sends at most { $files } files of { $limit } MiB each here, and nothing was sent. Narrow it down with the filters, such as `since` and `until`.
error-export-lost = Discord did not take file { $part } of { $parts }, or did not say so: the export is not complete. Use the command again, or narrow it down with the filters.
error-name-empty = A name is empty. Give at least one visible character.
error-name-long = A name has { $chars }; the limit is { $limit }. Shorten it.
error-name-character = A name contains the character { $character }, which is invisible or breaks the line. Type the name again.
error-category = The category: { $problem }
error-extra-slash = A table's address has at most one slash: `Category/Name`. Leave out the others.
error-slash = A slash separates category and name. Give only one of them here, without a slash.
error-names-empty = There is no name in the list. Give at least one.
error-names-many = The list has { $count ->
        [one] one name
       *[other] { $count } names
    }; the limit for one command is { $limit }. Split the list.
error-names-part = { $part } in the list can't be read. { $problem }
error-quote-open = A quotation mark is not closed. Close it, or leave it out.
error-quote-text = A closing quotation mark must be followed by a comma. Put one there.

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
    .description = Sets one field of an entry: name, rank, points, member, exempt
cmd-punctaj-set-name = name
    .description = The entry: its name, or a mention of its member
cmd-punctaj-delete = delete
    .description = Deletes entries; undo brings them back with their points
cmd-punctaj-view = view
    .description = Shows a table, in pages
cmd-punctaj-profile = profile
    .description = An entry's card: points, place, rank, recent changes
cmd-punctaj-profile-name = name
    .description = The entry's name, or a mention of its member; your own entries if left out
cmd-punctaj-profile-table = table
    .description = Which table; the one you used last, or for members all, if left out
cmd-punctaj-panel = panel
    .description = For many awards in a row: pick people, press +1, +3, +5, repeat
cmd-punctaj-undo = undo
    .description = Undoes your last change, or a certain one by its number
cmd-punctaj-undo-event = event
    .description = The number of your event, as in #12
cmd-punctaj-news = news
    .description = What changed on other devices since you last asked
cmd-punctaj-session = session
    .description = Your devices
cmd-punctaj-session-login = login
    .description = Starts a fresh session for this device
cmd-punctaj-session-list = list
    .description = Shows your open sessions
cmd-punctaj-session-use = use
    .description = Switches to another of your sessions
cmd-punctaj-session-rename = rename
    .description = Gives this session, or another of yours, a label
cmd-punctaj-session-rename-session = session
    .description = Which of your sessions: its id or label; this one if left out
cmd-punctaj-session-logout = logout
    .description = Ends this session, or another of yours
cmd-punctaj-session-logout-session = session
    .description = Which of your sessions: its id or label; this one if left out
cmd-punctaj-help = help
    .description = What you can do here
cmd-punctaj-audit = punctaj-audit
    .description = The history of all changes
cmd-punctaj-audit-search = search
    .description = Searches the history; all filters combine
cmd-punctaj-audit-search-table = table
    .description = Only events of this table; of all tables if left out
cmd-punctaj-audit-search-name = name
    .description = Only events about this entry or table
cmd-punctaj-audit-search-device = device
    .description = Only from this device: its id, its first 8 characters, or its label
cmd-punctaj-audit-show = show
    .description = Shows one event in full
cmd-punctaj-audit-undo = undo
    .description = Undoes anybody's event, after showing what would change
cmd-punctaj-audit-undo-force = force
    .description = Also what others change until you confirm
cmd-punctaj-audit-export = export
    .description = The result of a search as a file
cmd-punctaj-audit-export-table = table
    .description = Only events of this table; of all tables if left out
cmd-punctaj-audit-export-name = name
    .description = Only events about this entry or table
cmd-punctaj-audit-export-device = device
    .description = Only from this device: its id, its first 8 characters, or its label
cmd-punctaj-audit-verify = verify
    .description = Checks that the history is intact and agrees with the tables
cmd-punctaj-audit-sessions = sessions
    .description = Shows everybody's open sessions; can end one
cmd-punctaj-audit-sessions-who = who
    .description = Only this person's
cmd-punctaj-admin = punctaj-admin
    .description = Setting up tables, ranks and data
cmd-punctaj-admin-table = table
    .description = Tables
cmd-punctaj-admin-table-create = create
    .description = Creates a table
cmd-punctaj-admin-table-create-table = table
    .description = Name or Category/Name
cmd-punctaj-admin-table-edit = edit
    .description = Changes a table's name, category, floor or privacy
cmd-punctaj-admin-table-edit-table = table
    .description = Which table
cmd-punctaj-admin-table-edit-name = name
    .description = Its new name
cmd-punctaj-admin-table-delete = delete
    .description = Deletes a table with everything in it; it can be brought back
cmd-punctaj-admin-table-delete-table = table
    .description = Which table
cmd-punctaj-admin-table-restore = restore
    .description = Brings back a deleted table
cmd-punctaj-admin-table-restore-table = table
    .description = Which deleted table
cmd-punctaj-admin-table-list = list
    .description = Lists the tables
cmd-punctaj-admin-field = field
    .description = The extra fields of a table
cmd-punctaj-admin-field-add = add
    .description = Adds a field that every entry can hold
cmd-punctaj-admin-field-add-table = table
    .description = In which table
cmd-punctaj-admin-field-add-field = field
    .description = What it is called
cmd-punctaj-admin-field-edit = edit
    .description = Changes a field's name or pattern
cmd-punctaj-admin-field-edit-table = table
    .description = In which table
cmd-punctaj-admin-field-edit-name = name
    .description = Its new name
cmd-punctaj-admin-field-remove = remove
    .description = Removes a field; undo brings it back with its values
cmd-punctaj-admin-field-remove-table = table
    .description = In which table
cmd-punctaj-admin-rank = rank
    .description = The ranks of a table
cmd-punctaj-admin-rank-set = set
    .description = Creates a rank, or changes the one with the same number
cmd-punctaj-admin-rank-set-table = table
    .description = The table whose rank it is
cmd-punctaj-admin-rank-remove = remove
    .description = Removes a rank, also from those who hold it
cmd-punctaj-admin-rank-remove-table = table
    .description = The table whose rank it is
cmd-punctaj-admin-rank-list = list
    .description = Lists the ranks of a table
cmd-punctaj-admin-rank-list-table = table
    .description = The table whose ranks to show
cmd-punctaj-admin-activity = activity
    .description = What points are given for in a table
cmd-punctaj-admin-activity-set = set
    .description = Sets how many points are given for an activity
cmd-punctaj-admin-activity-set-table = table
    .description = The table in which it counts
cmd-punctaj-admin-activity-set-points = points
    .description = How many points are given
cmd-punctaj-admin-activity-set-quantity = quantity
    .description = For how much of it; for 1 if left out
cmd-punctaj-admin-activity-remove = remove
    .description = Removes an activity; points that were given stay
cmd-punctaj-admin-activity-remove-table = table
    .description = The table whose activity it is
cmd-punctaj-admin-activity-list = list
    .description = Lists the activities of a table
cmd-punctaj-admin-activity-list-table = table
    .description = The table whose activities to show
cmd-punctaj-admin-period = period
    .description = Closing periods, by hand or by a schedule
cmd-punctaj-admin-period-close = close
    .description = Keeps the table as it is and begins anew, after showing what that comes to
cmd-punctaj-admin-period-close-table = table
    .description = Which table
cmd-punctaj-admin-period-schedule = schedule
    .description = When a table is closed by itself; shows it if nothing is given
cmd-punctaj-admin-period-schedule-table = table
    .description = Which table
cmd-punctaj-admin-period-schedule-channel = channel
    .description = Where it is reported; in the log channel if never given
cmd-punctaj-admin-period-list = list
    .description = Lists the closed periods of a table
cmd-punctaj-admin-period-list-table = table
    .description = Which table
cmd-punctaj-admin-period-report = report
    .description = What a closed period came to
cmd-punctaj-admin-period-report-table = table
    .description = Which table
cmd-punctaj-admin-period-report-period = period
    .description = Its number; the last closed one if left out
cmd-punctaj-admin-board = board
    .description = Messages that always show a table
cmd-punctaj-admin-board-post = post
    .description = Has a channel always show a table
cmd-punctaj-admin-board-post-table = table
    .description = The table to show
cmd-punctaj-admin-board-post-channel = channel
    .description = Where; in this channel if left out
cmd-punctaj-admin-board-post-layout = layout
    .description = For phones or for wide screens; for phones if left out
cmd-punctaj-admin-board-remove = remove
    .description = Removes the boards of a table, with their messages
cmd-punctaj-admin-board-remove-table = table
    .description = The table whose boards to remove
cmd-punctaj-admin-board-remove-channel = channel
    .description = Only the one in this channel; all if left out
cmd-punctaj-admin-board-list = list
    .description = Lists the boards of a table
cmd-punctaj-admin-board-list-table = table
    .description = The table whose boards to show
cmd-punctaj-admin-board-list-channel = channel
    .description = Only the one in this channel; all if left out
cmd-punctaj-admin-access = access
    .description = Who may do what
cmd-punctaj-admin-access-grant = grant
    .description = Grants a right to a role or a member
cmd-punctaj-admin-access-revoke = revoke
    .description = Takes away a right that was granted
cmd-punctaj-admin-access-list = list
    .description = Lists the rights that are granted
cmd-punctaj-admin-access-explain = explain
    .description = Says why somebody may or may not do something
cmd-punctaj-admin-access-grant-who = who
    .description = A role or a member
cmd-punctaj-admin-access-revoke-who = who
    .description = A role or a member
cmd-punctaj-admin-access-list-who = who
    .description = Only of this role or member
cmd-punctaj-admin-access-explain-who = who
    .description = A role or a member
cmd-punctaj-admin-access-explain-right = right
    .description = Only this code or bundle
cmd-punctaj-admin-access-explain-table = table
    .description = In this table; in the whole server if left out
cmd-punctaj-admin-data = data
    .description = Import and export of data
cmd-punctaj-admin-data-export = export
    .description = A table as a file
cmd-punctaj-admin-data-export-table = table
    .description = Which table; the bot asks if left out and there are several
cmd-punctaj-admin-settings = settings
    .description = Language, time zone and log channel
cmd-punctaj-admin-settings-show = show
    .description = Shows the settings
cmd-punctaj-admin-settings-language = language
    .description = The language of what everybody reads
cmd-punctaj-admin-settings-timezone = timezone
    .description = The time zone of days and times
cmd-punctaj-admin-settings-log-channel = log-channel
    .description = Where edits and the daily head of the history are posted
cmd-punctaj-admin-diagnose = diagnose
    .description = Shows what is wrong here, and what to do about it
cmd-menu-add-points = Punctaj: add points
cmd-menu-profile = Punctaj: profile
cmd-opt-names = names
    .description = Names or mentions, separated by commas
cmd-opt-table = table
    .description = Which table; the one you used last if left out
cmd-opt-reason = reason
    .description = Why, in up to 300 characters
cmd-opt-field = field
    .description = Which field
cmd-opt-value = value
    .description = What it is to hold; - empties rank or member
cmd-opt-sort = sort
    .description = In which order
cmd-opt-layout = layout
    .description = For a phone or for a wide screen; remembered for this session
cmd-opt-at = at
    .description = As it was then: 2026-11-20 (at its end), 2026-11-20 21:15, 3h or 2d ago, <t:…>
cmd-opt-share = share
    .description = Show it to everybody in the channel
cmd-opt-event = event
    .description = The event's number, as in #12
cmd-opt-device = device
    .description = What you call this device, such as PC Birou
cmd-opt-session = session
    .description = Which of your sessions: its id or label
cmd-opt-topic = topic
    .description = What about; everything if left out
cmd-opt-who = who
    .description = Only what this person did
cmd-opt-action = action
    .description = Only this kind of change
cmd-opt-since = since
    .description = From then on: 2026-11-20, 2026-11-20 21:15, 3h or 2d ago, <t:…>
cmd-opt-until = until
    .description = Up to then: 2026-11-20 (its end), 2026-11-20 21:15, 3h or 2d ago, <t:…>
cmd-opt-only = only
    .description = Only what is so
cmd-opt-format = format
    .description = The kind of file; CSV if left out
cmd-opt-rank = rank
    .description = Its number; a higher number is a higher rank
cmd-opt-title = title
    .description = What it is called
cmd-opt-promote_at = promote_at
    .description = Points from which one rises to the next rank
cmd-opt-demote_below = demote_below
    .description = Points below which one falls to the previous rank
cmd-opt-role = role
    .description = The Discord role that goes with it
cmd-opt-activity = activity
    .description = What the points are for
cmd-opt-quantity = quantity
    .description = How much of it; as much as there are points for if left out
cmd-opt-right = right
    .description = A code such as score.add, or a bundle such as scorer
cmd-opt-scope = scope
    .description = A table, or a category as Category/*; the whole server if left out
cmd-opt-template = template
    .description = What it begins with; nothing if left out
cmd-opt-category = category
    .description = Its new category; - takes it out of its category
cmd-opt-floor = floor
    .description = Below which points never fall
cmd-opt-private = private
    .description = Hidden from those without a right to it
cmd-opt-promotions = promotions
    .description = Whether a closing gives and takes ranks by itself, or only proposes them
cmd-opt-period = period
    .description = A closed period, by its number
cmd-opt-every = every
    .description = How often; off pauses it and keeps the rest
cmd-opt-clear = clear
    .description = What was set and is to be taken away again
cmd-opt-day = day
    .description = A day of the week, or 1 to 31 of the month (its last where it is shorter)
cmd-opt-time = time
    .description = By the clocks of this server, such as 20:00
cmd-opt-warning = warning
    .description = Hours before, for those below their rank's threshold; 0 for none
cmd-opt-kind = kind
    .description = What it holds; text if left out
cmd-opt-pattern = pattern
    .description = A regular expression that values must match; - for none
cmd-opt-language = language
    .description = Which language
cmd-opt-timezone = timezone
    .description = Such as Europe/Bucharest
cmd-opt-channel = channel
    .description = Which channel
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
cmd-choice-conflicts = conflicts
cmd-choice-undone = undone
cmd-choice-refused = refused
cmd-choice-queued = queued
cmd-choice-week = every week
cmd-choice-month = every month
cmd-choice-off = off
cmd-choice-promote_at = promote_at
cmd-choice-demote_below = demote_below
cmd-choice-role = role
cmd-choice-channel = channel
cmd-choice-warning = warning
cmd-choice-automatic = automatic
cmd-choice-proposed = only proposed
cmd-choice-csv = CSV
cmd-choice-json = JSON
cmd-choice-jsonl = JSON Lines
cmd-choice-plain = empty
cmd-choice-police = police
cmd-choice-clan = clan
cmd-choice-class = class
cmd-choice-text = text
cmd-choice-number = number
cmd-choice-date = date
cmd-choice-en = English
cmd-choice-ro = Romanian
