//! Commands on a table, as plain data: where no table is named and none is implied, the command
//! waits as a draft until one is chosen in a menu.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{add, admin_data, delete, panel, profile, remove, set, view};
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::people;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::event::Action;
use crate::domain::ids::{DeviceId, DraftId, TableId};
use crate::domain::name::TableAddress;
use crate::i18n::Locale;
use crate::service::{Request, ServiceError};

/// A command on a table, with its options as they were typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Order {
    /// `/punctaj add`.
    Add(add::Add),
    /// `/punctaj remove`.
    Remove(remove::Remove),
    /// `/punctaj set`.
    Set(set::Set),
    /// `/punctaj delete`.
    Delete(delete::Delete),
    /// `/punctaj profile`.
    Profile(profile::Profile),
    /// `/punctaj panel`.
    Panel(panel::Panel),
    /// `/punctaj view`.
    View(view::View),
    /// `/punctaj-admin data export`.
    Export(admin_data::Export),
}

/// The table that a command is to work on.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// By address; the session's last table, or the only one, without.
    pub(super) address: Option<TableAddress>,
    /// By id, before the address: one that was chosen in a menu.
    pub(super) id: Option<TableId>,
}

impl Order {
    /// What it attempts.
    pub(super) const fn action(&self) -> Action {
        match self {
            Self::Add(_) => Action::PointsAdd,
            Self::Remove(_) => Action::PointsRemove,
            Self::Set(_) => Action::EntrySet,
            Self::Delete(_) => Action::EntryDelete,
            Self::View(_) | Self::Profile(_) | Self::Panel(_) => Action::TableView,
            Self::Export(_) => Action::DataExport,
        }
    }

    /// What is wrong with it, whatever is in the database.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Add(order) => order.read(Place::default()).map(drop),
            Self::Remove(order) => order.read(Place::default()).map(drop),
            Self::Set(order) => order.read(Place::default()).map(drop),
            Self::Delete(order) => order.read(Place::default()).map(drop),
            Self::View(_) | Self::Profile(_) | Self::Panel(_) | Self::Export(_) => Ok(()),
        }
    }

    /// What it is, for the one who has to wait for it.
    pub(super) fn told(&self, locale: Locale) -> String {
        let place = Place::default;
        let told = match self {
            Self::Add(order) => order.read(place()).map(|(award, _)| match &order.work {
                Some(work) => views::queued::worked(work, &award.names, locale),
                None => views::queued::added(award.points, &award.names, locale),
            }),
            Self::Remove(order) => order
                .read(place())
                .map(|(award, _)| views::queued::removed(award.points, &award.names, locale)),
            Self::Set(order) => order
                .read(place())
                .map(|set| views::queued::set(&set.who, order.typed(), locale)),
            Self::Delete(order) => order
                .read(place())
                .map(|(order, _)| views::queued::deleted(&order.names, locale)),
            Self::View(_) | Self::Profile(_) | Self::Panel(_) | Self::Export(_) => {
                Ok(String::new())
            }
        };
        told.unwrap_or_default()
    }

    async fn run(&self, call: &Call, request: &Request, place: Place) -> Result<Reply, Failure> {
        let done = match self {
            Self::Add(order) => order.run(call, request, place).await,
            Self::Remove(order) => order.run(call, request, place).await,
            Self::Set(order) => order.run(call, request, place).await,
            Self::Delete(order) => order.run(call, request, place).await,
            Self::Profile(order) => order.run(call, request, place).await,
            Self::Panel(order) => order.run(call, request, place).await,
            Self::View(order) => order.run(call, request, place).await,
            Self::Export(order) => order.run(call, request, place).await,
        };
        match done {
            Err(Failure::Service(ServiceError::MemberUnlinked {
                member,
                table_id,
                table,
                ..
            })) => {
                let name = people::called(call, request.guild, member).await?;
                let near = call.services.near_names(request, table_id, &name).await?;
                Err(Failure::Service(ServiceError::MemberUnlinked {
                    member,
                    table_id,
                    table,
                    near,
                }))
            }
            done => done,
        }
    }
}

/// Runs a command on the table that was named, or asks which one is meant.
pub(super) async fn ordered(
    ctx: Ctx<'_>,
    manner: Manner,
    order: Order,
    table: Option<String>,
) -> CommandResult {
    let work =
        |call| Box::pin(async move { run_or_ask(&call, &order, table.as_deref(), None).await });
    super::answered(ctx, manner, work).await
}

/// Runs a command on the table that was named, else on the `last` one that its person used, where that
/// is known; or asks which one is meant: in the caller's own task.
pub(super) async fn run_or_ask(
    call: &Arc<Call>,
    order: &Order,
    table: Option<&str>,
    last: Option<TableId>,
) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let place = Place {
        address: super::read::optional_table(table)?,
        id: last,
    };
    match order.run(call, &request, place).await {
        Err(Failure::Service(ServiceError::ChooseTable { tables })) => {
            let (session, _) = call.services.session(&request).await?;
            let draft = call.services.keep_draft(&request, order).await?;
            Ok(views::choose::table(
                &tables,
                session.device_id,
                draft,
                call.locale,
            ))
        }
        done => done,
    }
}

/// Runs a command that waited, on the table that was chosen. The click is the operation.
///
/// # Errors
/// As the command; or it was forgotten.
pub async fn chosen(
    call: Arc<Call>,
    device: Option<DeviceId>,
    draft: DraftId,
    value: Option<String>,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let table = value.as_deref().and_then(TableId::from_short);
    let table = table.ok_or_else(|| Failure::Internal("a menu without a table".to_owned()))?;
    let order: Order = call.services.draft(&request, draft).await?;
    call.attempts(order.action());
    let reply = order
        .run(
            &call,
            &request,
            Place {
                address: None,
                id: Some(table),
            },
        )
        .await?;
    Ok(match reply.manner {
        // A file or a public view can't take the place of the menu, which only its person sees.
        Manner::Own if reply.file.is_none() => reply.going(Manner::Update),
        _ => reply,
    })
}
