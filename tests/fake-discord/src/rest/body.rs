//! Request bodies: JSON, or multipart with `payload_json` and `files[n]`.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::header::CONTENT_TYPE,
};
use serde_json::Value;

use crate::{problem::Problem, wire::ATTACHMENT_LIMIT};

/// The most a request may hold: ten files of the largest size, and the JSON.
pub(crate) const LIMIT: usize = 11 * ATTACHMENT_LIMIT;

/// A body, read whole.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// There was a body.
    pub(crate) given: bool,
    pub(crate) json: Value,
    pub(crate) files: Vec<Upload>,
}

/// One uploaded file; `number` is the n of `files[n]`.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

pub(crate) async fn read(request: Request) -> Result<Body, Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        read_multipart(request).await
    } else {
        read_json(request).await
    }
}

async fn read_json(request: Request) -> Result<Body, Problem> {
    let bytes = to_bytes(request.into_body(), LIMIT).await;
    let bytes = bytes.map_err(|_| Problem::too_large())?;
    if bytes.is_empty() {
        return Ok(Body::default());
    }
    Ok(Body {
        given: true,
        json: parse(&bytes)?,
        files: Vec::new(),
    })
}

async fn read_multipart(request: Request) -> Result<Body, Problem> {
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| Problem::unreadable(&error.to_string()))?;
    let mut body = Body {
        given: true,
        ..Body::default()
    };
    while let Some(field) = next(&mut form).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "payload_json" {
            body.json = parse(&content(field).await?)?;
        } else if let Some(number) = file_number(&name) {
            body.files.push(upload(number.to_owned(), field).await?);
        }
    }
    Ok(body)
}

async fn next(form: &mut Multipart) -> Result<Option<Field<'_>>, Problem> {
    let field = form.next_field().await;
    field.map_err(|error| Problem::unreadable(&error.to_string()))
}

async fn content(field: Field<'_>) -> Result<Bytes, Problem> {
    let bytes = field.bytes().await;
    bytes.map_err(|error| Problem::unreadable(&error.to_string()))
}

fn file_number(name: &str) -> Option<&str> {
    name.strip_prefix("files[")?.strip_suffix(']')
}

async fn upload(number: String, field: Field<'_>) -> Result<Upload, Problem> {
    let name = field.file_name().unwrap_or("unknown").replace(' ', "_");
    let kind = field.content_type().unwrap_or("application/octet-stream");
    let content_type = kind.to_owned();
    let bytes = content(field).await?;
    if bytes.len() > ATTACHMENT_LIMIT {
        return Err(Problem::too_large());
    }
    Ok(Upload {
        number,
        name,
        content_type,
        bytes,
    })
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::unreadable(&error.to_string()))
}
