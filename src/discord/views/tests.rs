//! The views with everyday data, as people read them, and with the worst legal data, within
//! Discord's limits.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::Value;
use serenity::builder::CreateModal;
use uuid::Uuid;

use super::diagnose::Diagnosis;
use super::form::Typed;
use super::profile::Asked;
use super::{
    audit, choose, diagnose, errors, form, help, lists, log, offer, panel, period, profile,
    receipt, session, setup, table, undo, verify,
};
use crate::diagnose::Finding;
use crate::discord::custom_id::{
    Form, PanelAct, PanelPress, Press, Retyped, SetupPress, SetupStep,
};
use crate::discord::reply::Reply;
use crate::discord::templates;
use crate::domain::access::{Authority, Granted, Grantee, Right, Standing};
use crate::domain::event::{Action, Change, Event, Outcome, Via, What};
use crate::domain::field::{ExtraField, FieldKind, Unfit};
use crate::domain::guild::{Language, Settings};
use crate::domain::ids::{
    ChannelId, DeviceId, DraftId, EntryId, GuildId, OpId, RoleId, Seq, TableId, UserId,
};
use crate::domain::layout::Layout;
use crate::domain::name::{Name, NameOrMember};
use crate::domain::panel::Picked;
use crate::domain::period::{Every, Period, Periods};
use crate::domain::points::LIMIT;
use crate::domain::rank_role::{Power, UnfitRole};
use crate::domain::session::{Attribution, Platform, Session};
use crate::domain::table::{Rank, Table};
use crate::i18n::{Locale, Message, keys};
use crate::service::audit::SearchPage;
use crate::service::diagnose::{
    BoardState, GuildState, NoticeState, RoleState, RolesWaiting, ScheduleState,
};
use crate::service::error::{
    Conflict, ConflictEvent, ConflictKind, OfferedLink, TableChoice, UnknownName,
};
use crate::service::merge::Meant;
use crate::service::notices::Told;
use crate::service::operation::Aside;
use crate::service::panel::{Panel, PanelNote};
use crate::service::past::{AsOf, Since};
use crate::service::periods::{Move, Report, Warning};
use crate::service::profile::Profile;
use crate::service::sessions::SessionsPage;
use crate::service::setup::Setup;
use crate::service::undo::{Force, RanksLeft, UndoPreview};
use crate::service::verify::{Problem, Progress, Thing, VerifyReport};
use crate::service::view::TablePage;
use crate::service::{
    Card, Found, PageRow, PanelEntry, PanelShown, PanelTotal, Receipt, ServiceError, Sort,
    StoreError,
};

fn device() -> DeviceId {
    DeviceId::from_bytes([7; 16])
}

fn session_of(label: Option<&str>) -> Session {
    let label = label.map(str::to_owned);
    Session::open(
        device(),
        UserId::from_db(42),
        Platform::Unknown,
        label,
        DateTime::UNIX_EPOCH,
    )
}

fn event(action: Action, changes: Vec<Change>) -> Event {
    Event {
        guild_id: GuildId::from_db(1),
        seq: Seq(12),
        op_id: OpId::new("70"),
        at: DateTime::UNIX_EPOCH,
        applied_at: DateTime::UNIX_EPOCH,
        actor_id: Some(UserId::from_db(42)),
        device_id: Some(device()),
        attribution: Some(Attribution::Recent),
        via: Via::Direct,
        action,
        table_id: Some(TableId(Uuid::nil())),
        changes,
        reason: None,
        overwrote: None,
        undoes: None,
        outcome: Outcome::Applied,
        prev_hash: "0".repeat(64),
        hash: "ab".repeat(32),
        salt: None,
    }
}

fn receipt_of(event: Event) -> Receipt {
    let session = Some(session_of(Some("PC Birou")));
    let ranks = BTreeMap::from([(3, "Sergent".to_owned())]);
    Receipt {
        event,
        table: Some("BlackWater/Politie".to_owned()),
        ranks,
        session,
        repeated: false,
        left: None,
        aside: Aside::default(),
    }
}

fn entry(id: &str, name: &str, field: &str) -> Change {
    Change::new(What::Entry, id.to_owned(), Some(name.to_owned()), field)
}

fn points(id: &str, name: &str, before: i64, requested: i64, after: i64) -> Change {
    let mut change = entry(id, name, "points").before(before).after(after);
    change.requested = Some(requested);
    change.delta = Some(after - before);
    change
}

