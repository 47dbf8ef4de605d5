//! The panel: many awards, one after the other, from one device session.
//!
//! Where a panel is, is a row of the database; what was given from it are events like any other,
//! and its totals are read from those. So it goes on after a restart, and an undo from anywhere
//! counts.

use serde::{Deserialize, Serialize};

use crate::domain::access::{Authority, MissingRight, Place, Right};
use crate::domain::event::Action;
use crate::domain::ids::{DeviceId, EntryId, Seq, TableId};
use crate::domain::name::fold;
use crate::domain::panel::{Mark, Picked};
use crate::domain::table::Table;
use crate::store::StoreError;
use crate::store::entries::{self, PageWanted};
use crate::store::panels::{self, PanelAt, PanelMove, PanelShown};

use super::activities;
use super::operation::{Aside, Ask, Begun, Operation, Receipt, SessionNeed};
use super::undo::{Force, UndoOrder, Whose};
use super::view::ViewOrder;
use super::{Request, ServiceError, Services};

/// A panel, as it is shown.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What it shows.
    pub shown: PanelShown,
    /// Whether its person may both give points and take them.
    pub may_switch: bool,
    /// What the press came to, where it did not do what it is there for.
    pub note: Option<PanelNote>,
    /// What else its person is to be told.
    pub aside: Aside,
}

/// Why a press did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanelNote {
    /// Nobody is picked.
    Nobody,
    /// Others are picked by now than were shown beside the button.
    Outdated,
    /// More were picked than can be.
    TooMany,
    /// The activity is gone, or worth other points by now.
    OtherWorth,
    /// The step was undone already.
    Undone(Seq),
}

/// A look at other people, or a choice of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelTurn {
    /// These of the ones that the menu offered.
    Pick {
        /// Whom the menu offered.
        offered: Vec<EntryId>,
        /// Who of them was chosen.
        chosen: Vec<EntryId>,
    },
    /// Nobody is picked any more.
    Clear,
    /// To a page of the menu, from 0.
    Page(u32),
    /// To those whose names hold this; to everybody, where it is empty.
    Search(String),
    /// Whether the buttons take points away from now on.
    Direction {
        /// They do.
        takes: bool,
    },
}

/// Points for those who are picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelAward {
    /// How many; negative: to be taken away.
    pub points: i64,
    /// Who was shown beside the button.
    pub mark: Mark,
    /// Why.
    pub reason: Option<String>,
    /// Who was picked when it was pressed, where it was kept with that.
    pub picked: Option<Picked>,
    /// The number of the activity that they are given for, if they are for one.
    #[serde(default)]
    pub activity: Option<i32>,
}

/// What a press did, without the panel.
#[derive(Debug)]
pub enum Given {
    /// An event.
    Done(Box<Receipt>),
    /// Nothing, and why.
    Nothing(PanelNote),
}

/// What became of a press that changes points.
#[derive(Debug)]
pub enum Pressed {
    /// The panel, with what was done.
    Panel(Box<Panel>),
    /// It was done, but the panel can't be read.
    Done(Box<Receipt>),
}

impl Services {
    /// Opens a panel of the session in use, or goes on with it.
    ///
    /// # Errors
    /// Which table is meant can't be told, or no right.
    pub async fn open_panel(
        &self,
        request: &Request,
        order: &ViewOrder,
    ) -> Result<Panel, ServiceError> {
        let wanted = PageWanted {
            limit: 0,
            caller: request.anyhow(),
            ..self.page_wanted(request, order)
        };
        let page = read!(self, conn => entries::page(&mut conn, &wanted))?;
        let authority = request.authority(page.grants);
        let wanted = usual(&authority);
        authority.require_somewhere(wanted)?;
        let table = self.one_table(request, order, wanted, page.tables).await?;
        require_panel(&authority, &table)?;
        let looking = order.looking(Some(table.id));
        let looked = self
            .looking(request, page.sessions, page.parked, looking)
            .await?;
        let at = panel_at(request, &looked.session.device_id, table.id);
        read!(self, conn => panels::open(&mut conn, &at))?;
        let panel = self
            .shown(request, &at, &PanelMove::default(), None)
            .await?;
        Ok(Panel {
            aside: looked.aside,
            ..panel
        })
    }

