//! The button "Meant X?".

use std::sync::Arc;

use crate::discord::context::Call;
use crate::discord::errors::Failure;
use crate::discord::reply::Reply;
use crate::discord::views;
use crate::domain::ids::DeviceId;
use crate::service::merge::MergeOrder;

/// Moves an entry that the caller's award created into the one that was meant.
///
/// # Errors
/// Either entry is not what it was, or it was somebody else's award.
pub async fn merge(
    call: Arc<Call>,
    device: Option<DeviceId>,
    order: MergeOrder,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let receipt = call.services.merge(&request, order).await?;
    Ok(views::receipt::receipt(&receipt, &[], call.locale))
}
