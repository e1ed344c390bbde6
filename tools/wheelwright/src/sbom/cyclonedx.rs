//! CycloneDX 1.6 JSON, the same bytes for the same content: sorted, no time, a
//! serial number that follows from the rest.

use serde_json::{Map, Value, json};
use wheelwright_artifacts::digest::Digest;

use super::linked::{Crate, License, Linked, Native};
use crate::project::name::Name;

/// What the bill is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The Python distribution, or the crate where there is none.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The Rust target it was compiled for.
    pub target: String,
}

/// The bill as JSON text.
pub fn cyclonedx(subject: &Subject, linked: &Linked) -> String {
    let reference = |key: &str| format!("pkg:cargo/{key}");
    let mut components: Vec<Value> = linked.crates.iter().map(|(key, c)| krate(key, c)).collect();
    components.extend(linked.natives.values().map(native));
    let mut dependencies: Vec<Value> = vec![json!({
        "ref": top(subject),
        "dependsOn": [reference(&linked.root)],
    })];
    dependencies.extend(linked.crates.iter().map(|(key, c)| {
        let mut uses: Vec<String> = c.uses.iter().map(|key| reference(key)).collect();
        uses.extend(
            linked
                .natives
                .values()
                .filter(|native| native.brought_by == *key)
                .map(native_reference),
        );
        json!({ "ref": reference(key), "dependsOn": uses })
    }));
    let body = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": { "components": [{
                "type": "application",
                "name": "wheelwright",
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": {
                "type": "library",
                "bom-ref": top(subject),
                "name": subject.name,
                "version": subject.version,
                "purl": top(subject),
                "properties": [{ "name": "rust:target", "value": subject.target }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let mut bill = body;
    let serial = serial(&bill);
    bill["serialNumber"] = Value::String(serial);
    format!("{bill:#}\n")
}

fn top(subject: &Subject) -> String {
    let name = Name::parse(&subject.name);
    let name = name.as_ref().map_or(subject.name.as_str(), Name::normal);
    format!("pkg:pypi/{name}@{}", subject.version.replace('+', "%2B"))
}

fn krate(key: &str, c: &Crate) -> Value {
    let mut component = Map::new();
    component.insert("type".into(), "library".into());
    component.insert("bom-ref".into(), format!("pkg:cargo/{key}").into());
    component.insert("name".into(), c.name.clone().into());
    component.insert("version".into(), c.version.clone().into());
    // A build's name in a version (`1.0.0+zstd`) is not a separator.
    let purl = format!("pkg:cargo/{}", key.replace('+', "%2B"));
    component.insert("purl".into(), purl.into());
    if let Some(checksum) = &c.checksum {
        component.insert(
            "hashes".into(),
            json!([{ "alg": "SHA-256", "content": checksum }]),
        );
    }
    match &c.license {
        Some(License::Expression(expression)) => {
            component.insert("licenses".into(), json!([{ "expression": expression }]));
        }
        Some(License::Named(name)) => {
            component.insert("licenses".into(), json!([{ "license": { "name": name } }]));
        }
        None => {}
    }
    // The format takes addresses only; `git@host:path` is none.
    let is_address = |text: &&String| url::Url::parse(text).is_ok() && !text.contains(' ');
    if let Some(repository) = c.repository.as_ref().filter(is_address) {
        component.insert(
            "externalReferences".into(),
            json!([{ "type": "vcs", "url": repository }]),
        );
    }
    Value::Object(component)
}

fn native_reference(native: &Native) -> String {
    format!("native:{}:{}", native.brought_by, native.name)
}

fn native(native: &Native) -> Value {
    let mut component = Map::new();
    component.insert("type".into(), "library".into());
    component.insert("bom-ref".into(), native_reference(native).into());
    component.insert("name".into(), native.name.clone().into());
    if let Some(version) = &native.version {
        component.insert("version".into(), version.clone().into());
    }
    component.insert(
        "description".into(),
        format!("compiled in by the crate {}", native.brought_by).into(),
    );
    if let Some(purl) = &native.purl {
        component.insert("purl".into(), purl.clone().into());
    }
    if let Some(license) = &native.license {
        component.insert("licenses".into(), json!([{ "expression": license }]));
    }
    if !native.libraries.is_empty() {
        let libraries: Vec<Value> = native
            .libraries
            .iter()
            .map(|library| json!({ "name": "cargo:static-library", "value": library }))
            .collect();
        component.insert("properties".into(), libraries.into());
    }
    Value::Object(component)
}

/// A UUID (version 8: free form) from the content's digest.
fn serial(body: &Value) -> String {
    let hex = Digest::of(body.to_string().as_bytes()).hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
