//! Edits of entries as plain data: done at once, or kept until the database is back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::order::{Order, run_or_ask};
use super::{answered, panel, read, undo};
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::queue;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::event::{Action, Via};
use crate::domain::ids::{DeviceId, Seq, TableId};
use crate::domain::name::TableAddress;
use crate::domain::panel::Mark;
use crate::i18n::Locale;
use crate::service::Request;
use crate::service::panel::PanelAward;

/// An edit, with all that is needed to do it later.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "lowercase")]
pub enum Edit {
    /// A command on a table.
    Order {
        /// Which, with its options.
        #[serde(flatten)]
        order: Order,
        /// The table's address, as it was typed.
        table: Option<String>,
        /// The table that the caller used last, where none was typed and this is known.
        last_table: Option<TableId>,
    },
    /// Undoing an event of the caller's own.
    Undo {
        /// The session that the click carried.
        device: Option<DeviceId>,
        /// Which; the last one without.
        event: Option<Seq>,
        /// The changes that were shown beside the Confirm button.
        shown: Option<Mark>,
    },
    /// Points from a panel.
    Award {
        /// The panel's session.
        device: DeviceId,
        /// Its table.
        table: TableId,
        /// For whom, and how many.
        award: PanelAward,
    },
    /// Undoing a step of a panel.
    Step {
        /// The panel's session.
        device: DeviceId,
        /// Its table.
        table: TableId,
        /// Which.
        event: Seq,
    },
}

/// Does a command on a table, or keeps it.
pub(super) async fn edited(ctx: Ctx<'_>, order: Order, table: Option<String>) -> CommandResult {
    let edit = Edit::order(order, table);
    let work = |call| Box::pin(queue::done_or_kept(call, edit));
    answered(ctx, Manner::Own, work).await
}

impl Edit {
    /// A command on a table, which may be named.
    pub(super) const fn order(order: Order, table: Option<String>) -> Self {
        Self::Order {
            order,
            table,
            last_table: None,
        }
    }

    /// What it attempts.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Order { order, .. } => order.action(),
            Self::Undo { .. } | Self::Step { .. } => Action::EventUndo,
            Self::Award { award, .. } if award.points < 0 => Action::PointsRemove,
            Self::Award { .. } => Action::PointsAdd,
        }
    }

    /// The session that it carries.
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Order { .. } => None,
            Self::Undo { device, .. } => device.as_ref(),
            Self::Award { device, .. } | Self::Step { device, .. } => Some(device),
        }
    }

    /// The table that it names.
    #[must_use]
    pub fn address(&self) -> Option<TableAddress> {
        match self {
            Self::Order { table, .. } => TableAddress::parse(table.as_deref()?).ok(),
            _ => None,
        }
    }

    /// The table that it is for, where that is known by its id.
    #[must_use]
    pub const fn table_id(&self) -> Option<TableId> {
        match self {
            Self::Order { last_table, .. } => *last_table,
            Self::Undo { .. } => None,
            Self::Award { table, .. } | Self::Step { table, .. } => Some(*table),
        }
    }

    /// Whether its answer takes the place of the message that was clicked.
    #[must_use]
    pub const fn updates(&self) -> bool {
        match self {
            Self::Order { .. } | Self::Undo { shown: None, .. } => false,
            Self::Undo { shown: Some(_), .. } | Self::Award { .. } | Self::Step { .. } => true,
        }
    }

    /// What is wrong with it, whatever is in the database.
    ///
    /// # Errors
    /// What the caller gave can't be used.
    pub fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Order { order, table, .. } => {
                read::optional_table(table.as_deref())?;
                order.check()
            }
            _ => Ok(()),
        }
    }

    /// For this table, where none was typed.
    #[must_use]
    pub fn in_table(self, address: Option<String>, id: Option<TableId>) -> Self {
        match self {
            Self::Order {
                order, table: None, ..
            } => Self::Order {
                order,
                table: address,
                last_table: id,
            },
            edit => edit,
        }
    }

    /// With what only this moment knows: the table that the caller used last, who is picked.
    #[must_use]
    pub fn pinned(self, call: &Call, request: &Request) -> Self {
        match self {
            Self::Order {
                order,
                table: None,
                last_table: None,
            } => {
                let session = call.services.seen_session(request);
                Self::Order {
                    order,
                    table: None,
                    last_table: session.and_then(|session| session.last_table),
                }
            }
            Self::Award {
                device,
                table,
                award,
            } => {
                let award = call.services.with_picked(&device, table, award);
                Self::Award {
                    device,
                    table,
                    award,
                }
            }
            edit => edit,
        }
    }

    /// Does it, and shows what it came to.
    ///
    /// # Errors
    /// It is refused.
    pub async fn run(&self, call: &Arc<Call>) -> Result<Reply, Failure> {
        let request = call.request(self.device().cloned())?;
        // What had waited may have been done before; what has changed since is no reason to refuse it.
        if request.via == Via::Journal
            && let Some(receipt) = call.services.done_before(&request).await?
        {
            return Ok(views::receipt::receipt(&receipt, &[], call.locale));
        }
        match self {
            Self::Order {
                order,
                table,
                last_table,
            } => run_or_ask(call, order, table.as_deref(), *last_table).await,
            Self::Undo { event, shown, .. } => {
                undo::run(call, &request, *event, shown.as_ref()).await
            }
            Self::Award { table, award, .. } => {
                panel::award(call, &request, *table, award.clone()).await
            }
            Self::Step {
                device,
                table,
                event,
            } => panel::undo_step(call, &request, device, *table, *event).await,
        }
    }

    /// What it is, for the one who has to wait for it.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match self {
            Self::Order { order, .. } => order.told(locale),
            Self::Undo { event, .. } => views::queued::undo(*event, locale),
            Self::Award { award, .. } => views::queued::picked(award.points, locale),
            Self::Step { event, .. } => views::queued::undo(Some(*event), locale),
        }
    }
}
