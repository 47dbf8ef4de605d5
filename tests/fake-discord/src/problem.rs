//! Refusals in Discord's own shape.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// A refusal: an HTTP status with Discord's error object.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) errors: Option<Value>,
    /// A test asked for it: it is no fault of the bot.
    pub(crate) ordered: bool,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// What Discord says with a 429.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    pub(crate) left: Duration,
    pub(crate) global: bool,
}

impl RateLimit {
    /// In seconds, to the millisecond, never too short.
    fn retry_after(self) -> f64 {
        (self.left.as_secs_f64() * 1000.0).ceil() / 1000.0
    }

    /// The headers; `Retry-After` knows whole seconds only.
    pub(crate) fn headers(self) -> Vec<(&'static str, String)> {
        let after = self.retry_after();
        let scope = if self.global { "global" } else { "user" };
        let mut headers = vec![
            ("Retry-After", format!("{:.0}", after.ceil())),
            ("X-RateLimit-Scope", scope.to_owned()),
        ];
        if self.global {
            headers.push(("X-RateLimit-Global", "true".to_owned()));
            return headers;
        }
        headers.extend([
            ("X-RateLimit-Limit", "5".to_owned()),
            ("X-RateLimit-Remaining", "0".to_owned()),
            ("X-RateLimit-Reset-After", after.to_string()),
            ("X-RateLimit-Bucket", "0123456789abcdef".to_owned()),
        ]);
        headers
    }
}

impl Problem {
    pub(crate) fn new(status: u16, code: u32, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: None,
            ordered: false,
            rate_limit: None,
        }
    }

    pub(crate) fn ordered(status: u16, code: u32) -> Self {
        Self {
            ordered: true,
            ..Self::new(status, code, "A fault that the test ordered")
        }
    }

    pub(crate) fn rate_limited(limit: RateLimit) -> Self {
        Self {
            ordered: true,
            rate_limit: Some(limit),
            ..Self::new(429, 0, "You are being rate limited.")
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, 0, "401: Unauthorized")
    }

    pub(crate) fn unknown_route() -> Self {
        Self::new(404, 0, "404: Not Found")
    }

    pub(crate) fn unknown_channel() -> Self {
        Self::new(404, 10003, "Unknown Channel")
    }

    pub(crate) fn unknown_guild() -> Self {
        Self::new(404, 10004, "Unknown Guild")
    }

    pub(crate) fn unknown_member() -> Self {
        Self::new(404, 10007, "Unknown Member")
    }

    pub(crate) fn unknown_message() -> Self {
        Self::new(404, 10008, "Unknown Message")
    }

    pub(crate) fn unknown_role() -> Self {
        Self::new(404, 10011, "Unknown Role")
    }

    pub(crate) fn unknown_user() -> Self {
        Self::new(404, 10013, "Unknown User")
    }

    pub(crate) fn unknown_webhook() -> Self {
        Self::new(404, 10015, "Unknown Webhook")
    }

    pub(crate) fn unknown_interaction() -> Self {
        Self::new(404, 10062, "Unknown interaction")
    }

    pub(crate) fn unknown_command() -> Self {
        Self::new(404, 10063, "Unknown application command")
    }

    pub(crate) fn already_acknowledged() -> Self {
        Self::new(400, 40060, "Interaction has already been acknowledged.")
    }

    pub(crate) fn expired_token() -> Self {
        Self::new(401, 50027, "Invalid Webhook Token")
    }

    pub(crate) fn missing_access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(crate) fn missing_permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }

    pub(crate) fn not_the_author() -> Self {
        Self::new(403, 50005, "Cannot edit a message authored by another user")
    }

    pub(crate) fn empty_message() -> Self {
        Self::new(400, 50006, "Cannot send an empty message")
    }

    pub(crate) fn direct_messages_closed() -> Self {
        Self::new(403, 50007, "Cannot send messages to this user")
    }

    pub(crate) fn invalid_role() -> Self {
        Self::new(400, 50028, "Invalid Role")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, 40005, "Request entity too large")
    }

    pub(crate) fn unreadable(reason: &str) -> Self {
        Self::new(
            400,
            50109,
            &format!("The request body contains invalid JSON. {reason}"),
        )
    }

    /// "Invalid Form Body" with one error at `path`.
    pub(crate) fn form(path: &str, code: &str, message: &str) -> Self {
        let mut form = Form::default();
        form.add(path, code, message);
        match form.finish() {
            Err(problem) => problem,
            Ok(()) => Self::new(400, 50035, "Invalid Form Body"),
        }
    }

    /// The JSON object that Discord answers with.
    pub(crate) fn body(&self) -> Value {
        if let Some(limit) = self.rate_limit {
            return json!({
                "message": self.message,
                "retry_after": limit.retry_after(),
                "global": limit.global,
            });
        }
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        body
    }

    /// The whole refusal on one line, for people.
    pub(crate) fn reason(&self) -> String {
        match &self.errors {
            Some(errors) => format!("{} {} {errors}", self.code, self.message),
            None => format!("{} {}", self.code, self.message),
        }
    }
}

