//! Undo of structure where more has happened since: what goes takes along what can't be without it,
//! and nothing that is gone comes back by the way.

use fake_discord::{Device, Member, Reply};

use crate::support::app::{TestApp, assert_hides, assert_says, view};

fn pc() -> Device {
    Device::desktop("PC Birou")
}

const TABLE: (&str, &str) = ("table", "T");

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&pc()).slash(command, options).await
}

/// Presses Undo under an edit, and agrees to it.
async fn force(who: &Member, edit: &Reply) -> Reply {
    let asked = who.on(&pc()).click(edit, "Undo").await;
    who.on(&pc()).click(&asked, "Confirm").await
}

async fn set<'a>(who: &Member, field: &'a str, value: &'a str) -> Reply {
    let options = [("name", "Ion"), ("field", field), ("value", value)];
    slash(who, "punctaj set", options).await
}

#[tokio::test]
async fn who_holds_a_rank_that_goes_loses_it_and_gets_it_back_with_the_rank() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    slash(&ana, "punctaj-admin table create", [TABLE]).await;
    let rank = [TABLE, ("rank", "2"), ("title", "Sergent")];
    let created = slash(&ana, "punctaj-admin rank set", rank).await;
    slash(&ana, "punctaj add", [("names", "Ion")]).await;
    let given = set(&ana, "rank", "2").await;
    let asked = ana.on(&pc()).click(&created, "Undo").await;
    assert_says(&asked, &["holds the rank Sergent"]);
    let gone = ana.on(&pc()).click(&asked, "Confirm").await;
    assert_says(&gone, &["**Ion**", "rank"]);
    // The same number again is another rank, and nobody holds it.
    let rank = [TABLE, ("rank", "2"), ("title", "Major")];
    let another = slash(&ana, "punctaj-admin rank set", rank).await;
    assert_hides(&view(&ana, &pc()).await, &["Major"]);
    ana.on(&pc()).click(&another, "Undo").await;
    let back = ana.on(&pc()).click(&gone, "Undo").await;
    assert_says(&back, &["Undid event"]);
    assert_says(&view(&ana, &pc()).await, &["Sergent"]);

    // An entry that was deleted meanwhile comes back without it, after a question.
    let deleted = slash(&ana, "punctaj delete", [("names", "Ion")]).await;
    let removed = slash(&ana, "punctaj-admin rank remove", [TABLE, ("rank", "2")]).await;
    assert_hides(&removed, &["Ion"]);
    let asked = ana.on(&pc()).click(&deleted, "Undo").await;
    assert_says(&asked, &["**Ion** had the rank 2, which no longer exists"]);
    ana.on(&pc()).click(&asked, "Confirm").await;
    let rank = [TABLE, ("rank", "2"), ("title", "Major")];
    slash(&ana, "punctaj-admin rank set", rank).await;
    assert_hides(&view(&ana, &pc()).await, &["Major"]);
    force(&ana, &given).await;
    app.finish().await;
}

#[tokio::test]
async fn a_table_leaves_sight_and_comes_back_with_all_that_is_in_it() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let template = [TABLE, ("template", "police")];
    let created = slash(&ana, "punctaj-admin table create", template).await;
    slash(&ana, "punctaj add", [("names", "Ion")]).await;
    let renamed = slash(&ana, "punctaj-admin table edit", [TABLE, ("name", "U")]).await;
    let edit = [("table", "U"), ("name", "T")];
    slash(&ana, "punctaj-admin table edit", edit).await;
    set(&ana, "rank", "Sergeant").await;
    set(&ana, "Badge", "A-12").await;
    force(&ana, &created).await;
    assert_says(&view(&ana, &pc()).await, &["no table"]);
    // A rename of what is deleted can't be undone, and does not bring it back.
    let refused = ana.on(&pc()).click(&renamed, "Undo").await;
    assert_says(&refused, &["Nothing was changed"]);
    assert_says(&view(&ana, &pc()).await, &["no table"]);
    slash(&ana, "punctaj-admin table restore", [TABLE]).await;
    let shown = view(&ana, &pc()).await;
    assert_says(&shown, &["Ion", "Sergeant", "A-12", "Badge"]);
    app.finish().await;
}

#[tokio::test]
async fn an_extra_field_that_is_gone_does_not_come_back_by_the_undo_of_a_rename() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    slash(&ana, "punctaj-admin table create", [TABLE]).await;
    slash(&ana, "punctaj-admin field add", [TABLE, ("field", "Badge")]).await;
    let rename = [TABLE, ("field", "Badge"), ("name", "Shield")];
    let renamed = slash(&ana, "punctaj-admin field edit", rename).await;
    let remove = [TABLE, ("field", "Shield")];
    let removed = slash(&ana, "punctaj-admin field remove", remove).await;
    force(&ana, &renamed).await;
    let unknown = slash(
        &ana,
        "punctaj-admin field remove",
        [TABLE, ("field", "Badge")],
    )
    .await;
    assert_says(&unknown, &["Nothing was changed"]);
    // Twenty others are there now: it is one too many.
    for number in 1..=20 {
        let name = format!("Field {number}");
        let add = [TABLE, ("field", &*name)];
        slash(&ana, "punctaj-admin field add", add).await;
    }
    let refused = ana.on(&pc()).click(&removed, "Undo").await;
    assert_says(&refused, &["20", "Nothing was changed"]);
    app.finish().await;
}

#[tokio::test]
async fn walking_backwards_passes_by_what_one_does_not_see_any_more() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.member("bob"));
    let who = bob.mention();
    for table in ["Open", "Secret"] {
        slash(&ana, "punctaj-admin table create", [("table", table)]).await;
        let grant = [("who", &*who), ("right", "scorer"), ("scope", table)];
        slash(&ana, "punctaj-admin access grant", grant).await;
    }
    for table in ["Open", "Secret"] {
        let add = [("table", table), ("names", "Ion"), ("points", "5")];
        slash(&bob, "punctaj add", add).await;
    }
    let hide = [("table", "Secret"), ("private", "true")];
    slash(&ana, "punctaj-admin table edit", hide).await;
    let revoke = [("who", &*who), ("right", "scorer"), ("scope", "Secret")];
    slash(&ana, "punctaj-admin access revoke", revoke).await;
    let undone = slash(&bob, "punctaj undo", []).await;
    assert_says(&undone, &["Open", "Ion"]);
    let undone = slash(&bob, "punctaj undo", []).await;
    assert_hides(&undone, &["Secret"]);
    assert_says(&undone, &["no change here"]);
    app.finish().await;
}

#[tokio::test]
async fn a_table_does_not_come_back_under_an_address_that_another_one_has() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let create = || slash(&ana, "punctaj-admin table create", [("table", "Clan")]);
    create().await;
    let deleted = slash(&ana, "punctaj-admin table delete", [("table", "Clan")]).await;
    create().await;
    let numbered = |reply: &Reply| {
        let text = reply.text();
        let after = text.split('#').nth(1).unwrap();
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        number
    };
    let renamed = [("table", "Clan"), ("name", "Club")];
    let renamed = slash(&ana, "punctaj-admin table edit", renamed).await;
    create().await;
    for (undone, whose) in [(&deleted, "deletion"), (&renamed, "rename")] {
        let event = numbered(undone);
        let event = [("event", &*event)];
        for command in ["punctaj-audit undo", "punctaj undo"] {
            let refused = slash(&ana, command, event).await;
            assert_says(&refused, &["There is a table Clan already"]);
            assert!(!refused.has_button("Confirm"), "{whose}");
        }
    }
    app.finish().await;
}
