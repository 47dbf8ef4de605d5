//! Tells Supabase's public keys from the service key, which alone may do what the bot does.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// How keys of the new style begin that may be shown to everybody.
const PUBLISHABLE: &str = "sb_publishable_";

/// Roles in keys of the old style that may be shown to everybody.
const PUBLIC_ROLES: [&str; 2] = ["anon", "authenticated"];

/// Tokens are written without padding, but who copies one may add it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct Claims {
    role: String,
}

/// The name of a public key's kind; `None` for any other text. Nothing is verified: only the
/// holder of the project's secret could do that.
pub(super) fn public_kind(key: &str) -> Option<String> {
    if key.starts_with(PUBLISHABLE) {
        return Some("publishable".to_owned());
    }
    role(key).filter(|role| PUBLIC_ROLES.contains(&role.as_str()))
}

/// The `role` in the payload of a JSON Web Token.
fn role(key: &str) -> Option<String> {
    let mut parts = key.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = BASE64.decode(payload).ok()?;
    serde_json::from_slice::<Claims>(&payload)
        .ok()
        .map(|claims| claims.role)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key of the old style, without a valid signature.
    pub(in super::super) fn jwt(payload: &str) -> String {
        let payload = BASE64.encode(payload);
        format!("eyJhbGciOiJIUzI1NiJ9.{payload}.hunter2")
    }

    #[test]
    fn public_keys_are_recognised() {
        let claims = |role: &str| format!(r#"{{"iss":"supabase","ref":"ș","role":"{role}"}}"#);
        let unpadded = jwt(&claims("anon")).replace('=', "");
        for (key, kind) in [
            (jwt(&claims("anon")), Some("anon")),
            (unpadded, Some("anon")),
            (jwt(&claims("authenticated")), Some("authenticated")),
            (jwt(&claims("service_role")), None),
            (jwt("{}"), None),
            (jwt("not json"), None),
            ("sb_publishable_abc".into(), Some("publishable")),
            ("sb_secret_abc".into(), None),
            ("a.b.c".into(), None),
            ("anon".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(public_kind(&key).as_deref(), kind, "{key}");
        }
    }
}
