//! The stories of the mission: several devices, several people, the same tables.

use fake_discord::Device;

use crate::support::app::{TestApp, assert_hides, assert_says, view};

#[tokio::test]
async fn two_devices_see_each_others_entries() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC Birou"));
    alice
        .on(&pc)
        .slash(
            "punctaj-admin table create",
            [("table", "BlackWater/Politie")],
        )
        .await;

    let first = alice
        .on(&phone)
        .slash("punctaj add", [("names", "Test Data 1"), ("points", "5")])
        .await;
    assert_says(&first, &["Test Data 1", "0 → 5"]);
    assert!(first.is_ephemeral());
    let second = alice
        .on(&pc)
        .slash("punctaj add", [("names", "Test Data 2"), ("points", "3")])
        .await;
    assert_says(&second, &["Test Data 2", "0 → 3"]);

    for device in [&phone, &pc] {
        assert_says(&view(&alice, device).await, &["Test Data 1", "Test Data 2"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn three_devices_all_see_a_b_c() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.moderator("alice"), app.moderator("bob"));
    let (phone, pc, tablet) = (
        Device::phone("Telefon"),
        Device::desktop("PC"),
        Device::phone("Tabletă"),
    );
    alice
        .on(&pc)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let additions = [
        (&alice, &phone, "A"),
        (&alice, &pc, "B"),
        (&bob, &tablet, "C"),
    ];
    let pending: Vec<_> = additions
        .iter()
        .map(|(who, device, name)| {
            who.on(device)
                .slash_start("punctaj add", [("names", *name), ("points", "1")])
        })
        .collect();
    for answer in pending {
        assert_says(&answer.answer().await, &["0 → 1"]);
    }
    for (who, device, _) in additions {
        let seen = view(who, device).await;
        assert_says(&seen, &["A", "B", "C", "3"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn four_devices_log_in_at_once_with_distinct_ids() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    let devices = [
        Device::phone("Telefon"),
        Device::desktop("PC Birou"),
        Device::desktop("Laptop"),
        Device::web("Browser"),
    ];
    let pending: Vec<_> = devices
        .iter()
        .map(|device| {
            alice
                .on(device)
                .slash_start("punctaj session login", [("device", device.label())])
        })
        .collect();
    for (answer, device) in pending.into_iter().zip(&devices) {
        assert_says(&answer.answer().await, &[device.label()]);
    }
    let pool = app.db.superuser().await;
    let sessions: Vec<(String, Option<String>)> = sqlx::query_as(
        "select device_id, label from punctaj.sessions where ended_at is null order by label",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let labels: Vec<_> = sessions
        .iter()
        .filter_map(|(_, label)| label.as_deref())
        .collect();
    assert_eq!(labels, ["Browser", "Laptop", "PC Birou", "Telefon"]);
    let mut ids: Vec<_> = sessions.iter().map(|(id, _)| id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| id.len() == 22), "{ids:?}");
    let list = alice
        .on(&devices[0])
        .slash("punctaj session list", [])
        .await;
    assert_says(&list, &["Browser", "Laptop", "PC Birou", "Telefon"]);
    app.finish().await;
}

#[tokio::test]
async fn add_edit_read_table_across_devices() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.moderator("alice"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    alice
        .on(&pc)
        .slash("punctaj-admin table create", [("table", "Poliție")])
        .await;
    alice
        .on(&phone)
        .slash("punctaj add", [("names", "Ana, Ion"), ("points", "5")])
        .await;
    let both = bob
        .on(&pc)
        .slash("punctaj add", [("names", "ana"), ("points", "3")])
        .await;
    assert_says(&both, &["Ana", "5 → 8"]);
    let set = bob
        .on(&pc)
        .slash(
            "punctaj set",
            [("name", "Ion"), ("field", "name"), ("value", "Ion Pop")],
        )
        .await;
    assert_says(&set, &["Ion Pop"]);
    let removed = alice
        .on(&phone)
        .slash("punctaj remove", [("names", "Ion Pop"), ("points", "7")])
        .await;
    assert_says(&removed, &["5 → 0"]);
    for (who, device) in [(&alice, &phone), (&bob, &pc)] {
        let seen = view(who, device).await;
        assert_says(&seen, &["Ana", "8", "Ion Pop", "0"]);
    }
    let back = alice.on(&phone).click(&removed, "Undo").await;
    assert_says(&back, &["0 → 5"]);
    assert_says(&view(&bob, &pc).await, &["5"]);
    app.finish().await;
}

#[tokio::test]
async fn one_person_with_office_pc_laptop_and_phone() {
    let app = TestApp::start().await;
    let (dana, bob) = (app.moderator("dana"), app.moderator("bob"));
    let (office, laptop, phone) = (
        Device::desktop("PC Birou"),
        Device::desktop("Laptop"),
        Device::phone("Telefon"),
    );
    let tablet = Device::phone("Tabletă");
    dana.on(&office)
        .slash(
            "punctaj-admin table create",
            [("table", "BlackWater/Politie")],
        )
        .await;

    // Three logins of one account, three sessions.
    for device in [&office, &laptop, &phone] {
        dana.on(device)
            .slash("punctaj session login", [("device", device.label())])
            .await;
    }
    let award = |device, names| {
        dana.on(device)
            .slash_start("punctaj add", [("names", names), ("points", "5")])
    };
    let pending = [
        award(&office, "Ana, Ion"),
        award(&laptop, "Ana, Maria"),
        award(&phone, "Ana"),
        bob.on(&tablet)
            .slash_start("punctaj add", [("names", "Ana"), ("points", "3")]),
    ];
    for answer in pending {
        assert!(answer.answer().await.has_button("Undo"));
    }
    for (who, device) in [
        (&dana, &office),
        (&dana, &laptop),
        (&dana, &phone),
        (&bob, &tablet),
    ] {
        assert_says(
            &view(who, device).await,
            &["Ana", "18", "Ion", "5", "Maria"],
        );
    }

    // Leaving the office: that session ends, the others go on.
    dana.on(&phone)
        .slash("punctaj session use", [("session", "PC Birou")])
        .await;
    dana.on(&office).slash("punctaj session logout", []).await;
    let left = dana.on(&phone).slash("punctaj session list", []).await;
    assert_says(&left, &["Laptop", "Telefon"]);
    assert_hides(&left, &["PC Birou"]);
    app.finish().await;
}