    /// Picks people, or shows others to pick from: two round trips, and no event.
    ///
    /// # Errors
    /// [`ServiceError::PanelEnded`]; the table is gone, or no right.
    pub async fn turn_panel(
        &self,
        request: &Request,
        table: TableId,
        turn: PanelTurn,
    ) -> Result<Panel, ServiceError> {
        let at = pressed_at(request, table)?;
        let picked = self.picked(request, &at).await?;
        let mut to = PanelMove::default();
        let mut note = None;
        match turn {
            PanelTurn::Pick { offered, chosen } => match picked.chosen(&offered, &chosen) {
                Ok(picked) => to.picked = Some(picked),
                Err(_) => note = Some(PanelNote::TooMany),
            },
            PanelTurn::Clear => to.picked = Some(Picked::default()),
            PanelTurn::Page(page) => to.page = Some(page),
            PanelTurn::Search(typed) => {
                let key = fold(&typed);
                to.search = Some((typed, key));
                to.page = Some(0);
            }
            PanelTurn::Direction { takes } => to.takes = Some(takes),
        }
        self.shown(request, &at, &to, note).await
    }

    /// Gives points to those who are picked, or takes them: one event, as by a command. Six round
    /// trips: four of them are the operation's.
    ///
    /// # Errors
    /// [`ServiceError::PanelEnded`]; the table is gone, or no right.
    pub async fn award_panel(
        &self,
        request: &Request,
        table: TableId,
        award: PanelAward,
    ) -> Result<Pressed, ServiceError> {
        let at = pressed_at(request, table)?;
        match self.give_picked(request, &at, award).await? {
            Given::Done(receipt) => self.done(request, &at, Some(*receipt), None).await,
            Given::Nothing(note) => self.done(request, &at, None, Some(note)).await,
        }
    }

    /// Gives points as a press on a panel does, without showing the panel anew.
    ///
    /// # Errors
    /// As [`Self::award_panel`].
    pub async fn award_picked(
        &self,
        request: &Request,
        table: TableId,
        award: PanelAward,
    ) -> Result<Given, ServiceError> {
        let at = pressed_at(request, table)?;
        self.give_picked(request, &at, award).await
    }

    async fn give_picked(
        &self,
        request: &Request,
        at: &PanelAt<'_>,
        award: PanelAward,
    ) -> Result<Given, ServiceError> {
        let standing = self.picked(request, at).await?;
        let picked = award.picked.clone().unwrap_or(standing);
        if picked.mark() != award.mark {
            return Ok(Given::Nothing(PanelNote::Outdated));
        }
        if picked.ids().is_empty() {
            return Ok(Given::Nothing(PanelNote::Nobody));
        }
        self.give(request, at.table, &picked, award).await
    }

    /// What is to be kept of a press while the database is away: it is for those who were picked when
    /// it was pressed, whoever is picked later.
    #[must_use]
    pub fn with_picked(&self, device: &DeviceId, table: TableId, award: PanelAward) -> PanelAward {
        let seen = self.seen_picked(device, table);
        let picked = seen.filter(|picked| picked.mark() == award.mark);
        PanelAward { picked, ..award }
    }

    /// Undoes a step.
    ///
    /// # Errors
    /// [`ServiceError::PanelEnded`], and as [`Services::undo`].
    pub async fn undo_panel(
        &self,
        request: &Request,
        table: TableId,
        event: Seq,
    ) -> Result<Pressed, ServiceError> {
        let at = pressed_at(request, table)?;
        match self.undo_step(request, event).await? {
            Given::Done(receipt) => self.done(request, &at, Some(*receipt), None).await,
            Given::Nothing(note) => self.done(request, &at, None, Some(note)).await,
        }
    }

    /// Undoes a step, without showing the panel anew.
    ///
    /// # Errors
    /// As [`Self::undo_panel`].
    pub async fn undo_step(&self, request: &Request, event: Seq) -> Result<Given, ServiceError> {
        let order = UndoOrder {
            event: Some(event),
            force: Force::Ask,
            whose: Whose::Own,
        };
        match self.undo_from(request, order, SessionNeed::Exact).await {
            Ok(receipt) => Ok(Given::Done(Box::new(receipt))),
            Err(ServiceError::AlreadyUndone { event, .. }) => {
                Ok(Given::Nothing(PanelNote::Undone(event)))
            }
            Err(error) => Err(error),
        }
    }

    /// Who is picked, if the panel is the caller's and goes on.
    async fn picked(&self, request: &Request, at: &PanelAt<'_>) -> Result<Picked, ServiceError> {
        let found = read!(self, conn => panels::find(&mut conn, at, self.limits))?;
        let standing = found.ok_or(ServiceError::PanelEnded)?;
        let table = standing.table.ok_or(ServiceError::TableGone)?;
        require_panel(&request.authority(standing.grants), &table)?;
        Ok(standing.picked)
    }

