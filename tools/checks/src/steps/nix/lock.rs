//! `flake.lock` beside `flake.nix`: complete, and about nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// One input as `flake.nix` says it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Input {
    url: String,
    /// Inputs of that input, and which of ours they are.
    follows: BTreeMap<String, String>,
}

/// Everything that is wrong with the lock.
pub(super) fn check(flake: &str, lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let inputs = inputs(flake);
    if inputs.is_empty() {
        findings.push("flake.nix: no inputs were found".to_owned());
    }
    let lock: Json = match serde_json::from_str(lock) {
        Ok(lock) => lock,
        Err(error) => return vec![format!("flake.lock: {error}")],
    };
    if lock["version"] != 7 {
        findings.push("flake.lock: its version is not 7".to_owned());
    }
    let nodes = lock["nodes"].as_object().cloned().unwrap_or_default();
    let root = lock["root"].as_str().unwrap_or_default();
    let mut reached = BTreeSet::from([root]);
    let mut waiting = vec![root];
    while let Some(name) = waiting.pop() {
        let Some(node) = nodes.get(name) else {
            findings.push(format!("flake.lock: there is no node {name}"));
            continue;
        };
        for (input, target) in node["inputs"].as_object().into_iter().flatten() {
            match target {
                Json::String(target) if reached.insert(target) => waiting.push(target),
                Json::String(_) => {}
                path => findings.extend(
                    (!leads_somewhere(&nodes, root, path))
                        .then(|| format!("flake.lock: {name}.{input} follows nothing: {path}")),
                ),
            }
        }
        if name != root {
            findings.extend(of_node(name, node));
        }
    }
    for name in nodes.keys().filter(|name| !reached.contains(name.as_str())) {
        findings.push(format!("flake.lock: {name} is an input of nothing"));
    }
    let locked = nodes.get(root).and_then(|node| node["inputs"].as_object());
    for name in locked.into_iter().flat_map(|locked| locked.keys()) {
        if !inputs.contains_key(name) {
            findings.push(format!("flake.lock: flake.nix has no input {name}"));
        }
    }
    for (name, input) in &inputs {
        let node = locked
            .and_then(|locked| nodes.get(locked.get(name)?.as_str()?))
            .unwrap_or(&Json::Null);
        findings.extend(of_input(name, input, node));
    }
    findings
}

