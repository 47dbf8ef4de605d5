//! Which rights an undo needs: those that the original needed.

use crate::domain::access::Right;
use crate::domain::event::{Action, Change, Event, What};
use crate::store::events;

use crate::service::ServiceError;
use crate::service::operation::Operation;

/// The rights that the original needed must still be held.
pub(super) async fn rights_of_original(
    op: &mut Operation<'_>,
    event: &Event,
) -> Result<Vec<Right>, ServiceError> {
    let mut original = event.clone();
    while let (Action::EventUndo, Some(seq)) = (original.action, original.undoes) {
        original = events::by_seq(op.conn(), event.guild_id, seq)
            .await?
            .ok_or(ServiceError::UnknownEvent { event: seq })?;
    }
    Ok(rights_for(&original))
}

/// What an operation asked for, as its event tells.
fn rights_for(original: &Event) -> Vec<Right> {
    let sets_points = original
        .changes
        .iter()
        .any(|change| change.register() == "points");
    let right = match original.action {
        Action::PointsAdd => return rights_for_award(original),
        // A merge puts right what an award of the same person did.
        Action::EntryMerge => Right::ScoreAdd,
        Action::PointsRemove => Right::ScoreRemove,
        Action::EntrySet if sets_points => Right::ScoreSet,
        Action::EntrySet => Right::EntryEdit,
        Action::EntryDelete => Right::EntryDelete,
        Action::TableCreate
        | Action::TableEdit
        | Action::TableDelete
        | Action::TableRestore
        | Action::FieldAdd
        | Action::FieldEdit
        | Action::FieldRemove
        | Action::RankSet
        | Action::RankRemove
        | Action::ActivitySet
        | Action::ActivityRemove => Right::TableEdit,
        Action::PeriodClose | Action::PeriodSchedule | Action::RankApply => Right::PeriodClose,
        Action::BoardPost | Action::BoardRemove => Right::BoardManage,
        Action::SettingsSet => Right::SettingsManage,
        Action::AccessGrant | Action::AccessRevoke => Right::AccessManage,
        Action::EventUndo
        | Action::SessionOpen
        | Action::SessionClose
        | Action::SessionRename
        | Action::TableView
        | Action::AuditView
        | Action::AuditExport
        | Action::DataExport
        | Action::SettingsView
        | Action::AccessView
        | Action::AccessRefuse => Right::AuditUndo,
    };
    vec![right]
}

/// An award also makes entries of new names, and links those that were there.
fn rights_for_award(award: &Event) -> Vec<Right> {
    let is_new = |change: &Change| {
        let mut changes = award.changes.iter();
        changes.any(|other| other.id == change.id && other.is_creation())
    };
    let mut of_entries = award.changes.iter().filter(|it| it.what == What::Entry);
    let links = |it: &Change| it.register() == "member" && !is_new(it);
    let adds = of_entries.clone().any(Change::is_creation);
    let edits = of_entries.any(links);
    let also = [(adds, Right::EntryAdd), (edits, Right::EntryEdit)];
    let also = also
        .into_iter()
        .filter_map(|(it, right)| it.then_some(right));
    [Right::ScoreAdd].into_iter().chain(also).collect()
}