    /// The event; nothing if nobody who is picked is there any more, or the activity is another one.
    async fn give(
        &self,
        request: &Request,
        table: TableId,
        picked: &Picked,
        award: PanelAward,
    ) -> Result<Given, ServiceError> {
        let (right, action) = if award.points < 0 {
            (Right::ScoreRemove, Action::PointsRemove)
        } else {
            (Right::ScoreAdd, Action::PointsAdd)
        };
        let ask = Ask {
            table_id: Some(table),
            entries: picked.ids().to_vec(),
            session: SessionNeed::Exact,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(Given::Done(receipt)),
            Begun::Fresh(op) => op,
        };
        let table_now = op.table(right).await?;
        let reason = match award.activity {
            None => award.reason,
            Some(number) => match table_now.activities.get(&number) {
                Some(activity) if activity.points == award.points => {
                    Some(activities::told(activity, activity.quantity, award.reason))
                }
                _ => return Ok(Given::Nothing(PanelNote::OtherWorth)),
            },
        };
        let stamp = op.stamp();
        for id in picked.ids() {
            if is_there(&mut op, *id, table) {
                op.edit(*id, |entry| {
                    entry.add_points(award.points, table_now.bounds(), &stamp)
                });
            }
        }
        if op.changes().is_empty() {
            return Ok(Given::Nothing(PanelNote::Nobody));
        }
        let receipt = op.finish(action, reason, None).await?;
        Ok(Given::Done(Box::new(receipt)))
    }

    /// The panel after a press. What was committed is never reported as failed.
    async fn done(
        &self,
        request: &Request,
        at: &PanelAt<'_>,
        receipt: Option<Receipt>,
        note: Option<PanelNote>,
    ) -> Result<Pressed, ServiceError> {
        let to = PanelMove {
            step: receipt.as_ref().map(|receipt| receipt.event.seq),
            ..PanelMove::default()
        };
        match (self.shown(request, at, &to, note).await, receipt) {
            (Ok(panel), receipt) => {
                let aside = receipt.map(|receipt| receipt.aside).unwrap_or_default();
                Ok(Pressed::Panel(Box::new(Panel { aside, ..panel })))
            }
            (Err(error), None) => Err(error),
            (Err(error), Some(receipt)) => {
                tracing::warn!(op.id = %request.op, %error, "what a panel did is done, but it can't be shown");
                Ok(Pressed::Done(Box::new(receipt)))
            }
        }
    }

    async fn shown(
        &self,
        request: &Request,
        at: &PanelAt<'_>,
        to: &PanelMove,
        note: Option<PanelNote>,
    ) -> Result<Panel, ServiceError> {
        let shown = read!(self, conn => panels::show(&mut conn, at, to))?;
        let (mut shown, grants) = shown.ok_or(ServiceError::PanelEnded)?;
        let authority = request.authority(grants);
        require_panel(&authority, &shown.table)?;
        let may = |right| authority.may(right, Place::table(&shown.table));
        let (adds, takes) = (may(Right::ScoreAdd), may(Right::ScoreRemove));
        let picked = shown.picked.iter().map(|who| who.id).collect();
        self.saw_picked(at.device, at.table, Picked::new(picked));
        shown.takes = if shown.takes { takes } else { !adds };
        Ok(Panel {
            aside: Aside::default(),
            shown,
            may_switch: adds && takes,
            note,
        })
    }
}

/// Whether a picked entry is still in the table.
fn is_there(op: &mut Operation<'_>, id: EntryId, table: TableId) -> bool {
    let entry = op.by_id(id).and_then(|id| op.entry(id));
    entry.is_some_and(|entry| entry.deleted.is_none() && entry.table_id == table)
}

/// A panel is for those who see tables and may give points or take them.
fn require_panel(authority: &Authority, table: &Table) -> Result<(), MissingRight> {
    let place = Place::table(table);
    authority.require(Right::TableView, place)?;
    let takes = authority.require(Right::ScoreRemove, place);
    takes.or_else(|_| authority.require(Right::ScoreAdd, place))
}

/// What a panel is opened for where it is not said on which table: what its person does anywhere.
fn usual(authority: &Authority) -> Right {
    let adds = authority.may_somewhere(Right::ScoreAdd);
    let takes = authority.may_somewhere(Right::ScoreRemove);
    if takes && !adds {
        Right::ScoreRemove
    } else {
        Right::ScoreAdd
    }
}

/// The panel that a press came from.
fn pressed_at(request: &Request, table: TableId) -> Result<PanelAt<'_>, ServiceError> {
    let device = request.device.as_ref().ok_or(ServiceError::PanelEnded)?;
    Ok(panel_at(request, device, table))
}

fn panel_at<'a>(request: &Request, device: &'a DeviceId, table: TableId) -> PanelAt<'a> {
    PanelAt {
        guild: request.guild,
        user: request.actor,
        device,
        table,
        caller: request.anyhow(),
    }
}
