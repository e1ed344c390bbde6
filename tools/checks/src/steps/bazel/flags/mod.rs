//! How each crate of a wheel is compiled: by cargo, by the rules, and by Bazel itself.
//!
//! cargo says it in its unit graph. The rules hand `rustc.sh` the features that `cargo
//! tree` names and the opt-levels that `manifest.bzl` reads in Cargo.toml; where Bazel
//! has built, its own actions are asked too.

mod actions;
mod cargo;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use toml::Table;

use crate::context::Context;
use crate::error::Result;
use crate::facts::{self, Platform};
use crate::log::Log;

/// The crate that is the extension module.
const EXTENSION: &str = "daggerml-python";
/// Bazel makes it where it builds.
const BUILT: &str = "bazel-out";

/// What decides over the bytes of a crate: what cargo, and what Bazel, was told of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Flags {
    features: BTreeSet<String>,
    opt_level: String,
    edition: String,
    /// Fat LTO, one codegen unit, unwinding.
    profile: String,
}

/// Each crate of a wheel by `NAME-VERSION`.
type Crates = BTreeMap<String, Flags>;

/// Where the builds would compile a crate differently, and who was asked.
pub fn findings(context: &Context, log: &mut Log) -> Result<(Vec<String>, &'static str)> {
    let manifest: Table = facts::table(context, "Cargo.toml")?;
    let asks_bazel = context.root.join(BUILT).exists();
    let mut findings = Vec::new();
    for Platform {
        name: platform,
        rust_target: target,
        ..
    } in &facts::read(context)?.platforms
    {
        let graph = json(log, cargo::unit_graph(context, target))?;
        let units = cargo::units(&graph, target);
        if units.is_empty() {
            findings.push(format!("cargo's unit graph for {target} names no crate"));
        }
        let (_, tree) = log.capture(&mut cargo::tree(context, target))?;
        let rules = cargo::rules(&tree, &manifest, &units);
        findings.extend(differences(platform, "the rules", &rules, &units));
        if asks_bazel {
            let actions = json(log, actions::aquery(context, platform))?;
            let bazel = actions::crates(&actions, platform);
            findings.extend(differences(platform, "Bazel", &bazel, &units));
        }
    }
    let asked = if asks_bazel {
        "Bazel's actions compile each crate as cargo does"
    } else {
        "the rules compile each crate as cargo does"
    };
    Ok((findings, asked))
}

/// What a program prints as JSON, `Null` if it is none.
fn json(log: &mut Log, mut command: Command) -> Result<Value> {
    let (_, text) = log.capture(&mut command)?;
    let start = text.find("\n{").map_or(0, |at| at + 1);
    Ok(serde_json::from_str(&text[start..]).unwrap_or_default())
}

/// A line for each crate that is compiled in two ways, or by one side only.
fn differences(platform: &str, who: &str, found: &Crates, cargo: &Crates) -> Vec<String> {
    let all: BTreeSet<&String> = found.keys().chain(cargo.keys()).collect();
    all.into_iter()
        .filter_map(|key| match (found.get(key), cargo.get(key)) {
            (Some(one), Some(other)) if one == other => None,
            (Some(one), Some(other)) => Some(format!(
                "{platform}: {key}: {who}: {}; cargo: {}",
                one.but(other),
                other.but(one)
            )),
            (Some(_), None) => Some(format!(
                "{platform}: {key}: compiled by {who}, not by cargo"
            )),
            (None, _) => Some(format!(
                "{platform}: {key}: compiled by cargo, not by {who}"
            )),
        })
        .collect()
}

impl Flags {
    /// What is otherwise in `other`, as it is here.
    fn but(&self, other: &Self) -> String {
        let mut words = Vec::new();
        if self.features != other.features {
            let own: Vec<&str> = self
                .features
                .difference(&other.features)
                .map(String::as_str)
                .collect();
            words.push(format!("features [{}]", own.join(", ")));
        }
        for (name, here, there) in [
            ("opt-level ", &self.opt_level, &other.opt_level),
            ("edition ", &self.edition, &other.edition),
            ("", &self.profile, &other.profile),
        ] {
            if here != there {
                words.push(format!("{name}{here}"));
            }
        }
        words.join(", ")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}
