//! `/punctaj-audit export`, and the Export button of a search.
//!
//! An export is never cut short: what one file can't hold goes on in the next, and what too many
//! files would be needed for is refused. It is gone through twice, so that only one file at a time
//! is in memory, however long the history is.

use std::sync::Arc;

use serenity::builder::CreateAttachment;
use serenity::model::user::User;

use super::audit_search::Filters;
use crate::discord::answer;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::delivery::Delivered;
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::discord::views::export::Part;
use crate::domain::ids::{DeviceId, DraftId, Seq};
use crate::exchange::events::{File, FileError, Files, Format};
use crate::i18n::keys;
use crate::service::audit::EventExport;

/// Files of one export. Each is a message of its own.
const MAX_FILES: usize = 10;

/// The largest file, also where Discord would take a larger one.
const LARGEST: usize = 25 << 20;

/// Exports the result of a search, whole.
#[poise::command(slash_command, guild_only)]
#[expect(
    clippy::too_many_arguments,
    reason = "they are the options of the command"
)]
pub(super) async fn export(
    ctx: Ctx<'_>,
    who: Option<User>,
    #[autocomplete = "complete::table"] table: Option<String>,
    #[autocomplete = "complete::name"] name: Option<String>,
    #[autocomplete = "complete::action"] action: Option<String>,
    #[autocomplete = "complete::device"] device: Option<String>,
    since: Option<String>,
    until: Option<String>,
    only: Option<String>,
    format: Option<String>,
) -> CommandResult {
    let filters = Filters {
        who: who.map(|user| user.id.get()),
        table,
        name,
        action,
        device,
        since,
        until,
        only,
    };
    super::answered_slowly(ctx, Manner::Own, |call| async move {
        let format = format.as_deref().map_or(Some(Format::Csv), Format::parse);
        let format = format.ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_FORMAT))?;
        let (request, order) = (call.request(None)?, filters.order()?);
        let export = call.services.export_events(&request, order).await?;
        send(&call, &export, format).await
    })
    .await
}

/// Exports what a search finds.
///
/// # Errors
/// The search is forgotten, or no right.
pub async fn again(
    call: Arc<Call>,
    device: Option<DeviceId>,
    draft: DraftId,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let export = call.services.export_again(&request, draft).await?;
    send(&call, &export, Format::Csv).await
}

/// What an export comes to.
#[derive(Default)]
struct Sizes {
    files: usize,
    events: usize,
    /// Events that can't be read, so that they are in no file.
    unreadable: Vec<Seq>,
    bytes: usize,
    /// The last file that was written.
    last: Option<File>,
}

/// Sends all files, each in a message of its own; the last word comes when all were taken.
async fn send(call: &Call, export: &EventExport, format: Format) -> Result<Reply, Failure> {
    let limit = call.attachment_limit.min(LARGEST);
    let sizes = measured(call, export, format, limit).await?;
    if sizes.files > MAX_FILES {
        return Err(views::export::too_large(sizes.bytes, limit, MAX_FILES));
    }
    let all = |locale| {
        let events = (sizes.events, sizes.unreadable.as_slice());
        views::export::events(export, events, sizes.files, locale)
    };
    if let (1, Some(only)) = (sizes.files, sizes.last) {
        let name = views::export::events_name(export, None, format);
        return Ok(all(call.locale).attach(CreateAttachment::bytes(only.bytes, name)));
    }
    let mut sending = Sending {
        call,
        export,
        format,
        files: sizes.files,
        sent: 0,
    };
    let mut files = Files::new(format, limit).map_err(unwritten)?;
    let mut after = Seq(0);
    loop {
        let batch = call.services.export_batch(export, after).await?;
        let Some(last) = batch.last else { break };
        after = last;
        for found in &batch.events {
            if let Some(file) = files.add(found).map_err(unwritten)? {
                sending.send(file).await?;
            }
        }
    }
    sending.send(files.finish()).await?;
    Ok(all(call.locale))
}

/// Goes through the export without sending anything.
async fn measured(
    call: &Call,
    export: &EventExport,
    format: Format,
    limit: usize,
) -> Result<Sizes, Failure> {
    let (mut sizes, mut files) = (
        Sizes::default(),
        Files::new(format, limit).map_err(unwritten)?,
    );
    let mut after = Seq(0);
    loop {
        let batch = call.services.export_batch(export, after).await?;
        let Some(last) = batch.last else { break };
        after = last;
        sizes.events += batch.events.len();
        sizes.unreadable.extend(batch.unreadable);
        for found in &batch.events {
            if let Some(file) = files.add(found).map_err(unwritten)? {
                sizes.files += 1;
                sizes.bytes += file.bytes.len();
            }
        }
    }
    let last = files.finish();
    sizes.files += 1;
    sizes.bytes += last.bytes.len();
    sizes.last = Some(last);
    Ok(sizes)
}

fn unwritten(error: FileError) -> Failure {
    match error {
        FileError::TooLong { bytes, limit } => views::export::too_large(bytes, limit, MAX_FILES),
        FileError::Csv(error) => Failure::Internal(error.to_string()),
    }
}

/// The files of an export on their way.
struct Sending<'a> {
    call: &'a Call,
    export: &'a EventExport,
    format: Format,
    files: usize,
    sent: usize,
}

impl Sending<'_> {
    async fn send(&mut self, file: File) -> Result<(), Failure> {
        let part = Part {
            number: self.sent + 1,
            of: self.files,
            first: file.first,
            last: file.last,
        };
        let name = views::export::events_name(self.export, Some(&part), self.format);
        let reply = views::export::part(&part, self.call.locale)
            .attach(CreateAttachment::bytes(file.bytes, name));
        let delivered = if self.sent == 0 {
            answer::amend(self.call, reply).await
        } else {
            answer::follow(self.call, reply).await
        };
        self.sent += 1;
        match delivered {
            Delivered::Yes => Ok(()),
            Delivered::Perhaps | Delivered::Elsewhere | Delivered::No => {
                Err(views::export::not_taken(&part))
            }
        }
    }
}
