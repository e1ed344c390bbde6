//! The modules of the engine use each other in one direction only.
//!
//! The order is written in the documentation of `src/lib.rs`, and of each folder whose
//! `mod.rs` has such a table: see [`MARK`]. Here the sources are read, token by token, and
//! every path that begins with `crate`, `super` or `self` is compared with the order.
//! A module may give methods to a type of a lower one, as `dag` does to `Repository`. Calls of
//! those need no path, so they are compared by their names.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The sentence of a module's documentation before the table of its layers.
const MARK: &str = "uses modules above it in this table";

/// The functions of `lib.rs` that modules call. Each joins two layers, and `lib.rs` says why.
const JOINS: &[&str] = &["on_read"];

/// A module's path from the crate's root: `["execution", "claim"]`.
type Module = Vec<String>;

/// One source file, or what was made up for a test.
struct Source {
    module: Module,
    text: String,
}

/// The modules of one folder, the lowest first.
struct Layers {
    parent: Module,
    order: Vec<String>,
}

/// What the tokens of a source say.
#[derive(Default)]
struct Found {
    /// Paths that it names, from the crate's root, each in the module that names it.
    paths: BTreeSet<(Module, Module)>,
    /// The names of functions that it defines.
    defined: BTreeSet<String>,
    /// The types that it defines.
    types: BTreeSet<String>,
    /// Its inherent `impl` blocks: the type, and the names of the functions.
    blocks: Vec<(String, BTreeSet<String>)>,
    /// The names of methods and associated functions that it calls.
    called: BTreeSet<String>,
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let root = src();
    let mut found = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let inside = path.strip_prefix(&root).unwrap().with_extension("");
                let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
                let module = parts.filter(|part| part != "mod" && part != "lib");
                found.push(Source {
                    module: module.collect(),
                    text: std::fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(found.len() > 100, "{} has the sources", root.display());
    found
}

/// The layers that the documentation of `source` lists, if it does.
fn layers(source: &Source) -> Option<Layers> {
    let docs: Vec<&str> = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .collect();
    let mark = docs.iter().position(|line| line.contains(MARK))?;
    let rows = docs[mark..]
        .iter()
        .skip_while(|line| !line.starts_with(" |"));
    let rows = rows.take_while(|line| line.starts_with(" |"));
    let order = rows
        .filter_map(|line| line.strip_prefix(" | ")) // not the line below the header
        .flat_map(|row| {
            let cell = row.split('|').next().unwrap_or_default();
            let name = |text: &str| text.trim_matches(['[', ']', '`', ' ']).to_owned();
            cell.split(',').map(name).collect::<Vec<_>>()
        })
        .filter(|name| name != "module");
    Some(Layers {
        parent: source.module.clone(),
        order: order.collect(),
    })
}

impl Layers {
    /// The child of the folder that `module` is in; `None` for what is elsewhere.
    fn child<'m>(&self, module: &'m [String]) -> Option<&'m str> {
        let rest = module.strip_prefix(self.parent.as_slice())?;
        rest.first().map(String::as_str)
    }

    fn place(&self, child: &str) -> Option<usize> {
        self.order.iter().position(|name| name == child)
    }