/// Does a path of inputs, from the root on, end at a node?
fn leads_somewhere(nodes: &serde_json::Map<String, Json>, root: &str, path: &Json) -> bool {
    let mut at = root;
    let steps = path.as_array().map(Vec::as_slice).unwrap_or_default();
    for step in steps {
        let next = step
            .as_str()
            .and_then(|step| nodes.get(at)?["inputs"][step].as_str());
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    !steps.is_empty() && nodes.contains_key(at)
}

/// What a locked node must say of itself.
fn of_node(name: &str, node: &Json) -> Vec<String> {
    let locked = &node["locked"];
    let text = |key: &str| locked[key].as_str().unwrap_or_default();
    let is_commit = text("rev").len() == 40 && text("rev").chars().all(|c| c.is_ascii_hexdigit());
    let is_hash = text("narHash").len() == "sha256-".len() + 44
        && text("narHash").starts_with("sha256-")
        && text("narHash").ends_with('=');
    [
        (text("type") == "github", "type"),
        (is_commit, "rev"),
        (is_hash, "narHash"),
        (locked["lastModified"].as_u64().is_some(), "lastModified"),
        (locked["owner"] == node["original"]["owner"], "owner"),
        (locked["repo"] == node["original"]["repo"], "repo"),
    ]
    .into_iter()
    .filter(|(good, _)| !good)
    .map(|(_, key)| format!("flake.lock: {name} has no good locked.{key}"))
    .collect()
}

/// Is this node the input that `flake.nix` names?
fn of_input(name: &str, input: &Input, node: &Json) -> Vec<String> {
    let mut findings = Vec::new();
    let original = &node["original"];
    let parts = ["owner", "repo", "ref"].map(|key| original[key].as_str());
    let url = format!(
        "github:{}",
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    );
    if url != input.url {
        findings.push(format!(
            "flake.lock: {name} is locked for {url:?}, but flake.nix says {:?}; run `nix flake lock`",
            input.url
        ));
    }
    for (theirs, ours) in &input.follows {
        if node["inputs"][theirs] != serde_json::json!([ours]) {
            findings.push(format!(
                "flake.lock: {name}.{theirs} does not follow {ours}; run `nix flake lock`"
            ));
        }
    }
    findings
}

/// The inputs of a flake that nixfmt has written: one statement a line.
fn inputs(flake: &str) -> BTreeMap<String, Input> {
    let mut found: BTreeMap<String, Input> = BTreeMap::new();
    let mut outer: Option<String> = None;
    let block = flake
        .lines()
        .skip_while(|line| *line != "  inputs = {")
        .skip(1)
        .take_while(|line| *line != "  };");
    for line in block.map(str::trim) {
        if line == "};" {
            outer = None;
        }
        let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        if value == "{" {
            outer = Some(key.to_owned());
            continue;
        }
        let path = outer
            .as_ref()
            .map_or_else(|| key.to_owned(), |outer| format!("{outer}.{key}"));
        let value = value.trim_end_matches(';').trim_matches('"').to_owned();
        match path.split('.').collect::<Vec<_>>()[..] {
            [name, "url"] => found.entry(name.to_owned()).or_default().url = value,
            [name, "inputs", theirs, "follows"] => {
                let input = found.entry(name.to_owned()).or_default();
                input.follows.insert(theirs.to_owned(), value);
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAKE: &str = r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    # another
    other = {
      url = "github:a/b";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };
}
"#;

    fn node(owner: &str, repo: &str, more: &str) -> String {
        format!(
            r#"{{"locked": {{"type": "github", "owner": "{owner}", "repo": "{repo}",
                "rev": "{}", "narHash": "sha256-{}=", "lastModified": 1}},
                "original": {{"type": "github", "owner": "{owner}", "repo": "{repo}"{more}}}"#,
            "0".repeat(40),
            "A".repeat(43)
        )
    }

    fn lock() -> String {
        format!(
            r#"{{"version": 7, "root": "root", "nodes": {{
                "root": {{"inputs": {{"nixpkgs": "nixpkgs", "other": "other"}}}},
                "nixpkgs": {}}},
                "other": {}, "inputs": {{"nixpkgs": ["nixpkgs"]}}}}}}}}"#,
            node("NixOS", "nixpkgs", r#", "ref": "nixos-26.05""#),
            node("a", "b", "")
        )
    }

    #[test]
    fn a_complete_lock_has_no_findings() {
        assert_eq!(check(FLAKE, &lock()), Vec::<String>::new());
    }

    #[test]
    fn each_way_to_be_incomplete_is_found() {
        for (from, to, wanted) in [
            (r#""version": 7"#, r#""version": 6"#, "version"),
            (r#", "other": "other""#, "", "other is locked for"),
            (r#"["nixpkgs"]"#, r#"["other", "x"]"#, "follows nothing"),
            (r#"["nixpkgs"]"#, r#""nixpkgs""#, "does not follow nixpkgs"),
            ("nixos-26.05", "nixos-25.11", "nixpkgs is locked for"),
            ("sha256-", "sha1-", "locked.narHash"),
            (r#""rev": "0"#, r#""rev": "main"#, "locked.rev"),
            (r#""lastModified": 1"#, r#""x": 1"#, "locked.lastModified"),
            (r#""other": "other""#, r#""other": "gone""#, "no node gone"),
            (
                r#""root": {"inputs": {"#,
                r#""root": {"inputs": {"more": "nixpkgs", "#,
                "no input more",
            ),
        ] {
            let changed = lock().replacen(from, to, 1);
            assert_ne!(changed, lock(), "{from}");
            let findings = check(FLAKE, &changed);
            assert!(
                findings.iter().any(|finding| finding.contains(wanted)),
                "{wanted}: {findings:?}"
            );
        }
        let unused = lock().replacen(r#""nodes": {"#, r#""nodes": {"left": {},"#, 1);
        assert_eq!(
            check(FLAKE, &unused),
            ["flake.lock: left is an input of nothing"]
        );
    }

    #[test]
    fn a_flake_whose_inputs_cannot_be_read_is_found() {
        assert!(check("{ }", &lock()).len() > 1);
    }
}
