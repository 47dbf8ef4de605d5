//! "Punctaj: add points" in the menu of a member, and the form that it opens. The form is the first
//! answer, so nothing is asked before it; everything is checked when it comes back.

use std::sync::Arc;

use serenity::model::user::User;

use super::add::Add;
use super::called;
use super::edit::Edit;
use super::order::Order;
use super::read;
use crate::discord::answer;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::custom_id::Form;
use crate::discord::errors::{self, Failure};
use crate::discord::people;
use crate::discord::queue;
use crate::discord::reply::Reply;
use crate::discord::views::form::{self, Typed};
use crate::domain::ids::UserId;
use crate::i18n::keys;

/// Opens a form for points of a member.
#[poise::command(
    context_menu_command = "Punctaj: add points",
    rename = "menu-add-points",
    guild_only
)]
pub(super) async fn give(ctx: Ctx<'_>, user: User) -> CommandResult {
    let call = called(ctx);
    let Ok(member) = UserId::try_from(user.id.get()) else {
        let failure = Failure::told(keys::ERROR_OPTION);
        answer::refuse(&call, failure).await;
        return Ok(());
    };
    let name = people::resolved(&user);
    answer::open(
        &call,
        form::give(&Form::Give { member }, &name, call.locale),
    )
    .await;
    Ok(())
}

/// Gives a member what was typed into the form, as `/punctaj add` does. Where that fails, what was
/// typed is shown again: the form is gone by then.
///
/// # Errors
/// None of its own.
pub async fn given(call: Arc<Call>, member: UserId, typed: Typed) -> Result<Reply, Failure> {
    match add(Arc::clone(&call), member, &typed).await {
        Ok(reply) => Ok(reply),
        Err(failure) => {
            answer::note_refusal(Arc::clone(&call), &failure).await;
            let refusal = errors::reply(&call, failure);
            Ok(form::again(refusal, &typed, call.locale))
        }
    }
}

async fn add(call: Arc<Call>, member: UserId, typed: &Typed) -> Result<Reply, Failure> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let order = Order::Add(Add {
        names: format!("<@{member}>"),
        points: read::whole_number(typed.points.trim())?,
        reason: given(&typed.reason),
        work: None,
    });
    queue::done_or_kept(call, Edit::order(order, given(&typed.table))).await
}
