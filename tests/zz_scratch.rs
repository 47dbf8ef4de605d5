#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use fake_discord::{Device, FakeDiscord, permissions::MANAGE_GUILD};
use punctaj::config::{Secret, Shards};
use punctaj::discord::bot::{self, BotOptions};
use punctaj::domain::session::SessionLimits;
use punctaj::service::{Services, entropy::Entropy};
use punctaj::store::{self, StoreOptions};

fn show(what: &str, reply: &fake_discord::Reply) {
    println!("=== {what} [{:?} eph={} def={}]\n{}\nbuttons={:?}", reply.kind(), reply.is_ephemeral(), reply.was_deferred(), reply.text(), reply.buttons());
}

#[tokio::test(flavor = "multi_thread")]
async fn story() {
    let _ = tracing_subscriber::fmt().with_env_filter("info,serenity=warn").try_init();
    let base = "postgres://postgres@127.0.0.1:5544";
    let name = format!("scratch_{}", std::process::id());
    let admin = sqlx::PgPool::connect(&format!("{base}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&admin).await.unwrap();
    let options = StoreOptions::new(&format!("{base}/{name}"), 5).unwrap();
    store::migrate(&options).await.unwrap();
    let pool = store::connect(&options);
    let services = Services::new(pool.clone(), Entropy::seeded(1), SessionLimits::default());
    let discord = FakeDiscord::start().await.unwrap();
    let guild = discord.guild("BlackWater");
    let boss = guild.member("boss").permissions(MANAGE_GUILD).join();
    let alice = guild.member("alice").locale("ro").join();
    let bob = guild.member("bob").join();
    let options = BotOptions { token: Secret::new(discord.token()), api_url: Some(discord.url().parse().unwrap()), ratelimit: false, shards: Shards::Auto };
    let (stop, rx) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(bot::run(options, services, rx));
    discord.ready().await;
    let pc = Device::desktop("PC");
    let b = boss.on(&pc);
    let a = alice.on(&pc);
    show("no tables", &a.slash("punctaj add", [("names", "Ana")]).await);
    show("create forbidden", &a.slash("punctaj-admin table create", [("table", "BlackWater/Politie")]).await);
    show("create", &b.slash("punctaj-admin table create", [("table", "BlackWater/Politie")]).await);
    let added = a.slash("punctaj add", [("names", "Ana, Ion, \"Pop, Dan\", ana"), ("points", "20"), ("reason", "pază")]).await;
    show("add ro", &added);
    show("remove", &b.slash("punctaj remove", [("names", "Ana"), ("points", "25")]).await);
    show("remove unknown", &b.slash("punctaj remove", [("names", "Anna, Zorro"), ("points", "2")]).await);
    show("negative", &a.slash("punctaj add", [("names", "Ana"), ("points", "-5")]).await);
    show("rank set", &b.slash("punctaj-admin rank set", [("table", "BlackWater/Politie"), ("rank", "2"), ("title", "Sergent"), ("promote_at", "100")]).await);
    show("rank list", &b.slash("punctaj-admin rank list", [("table", "politie")]).await);
    show("set rank", &b.slash("punctaj set", [("name", "Ion"), ("field", "grad"), ("value", "sergent")]).await);
    show("set points", &b.slash("punctaj set", [("name", "Ion"), ("field", "points"), ("value", "50")]).await);
    let undo = a.click(&added, "Desfă").await;
    show("undo asks", &undo);
    let confirmed = a.click(&undo, "Confirmă").await;
    show("confirmed", &confirmed);
    show("undo again", &a.click(&added, "Desfă").await);
    show("undo of undo", &a.click(&confirmed, "Desfă").await);
    show("view", &b.slash("punctaj view", [("layout", "wide")]).await);
    let names: Vec<String> = (0..45).map(|i| format!("Membru {i}")).collect();
    show("many", &b.slash("punctaj add", [("names", names.join(", ").as_str()), ("points", "3")]).await);
    let v = b.slash("punctaj view", [("share", "true"), ("layout", "phone")]).await;
    show("shared", &v);
    let n = bob.on(&pc).click(&v, "Next").await;
    show("next", &n);
    show("next2", &bob.on(&pc).click(&n, "Next").await);
    show("login", &a.slash("punctaj session login", [("device", "Telefon")]).await);
    show("list", &a.slash("punctaj session list", []).await);
    show("logout others", &a.slash("punctaj session logout", [("session", "all-others")]).await);
    show("use none", &a.slash("punctaj session use", []).await);
    show("help", &a.slash("punctaj help", []).await);
    show("help boss", &b.slash("punctaj help", [("topic", "audit")]).await);
    let s = b.slash("punctaj-audit search", []).await;
    show("search", &s);
    let s2 = b.click(&s, "Next").await;
    show("search2", &s2);
    show("search back", &b.click(&s2, "Back").await);
    show("search filter", &b.slash("punctaj-audit search", [("who", alice.mention().as_str()), ("action", "points.add"), ("name", "ana")]).await);
    show("show", &b.slash("punctaj-audit show", [("event", "4")]).await);
    show("selected", &b.select(&s, "Open an event", ["5"]).await);
    let e = b.slash("punctaj-audit export", [("format", "jsonl")]).await;
    show("export", &e);
    println!("{:?}", e.raw()["attachments"]);
    show("export csv", &b.slash("punctaj-admin data export", [("table", "Politie")]).await);
    show("verify", &b.slash("punctaj-audit verify", []).await);
    show("create2", &b.slash("punctaj-admin table create", [("table", "Clasa")]).await);
    show("table list", &b.slash("punctaj-admin table list", []).await);
    let c = bob.on(&pc);
    for (cmd, opts, foc) in [
        ("punctaj add", vec![("names", "Ana, memb"), ("table", "BlackWater/Politie")], "names"),
        ("punctaj set", vec![("field", "p")], "field"),
        ("punctaj view", vec![("table", "pol")], "table"),
        ("punctaj undo", vec![("event", "")], "event"),
        ("punctaj session logout", vec![("session", "")], "session"),
        ("punctaj-audit search", vec![("action", "poi")], "action"),
        ("punctaj-admin rank set", vec![("table", "BlackWater/Politie"), ("rank", "")], "rank"),
    ] {
        let ch = a.autocomplete(cmd, opts, foc).await;
        println!("{cmd} {foc}: {ch:?}");
    }
    let dave = guild.member("dave").join();
    let d = dave.on(&pc);
    let choose = d.slash("punctaj add", [("names", "Nou"), ("points", "2")]).await;
    show("choose", &choose);
    let opts: Vec<_> = choose.raw()["components"][0]["components"][0]["options"].as_array().unwrap().iter().map(|o| o["value"].as_str().unwrap().to_owned()).collect();
    show("chosen", &d.select(&choose, "Choose a table", [opts[0].as_str()]).await);
    let _ = c;
    show("delete forbidden", &d.slash("punctaj delete", [("names", "Nou")]).await);
    show("bad names", &d.slash("punctaj add", [("names", "\"abc, def")]).await);
    show("export menu", &b.slash("punctaj-admin data export", []).await);
    println!("refusals {:#?}", discord.refusals());
    println!("violations {:#?} unknown {:#?}", discord.violations(), discord.unknown_routes());
    stop.send(true).unwrap();
    println!("{:?}", running.await.unwrap());
    pool.close().await;
    sqlx::query(sqlx::AssertSqlSafe(format!("drop database {name}"))).execute(&admin).await.unwrap();
}
