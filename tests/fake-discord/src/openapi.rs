//! Request bodies held against Discord's official description, when a copy of it is at hand.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The environment variable which names the official `openapi.json`.
const VARIABLE: &str = "DISCORD_OPENAPI";
/// The file which the environment names.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in is a program of its own, with this one setting"
)]
pub(crate) fn from_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

const PREFIX: &str = "#/components/schemas/";

type Compiled = HashMap<(String, String), Option<Arc<Validator>>>;

/// The description, with the schemas of the operations compiled as they are needed.
#[derive(Debug)]
pub(crate) struct OpenApi {
    description: Value,
    compiled: Mutex<Compiled>,
}

impl OpenApi {
    /// Reads the file and relaxes the two rules which are stricter than Discord is.
    pub(crate) fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut description: Value = serde_json::from_str(&text)?;
        let schemas = &mut description["components"]["schemas"];
        relax(schemas);
        Ok(Self {
            description,
            compiled: Mutex::default(),
        })
    }

    /// What is wrong with a body, by the schema of its path and method.
    pub(crate) fn violations(&self, method: &str, segments: &[&str], body: &Value) -> Vec<String> {
        let Some(template) = self.template(segments) else {
            return Vec::new();
        };
        let Some(validator) = self.validator(&template, method) else {
            return Vec::new();
        };
        let errors = validator.iter_errors(body);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    /// The path of the description that fits, the one with most literal parts if several do.
    fn template(&self, segments: &[&str]) -> Option<String> {
        let paths = self.description["paths"].as_object()?;
        let fitting = paths
            .keys()
            .filter_map(|path| Some((literals(path, segments)?, path)));
        fitting.max().map(|(_, path)| path.clone())
    }

    fn validator(&self, path: &str, method: &str) -> Option<Arc<Validator>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (path.to_owned(), method.to_lowercase());
        let compile = || self.compile(&key.0, &key.1).map(Arc::new);
        if let Some(known) = compiled.get(&key) {
            return known.clone();
        }
        let made = compile();
        compiled.insert(key, made.clone());
        made
    }

    fn compile(&self, path: &str, method: &str) -> Option<Validator> {
        let content = &self.description["paths"][path][method]["requestBody"]["content"];
        let mut schema = content.get("application/json")?.get("schema")?.clone();
        let used = self.used_by(&schema);
        schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": { "schemas": used },
        });
        match jsonschema::validator_for(&schema) {
            Ok(validator) => Some(validator),
            Err(error) => panic!("the schema of {method} {path} cannot be used: {error}"),
        }
    }

    /// The schemas that one refers to, directly or through others.
    fn used_by(&self, schema: &Value) -> Value {
        let all = &self.description["components"]["schemas"];
        let mut found = Map::new();
        let mut open = BTreeSet::new();
        references(schema, &mut open);
        while let Some(name) = open.pop_first() {
            if !found.contains_key(&name) {
                references(&all[&name], &mut open);
                found.insert(name.clone(), all[&name].clone());
            }
        }
        Value::Object(found)
    }
}

/// Integer attachment ids and permissions in a string are fine, whatever the description says.
fn relax(schemas: &mut Value) {
    let id = json!({ "type": ["string", "integer"] });
    schemas["MessageAttachmentRequest"]["properties"]["id"] = id;
    let permissions = "default_member_permissions";
    for schema in schemas
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        let Some(rule) = schema
            .get_mut("properties")
            .and_then(|all| all.get_mut(permissions))
        else {
            continue;
        };
        *rule = json!({ "type": ["string", "integer", "null"] });
    }
}

/// How many parts of a template are literal, if it fits the path.
fn literals(template: &str, segments: &[&str]) -> Option<usize> {
    let parts: Vec<&str> = template.split('/').skip(1).collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut count = 0;
    for (part, segment) in parts.iter().zip(segments) {
        if part == segment {
            count += 1;
        } else if !part.starts_with('{') {
            return None;
        }
    }
    Some(count)
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            let reference = map.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|path| path.strip_prefix(PREFIX)) {
                found.insert(name.to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