/// What is wrong with a request body, field by field.
#[derive(Debug, Default)]
pub(crate) struct Form {
    errors: Vec<FormError>,
}

#[derive(Debug)]
struct FormError {
    path: String,
    code: String,
    message: String,
}

impl Form {
    /// Notes an error at a dotted path (`embeds.0.title`).
    pub(crate) fn add(&mut self, path: &str, code: &str, message: &str) {
        self.errors.push(FormError {
            path: path.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
        });
    }

    /// Notes that a text is longer than it may be.
    pub(crate) fn too_long(&mut self, path: &str, most: usize) {
        let message = format!("Must be {most} or fewer in length.");
        self.add(path, "BASE_TYPE_MAX_LENGTH", &message);
    }

    /// Notes that something which must be there is not.
    pub(crate) fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// Notes a length or a number that is out of its bounds.
    pub(crate) fn bounds(&mut self, path: &str, least: usize, most: usize) {
        let message = format!("Must be between {least} and {most} in length.");
        self.add(path, "BASE_TYPE_BAD_LENGTH", &message);
    }

    /// Checks the length of a text that is there, which `least` being over 0 makes compulsory.
    pub(crate) fn text(&mut self, at: &str, name: &str, value: &Value, least: usize, most: usize) {
        let path = format!("{at}{name}");
        let text = match value.get(name) {
            None | Some(Value::Null) if least == 0 => return,
            None | Some(Value::Null) => return self.required(&path),
            Some(Value::String(text)) => text,
            Some(_) => {
                return self.add(
                    &path,
                    "STRING_TYPE_CONVERT",
                    "Could not interpret as string.",
                );
            }
        };
        if least > 0 && text.trim().is_empty() {
            self.required(&path);
        } else if text.chars().count() < least || text.chars().count() > most {
            self.length(&path, least, most);
        }
    }

    fn length(&mut self, path: &str, least: usize, most: usize) {
        if least > 0 {
            self.bounds(path, least, most);
        } else {
            self.too_long(path, most);
        }
    }

    /// Done: the refusal, if anything was noted.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let mut tree = Value::Object(Map::new());
        for error in &self.errors {
            insert(&mut tree, error);
        }
        Err(Problem {
            errors: Some(tree),
            ..Problem::new(400, 50035, "Invalid Form Body")
        })
    }
}

/// Places an error in the tree which mirrors the request body.
fn insert(tree: &mut Value, error: &FormError) {
    let mut place = tree;
    for part in error.path.split('.').filter(|part| !part.is_empty()) {
        place = &mut place[part];
    }
    let found = json!({ "code": error.code, "message": error.message });
    match place.get_mut("_errors").and_then(Value::as_array_mut) {
        Some(errors) => errors.push(found),
        None => place["_errors"] = json!([found]),
    }
}
