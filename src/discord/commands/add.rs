//! `/punctaj add`, and the Link button: it waits where an entry only bears the name of a member.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::edit::edited;
use super::order::{Order, Place};
use super::{answered, read};
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::people;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, DraftId, OpId, TableId};
use crate::domain::name::NameOrMember;
use crate::i18n::keys;
use crate::service::activities::Work;
use crate::service::error::OfferedLink;
use crate::service::points::{Award, Introduction};
use crate::service::{Request, ServiceError};

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Add {
    pub(super) names: String,
    pub(super) points: i64,
    pub(super) reason: Option<String>,
    /// What they are given for, and how much of it was done.
    #[serde(default)]
    pub(super) work: Option<Work>,
}

/// An award that waits until links are agreed to.
#[derive(Debug, Serialize, Deserialize)]
struct Offer {
    add: Add,
    table: TableId,
    /// Everybody who was introduced, with the link that was offered.
    people: Vec<Introduction>,
    /// The operation that asked: agreeing twice is still one award.
    op: OpId,
}

/// Adds points to one or several entries.
#[poise::command(slash_command, guild_only)]
pub(super) async fn add(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::names"] names: String,
    points: Option<i64>,
    #[autocomplete = "complete::table"] table: Option<String>,
    reason: Option<String>,
    #[autocomplete = "complete::activity"] activity: Option<String>,
    quantity: Option<i64>,
) -> CommandResult {
    let given = points;
    let points = points.unwrap_or(0);
    let work = match (activity, quantity) {
        (Some(activity), quantity) if given.is_none() => Some(Work { activity, quantity }),
        (None, None) => None,
        (activity, _) => {
            let refused = std::future::ready(Err(at_odds(activity.is_some())));
            return answered(ctx, Manner::Own, move |_| refused).await;
        }
    };
    let order = Order::Add(Add {
        names,
        points,
        reason,
        work,
    });
    edited(ctx, order, table).await
}

/// Points are given as such or by an activity, and a quantity is one of an activity.
fn at_odds(names_activity: bool) -> Failure {
    Failure::told(if names_activity {
        keys::ERROR_POINTS_OR_ACTIVITY
    } else {
        keys::ERROR_QUANTITY_ALONE
    })
}

impl Add {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        self.give(call, request, place, Vec::new()).await
    }

    /// Gives the points. Discord is asked only about members whom no entry is linked to, and the
    /// caller only where an entry bears the name of one.
    async fn give(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
        mut people: Vec<Introduction>,
    ) -> Result<Reply, Failure> {
        let (award, repeated) = self.read(place)?;
        // Each turn introduces somebody, so it ends.
        loop {
            let given =
                call.services
                    .add_points_of(request, award.clone(), self.work.as_ref(), &people);
            match given.await {
                Err(ServiceError::Strangers { members }) => {
                    people.extend(people::introduced(call, request, members).await?);
                }
                Err(ServiceError::LinksOffered {
                    table_id,
                    table,
                    links,
                }) => {
                    let offer = self.offer(request, table_id, people, &links);
                    return offered(call, request, &offer, &table, &links).await;
                }
                done => {
                    let receipt = done?;
                    let meant = call.services.meant(request, &receipt).await;
                    let locale = call.locale;
                    return Ok(views::receipt::with_meant(
                        &receipt, &repeated, &meant, locale,
                    ));
                }
            }
        }
    }

    /// What is asked for, and the names that were given twice.
    pub(super) fn read(&self, place: Place) -> Result<(Award, Vec<NameOrMember>), Failure> {
        let names = read::names(&self.names)?;
        let repeated = names.repeated().to_vec();
        let award = Award {
            points: read::added(self.points)?,
            reason: read::reason(self.reason.as_deref())?,
            names: names.into_items(),
            table: place.address,
            table_id: place.id,
        };
        Ok((award, repeated))
    }

    fn offer(
        &self,
        request: &Request,
        table: TableId,
        mut people: Vec<Introduction>,
        links: &[OfferedLink],
    ) -> Offer {
        for person in &mut people {
            let link = links.iter().find(|link| link.member == person.member);
            person.link = link.map(|link| link.entry);
        }
        Offer {
            add: self.clone(),
            table,
            people,
            op: request.op.clone(),
        }
    }
}

async fn offered(
    call: &Call,
    request: &Request,
    offer: &Offer,
    table: &str,
    links: &[OfferedLink],
) -> Result<Reply, Failure> {
    let (session, _) = call.services.session(request).await?;
    let draft = call.services.keep_draft(request, offer).await?;
    let device = session.device_id;
    Ok(views::offer::links(
        table,
        links,
        device,
        draft,
        call.locale,
    ))
}

/// Links what was offered, and gives the points that waited for it: one event.
///
/// # Errors
/// As the command; or it was forgotten, or what was offered is not there any more.
pub async fn link(
    call: Arc<Call>,
    device: Option<DeviceId>,
    draft: DraftId,
) -> Result<Reply, Failure> {
    let mut request = call.request(device)?;
    let offer: Offer = call.services.draft(&request, draft).await?;
    request.op = offer.op.with_suffix("link");
    let place = Place {
        address: None,
        id: Some(offer.table),
    };
    let reply = offer.add.give(&call, &request, place, offer.people).await?;
    Ok(reply.going(Manner::Update))
}
