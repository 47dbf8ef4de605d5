//! `/punctaj panel`, and what is pressed on it and typed into its forms.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::admin_access::Who;
use super::edit::Edit;
use super::order::{Order, Place, ordered};
use super::read;
use crate::discord::answer;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::custom_id::{PanelAct, PanelPress};
use crate::discord::errors::{self, Failure};
use crate::discord::queue;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::discord::views::form::{self, Typed};
use crate::domain::event::Via;
use crate::domain::ids::{DeviceId, EntryId, Seq, TableId};
use crate::domain::panel::Mark;
use crate::i18n::Locale;
use crate::service::panel::{Given, PanelAward, PanelTurn, Pressed};
use crate::service::view::ViewOrder;
use crate::service::{Request, ServiceError};

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Panel {}

/// What was chosen in a menu, and from what.
#[derive(Debug, Clone, Default)]
pub struct Menu {
    /// The values that the menu showed.
    pub offered: Vec<String>,
    /// Those that were chosen.
    pub chosen: Vec<String>,
    /// The role or member that was chosen.
    pub who: Option<Who>,
}

/// Opens a panel for a sitting, or goes on with it.
#[poise::command(slash_command, guild_only)]
pub(super) async fn panel(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: Option<String>,
) -> CommandResult {
    ordered(ctx, Manner::Own, Order::Panel(Panel {}), table).await
}

impl Panel {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let order = ViewOrder {
            table: place.address,
            table_id: place.id,
            ..ViewOrder::default()
        };
        let panel = call.services.open_panel(request, &order).await?;
        Ok(views::panel::panel(&panel, call.locale))
    }
}

/// Does what was pressed on a panel, and shows it anew in its place.
///
/// # Errors
/// Its session has ended, it is somebody else's, its table is gone, or no right.
pub async fn press_panel(call: Arc<Call>, press: PanelPress, menu: Menu) -> Result<Reply, Failure> {
    let PanelPress { device, table, act } = press;
    let turn = match act {
        PanelAct::Pick { .. } => PanelTurn::Pick {
            offered: entries(&menu.offered),
            chosen: entries(&menu.chosen),
        },
        PanelAct::Page(page) => PanelTurn::Page(page),
        PanelAct::All => PanelTurn::Search(String::new()),
        PanelAct::Clear => PanelTurn::Clear,
        PanelAct::Direction { takes } => PanelTurn::Direction { takes },
        PanelAct::Points { points, mark } => {
            let award = PanelAward {
                points,
                mark,
                reason: None,
                picked: None,
                activity: None,
            };
            return give(call, device, table, award).await;
        }
        PanelAct::Activity {
            number,
            points,
            mark,
        } => {
            let award = PanelAward {
                points,
                mark,
                reason: None,
                picked: None,
                activity: Some(number),
            };
            return give(call, device, table, award).await;
        }
        PanelAct::Undo(event) => {
            let undo = Edit::Step {
                device,
                table,
                event,
            };
            return queue::done_or_kept(call, undo).await;
        }
        PanelAct::Search | PanelAct::Other { .. } => {
            let why = "a form was to be opened before anything else";
            return Err(Failure::Internal(why.to_owned()));
        }
    };
    turned(&call, device, table, turn).await
}

/// Shows those on a panel in whose names this is.
///
/// # Errors
/// As a press.
pub async fn search_panel(
    call: Arc<Call>,
    device: DeviceId,
    table: TableId,
    typed: &str,
) -> Result<Reply, Failure> {
    let turn = PanelTurn::Search(read::search(typed));
    turned(&call, device, table, turn).await
}

/// Gives those who are picked on a panel what was typed into its form. Where that fails, what was
/// typed is shown again: the form is gone by then.
///
/// # Errors
/// None of its own.
pub async fn award_panel(
    call: Arc<Call>,
    (device, table): (DeviceId, TableId),
    (takes, mark): (bool, Mark),
    typed: Typed,
) -> Result<Reply, Failure> {
    let award = || -> Result<PanelAward, Failure> {
        let points = read::amount(&typed.points)?;
        Ok(PanelAward {
            points: if takes { -points } else { points },
            mark,
            reason: read::reason(Some(&typed.reason))?,
            picked: None,
            activity: None,
        })
    };
    let given = match award() {
        Ok(award) => give(Arc::clone(&call), device, table, award).await,
        Err(failure) => Err(failure),
    };
    match given {
        Ok(reply) => Ok(reply),
        Err(failure) => {
            answer::note_refusal(Arc::clone(&call), &failure).await;
            let refusal = errors::reply(&call, failure);
            Ok(form::again(refusal, &typed, call.locale))
        }
    }
}

async fn turned(
    call: &Call,
    device: DeviceId,
    table: TableId,
    turn: PanelTurn,
) -> Result<Reply, Failure> {
    let request = call.request(Some(device))?;
    let panel = call.services.turn_panel(&request, table, turn).await?;
    Ok(views::panel::panel(&panel, call.locale).going(Manner::Update))
}

async fn give(
    call: Arc<Call>,
    device: DeviceId,
    table: TableId,
    award: PanelAward,
) -> Result<Reply, Failure> {
    let award = Edit::Award {
        device,
        table,
        award,
    };
    queue::done_or_kept(call, award).await
}

/// Gives those who are picked their points. What had waited is answered by itself: by then its panel
/// may be gone, or show something else.
pub(super) async fn award(
    call: &Call,
    request: &Request,
    table: TableId,
    award: PanelAward,
) -> Result<Reply, Failure> {
    if request.via == Via::Journal {
        let given = call.services.award_picked(request, table, award).await?;
        return Ok(done(&given, call.locale));
    }
    let pressed = call.services.award_panel(request, table, award).await?;
    Ok(shown(&pressed, call.locale))
}

/// Undoes a step; asks first where others have changed things since.
pub(super) async fn undo_step(
    call: &Call,
    request: &Request,
    device: &DeviceId,
    table: TableId,
    event: Seq,
) -> Result<Reply, Failure> {
    let undone = if request.via == Via::Journal {
        let undone = call.services.undo_step(request, event).await;
        undone.map(|given| done(&given, call.locale))
    } else {
        let pressed = call.services.undo_panel(request, table, event).await;
        pressed.map(|pressed| shown(&pressed, call.locale))
    };
    match undone {
        Err(ServiceError::ChangedSince {
            event,
            conflicts,
            ranks,
        }) => {
            let (device, locale) = (device.clone(), call.locale);
            Ok(views::undo::question(
                event, &conflicts, &ranks, device, locale,
            ))
        }
        undone => Ok(undone?),
    }
}

/// What a press did, by itself.
fn done(given: &Given, locale: Locale) -> Reply {
    match given {
        Given::Done(receipt) => views::receipt::receipt(receipt, &[], locale),
        Given::Nothing(note) => views::panel::nothing(*note, locale),
    }
}

/// The panel in its place; a receipt of its own where the panel can't be read.
fn shown(pressed: &Pressed, locale: Locale) -> Reply {
    match pressed {
        Pressed::Panel(panel) => views::panel::panel(panel, locale).going(Manner::Update),
        Pressed::Done(receipt) => views::receipt::receipt(receipt, &[], locale),
    }
}

fn entries(values: &[String]) -> Vec<EntryId> {
    let read = |value: &String| EntryId::from_short(value);
    values.iter().filter_map(read).collect()
}