/// What a reply says, one part after the other, and its buttons.
fn said(reply: &Reply) -> String {
    let embed = serde_json::to_value(&reply.embed).unwrap();
    let mut parts = vec![reply.content.clone()];
    for part in [
        &embed["title"],
        &embed["description"],
        &embed["footer"]["text"],
    ] {
        parts.extend(part.as_str().map(str::to_owned));
    }
    let rows = serde_json::to_value(&reply.rows).unwrap();
    for row in rows.as_array().unwrap() {
        let labels = row["components"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|c| c["label"].as_str());
        let labels: Vec<_> = labels.map(|label| format!("[{label}]")).collect();
        parts.push(labels.concat());
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

#[test]
fn an_award_tells_old_and_new() {
    let changes = vec![
        points("a", "Ana *A*", 15, 5, 20),
        entry("b", "Ion", "name").after("Ion"),
        points("b", "Ion", 0, 5, 5),
    ];
    let mut event = event(Action::PointsAdd, changes);
    event.reason = Some("pază".to_owned());
    let twice = [NameOrMember::Name(Name::parse("ana *a*").unwrap())];
    assert_eq!(
        said(&receipt::receipt(
            &receipt_of(event.clone()),
            &twice,
            Locale::En
        )),
        "Added 5 points each to 2 entries in BlackWater/Politie\n\
         **Ana \\*A\\***: 15 → 20 points (+5)\n\
         **Ion** (new): 0 → 5 points (+5)\n\
         Given more than once, counted once: ana \\*a\\*\n\
         Reason: pază\n\
         #12 · session PC Birou (BwcHBwcH), inferred\n\
         [Undo]"
    );
    assert_eq!(
        said(&receipt::receipt(&receipt_of(event), &[], Locale::Ro)),
        "Am adăugat câte 5 puncte la 2 înregistrări din BlackWater/Politie\n\
         **Ana \\*A\\***: 15 → 20 de puncte (+5)\n\
         **Ion** (înregistrare nouă): 0 → 5 puncte (+5)\n\
         Motiv: pază\n\
         #12 · sesiunea PC Birou (BwcHBwcH), dedusă\n\
         [Desfă]"
    );
}

#[test]
fn a_removal_tells_what_was_really_taken() {
    let taken = |changes, locale| {
        let event = event(Action::PointsRemove, changes);
        said(&receipt::receipt(&receipt_of(event), &[], locale))
    };
    assert_eq!(
        taken(vec![points("a", "Ana", 3, -10, 0)], Locale::En),
        "Removed 3 points from 1 entry in BlackWater/Politie\n\
         **Ana**: 3 → 0 points (-3 instead of -10: the table's floor was reached)\n\
         #12 · session PC Birou (BwcHBwcH), inferred\n\
         [Undo]"
    );
    let several = vec![
        points("a", "Ana", 3, -10, 0),
        points("b", "Ion", 20, -10, 10),
        points("c", "Dan", 0, -10, 0),
    ];
    assert_eq!(
        taken(several, Locale::Ro),
        "Am scăzut în total 13 puncte de la 2 înregistrări din BlackWater/Politie\n\
         **Ana**: 3 → 0 puncte (-3 în loc de -10: s-a atins minimul tabelului)\n\
         **Ion**: 20 → 10 puncte (-10)\n\
         **Dan**: rămâne la 0 puncte; minimul tabelului era deja atins\n\
         #12 · sesiunea PC Birou (BwcHBwcH), dedusă\n\
         [Desfă]"
    );
}

#[test]
fn what_has_no_effect_says_so_and_has_no_undo() {
    let told = |action, changes: Vec<Change>, locale| {
        let mut event = event(action, changes);
        event.undoes = Some(Seq(11));
        let said = said(&receipt::receipt(&receipt_of(event), &[], locale));
        let (said, footer) = said.rsplit_once('\n').unwrap();
        assert!(footer.starts_with("#12"), "{footer}");
        said.to_owned()
    };
    assert_eq!(
        told(
            Action::PointsAdd,
            vec![points("a", "Ana", 5, 0, 5)],
            Locale::En
        ),
        "Nothing changed in BlackWater/Politie\n**Ana**: stays at 5 points"
    );
    assert_eq!(
        told(
            Action::PointsRemove,
            vec![points("a", "Ana", 0, -5, 0)],
            Locale::En
        ),
        "Nothing changed in BlackWater/Politie\n\
         **Ana**: stays at 0 points; the table's floor was reached already"
    );
    assert_eq!(
        told(
            Action::EntrySet,
            vec![entry("a", "Ana", "rank").before(3).after(3)],
            Locale::Ro
        ),
        "Nu s-a schimbat nimic în BlackWater/Politie\n**Ana**, grad: era deja Sergent"
    );
    assert_eq!(
        told(Action::RankSet, vec![], Locale::Ro),
        "Nu s-a schimbat nimic în BlackWater/Politie\nTotul este deja cum ai cerut."
    );
    assert_eq!(
        told(
            Action::EventUndo,
            vec![points("a", "Ana", 0, -5, 0)],
            Locale::En
        ),
        "Event #11 in BlackWater/Politie is undone, but there was nothing to change\n\
         **Ana**: stays at 0 points; the table's floor was reached already"
    );
}

#[test]
fn new_entries_without_points_are_counted_alone() {
    let changes = vec![
        points("a", "Ana", 5, 0, 5),
        entry("b", "Ion", "name").after("Ion"),
        points("b", "Ion", 0, 0, 0),
    ];
    assert_eq!(
        said(&receipt::receipt(
            &receipt_of(event(Action::PointsAdd, changes)),
            &[],
            Locale::Ro
        )),
        "Am adăugat o înregistrare în BlackWater/Politie\n\
         **Ana**: rămâne la 5 puncte\n\
         Înregistrare nouă: **Ion**\n\
         #12 · sesiunea PC Birou (BwcHBwcH), dedusă\n\
         [Desfă]"
    );
}

#[test]
fn fields_are_told_before_and_after() {
    let changes = vec![
        entry("a", "Ana", "rank").after(3),
        entry("a", "Ana", "member").before("42"),
        points("a", "Ana", 3, 100, 100),
    ];
    let mut event = event(Action::EntrySet, changes);
    event.attribution = Some(Attribution::Exact);
    assert_eq!(
        said(&receipt::receipt(&receipt_of(event), &[], Locale::En)),
        "Changed an entry in BlackWater/Politie\n\
         **Ana**, rank: — → Sergent\n\
         **Ana**, member: <@42> → —\n\
         **Ana**: 3 → 100 points (+97)\n\
         #12 · session PC Birou (BwcHBwcH)\n\
         [Undo]"
    );
}

#[test]
fn what_came_too_late_is_told_and_can_be_set_after_all() {
    let mut event = event(
        Action::EntrySet,
        vec![entry("a", "Ana", "rank").before(2).after(3).superseded()],
    );
    event.outcome = Outcome::Superseded;
    assert_eq!(
        said(&receipt::receipt(&receipt_of(event), &[], Locale::En)),
        "Nothing changed in BlackWater/Politie: a later edit stands\n\
         **Ana**, rank: Sergent came too late; a later edit holds 2\n\
         #12 · session PC Birou (BwcHBwcH), inferred\n\
         [Restore mine]"
    );
    // Of points that were given, and of what was deleted, nothing is to be put back.
    let mut late = points("a", "Ana", 2, 5, 0);
    late.superseded = true;
    let mut event = self::event(Action::PointsAdd, vec![late]);
    event.outcome = Outcome::Superseded;
    let told = said(&receipt::receipt(&receipt_of(event), &[], Locale::En));
    assert!(
        told.contains("**Ana**, points: stays 2; a later edit stands"),
        "{told}"
    );
    assert!(!told.contains("[Restore mine]"), "{told}");
}

#[test]
fn an_undo_tells_what_came_back_and_can_be_undone() {
    let changes = vec![
        entry("a", "Ana", "name").after("Ana"),
        points("b", "Ion", 8, -5, 3),
    ];
    let mut event = event(Action::EventUndo, changes);
    event.undoes = Some(Seq(11));
    assert_eq!(
        said(&receipt::receipt(&receipt_of(event), &[], Locale::Ro)),
        "Am desfăcut evenimentul #11 din BlackWater/Politie\n\
         Înregistrare readusă: **Ana**\n\
         **Ion**: 8 → 3 puncte (-5)\n\
         #12 · sesiunea PC Birou (BwcHBwcH), dedusă\n\
         [Desfă]"
    );
}

#[test]
fn undoing_what_created_entries_takes_one_line_for_each() {
    let undone = |changes| {
        let mut event = event(Action::EventUndo, changes);
        event.undoes = Some(Seq(11));
        said(&receipt::receipt(&receipt_of(event), &[], Locale::En))
    };
    let gone = vec![
        points("a", "Ana", 1, -1, 0),
        entry("a", "Ana", "name").before("Ana"),
        points("b", "Ion", 0, 0, 0),
        entry("b", "Ion", "name").before("Ion"),
    ];
    assert!(
        undone(gone)
            .contains("\n**Ana** (deleted): 1 → 0 points (-1)\nEntry deleted: **Ion**\n#12")
    );
    let back = vec![
        entry("a", "Ana", "name").after("Ana"),
        points("a", "Ana", 0, 1, 1),
    ];
    assert!(undone(back).contains("\n**Ana** (back): 0 → 1 point (+1)\n#12"));
}

#[test]
fn ranks_and_tables_are_called_what_they_are() {
    let rank = |field: &str| {
        Change::new(
            What::Rank,
            "3".to_owned(),
            Some("Sergent".to_owned()),
            field,
        )
    };
    let told = |action, changes| {
        let said = said(&receipt::receipt(
            &receipt_of(event(action, changes)),
            &[],
            Locale::Ro,
        ));
        said.lines()
            .skip(1)
            .take_while(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let new = vec![rank("title").after("Sergent"), rank("promote_at").after(50)];
    assert_eq!(
        told(Action::RankSet, new),
        "Grad nou: **3 · Sergent**\n**3 · Sergent**, avansează la: — → 50"
    );
    let gone = vec![
        rank("title").before("Sergent"),
        rank("promote_at").before(50),
    ];
    assert_eq!(told(Action::EventUndo, gone), "Grad șters: **3 · Sergent**");
    let bare = Table {
        ranks: BTreeMap::new(),
        fields: BTreeMap::new(),
        activities: BTreeMap::new(),
        boards: BTreeMap::new(),
        periods: Periods::default(),
        ..table_of("x")
    };
    assert_eq!(
        told(Action::TableCreate, bare.changes_since(None)),
        "Tabel nou: **BlackWater/Politie**"
    );
}

#[test]
fn a_login_tells_the_session_and_has_no_undo() {
    let session = session_of(Some("PC Birou"));
    let mut receipt = receipt_of(event(Action::SessionOpen, session.opened()));
    receipt.table = None;
    let said = said(&receipt::receipt(&receipt, &[], Locale::En));
    assert!(said.starts_with("Session opened\n"), "{said}");
    assert!(!said.contains("[Undo]"), "{said}");
}

#[test]
fn a_rename_tells_both_labels() {
    let told = |from: Option<&str>, to: &str, locale| {
        let change = session_of(from).rename(to.to_owned());
        let mut receipt = receipt_of(event(Action::SessionRename, vec![change]));
        receipt.session = Some(session_of(Some(to)));
        said(&receipt::receipt(&receipt, &[], locale))
    };
    assert_eq!(
        told(Some("PC"), "PC Birou", Locale::En),
        "Session renamed\n\
         **PC (BwcHBwcH)**, label: PC → PC Birou\n\
         #12 · session PC Birou (BwcHBwcH), inferred"
    );
    assert_eq!(
        told(None, "PC Birou", Locale::Ro),
        "Sesiune redenumită\n\
         **BwcHBwcH**, etichetă: — → PC Birou\n\
         #12 · sesiunea PC Birou (BwcHBwcH), dedusă"
    );
    assert_eq!(
        told(Some("PC"), "PC", Locale::En),
        "The session already has this label\n\
         **PC (BwcHBwcH)**, label: was PC already\n\
         #12 · session PC (BwcHBwcH), inferred"
    );
}

#[test]
fn moderators_see_whose_sessions_are_open_and_who_may_ends_them() {
    let desk = |may_end, page, locale| {
        let page = SessionsPage {
            sessions: vec![session_of(Some("PC *Birou*")), session_of(None)],
            who: None,
            page,
            pages: 2,
            total: 12,
            may_end,
        };
        session::desk(&page, &device(), locale)
    };
    assert_eq!(
        said(&desk(false, 0, Locale::En)),
        "12 open sessions\n\
         <@42> · **PC \\*Birou\\*** · `BwcHBwcH` · unknown platform · opened <t:0:R> · last used <t:0:R>\n\
         <@42> · **no label** · `BwcHBwcH` · unknown platform · opened <t:0:R> · last used <t:0:R>\n\
         Ending a session of somebody else needs the right `settings.manage`.\n\
         Page 1 of 2\n\
         [Next]"
    );
    let may = desk(true, 1, Locale::Ro);
    let rows = serde_json::to_value(&may.rows).unwrap();
    let menu = &rows[0]["components"][0];
    assert_eq!(menu["placeholder"], "Încheie o sesiune");
    assert_eq!(
        menu["options"][0]["label"],
        "PC *Birou* · BwcHBwcH, platformă necunoscută"
    );
    assert_eq!(menu["options"][0]["value"], device().as_str());
    assert!(
        said(&may).ends_with("Pagina 2 din 2\n[Înapoi]"),
        "{}",
        said(&may)
    );
    let nobody = SessionsPage {
        sessions: vec![],
        who: None,
        page: 0,
        pages: 1,
        total: 0,
        may_end: true,
    };
    let none = session::desk(&nobody, &device(), Locale::En);
    assert_eq!(said(&none), "Open sessions\nNone is open.");
}

#[test]
fn switching_says_where_presence_goes_first() {
    let session = session_of(Some("PC"));
    let told = |seen_on| session::used(&session, seen_on, Locale::En).content;
    assert!(!told(None).contains("signed in"), "{}", told(None));
    let mobile = told(Some(Platform::Mobile));
    assert!(mobile.contains("another one: phone app"), "{mobile}");
}

#[test]
fn an_undo_asks_before_it_touches_what_others_did() {
    let conflict = |kind, field: &str, now: Value, back: Value| Conflict {
        kind,
        name: "Ana".to_owned(),
        field: field.to_owned(),
        extra: field == "kind",
        now,
        back,
        by: None,
    };
    let by = ConflictEvent {
        seq: Seq(13),
        actor: Some(UserId::from_db(7)),
        at: DateTime::UNIX_EPOCH,
    };
    let mut conflicts = vec![
        conflict(ConflictKind::Changed, "rank", 3.into(), 2.into()),
        conflict(ConflictKind::Deleted, "name", Value::Null, 5.into()),
        conflict(ConflictKind::Deleted, "name", Value::Null, "Ana".into()),
        conflict(ConflictKind::Deleted, "promote_at", Value::Null, 50.into()),
        conflict(ConflictKind::Taken, "name", "Ana".into(), "Ana (2)".into()),
        conflict(ConflictKind::Taken, "member", "42".into(), Value::Null),
        conflict(ConflictKind::RankGone, "rank", 3.into(), Value::Null),
        // An extra field that people called so.
        conflict(
            ConflictKind::Changed,
            "kind",
            "number".into(),
            "date".into(),
        ),
        conflict(ConflictKind::InUse, "points", 10.into(), Value::Null),
        conflict(ConflictKind::InUse, "rank", 3.into(), Value::Null),
        conflict(ConflictKind::InUse, "name", "Ana".into(), Value::Null),
        Conflict {
            name: "role:9".to_owned(),
            ..conflict(
                ConflictKind::GrantedAnew,
                "right",
                "scorer".into(),
                Value::Null,
            )
        },
    ];
    conflicts[0].by = Some(by);
    let ranks = BTreeMap::from([(3, "Sergent".to_owned())]);
    let asked = |locale| {
        said(&undo::question(
            Seq(12),
            &conflicts,
            &ranks,
            device(),
            locale,
        ))
    };
    assert_eq!(
        asked(Locale::Ro),
        "Desfaci totuși evenimentul #12?\n\
         Între timp s-au făcut și alte modificări. Deocamdată nu s-a modificat nimic: Confirmă îl desface \
         totuși, Renunță lasă totul cum este.\n\
         **Ana**, grad: valoarea scrisă de acest eveniment s-a schimbat între timp, acum este Sergent \
         (de <@7>, <t:0:R>, #13); după desfacere: 2\n\
         **Ana** nu mai există; desfacerea nu schimbă asta\n\
         **Ana**, avansează la: nu mai există; după desfacere: 50\n\
         Numele **Ana** este acum al altei înregistrări; desfacerea pune în loc numele Ana (2)\n\
         <@42> este legat acum de înregistrarea **Ana**; desfacerea nu îl mai leagă\n\
         **Ana** avea gradul Sergent, care nu mai există; după desfacere rămâne fără grad\n\
         **Ana**, kind: valoarea scrisă de acest eveniment s-a schimbat între timp, acum este number; \
         după desfacere: date\n\
         La **Ana** s-a lucrat între timp, acum are 10 puncte; după desfacere nu mai există\n\
         **Ana** are acum gradul Sergent; după desfacere, gradul nu mai există\n\
         La **Ana** s-a lucrat între timp; după desfacere nu mai există\n\
         `scorer` a fost retras între timp și acordat din nou pentru <@&9>; după desfacere nu mai este acordat\n\
         [Confirmă][Renunță]"
    );
    assert_eq!(
        asked(Locale::En),
        "Undo event #12 all the same?\n\
         Other changes were made since. Nothing was changed yet: Confirm undoes it all the same, Cancel \
         leaves everything as it is.\n\
         **Ana**, rank: what this event wrote was changed since, it is Sergent now \
         (by <@7>, <t:0:R>, #13); after the undo: 2\n\
         **Ana** no longer exists; the undo does not change that\n\
         **Ana**, promoted at: no longer exists; after the undo: 50\n\
         The name **Ana** belongs to another entry now; the undo gives the name Ana (2) instead\n\
         <@42> is linked to the entry **Ana** now; the undo does not link them back\n\
         **Ana** had the rank Sergent, which no longer exists; after the undo there is no rank\n\
         **Ana**, kind: what this event wrote was changed since, it is number now; after the undo: date\n\
         **Ana** was worked on since, and has 10 points now; after the undo it no longer exists\n\
         **Ana** holds the rank Sergent; after the undo that rank no longer exists\n\
         **Ana** was worked on since; after the undo it no longer exists\n\
         `scorer` was revoked since, and granted to <@&9> anew; after the undo it is not granted any more\n\
         [Confirm][Cancel]"
    );
}

fn found(event: Event) -> Found {
    Found {
        event,
        table: Some("BlackWater/Politie".to_owned()),
        platform: None,
        label: Some("PC Birou".to_owned()),
        undone_by: None,
        ranks: BTreeMap::from([(3, "Sergent".to_owned())]),
    }
}

/// The only page of a search.
fn search_page(events: Vec<Found>) -> SearchPage {
    SearchPage {
        events,
        unreadable: Vec::new(),
        older: None,
        newer: None,
        draft: DraftId(Uuid::nil()),
    }
}

#[test]
fn a_search_tells_who_from_where_and_what() {
    let award = event(
        Action::PointsAdd,
        vec![points("a", "Ana", 5, 2, 7), points("b", "Ion", 0, 2, 2)],
    );
    let promotion = event(
        Action::EntrySet,
        vec![entry("a", "Ana", "rank").before(2).after(3)],
    );
    let mut nameless = found(promotion);
    nameless.label = None;
    nameless.undone_by = Some(Seq(14));
    let page = search_page(vec![found(award), nameless]);
    assert_eq!(
        said(&audit::list(&page, &device(), Locale::Ro)),
        "Evenimente, de la cel mai nou\n\
         **#12** <t:0:f> <@42> (PC Birou) · `points.add` · BlackWater/Politie\n\
         **Ana**: 5 → 7 puncte (+2) … și încă o modificare\n\
         **#12** <t:0:f> <@42> (`BwcHBwcH`) · `entry.set` · BlackWater/Politie · desfăcut de #14\n\
         **Ana**, grad: 2 → Sergent\n\
         [Exportă]"
    );
}

fn refused(reason: &str, action: Action) -> Found {
    let mut event = event(action, Vec::new());
    event.outcome = Outcome::Refused;
    event.reason = Some(reason.to_owned());
    found(event)
}

#[test]
fn a_refusal_names_the_missing_right() {
    let mut single = refused("table.edit", Action::TableDelete);
    single.table = None;
    assert_eq!(
        said(&audit::event(&single, &device(), Locale::En)),
        format!(
            "Event #12 · table.delete\n\
             **Who:** <@42>\n\
             **Outcome:** refused: no right to it\n\
             **Device:** `BwcHBwcH` · PC Birou · unknown platform\n\
             **How the session was recognised:** inferred, being the one used last\n\
             **Asked for:** <t:0:f>\n\
             **Took effect:** <t:0:f>\n\
             **Missing right:** `table.edit`\n\
             No changes.\n\
             hash {}",
            "ab".repeat(32)
        )
    );
    let several = refused("7 × audit.view, score.add", Action::AccessRefuse);
    let page = search_page(vec![several]);
    assert_eq!(
        said(&audit::list(&page, &device(), Locale::Ro)),
        "Evenimente, de la cel mai nou\n\
         **#12** <t:0:f> <@42> (PC Birou) · `access.refuse` · BlackWater/Politie\n\
         `audit.view`, `score.add`, în 7 încercări\n\
         [Exportă]"
    );
}

#[test]
fn an_event_that_can_be_undone_has_a_button_for_it_and_none_is_cut_short() {
    let award = || event(Action::PointsAdd, vec![points("a", "Ana", 5, 2, 7)]);
    let buttons = |found: &Found| {
        let reply = audit::event(found, &device(), Locale::En);
        said(&reply).ends_with("[Undo]")
    };
    assert!(buttons(&found(award())));
    let mut undone = found(award());
    undone.undone_by = Some(Seq(13));
    let late = points("a", "Ana", 5, 2, 5).superseded();
    let mut superseded = event(Action::PointsAdd, vec![late]);
    superseded.outcome = Outcome::Superseded;
    for without in [
        undone,
        found(superseded),
        refused("score.add", Action::PointsAdd),
    ] {
        assert!(!buttons(&without), "{without:?}");
    }
    let names: Vec<String> = (0..50).map(|number| format!("{number:0100}")).collect();
    let changes = names.iter().map(|name| points(name, name, 0, 5, 5));
    let long = found(event(Action::PointsAdd, changes.collect()));
    let reply = audit::event(&long, &device(), Locale::En);
    let file = reply
        .file
        .as_ref()
        .map(|file| String::from_utf8_lossy(&file.data));
    let file = file.unwrap_or_default();
    assert!(names.iter().all(|name| file.contains(name)), "{file}");
    assert!(
        audit::event(&found(award()), &device(), Locale::En)
            .file
            .is_none()
    );
}

#[test]
fn an_undo_is_shown_before_it_is_done() {
    let preview = |conflicts| UndoPreview {
        event: event(Action::PointsAdd, vec![points("a", "Ana", 5, 2, 7)]),
        table: Some("BlackWater/Politie".to_owned()),
        changes: vec![points("a", "Ana", 9, -2, 7)],
        conflicts,
        ranks: BTreeMap::new(),
        left: None,
    };
    let pressed = |preview: &UndoPreview, force| {
        let reply = undo::preview(preview, device(), force, Locale::En);
        let rows = serde_json::to_value(&reply.rows).unwrap();
        let id = rows[0]["components"][0]["custom_id"].as_str().unwrap();
        let Some(Press::Confirm { force, .. }) = Press::decode(id) else {
            panic!("{id}")
        };
        (said(&reply), force)
    };
    let (told, force) = pressed(&preview(Vec::new()), Force::Ask);
    assert_eq!(
        told,
        "Undo event #12?\n\
         **`points.add`** by <@42>, <t:0:R>\n\
         **Table:** BlackWater/Politie\n\
         Nothing was changed yet. The undo would do this:\n\
         **Ana**: 9 → 7 points (-2)\n\
         [Confirm][Cancel]"
    );
    assert_eq!(force, Force::Ask);
    assert_eq!(
        pressed(&preview(Vec::new()), Force::Always).1,
        Force::Always
    );
    let by = Some(ConflictEvent {
        seq: Seq(13),
        actor: Some(UserId::from_db(7)),
        at: DateTime::UNIX_EPOCH,
    });
    let conflict = Conflict {
        kind: ConflictKind::Changed,
        name: "Ana".to_owned(),
        field: "points".to_owned(),
        extra: false,
        now: 9.into(),
        back: 7.into(),
        by,
    };
    let (told, force) = pressed(&preview(vec![conflict.clone()]), Force::Ask);
    assert!(told.contains("(by <@7>, <t:0:R>, #13)"), "{told}");
    assert_eq!(
        force,
        Force::shown(&[conflict]),
        "what was shown is confirmed too"
    );
}

#[test]
fn the_pager_of_a_search_leads_to_the_pages_beside() {
    let buttons = |newer, older| {
        let event = event(Action::PointsAdd, vec![points("a", "Ana", 5, 2, 7)]);
        let mut page = search_page(vec![found(event)]);
        (page.newer, page.older) = (newer, older);
        let reply = audit::list(&page, &device(), Locale::En);
        let rows = serde_json::to_value(&reply.rows).unwrap();
        let pressed = |row: &Value| {
            let press = Press::decode(row["custom_id"].as_str().unwrap());
            match press {
                Some(Press::Find { before, .. }) => Some((row["label"].clone(), before)),
                _ => None,
            }
        };
        let buttons = rows
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| items(row, "components"));
        buttons.filter_map(pressed).collect::<Vec<_>>()
    };
    assert_eq!(buttons(None, None), []);
    assert_eq!(
        buttons(Some(None), Some(Seq(3))),
        [("Back".into(), None), ("Next".into(), Some(Seq(3)))]
    );
    assert_eq!(
        buttons(Some(Some(Seq(23))), None),
        [("Back".into(), Some(Seq(23)))]
    );
}

#[test]
fn an_unknown_name_brings_the_nearest() {
    let name = UnknownName {
        name: "Anna_".to_owned(),
        near: vec!["Ana".to_owned()],
    };
    let error = ServiceError::UnknownNames {
        table: "P".to_owned(),
        names: vec![name],
    };
    assert_eq!(
        said(&errors::service(&error, Locale::En)),
        "These names are not in P:\n\
         - **Anna\\_** — did you mean: Ana?\n\
         Correct the names and try again; new entries are created with `/punctaj add`.\n\
         Nothing was changed."
    );
}

fn about_rights_and_activities() -> Vec<ServiceError> {
    vec![
        ServiceError::Forbidden {
            right: Right::ScoreAdd,
            at: None,
        },
        ServiceError::AlreadyGranted,
        ServiceError::OfGuild {
            right: Right::SettingsManage,
        },
        ServiceError::NotGranted {
            granted: Granted::Right(Right::ScoreAdd),
        },
        ServiceError::NotHeld {
            right: Right::ScoreAdd,
        },
        ServiceError::OwnRights,
        ServiceError::RankedRole {
            role: RoleId::from_db(44),
            rank: "Sergent".to_owned(),
            table: "P".to_owned(),
        },
        ServiceError::UnknownActivity {
            activity: "Livrat".to_owned(),
            table: "P".to_owned(),
            known: vec![],
        },
        ServiceError::UnknownActivity {
            activity: "Livrat".to_owned(),
            table: "P".to_owned(),
            known: vec!["Pază".to_owned()],
        },
        ServiceError::UnfitQuantity {
            activity: "Livrat".to_owned(),
            quantity: 100,
            least: 200,
        },
        ServiceError::TooManyActivities,
        ServiceError::ActivityExists {
            activity: "Livrat".to_owned(),
        },
        ServiceError::UnknownScope {
            scope: "Ana".to_owned(),
        },
    ]
}

/// An error of each kind that the views tell.
fn every_error() -> Vec<ServiceError> {
    let text = || "Ana".to_owned();
    let table = || "P".to_owned();
    let event = Seq(7);
    let choice = TableChoice {
        id: TableId(Uuid::nil()),
        address: table(),
    };
    let unknown = UnknownName {
        name: text(),
        near: vec![],
    };
    let mut all = about_rights_and_activities();
    all.extend(every_error_of_periods());
    all.extend([
        ServiceError::NoTables,
        ServiceError::ChooseTable {
            tables: vec![choice],
        },
        ServiceError::UnknownTable {
            table: table(),
            near: vec![],
        },
        ServiceError::UnknownTable {
            table: table(),
            near: vec![text()],
        },
        ServiceError::AmbiguousTable {
            table: table(),
            tables: vec![table(), text()],
        },
        ServiceError::TableExists { table: table() },
        ServiceError::UnknownNames {
            table: table(),
            names: vec![unknown],
        },
        ServiceError::NameTaken {
            name: text(),
            table: table(),
        },
        ServiceError::MemberTaken { name: text() },
        ServiceError::MemberUnlinked {
            member: UserId::from_db(42),
            table_id: TableId(Uuid::nil()),
            table: table(),
            near: vec![],
        },
        ServiceError::MemberUnlinked {
            member: UserId::from_db(42),
            table_id: TableId(Uuid::nil()),
            table: table(),
            near: vec![text()],
        },
        ServiceError::Strangers {
            members: vec![UserId::from_db(42)],
        },
        ServiceError::MayNotLink {
            name: text(),
            member: UserId::from_db(42),
            table: table(),
        },
        ServiceError::LinkOutdated { name: text() },
        ServiceError::MergeOutdated { name: text() },
        ServiceError::UnknownRank {
            rank: text(),
            table: table(),
        },
        ServiceError::BelowFloor {
            value: -5,
            floor: 0,
        },
        ServiceError::UnknownEvent { event },
        ServiceError::UnreadableEvent { event },
        ServiceError::NotYours { event },
        ServiceError::NotYourValue { event },
        ServiceError::RestoreGone { name: text() },
        ServiceError::AlreadyUndone { event, by: Seq(8) },
        ServiceError::NotUndoable { event },
        ServiceError::NothingToUndo,
        ServiceError::UnknownSession { session: text() },
        ServiceError::UnknownSession {
            session: String::new(),
        },
        ServiceError::NoBoard { table: text() },
        ServiceError::UnknownDevice { device: text() },
        ServiceError::SessionOver { session: text() },
        ServiceError::HistoryBroken { event },
        ServiceError::AmbiguousSession {
            session: text(),
            ids: vec!["abcdefgh".to_owned()],
        },
        ServiceError::PanelEnded,
        ServiceError::Busy,
        ServiceError::DraftGone,
        ServiceError::Store(StoreError::Corrupt("a session")),
    ]);
    all.extend(every_error_of_structure());
    all
}

fn every_error_of_periods() -> Vec<ServiceError> {
    let table = || "P".to_owned();
    let unknown = |period, last| ServiceError::UnknownPeriod {
        table: table(),
        period,
        last,
    };
    let mut all = vec![
        ServiceError::PeriodMoved {
            table: table(),
            period: 3,
            open: 4,
        },
        unknown(Some(9), Some(3)),
        unknown(Some(9), None),
        unknown(None, None),
        ServiceError::NothingProposed {
            table: table(),
            period: 3,
        },
        ServiceError::NoSchedule { table: table() },
    ];
    all.extend([Some(3), None].map(|last| ServiceError::NotLastPeriod {
        table: table(),
        period: 2,
        last,
    }));
    all.extend([Every::Week, Every::Month].map(|every| ServiceError::NoSuchDay { every }));
    all
}

fn every_error_of_structure() -> Vec<ServiceError> {
    let text = || "Ana".to_owned();
    let table = || "P".to_owned();
    let role = |why| ServiceError::UnfitRole {
        role: RoleId::from_db(44),
        why,
    };
    let unfit = |why| ServiceError::UnfitValue {
        field: field_of("Callsign"),
        value: text(),
        why,
    };
    vec![
        ServiceError::UnknownField {
            field: text(),
            known: vec![],
        },
        ServiceError::UnknownField {
            field: text(),
            known: vec![text(), table()],
        },
        ServiceError::FieldExists { field: text() },
        ServiceError::TooManyFields,
        unfit(Unfit::TooLong(201)),
        unfit(Unfit::Number),
        unfit(Unfit::Date),
        unfit(Unfit::Pattern),
        role(UnfitRole::Missing),
        role(UnfitRole::Everyones),
        role(UnfitRole::Managed),
        role(UnfitRole::TooHigh),
        role(UnfitRole::MayNotManage),
        role(UnfitRole::Powerful(Power::all()[0])),
        role(UnfitRole::GivesRights),
        role(UnfitRole::AboveYou),
        role(UnfitRole::Refused(text())),
        ServiceError::BelowNewFloor {
            floor: 5,
            entries: 2,
        },
        ServiceError::NotDeleted { table: table() },
        ServiceError::TableGone,
        ServiceError::TableNotYet {
            table: table(),
            at: DateTime::UNIX_EPOCH,
            since: None,
        },
        ServiceError::TableNotYet {
            table: table(),
            at: DateTime::UNIX_EPOCH,
            since: Some(DateTime::UNIX_EPOCH),
        },
        ServiceError::TableDeletedThen {
            table: table(),
            at: DateTime::UNIX_EPOCH,
        },
    ]
}

/// Whoever adds a kind of error is sent here, and adds it to the list above too.
fn has_a_reply_of_its_own(error: &ServiceError) -> bool {
    match error {
        ServiceError::Forbidden { .. }
        | ServiceError::AlreadyGranted
        | ServiceError::NotGranted { .. }
        | ServiceError::OfGuild { .. }
        | ServiceError::NotHeld { .. }
        | ServiceError::OwnRights
        | ServiceError::RankedRole { .. }
        | ServiceError::UnknownActivity { .. }
        | ServiceError::UnfitQuantity { .. }
        | ServiceError::TooManyActivities
        | ServiceError::ActivityExists { .. }
        | ServiceError::UnknownScope { .. }
        | ServiceError::NoTables
        | ServiceError::ChooseTable { .. }
        | ServiceError::UnknownTable { .. }
        | ServiceError::AmbiguousTable { .. }
        | ServiceError::TableExists { .. }
        | ServiceError::UnknownNames { .. }
        | ServiceError::NameTaken { .. }
        | ServiceError::MemberTaken { .. }
        | ServiceError::MemberUnlinked { .. }
        | ServiceError::Strangers { .. }
        | ServiceError::MayNotLink { .. }
        | ServiceError::LinkOutdated { .. }
        | ServiceError::MergeOutdated { .. }
        | ServiceError::UnknownRank { .. }
        | ServiceError::BelowFloor { .. }
        | ServiceError::UnknownField { .. }
        | ServiceError::FieldExists { .. }
        | ServiceError::TooManyFields
        | ServiceError::UnfitValue { .. }
        | ServiceError::UnfitRole { .. }
        | ServiceError::BelowNewFloor { .. }
        | ServiceError::NotDeleted { .. }
        | ServiceError::UnknownEvent { .. }
        | ServiceError::UnreadableEvent { .. }
        | ServiceError::NotYours { .. }
        | ServiceError::NotYourValue { .. }
        | ServiceError::RestoreGone { .. }
        | ServiceError::AlreadyUndone { .. }
        | ServiceError::NotUndoable { .. }
        | ServiceError::NothingToUndo
        | ServiceError::UnknownSession { .. }
        | ServiceError::NoBoard { .. }
        | ServiceError::UnknownDevice { .. }
        | ServiceError::SessionOver { .. }
        | ServiceError::PeriodMoved { .. }
        | ServiceError::UnknownPeriod { .. }
        | ServiceError::NotLastPeriod { .. }
        | ServiceError::NothingProposed { .. }
        | ServiceError::NoSchedule { .. }
        | ServiceError::NoSuchDay { .. }
        | ServiceError::TableGone
        | ServiceError::TableNotYet { .. }
        | ServiceError::TableDeletedThen { .. }
        | ServiceError::HistoryBroken { .. }
        | ServiceError::AmbiguousSession { .. }
        | ServiceError::PanelEnded
        | ServiceError::NotKnown { .. }
        | ServiceError::Busy
        | ServiceError::DraftGone
        | ServiceError::Store(_) => false,
        ServiceError::ChangedSince { .. }
        | ServiceError::LinksOffered { .. }
        | ServiceError::OutcomeUnknown => true,
    }
}

#[test]
fn every_error_tells_what_was_wrong_what_to_do_and_that_nothing_was_changed() {
    for (locale, ending) in [
        (Locale::En, "\nNothing was changed."),
        (Locale::Ro, "\nNu s-a modificat nimic."),
    ] {
        let replies = every_error()
            .iter()
            .filter(|error| !has_a_reply_of_its_own(error))
            .map(|error| errors::service(error, locale))
            .chain([errors::unreachable(locale)])
            .map(|reply| reply.content)
            .collect::<Vec<_>>();
        for said in replies {
            let told = said
                .strip_suffix(ending)
                .unwrap_or_else(|| panic!("{said}"));
            let sentences = told
                .split(['.', '?', ':', ';'])
                .filter(|part| !part.trim().is_empty());
            assert!(sentences.count() >= 2, "{said}");
            assert!(!said.contains("{$") && !said.contains("[error"), "{said}");
        }
    }
}

#[test]
fn every_error_of_the_input_says_what_to_do() {
    let told: Vec<_> = keys::ALL
        .iter()
        .filter(|key| key.id().starts_with("error-"))
        .filter(|key| !["error-internal", "error-unknown-names"].contains(&key.id()))
        .collect();
    for locale in Locale::ALL {
        for key in &told {
            let said = locale.text(&Message::new(**key));
            let sentences = said
                .trim_end_matches(['.', '?'])
                .split(['.', '?', ':', ';']);
            let sentences = sentences.filter(|part| !part.trim().is_empty());
            assert!(sentences.count() >= 2, "{}: {said}", key.id());
        }
    }
}

#[test]
fn a_page_has_a_pager_only_where_there_is_more() {
    let labels = |page: u32, pages: u32| {
        let shown = table::Shown {
            layout: Layout::Wide,
            shared: false,
            device: Some(device()),
        };
        let reply = table::page(&page_of(page, pages, &["Ana"]), &shown, Locale::En);
        said(&reply)
            .lines()
            .filter(|line| line.starts_with('['))
            .collect::<String>()
    };
    assert_eq!(labels(0, 1), "");
    assert_eq!(labels(0, 2), "[Next]");
    assert_eq!(labels(1, 3), "[Back][Next]");
    assert_eq!(labels(2, 3), "[Back]");
}

#[test]
fn a_page_is_laid_out_for_a_pc_and_a_phone() {
    let said = |layout| {
        let shown = table::Shown {
            layout,
            shared: false,
            device: None,
        };
        said(&table::page(
            &page_of(0, 1, &["Ana", "Ștefan"]),
            &shown,
            Locale::Ro,
        ))
    };
    assert_eq!(
        said(Layout::Wide),
        "**BlackWater/Politie** — 2 înregistrări, 20 de puncte\n\
         ```\n#  Nume    Grad     Puncte\n-  ------  -------  ------\n1  Ana     Sergent      10\n2  Ștefan  Sergent      10\n```\n\
         Pagina 1 din 1"
    );
    assert_eq!(
        said(Layout::Phone),
        "**BlackWater/Politie** — 2 înregistrări, 20 de puncte\n\
         ```\n1 Ana    10\n2 Ștefan 10\n```\n\
         Pagina 1 din 1"
    );
}

#[test]
fn a_page_of_the_past_says_of_when_it_is_and_what_became_of_the_table() {
    let said = |ahead, since, names: &[&str], locale| {
        let shown = table::Shown {
            layout: Layout::Phone,
            shared: false,
            device: None,
        };
        let mut page = page_of(0, 2, names);
        page.as_of = Some(AsOf {
            at: DateTime::from_timestamp(1_795_201_200, 5).unwrap(),
            ahead,
            since,
            replayed: 3,
        });
        said(&table::page(&page, &shown, locale))
    };
    assert_eq!(
        said(
            false,
            Since::Moved("Garda *".to_owned()),
            &["Ana"],
            Locale::En
        ),
        "**BlackWater/Politie** as of <t:1795201200:f> — 1 entry, 10 points\n\
         It is called Garda \\* now.\n\
         ```\n1 Ana 10\n```\n\
         Page 1 of 2\n[Next]"
    );
    assert_eq!(
        said(true, Since::Deleted, &[], Locale::Ro),
        "**BlackWater/Politie**, așa cum era pe <t:1795201200:f> — 0 înregistrări, 0 puncte\n\
         Momentul acela nu a venit încă: acesta este tabelul de acum.\n\
         Între timp a fost șters.\n\
         Nu avea atunci nicio înregistrare."
    );
}

/// Of somebody to whom nothing was granted.
fn authority(manage_server: bool) -> Authority {
    let standing = Standing {
        manage_server,
        roles: Vec::new(),
    };
    Authority::new(GuildId::from_db(1), UserId::from_db(2), &standing, vec![])
}

#[test]
fn help_shows_what_one_may_do() {
    let (anyone, able) = (authority(false), authority(true));
    let member = said(&help::help(None, &anyone, true, Locale::Ro));
    assert!(member.contains("`/punctaj arată`"), "{member}");
    assert!(!member.contains("`/punctaj adaugă`"), "{member}");
    assert!(!member.contains("/punctaj-audit"), "{member}");
    assert!(member.contains("Presence Intent"), "{member}");
    let manager = said(&help::help(None, &able, false, Locale::En));
    assert!(manager.contains("`/punctaj-audit search`"), "{manager}");
    assert!(manager.contains("`/punctaj-admin rank set`"), "{manager}");
    assert!(!manager.contains("Presence Intent"), "{manager}");
    for topic in [None, Some("sessions")] {
        for locale in Locale::ALL {
            let warned = said(&help::help(topic, &able, true, locale));
            assert!(warned.contains("Presence Intent"), "{warned}");
        }
    }
    let undo = said(&help::help(Some("undo"), &able, true, Locale::En));
    assert!(
        undo.contains("`/punctaj undo`") && !undo.contains("session"),
        "{undo}"
    );
}

fn link(name: &str) -> OfferedLink {
    OfferedLink {
        member: UserId::from_db(7),
        entry: EntryId(Uuid::nil()),
        name: name.to_owned(),
    }
}

#[test]
fn an_offer_to_link_tells_who_and_what() {
    let asked = |locale| {
        let links = [link("Bob *B*"), link("Ion")];
        said(&offer::links(
            "BlackWater/Politie",
            &links,
            device(),
            DraftId(Uuid::nil()),
            locale,
        ))
    };
    assert_eq!(
        asked(Locale::En),
        "2 members mentioned are not linked to any entry in BlackWater/Politie, but entries bear their \
         names. Nothing was changed yet: Link links what is listed here and gives the points to all that \
         you named, Cancel leaves everything as it is.\n\
         - <@7> and **Bob \\*B\\***\n- <@7> and **Ion**\n\
         [Link][Cancel]"
    );
    assert_eq!(
        asked(Locale::Ro),
        "2 membri menționați nu sunt legați de nicio înregistrare din BlackWater/Politie, dar există \
         înregistrări cu numele lor. Deocamdată nu s-a modificat nimic: Leagă face legăturile de mai jos \
         și dă punctele tuturor celor numiți, Renunță lasă totul cum este.\n\
         - <@7> și **Bob \\*B\\***\n- <@7> și **Ion**\n\
         [Leagă][Renunță]"
    );
}

fn meant(name: &str, number: u128) -> Meant {
    Meant {
        created: EntryId(Uuid::from_u128(number)),
        entry: EntryId(Uuid::max()),
        name: name.to_owned(),
    }
}

#[test]
fn a_new_name_close_to_another_has_a_button_for_it() {
    let changes = vec![
        entry("a", "Anna", "name").after("Anna"),
        points("a", "Anna", 0, 5, 5),
    ];
    let receipt = receipt_of(event(Action::PointsAdd, changes));
    let buttons = |name: &str, locale| {
        let meant = [meant(name, 1)];
        let said = said(&receipt::with_meant(&receipt, &[], &meant, locale));
        said.lines().next_back().unwrap().to_owned()
    };
    assert_eq!(buttons("Ana *A*", Locale::En), "[Undo][Meant Ana *A*?]");
    assert_eq!(buttons("Ana", Locale::Ro), "[Desfă][Te gândeai la Ana?]");
    let long = buttons(&"ă".repeat(100), Locale::En);
    assert!(
        long.ends_with("…?]") && long.chars().count() == "[Undo][]".len() + 80,
        "{long}"
    );
}

#[test]
fn a_merge_tells_what_went_and_where_its_points_are() {
    let changes = vec![
        entry("b", "Anna", "name").before("Anna"),
        points("a", "Ana", 10, 5, 15),
    ];
    assert_eq!(
        said(&receipt::receipt(
            &receipt_of(event(Action::EntryMerge, changes)),
            &[],
            Locale::En
        )),
        "Moved a new entry into the one that was meant, in BlackWater/Politie\n\
         Entry deleted: **Anna**\n\
         **Ana**: 10 → 15 points (+5)\n\
         #12 · session PC Birou (BwcHBwcH), inferred\n\
         [Undo]"
    );
}

#[test]
fn the_log_tells_something_of_each_edit_however_long_they_are() {
    let edit = |seq: i64| {
        let name = format!("{seq} {}", "_".repeat(90));
        let changes = (0..8).map(|n| points(&n.to_string(), &name, 0, 5, 5));
        let mut event = event(Action::PointsAdd, changes.collect());
        event.seq = Seq(seq);
        Told::Edit(Box::new(receipt_of(event)))
    };
    let news: Vec<Told> = (1..=5).map(edit).collect();
    for locale in Locale::ALL {
        let text = log::news(&news, GuildId::from_db(1), None, locale).content;
        assert!(crate::render::length(&text) <= 2000, "{text}");
        for seq in 1..=5 {
            assert!(text.contains(&format!("#{seq}")), "{seq}: {text}");
        }
        let few = log::news(&news[..1], GuildId::from_db(1), None, locale).content;
        assert!(few.lines().count() >= 9, "{few}");
    }
}

#[test]
fn a_list_of_long_names_leaves_room_for_the_rest_of_the_sentence() {
    let error = ServiceError::UnknownField {
        field: "Culoare".to_owned(),
        known: vec!["_".repeat(100); 20],
    };
    for locale in Locale::ALL {
        let text = said(&errors::service(&error, locale));
        assert!(text.contains("Culoare"), "{text}");
    }
}

fn card_of(name: &str, points: i64) -> Card {
    Card {
        entry: PageRow {
            id: EntryId(Uuid::nil()),
            name: name.to_owned(),
            member_id: Some(UserId::from_db(7)),
            rank: Some(2),
            points,
            exempt: false,
            extra: BTreeMap::new(),
        },
        table_id: TableId(Uuid::nil()),
        place: 3,
        entries: 20,
    }
}

fn profile_of(cards: Vec<(Card, Table)>, recent: Vec<Event>) -> Profile {
    Profile {
        total: i64::try_from(cards.len()).unwrap(),
        cards,
        recent,
        session: session_of(None),
        aside: Aside::default(),
    }
}

#[test]
fn a_profile_tells_where_an_entry_stands_and_what_happened_to_it() {
    let nil = Uuid::nil().to_string();
    let mut table = table_of("Agent");
    table.ranks.get_mut(&2).unwrap().promote_at = Some(30);
    let mut next = rank_of("Sergent");
    next.number = 3;
    table.ranks.insert(3, next);
    table.ranks.get_mut(&2).unwrap().number = 2;
    let recent = event(
        Action::PointsAdd,
        vec![points("b", "Ion", 0, 2, 2), points(&nil, "Ana", 5, 2, 7)],
    );
    let one = profile_of(vec![(card_of("Ana", 7), table.clone())], vec![recent]);
    let bob = || Some(Name::parse("Bob").unwrap());
    assert_eq!(
        said(&profile::profile(&one, &Asked::Member(bob()), Locale::En)),
        "Ana\n\
         **Table:** BlackWater/Politie\n\
         **Points:** 7 points\n\
         **Place:** 3 of 20\n\
         **Rank:** Agent\n\
         **Next rank:** Sergent, 23 points to go\n\
         **Member:** Bob\n\n\
         **Recent changes**\n\
         #12 <t:0:R> <@42> · `points.add`\n\
         **Ana**: 5 → 7 points (+2)"
    );
    let two = vec![
        (card_of("Ana", 7), table.clone()),
        (card_of("Ana", 30), table),
    ];
    assert_eq!(
        said(&profile::profile(
            &profile_of(two, vec![]),
            &Asked::Own(bob()),
            Locale::Ro
        )),
        "Înregistrările tale\n\
         **BlackWater/Politie** · Ana\n\
         **Puncte:** 7 puncte · **Loc:** 3 din 20\n\
         **Grad:** Agent\n\
         **Gradul următor:** Sergent, mai lipsesc 23 de puncte\n\n\
         **BlackWater/Politie** · Ana\n\
         **Puncte:** 30 de puncte · **Loc:** 3 din 20\n\
         **Grad:** Agent\n\
         **Gradul următor:** Sergent, sunt destule puncte\n"
    );
    let none = profile_of(vec![], vec![]);
    let said = said(&profile::profile(&none, &Asked::Own(None), Locale::En));
    assert!(
        said.starts_with("You are not linked to any entry here."),
        "{said}"
    );
}

/// A panel of these people, of whom the first `picked` are picked.
fn panel_of(names: &[&str], picked: usize) -> Panel {
    let person = |(number, name): (u128, &&str)| PanelEntry {
        id: EntryId(Uuid::from_u128(number)),
        name: (*name).to_owned(),
        points: 15,
    };
    let people: Vec<_> = (1..).zip(names).map(person).collect();
    Panel {
        aside: Aside::default(),
        shown: PanelShown {
            session: session_of(Some("PC Birou")),
            table: table_of("Sergent"),
            takes: false,
            search: String::new(),
            page: 0,
            pages: 1,
            fitting: i64::try_from(names.len()).unwrap(),
            picked: people[..picked].to_vec(),
            options: people.into_iter().take(25).collect(),
            gone: Vec::new(),
            since: DateTime::UNIX_EPOCH,
            marked: None,
            steps: 0,
            totals: Vec::new(),
            total: 0,
            last: None,
            last_undone_by: None,
            undoable: None,
        },
        may_switch: true,
        note: None,
    }
}

#[test]
fn a_panel_tells_who_is_picked_and_what_the_sitting_came_to() {
    let mut sitting = panel_of(&["Ana *A*", "Ion", "Dan"], 2);
    let changes = vec![
        points("a", "Ana *A*", 10, 5, 15),
        points("b", "Ion", 10, 5, 15),
    ];
    let mut step = event(Action::PointsAdd, changes);
    step.reason = Some("pază".to_owned());
    let total = |name: &str, delta| PanelTotal {
        name: name.to_owned(),
        delta,
    };
    sitting.shown.last = Some(step);
    sitting.shown.undoable = Some(Seq(12));
    sitting.shown.steps = 3;
    sitting.shown.totals = vec![total("Ana *A*", 12), total("Dan", -2)];
    sitting.shown.total = 10;
    assert_eq!(
        said(&panel::panel(&sitting, Locale::En)),
        "Panel: BlackWater/Politie\n\
         **Picked (2):** Ana \\*A\\* (15), Ion (15)\n\n\
         **Last step**, #12\n\
         **Ana \\*A\\***: 10 → 15 points (+5)\n\
         **Ion**: 10 → 15 points (+5)\n\
         Reason: pază\n\n\
         **This sitting**, begun <t:0:R>: 3 steps, +10 in all\n\
         **Ana \\*A\\***: +12\n\
         **Dan**: -2\n\
         session PC Birou (BwcHBwcH)\n\
         [Search…][Pick nobody]\n\
         [+1][+3][+5][Other…][Take away]\n\
         [Undo]"
    );

    // After an undo, on another page of a search, taking away; whoever may only take can't switch.
    let mut undo = event(Action::EventUndo, vec![points("a", "Ana", 15, -5, 10)]);
    undo.undoes = Some(Seq(11));
    sitting.shown.last = Some(undo);
    sitting.shown.last_undone_by = Some(Seq(14));
    sitting.shown.undoable = Some(Seq(9));
    sitting.shown.takes = true;
    sitting.shown.search = "an_".to_owned();
    sitting.shown.fitting = 60;
    sitting.shown.pages = 3;
    sitting.shown.page = 1;
    sitting.shown.gone = vec!["Radu".to_owned()];
    sitting.note = Some(PanelNote::Undone(Seq(12)));
    sitting.may_switch = false;
    assert_eq!(
        said(&panel::panel(&sitting, Locale::Ro)),
        "Panou: BlackWater/Politie\n\
         ⚠️ Nu s-a modificat nimic: #12 fusese deja desfăcut.\n\
         Șterși între timp, deci nu mai sunt aleși: Radu\n\
         **Aleși (2):** Ana \\*A\\* (15), Ion (15)\n\
         Acum butoanele scad puncte.\n\
         **Căutare:** „an\\_”, 60 de înregistrări\n\n\
         **Ultimul pas**, #12: a desfăcut #11 · desfăcut de #14\n\
         **Ana**: 15 → 10 puncte (-5)\n\
         Desfă anulează acum #9.\n\n\
         **Total**, început <t:0:R>: 3 pași, în total +10\n\
         **Ana \\*A\\***: +12\n\
         **Dan**: -2\n\
         sesiunea PC Birou (BwcHBwcH)\n\
         [Înapoi][Înainte][Caută…][Arată tot][Nu alege pe nimeni]\n\
         [-1][-3][-5][Alt număr…]\n\
         [Desfă]"
    );
}

#[test]
fn a_panel_offers_only_what_can_be_done() {
    let enabled = |panel: &Panel| -> Vec<PanelAct> {
        let rows = serde_json::to_value(panel::panel(panel, Locale::En).rows).unwrap();
        let rows = rows.as_array().unwrap().clone();
        let parts = rows.iter().flat_map(|row| items(row, "components"));
        let enabled = parts.filter(|part| part["disabled"] != true);
        enabled
            .map(
                |part| match Press::decode(part["custom_id"].as_str().unwrap()) {
                    Some(Press::Panel(press)) => {
                        assert_eq!((press.device, press.table), (device(), table_of("").id));
                        press.act
                    }
                    other => panic!("{other:?}"),
                },
            )
            .collect()
    };
    let nobody = Picked::default().mark();
    let (search, switch) = (PanelAct::Search, PanelAct::Direction { takes: true });
    let pick = |mark| PanelAct::Pick { page: 0, mark };
    let empty = panel_of(&[], 0);
    assert_eq!(enabled(&empty), [search.clone(), switch.clone()]);
    let unpicked = panel_of(&["Ana", "Ion"], 0);
    assert_eq!(
        enabled(&unpicked),
        [pick(nobody), search.clone(), switch.clone()]
    );
    let mut one = panel_of(&["Ana", "Ion"], 1);
    let mark = Picked::new(vec![one.shown.picked[0].id]).mark();
    let give = |points| PanelAct::Points {
        points,
        mark: mark.clone(),
    };
    let other = PanelAct::Other {
        takes: false,
        mark: mark.clone(),
    };
    let all = [
        pick(mark.clone()),
        search,
        PanelAct::Clear,
        give(1),
        give(3),
        give(5),
        other,
        switch,
    ];
    assert_eq!(enabled(&one), all);
    one.shown.undoable = Some(Seq(12));
    assert_eq!(enabled(&one).last(), Some(&PanelAct::Undo(Seq(12))));
}

fn typed(text: &str) -> Typed {
    Typed {
        points: text.chars().take(20).collect(),
        reason: text.repeat(9).chars().take(300).collect(),
        table: text.repeat(3).chars().take(201).collect(),
        zone: text.chars().take(60).collect(),
        name: text.repeat(3).chars().take(201).collect(),
        ..Typed::default()
    }
}

#[test]
fn what_was_typed_into_a_form_is_shown_again() {
    let refused = errors::told(&keys::ERROR_ADD_NEGATIVE.into(), Locale::En);
    let typed = Typed {
        points: "-5".to_owned(),
        reason: "*pază*".to_owned(),
        ..Typed::default()
    };
    let said = said(&form::again(refused, &typed, Locale::En));
    assert!(
        said.ends_with("\nYou had typed:\n- Points: \\-5\n- Reason (may be left out): \\*pază\\*"),
        "{said}"
    );
}

/// A guild with these tables; without any, nothing else is set either.
fn setup_of(tables: &[String]) -> Setup {
    let is_set = !tables.is_empty();
    let givers = [
        Grantee::Role(RoleId::from_db(i64::MAX)),
        Grantee::Member(UserId::from_db(i64::MAX)),
    ];
    Setup {
        guild: GuildId::from_db(1),
        settings: Settings {
            language: is_set.then_some(Language::Ro),
            timezone: is_set.then(|| "America/Argentina/ComodRivadavia".to_owned()),
            log_channel: is_set.then_some(ChannelId::from_db(i64::MAX)),
        },
        log_problem: is_set.then(|| tables.concat()),
        tables: tables.to_vec(),
        gives: is_set,
        givers: if is_set {
            givers.repeat(50)
        } else {
            Vec::new()
        },
        authority: authority(true),
    }
}

#[test]
fn the_set_up_goes_from_what_is_not_done_to_what_is_not_done() {
    let none = setup_of(&[]);
    assert_eq!(setup::next(&none, None), SetupStep::Language);
    let pairs = SetupStep::ALL.windows(2);
    for pair in pairs {
        assert_eq!(setup::next(&none, Some(pair[0])), pair[1]);
    }
    assert_eq!(setup::next(&none, Some(SetupStep::Done)), SetupStep::Done);
    let all = setup_of(&["Clan".to_owned()]);
    assert_eq!(setup::next(&all, None), SetupStep::Done);
    let some = Setup {
        settings: Settings::default(),
        ..all
    };
    assert_eq!(setup::next(&some, Some(SetupStep::Log)), SetupStep::Done);
    let helpless = Setup {
        authority: authority(false),
        ..none
    };
    assert_eq!(setup::next(&helpless, None), SetupStep::Done);
}

#[test]
fn the_set_up_says_what_is_set_and_what_the_step_is_about() {
    let setup = setup_of(&["Poliție".to_owned()]);
    let wizard = |step| setup::Wizard {
        setup: &setup,
        step,
        suggested: Language::En,
        notes: &[],
    };
    let done = said(&setup::wizard(&wizard(SetupStep::Done), Locale::En));
    for part in [
        "✅ **Language:** română",
        "✅ **Tables:** Poliție",
        "members with Manage Server, <@&9223372036854775807>, <@9223372036854775807>",
        "`/punctaj add names:Ana points:5`",
    ] {
        assert!(done.contains(part), "{part}: {done}");
    }
    let none = setup_of(&[]);
    let table = setup::Wizard {
        setup: &none,
        ..wizard(SetupStep::Table)
    };
    let table = said(&setup::wizard(&table, Locale::Ro));
    for part in [
        "▫️ **Tabele:** niciunul încă",
        "- **gol**: doar nume și puncte",
        "- **clasă**: nume și puncte, plus câmpul Grupă",
        "- **poliție**: grade Cadet, Agent",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

// ---- the worst legal data -------------------------------------------------------------------

/// A legal name of the greatest length, hard to show.
fn name() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "*", "`", "_", "<@1>", "\\", "田", "😀", "a\u{301}", "|", "]", "> ",
    ]);
    prop::collection::vec(hard, 1..60)
        .prop_map(|parts| {
            parts
                .concat()
                .repeat(30)
                .chars()
                .take(100)
                .collect::<String>()
        })
        .prop_filter_map("legal", |text| {
            Name::parse(&text).ok().map(|name| name.to_string())
        })
}

fn rank_of(title: &str) -> Rank {
    let limit = Some(LIMIT);
    Rank {
        number: 1000,
        title: title.to_owned(),
        promote_at: limit,
        demote_below: limit,
        role: None,
    }
}

fn table_of(title: &str) -> Table {
    Table {
        id: TableId(Uuid::nil()),
        category: Some("BlackWater".to_owned()),
        name: "Politie".to_owned(),
        floor: 0,
        private: false,
        deleted_at: None,
        ranks: BTreeMap::from([(2, rank_of(title))]),
        fields: BTreeMap::from([(1, field_of(title))]),
        activities: BTreeMap::new(),
        boards: BTreeMap::new(),
        periods: Periods::default(),
    }
}

fn field_of(name: &str) -> ExtraField {
    ExtraField {
        number: 1,
        name: name.to_owned(),
        kind: FieldKind::Text,
        pattern: Some("[A-Z]{2}".to_owned()),
        removed: false,
    }
}

fn page_of(page: u32, pages: u32, names: &[&str]) -> TablePage {
    let row = |name: &&str| PageRow {
        id: EntryId(Uuid::nil()),
        name: (*name).to_owned(),
        member_id: None,
        rank: Some(2),
        points: 10,
        exempt: false,
        extra: BTreeMap::new(),
    };
    let total = i64::try_from(names.len()).unwrap();
    TablePage {
        aside: Aside::default(),
        marked: None,
        table: table_of("Sergent"),
        rows: names.iter().map(row).collect(),
        sort: Sort::Points,
        page,
        pages,
        total,
        points: total * 10,
        session: Some(session_of(None)),
        attribution: Some(Attribution::Recent),
        as_of: None,
        period: None,
        known_at: None,
    }
}

fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

fn length(text: &Value) -> usize {
    text.as_str().unwrap_or_default().encode_utf16().count()
}

fn check(reply: &Reply) {
    assert!(
        reply.content.encode_utf16().count() <= 2000,
        "content: {}",
        reply.content
    );
    let embed = serde_json::to_value(&reply.embed).unwrap();
    let sizes = [
        (length(&embed["title"]), 256),
        (length(&embed["description"]), 4096),
        (length(&embed["footer"]["text"]), 2048),
    ];
    for (size, limit) in sizes {
        assert!(size <= limit, "{size} > {limit}: {embed}");
    }
    assert!(sizes.iter().map(|(size, _)| size).sum::<usize>() <= 6000);
    let says = !reply.content.is_empty() || length(&embed["description"]) > 0;
    assert!(says, "an empty reply");
    check_components(&serde_json::to_value(&reply.rows).unwrap());
}

fn check_form(form: &CreateModal) {
    let form = serde_json::to_value(form).unwrap();
    assert!((1..=45).contains(&length(&form["title"])), "{form}");
    assert!((1..=100).contains(&length(&form["custom_id"])), "{form}");
    let rows = items(&form, "components");
    assert!((1..=5).contains(&rows.len()));
    for input in rows.iter().flat_map(|row| items(row, "components")) {
        assert!((1..=45).contains(&length(&input["label"])), "{input}");
        assert!(length(&input["placeholder"]) <= 100, "{input}");
    }
}

fn check_components(rows: &Value) {
    let rows = rows.as_array().unwrap();
    assert!(rows.len() <= 5);
    let mut ids = HashSet::new();
    for component in rows.iter().flat_map(|row| items(row, "components")) {
        let id = component["custom_id"].as_str().unwrap();
        assert!(
            length(&component["custom_id"]) <= 100 && ids.insert(id.to_owned()),
            "{id}"
        );
        assert!(length(&component["label"]) <= 80 && length(&component["placeholder"]) <= 150);
        let options = items(component, "options");
        assert!(options.len() <= 25);
        let mut values = HashSet::new();
        for option in options {
            assert!((1..=100).contains(&length(&option["label"])), "{option}");
            assert!(
                (1..=100).contains(&length(&option["value"])) && values.insert(&option["value"])
            );
        }
    }
}

/// A period in which each of these rises and did nothing.
fn report_of(title: &str, names: &[String], due: Option<DateTime<Utc>>) -> Report {
    let moved = |name: &String| Move {
        name: name.clone(),
        from: Some(2),
        to: i32::MAX,
    };
    let proposed = (1..=3).map(|id| (EntryId(Uuid::from_u128(id)), 2));
    Report {
        table: Table {
            name: title.to_owned(),
            ..table_of(title)
        },
        period: Period {
            table_id: TableId(Uuid::nil()),
            number: i32::MAX,
            since: Some(DateTime::UNIX_EPOCH),
            closed: DateTime::UNIX_EPOCH + TimeDelta::days(22),
            due,
            entries: i64::MAX,
            total: i64::MIN,
            proposed: proposed.collect(),
        },
        seq: Some(Seq(i64::MAX)),
        by: None,
        reopened: false,
        podium: page_of(
            0,
            1,
            &names.iter().take(3).map(String::as_str).collect::<Vec<_>>(),
        )
        .rows,
        promoted: names.iter().map(moved).collect(),
        demoted: names.iter().map(moved).collect(),
        proposes: true,
        idle: names.to_vec(),
        next: Some(DateTime::UNIX_EPOCH),
    }
}

#[test]
fn lists_of_a_report_that_are_too_long_say_how_many_are_missing() {
    let names: Vec<_> = (0..99)
        .map(|number| format!("Numele {number:03}"))
        .collect();
    let mut report = report_of("Sergent", &names, None);
    report.demoted.clear();
    for (locale, more) in [(Locale::En, " and "), (Locale::Ro, " și încă ")] {
        let told = said(&period::report(&report, locale));
        let idle = told
            .lines()
            .find(|line| line.contains("(99):") && !line.contains('→'));
        let idle = idle.unwrap_or_else(|| panic!("{told}"));
        let (shown, rest) = idle.rsplit_once(more).unwrap();
        let rest: usize = rest.trim_end_matches(" more").parse().unwrap();
        assert_eq!(shown.matches("Numele").count() + rest, 99, "{idle}");
        assert!(!told.contains('…'), "{told}");
    }
}

#[test]
fn a_report_tells_all_that_there_is_to_a_period() {
    let names = ["Ana".to_owned(), "Ion_".to_owned()];
    let due = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let report = report_of("Sergent", &names, Some(due));
    let told = said(&period::report(&report, Locale::En));
    for part in [
        "Period 2147483647 of",
        "the schedule",
        "Closed 21 days late",
        "🥇 **Ana** — 10 points",
        "**Proposed for promotion (2):** Ana (Sergent → 2,147,483,647), Ion\\_ (",
        "**Proposed for demotion (2):**",
        "**Earned nothing (2):** Ana, Ion\\_",
        "Apply ranks",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let ro = said(&period::report(&report, Locale::Ro));
    assert!(ro.contains("întârziere de 21 de zile"), "{ro}");
    let undone = Report {
        reopened: true,
        ..report
    };
    let told = said(&period::report(&undone, Locale::En));
    assert!(
        !told.contains("[Apply") && told.contains("was undone"),
        "{told}"
    );
}

#[test]
fn a_report_beside_short_news_is_told_whole() {
    let names: Vec<String> = (0..20).map(|n| format!("Entry {n}")).collect();
    let report = Told::Period(Box::new(report_of("Sergent", &names, None)));
    let edit = |seq: i64| {
        let mut event = event(Action::PointsAdd, vec![points("1", "Ana", 0, 5, 5)]);
        event.seq = Seq(seq);
        Told::Edit(Box::new(receipt_of(event)))
    };
    let news = [edit(1), edit(2), edit(3), edit(4), report];
    let text = log::news(&news, GuildId::from_db(1), None, Locale::En).content;
    assert!(
        text.contains("Earned nothing (20)") && text.contains("#4"),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn reports_and_warnings_keep_to_the_limits(names in prop::collection::vec(name(), 1..=60), title in name()) {
        let report = report_of(&title, &names, Some(DateTime::UNIX_EPOCH));
        let below = page_of(0, 1, &names.iter().map(String::as_str).collect::<Vec<_>>()).rows;
        let warning = Warning { table: table_of(&title), due: DateTime::UNIX_EPOCH, below };
        for locale in Locale::ALL {
            check(&period::report(&report, locale));
            check(&period::preview(&report, device(), locale));
            let news = [
                Told::Period(Box::new(report.clone())),
                Told::Warning(Box::new(warning.clone())),
            ];
            check(&log::news(&news, GuildId::from_db(1), None, locale));
        }
    }

    #[test]
    fn receipts_keep_to_the_limits(names in prop::collection::vec(name(), 1..=50), reason in name()) {
        let mut changes = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let id = index.to_string();
            changes.push(entry(&id, name, "name").after(name.clone()));
            changes.push(points(&id, name, -LIMIT, LIMIT, LIMIT - 1));
            changes.push(entry(&id, name, "name").before(name.clone()).after(name.clone()).superseded());
        }
        let twice: Vec<_> =
            names.iter().map(|name| NameOrMember::Name(Name::parse(name).unwrap())).collect();
        for action in Action::ALL {
            let mut event = event(*action, changes.clone());
            event.reason = Some(reason.repeat(3));
            event.seq = Seq(i64::MAX);
            event.undoes = Some(Seq(i64::MAX));
            let found = Found {
                event: event.clone(),
                table: Some(format!("{reason}/{reason}")),
                platform: Some(reason.clone()),
                label: Some(reason.clone()),
                undone_by: Some(Seq(i64::MAX)),
                ranks: BTreeMap::from([(2, reason.clone())]),
            };
            for locale in Locale::ALL {
                check(&receipt::receipt(&receipt_of(event.clone()), &twice, locale));
                check(&audit::event(&found, &device(), locale));
                let page = SearchPage {
                    events: (1..=10).map(|seq| {
                        let mut found = found.clone();
                        found.event.seq = Seq(i64::MAX - seq);
                        found
                    }).collect(),
                    unreadable: Vec::new(),
                    older: Some(Seq(i64::MAX)),
                    newer: Some(Some(Seq(i64::MAX - 1))),
                    draft: DraftId(Uuid::max()),
                };
                check(&audit::list(&page, &device(), locale));
            }
        }
    }

    #[test]
    fn pages_keep_to_the_limits(
        names in prop::collection::vec(name(), 0..=20), title in name(), layout in 0..2_usize, past: bool,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut page = page_of(u32::MAX - 2, u32::MAX, &names);
        page.table = table_of(&title);
        page.table.category = Some(title.clone());
        page.table.name = title;
        page.total = i64::MAX;
        page.points = i64::MIN;
        page.as_of = past.then(|| AsOf {
            at: DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap(),
            ahead: true,
            since: Since::Moved(page.table.address()),
            replayed: 0,
        });
        for row in &mut page.rows {
            row.points = -LIMIT;
        }
        let shown = table::Shown { layout: Layout::ALL[layout], shared: true, device: Some(device()) };
        let reply = table::page(&page, &shown, Locale::Ro);
        check(&reply);
        if shown.layout == Layout::Phone {
            let block = reply.content.split("```").nth(1).unwrap_or_default();
            for line in block.lines() {
                prop_assert!(crate::render::width(line) <= 28, "{line}");
            }
        }
    }

    #[test]
    fn panels_keep_to_the_limits(
        names in prop::collection::vec(name(), 1..=50), takes: bool, searches: bool, noted in 0..5_usize,
    ) {
        let first = &names[0];
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut sitting = panel_of(&texts, names.len());
        let changes = names.iter().zip(1..).map(|(name, id): (_, i32)| {
            points(&id.to_string(), name, -LIMIT, LIMIT, LIMIT - 1)
        });
        let mut step = event(Action::EventUndo, changes.collect());
        step.seq = Seq(i64::MAX);
        step.undoes = Some(Seq(i64::MAX));
        step.reason = Some(first.repeat(3));
        let state = &mut sitting.shown;
        state.session = session_of(Some(first));
        state.table.category = Some(first.clone());
        state.table.name.clone_from(first);
        for who in state.picked.iter_mut().chain(&mut state.options) {
            who.points = -LIMIT;
        }
        state.takes = takes;
        if searches {
            state.search.clone_from(first);
        }
        (state.page, state.pages, state.fitting) = (u32::MAX - 1, u32::MAX, i64::MAX);
        state.gone.clone_from(&names);
        state.last = Some(step);
        state.last_undone_by = Some(Seq(i64::MAX));
        state.undoable = Some(Seq(i64::MAX - 1));
        (state.steps, state.total) = (i64::MAX, i64::MIN + 1);
        let total = |name: &String| PanelTotal { name: name.clone(), delta: -LIMIT };
        state.totals = names.iter().cycle().take(500).map(total).collect();
        sitting.note = [
            PanelNote::Nobody, PanelNote::Outdated, PanelNote::TooMany, PanelNote::Undone(Seq(i64::MAX)),
        ].get(noted).copied();
        for locale in Locale::ALL {
            let reply = panel::panel(&sitting, locale);
            check(&reply);
            // What comes last is not cut off by what stands before it.
            let sitting_is_told = said(&reply).contains("<t:0:R>");
            prop_assert!(sitting_is_told, "{}", said(&reply));
            let mark = Picked::new(vec![]).mark();
            for act in [PanelAct::Search, PanelAct::Other { takes, mark }] {
                let press = PanelPress { device: device(), table: TableId(Uuid::max()), act };
                check_form(&panel::form(&press, locale).unwrap());
            }
        }
        sitting.shown.options.clear();
        sitting.shown.fitting = 0;
        check(&panel::panel(&sitting, Locale::Ro));
    }

    #[test]
    fn the_other_views_keep_to_the_limits(names in prop::collection::vec(name(), 1..=50)) {
        let first = &names[0];
        let links: Vec<_> = names.iter().map(|name| link(name)).collect();
        let meant: Vec<_> = names.iter().zip(1..).map(|(name, number)| meant(name, number)).collect();
        let nil = Uuid::nil().to_string();
        let mut worst = event(Action::EntrySet, vec![
            entry(&nil, first, "name").before(first.clone()).after(first.clone()).superseded(); 9
        ]);
        worst.seq = Seq(i64::MAX);
        let cards = |names: &[String]| {
            let card = |name: &String| {
                let mut table = table_of(name);
                table.category = Some(name.clone());
                (card_of(name, -LIMIT), table)
            };
            profile_of(names.iter().take(25).map(card).collect(), vec![worst.clone(); 5])
        };
        let one = cards(&names[..1]);
        let mut all = cards(&names);
        all.total = i64::MAX;
        let created = vec![entry(&nil, first, "name").after(first.clone())];
        let mut created = receipt_of(event(Action::PointsAdd, created));
        created.event.seq = Seq(i64::MAX);
        let conflict = |name: &String| Conflict {
            kind: ConflictKind::Changed,
            name: name.clone(),
            field: name.clone(),
            extra: true,
            now: Value::from(name.as_str()),
            back: Value::from(name.as_str()),
            by: Some(ConflictEvent { seq: Seq(i64::MAX), actor: None, at: DateTime::UNIX_EPOCH }),
        };
        let unknown = |name: &String| UnknownName { name: name.clone(), near: vec![name.clone(); 3] };
        let choice = |(index, name): (usize, &String)| TableChoice {
            id: TableId(Uuid::from_u128(u128::try_from(index).unwrap())),
            address: format!("{name}/{name}"),
        };
        let choices: Vec<_> = names.iter().enumerate().map(choice).collect();
        let table = table_of(first);
        let tables: Vec<_> = names.iter().map(|name| {
            let mut table = table_of(name);
            table.name.clone_from(name);
            (table, i64::MAX)
        }).collect();
        let problem = Problem::WrongState {
            what: first.clone(),
            thing: Thing { table: Some(format!("{first}/{first}")), name: first.clone() },
            field: first.clone(),
        };
        let report = VerifyReport {
            events: i64::MAX, head_seq: Seq(i64::MAX), head_hash: "f".repeat(64), problem: Some(problem),
        };
        let sessions: Vec<_> = names.iter().map(|name| session_of(Some(name))).collect();
        // Menus want values of their own.
        let sessions_of = |(byte, name): (u8, &String)| {
            let mut session = session_of(Some(name));
            session.device_id = DeviceId::from_bytes([byte; 16]);
            session
        };
        let desk = SessionsPage {
            sessions: (0..).zip(&names).take(10).map(sessions_of).collect(),
            who: Some(UserId::from_db(i64::MAX)),
            page: u32::MAX - 2,
            pages: u32::MAX,
            total: i64::MAX,
            may_end: true,
        };
        let address = format!("{first}/{first}");
        let failures = [
            ServiceError::UnknownNames { table: address.clone(), names: names.iter().map(unknown).collect() },
            ServiceError::UnknownTable { table: address.clone(), near: vec![address.clone(); 3] },
            ServiceError::AmbiguousTable { table: first.clone(), tables: vec![address.clone(); 50] },
            ServiceError::NameTaken { name: first.clone(), table: address.clone() },
            ServiceError::UnknownRank { rank: first.repeat(60), table: address.clone() },
            ServiceError::UnknownSession { session: first.repeat(60) },
            ServiceError::AmbiguousSession {
                session: first.repeat(60), ids: vec!["abcdefgh".to_owned(); 50],
            },
            ServiceError::BelowFloor { value: i64::MIN, floor: i64::MAX },
            ServiceError::Forbidden { right: Right::AuditExport, at: None },
        ];
        let board = |name: &String| BoardState {
            table: format!("{name}/{name}"),
            channel: ChannelId::from_db(i64::MAX),
            problem: Some(name.repeat(10)),
            behind: None,
        };
        let scheduled = |name: &String| ScheduleState {
            table: format!("{name}/{name}"),
            next: None,
            overdue: Some(DateTime::UNIX_EPOCH),
            late: None,
            paused: false,
            channel: Some(ChannelId::from_db(i64::MAX)),
        };
        let ranked = |name: &String| RoleState {
            role: RoleId::from_db(i64::MAX),
            ranks: vec![(format!("{name}/{name}"), name.clone()); 60],
            problem: Some(UnfitRole::Refused(name.repeat(10))),
        };
        let state = GuildState {
            settings: Settings {
                log_channel: Some(ChannelId::from_db(i64::MAX)),
                ..Settings::default()
            },
            log_problem: Some(first.repeat(10)),
            boards: names.iter().map(board).collect(),
            schedules: names.iter().map(scheduled).collect(),
            roles: names.iter().map(ranked).collect(),
            roles_waiting: RolesWaiting { late: i64::MAX, given_up: i64::MAX, unlinked: i64::MAX },
            unseen: usize::MAX,
            notices: NoticeState { parked: i64::MAX, waiting: i64::MAX, oldest: Duration::MAX },
        };
        let diagnosis = Diagnosis {
            common: vec![Finding::failed("database.reachable", keys::DIAGNOSE_UNKEPT, keys::DIAGNOSE_MIGRATE)],
            guild: Some(state),
            reach: None,
            hidden: vec!["punctaj"],
            presence_refused: true,
        };
        for locale in Locale::ALL {
            check(&diagnose::report(&diagnosis, locale));
            let conflicts: Vec<_> = names.iter().map(conflict).collect();
            let preview = UndoPreview {
                event: event(Action::EventUndo, Vec::new()),
                table: Some(address.clone()),
                changes: names.iter().map(|name| points(name, name, -LIMIT, LIMIT, 0)).collect(),
                conflicts: conflicts.clone(),
                ranks: BTreeMap::new(),
                left: Some(RanksLeft { event: Seq(i64::MAX), names: names.clone() }),
            };
            check(&undo::preview(&preview, device(), Force::Ask, locale));
            check(&verify::progress(Progress { events: i64::MAX, of: i64::MAX }, locale));
            check(&undo::question(Seq(1), &conflicts, &BTreeMap::new(), device(), locale));
            check(&choose::table(&choices, device(), DraftId(Uuid::max()), locale));
            check(&lists::tables(&tables, locale));
            check(&lists::ranks(&table, locale));
            check(&verify::report(&report, locale));
            check(&session::list(&sessions, Attribution::Presence, Aside { missed: 7, parked: false }, locale));
            check(&session::used(&sessions[0], Some(Platform::Web), locale));
            check(&session::desk(&desk, &device(), locale));
            check(&offer::links(&address, &links, device(), DraftId(Uuid::max()), locale));
            check(&receipt::with_meant(&created, &[], &meant, locale));
            let asked = Asked::Member(Name::parse(first).ok());
            for found in [&one, &all, &profile_of(vec![], vec![])] {
                check(&profile::profile(found, &asked, locale));
                check(&profile::profile(found, &Asked::Own(None), locale));
            }
            let give = Form::Give { member: UserId::from_db(i64::MAX) };
            check_form(&form::give(&give, &Name::parse(first).unwrap(), locale));
            for failure in &failures {
                check(&form::again(errors::service(failure, locale), &typed(first), locale));
            }
            for step in SetupStep::ALL {
                for guild in [&setup_of(&names), &setup_of(&[])] {
                    let notes = vec![address.clone(); 4];
                    let wizard = setup::Wizard { setup: guild, step, suggested: Language::Ro, notes: &notes };
                    check(&setup::wizard(&wizard, locale));
                }
            }
            check(&setup::welcome(locale));
            check(&setup::welcome_owner(first, locale));
            let retyped = || Retyped::new(first);
            let language = Some(Language::Ro);
            let presses = templates::NAMES.map(|name| {
                [SetupPress::Template { name, language }, SetupPress::TemplateAgain { name, typed: retyped() }]
            });
            for press in presses.into_iter().flatten().chain([SetupPress::OtherZone { typed: retyped() }]) {
                check_form(&setup::form(&press, locale).unwrap());
                let refused = form::again(errors::told(&keys::ERROR_OPTION.into(), locale), &typed(first), locale);
                check(&refused.row(setup::again_row(press, locale)));
            }
            check(&help::help(None, &authority(true), true, locale));
            for failure in &failures {
                check(&errors::service(failure, locale));
            }
        }
    }
}