    /// What is wrong with paths and method calls between the layers.
    fn check(&self, sources: &[(Module, Found)]) -> Vec<String> {
        let mut wrong = BTreeSet::new();
        let mut lowest: BTreeMap<&str, usize> = BTreeMap::new();
        let mut types: BTreeSet<(usize, &str)> = BTreeSet::new();
        for (module, found) in sources {
            let Some(child) = self.child(module) else {
                continue;
            };
            let Some(place) = self.place(child) else {
                wrong.insert(format!("{child} is not in the table of {:?}", self.parent));
                continue;
            };
            types.extend(found.types.iter().map(|name| (place, name.as_str())));
            for name in &found.defined {
                let least = lowest.entry(name).or_insert(place);
                *least = place.min(*least);
            }
        }
        // Methods of types of other layers, where no lower layer has a function of that name.
        let mut lent: BTreeMap<&str, usize> = BTreeMap::new();
        for (module, found) in sources {
            let Some(place) = self.child(module).and_then(|child| self.place(child)) else {
                continue;
            };
            for (name, functions) in &found.blocks {
                if types.contains(&(place, name.as_str())) {
                    continue;
                }
                let first = |name: &&String| lowest.get(name.as_str()) == Some(&place);
                lent.extend(
                    functions
                        .iter()
                        .filter(first)
                        .map(|name| (name.as_str(), place)),
                );
            }
        }
        for (module, found) in sources {
            let Some((child, place)) = self.child(module).and_then(|child| {
                let place = self.place(child)?;
                Some((child, place))
            }) else {
                continue;
            };
            for (by, path) in &found.paths {
                // A path that leads out of the folder is compared where it leads to.
                let Some(used) = self.child(path).filter(|used| *used != child) else {
                    continue;
                };
                let joins = self.parent.is_empty() && path.len() == 1 && JOINS.contains(&used);
                if !joins && self.place(used).is_none_or(|used| used >= place) {
                    wrong.insert(format!("{} uses {}", by.join("::"), path.join("::")));
                }
            }
            for name in &found.called {
                if lent.get(name.as_str()).is_some_and(|least| *least > place) {
                    let by = module.join("::");
                    wrong.insert(format!("{by} calls .{name}(), which is defined above it"));
                }
            }
        }
        wrong.into_iter().collect()
    }
}

impl Found {
    fn of(source: &Source) -> Self {
        let mut found = Self::default();
        let stream: TokenStream = source.text.parse().unwrap();
        found.read(stream, &source.module);
        found
    }

    fn read(&mut self, stream: TokenStream, module: &[String]) {
        let tokens: Vec<_> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            match token {
                TokenTree::Ident(name) => match name.to_string().as_str() {
                    "crate" | "super" | "self" if is_colons(&tokens, at + 1) => {
                        let mut paths = BTreeSet::new();
                        at = path(&tokens, at, module, &mut paths);
                        let by = |path| (module.to_vec(), path);
                        self.paths.extend(paths.into_iter().map(by));
                        continue;
                    }
                    "fn" => self.defined.extend(ident(&tokens, at + 1)),
                    "struct" | "enum" | "trait" | "type" => {
                        self.types.extend(ident(&tokens, at + 1));
                    }
                    "impl" => self.blocks.extend(block(&tokens, at + 1)),
                    "mod" => {
                        if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                            (tokens.get(at + 1), tokens.get(at + 2))
                        {
                            let inner = [module, &[name.to_string()]].concat();
                            self.read(body.stream(), &inner);
                            at += 3;
                            continue;
                        }
                    }
                    name if before.is_some_and(|token| is(token, '.') || is(token, ':')) => {
                        let next = tokens.get(at + 1);
                        if matches!(next, Some(TokenTree::Group(args)) if args.delimiter() == Delimiter::Parenthesis)
                            || is_colons(&tokens, at + 1)
                        {
                            self.called.insert(name.to_owned());
                        }
                    }
                    _ => {}
                },
                TokenTree::Group(group) => self.read(group.stream(), module),
                _ => {}
            }
            at += 1;
        }
    }
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    }
}

/// The type and the functions of the `impl` block whose header begins at `at`, unless it is
/// of a trait.
fn block(tokens: &[TokenTree], at: usize) -> Option<(String, BTreeSet<String>)> {
    let (mut depth, mut name) = (0, None);
    for token in tokens.get(at..)? {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '<' => depth += 1,
            TokenTree::Punct(mark) if mark.as_char() == '>' => depth -= 1,
            TokenTree::Ident(word) if word == "for" && depth == 0 => return None,
            TokenTree::Ident(word) if name.is_none() && depth == 0 => name = Some(word.to_string()),
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                let body: Vec<_> = body.stream().into_iter().collect();
                let functions = (0..body.len()).filter(
                    |at| matches!(body.get(*at), Some(TokenTree::Ident(word)) if word == "fn"),
                );
                let names = functions.filter_map(|at| ident(&body, at + 1)).collect();
                return Some((name?, names));
            }
            _ => {}
        }
    }
    None
}

