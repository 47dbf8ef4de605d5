//! Rights: each operation with each code, scopes, who may grant what, and the commands.

mod commands;
mod enumerated;
mod granting;
mod ranked;
mod scopes;
mod told;
mod undoing;

use punctaj::domain::access::{Granted, Grantee, Standing};
use punctaj::domain::ids::{GuildId, RoleId, UserId};
use punctaj::domain::name::TableAddress;
use punctaj::service::access::GrantOrder;
use punctaj::service::{Receipt, Request, ServiceError, Services};

use crate::support::db::Interactions;

const GUILD: i64 = 100;

/// Holds *Manage Server*.
const OWNER: i64 = 1;

fn table(text: &str) -> TableAddress {
    TableAddress::parse(text).unwrap()
}

fn member(user: i64) -> Grantee {
    Grantee::Member(UserId::from_db(user))
}

fn role(role: i64) -> Grantee {
    Grantee::Role(RoleId::from_db(role))
}

fn order(who: Grantee, granted: &str, scope: Option<&str>) -> GrantOrder {
    GrantOrder {
        who,
        granted: Granted::parse(granted).unwrap(),
        scope: scope.map(str::to_owned),
    }
}

/// A person without *Manage Server*, who has these roles.
fn plain(now: &Interactions, user: i64, roles: &[i64]) -> Request {
    Request {
        standing: Standing {
            manage_server: false,
            roles: roles.iter().copied().map(RoleId::from_db).collect(),
        },
        ..now.by(GUILD, user)
    }
}

/// The owner grants it.
async fn granted(
    services: &Services,
    now: &Interactions,
    who: Grantee,
    code: &str,
    scope: Option<&str>,
) -> Receipt {
    let request = now.by(GUILD, OWNER);
    services
        .grant(&request, &order(who, code, scope))
        .await
        .unwrap()
}

fn guild() -> GuildId {
    GuildId::from_db(GUILD)
}

/// Which right was missing.
fn missing<T: std::fmt::Debug>(done: Result<T, ServiceError>) -> &'static str {
    match done {
        Err(ServiceError::Forbidden { right, .. } | ServiceError::NotHeld { right }) => {
            right.code()
        }
        other => unreachable!("{other:?}"),
    }
}