fn is(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == wanted)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let both = tokens.get(at..at + 2);
    both.is_some_and(|both| both.iter().all(|token| is(token, ':')))
}

/// Reads the path, or the tree of paths, that begins at `at` in the module `from`. Returns
/// where it ends.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    from: &[String],
    found: &mut BTreeSet<Module>,
) -> usize {
    let mut module = from.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                match name.to_string().as_str() {
                    "crate" => module.clear(),
                    "super" => drop(module.pop()),
                    "self" => {}
                    name => module.push(name.to_owned()),
                }
                at += 1;
            }
            Some(TokenTree::Group(group)) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for tree in inner.split(|token| is(token, ',')) {
                    if !tree.is_empty() {
                        path(tree, 0, &module, found);
                    }
                }
                return at + 1;
            }
            _ => break, // a star, or generic arguments
        }
        if !is_colons(tokens, at) {
            break;
        }
        at += 2;
    }
    found.insert(module);
    at
}

fn checked(sources: &[Source]) -> Vec<String> {
    let found: Vec<_> = sources
        .iter()
        .map(|source| (source.module.clone(), Found::of(source)))
        .collect();
    sources
        .iter()
        .filter_map(layers)
        .flat_map(|layers| layers.check(&found))
        .collect()
}

#[test]
fn layers_use_only_those_below() {
    let sources = sources();
    let root = sources.iter().find(|source| source.module.is_empty());
    assert!(root.and_then(layers).is_some(), "lib.rs lists the layers");
    let wrong = checked(&sources);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A crate of two layers, `low` and `high`, of which one has this text.
fn two(module: &str, text: &str) -> Vec<String> {
    let docs = format!("//! One {MARK}.\n//!\n//! | module | holds |\n//! |---|---|\n");
    let rows = "//! | `low` | - |\n//! | [`high`] | - |\n";
    let source = |module: &str, text: &str| Source {
        module: module.split("::").map(str::to_owned).collect(),
        text: text.to_owned(),
    };
    checked(&[
        Source {
            module: Vec::new(),
            text: docs + rows,
        },
        source(
            "high",
            "struct High; impl High { fn stay(&self) {} } impl Low { fn climb(&self) {} }",
        ),
        source(module, text),
    ])
}

#[test]
fn paths_upward_are_found_wherever_they_are() {
    for (module, text) in [
        ("low", "use crate::high::Thing;"),
        ("low", "use crate::{low::a, high};"),
        ("low", "use super::high;"),
        ("low::deep", "use super::super::high::Thing;"),
        ("low", "mod tests { use super::super::high; }"),
        ("low", "fn f() { assert!(x == crate::high::Y); }"),
        ("low", "macro_rules! m { () => { $crate::high::f() } }"),
        ("low", "fn f(low: &Low) { low.climb(); }"),
        ("low", "fn f(low: &Low) { Low::climb(low); }"),
        ("low", "use crate::Thing;"),
        ("other", "fn f() {}"),
    ] {
        assert_eq!(two(module, text).len(), 1, "{module}: {text}");
    }
    for (module, text) in [
        ("high", "use crate::low::Thing;"),
        ("high::deep", "use super::Thing; use crate::high::other;"),
        ("low", "use std::high::Thing; // crate::high"),
        ("low", "fn f() { thread.stay(); }"),
        (
            "low",
            "/// See [`crate::high`].\nfn f() { self.low.fall(); }",
        ),
    ] {
        assert_eq!(two(module, text), [""; 0], "{module}: {text}");
    }
}
