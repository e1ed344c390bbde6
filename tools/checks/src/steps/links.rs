//! Links between the pages of documentation lead somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::blocks::line_of;
use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;

/// The page that must lead to every other page under `docs/`.
const INDEX: &str = "docs/README.md";

/// What a page links to and can be linked to.
#[derive(Default)]
struct Page {
    /// The targets of its links and images, with their lines.
    links: Vec<(usize, String)>,
    /// The anchors of its headings, as GitHub makes them.
    anchors: BTreeSet<String>,
}

/// Follows every relative link of every page.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let files = context.files()?;
    let mut pages = BTreeMap::new();
    for file in files.iter().filter(|file| is_page(file)) {
        pages.insert(file.as_str(), read(&context.read(file)?));
    }
    let mut findings = Vec::new();
    let mut indexed = BTreeSet::new();
    let mut count = 0;
    for (&name, page) in &pages {
        for (line, link) in page.links.iter().filter(|(_, link)| !is_elsewhere(link)) {
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                Some(name.to_owned())
            } else {
                resolve(name, path)
            };
            let there = target.filter(|target| {
                let folder = format!("{}/", target.trim_end_matches('/'));
                files.contains(target) || files.iter().any(|file| file.starts_with(&folder))
            });
            let Some(target) = there else {
                findings.push(format!("{name}:{line}: nothing is at {link}"));
                continue;
            };
            let named = pages.get(target.as_str());
            if !anchor.is_empty() && named.is_some_and(|page| !page.anchors.contains(anchor)) {
                findings.push(format!(
                    "{name}:{line}: {target} has no heading for #{anchor}"
                ));
            }
            if name == INDEX {
                indexed.insert(target);
            }
        }
    }
    for page in pages
        .keys()
        .filter(|page| page.starts_with("docs/") && **page != INDEX)
    {
        if !indexed.contains(*page) {
            findings.push(format!("{INDEX}: does not lead to {page}"));
        }
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!("{count} links")))
}

fn is_page(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == "md")
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// Reads a page.
fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut title: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links
                    .push((line_of(text, range.start), dest_url.into_string()));
            }
            Event::Start(Tag::Heading { .. }) => title = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(title) = &mut title {
                    title.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&title.take().unwrap_or_default());
                let numbers = (1..).map(|number| format!("{slug}-{number}"));
                let mut names = [slug.clone()].into_iter().chain(numbers);
                let free = |name: &String| !page.anchors.contains(name);
                let name = names.find(free);
                page.anchors.extend(name);
            }
            _ => {}
        }
    }
    page
}

/// Returns the anchor that GitHub gives to a heading.
fn slug(title: &str) -> String {
    let lower = title.trim().to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns a link's path from the repository's root; `None` if it leads out of it.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "[a](b.md) and [`c`](d.md#e)\n```\n[x](y)\n```\n`[x](y)` [f](https://g)\n\n\
                    ![p](q.svg) [two\nlines](r.md)\n\n[s][t]\n\n[t]: u.md\n";
        let links = read(text).links;
        let links: Vec<_> = links
            .iter()
            .map(|(line, link)| (*line, link.as_str()))
            .collect();
        let inline = [
            (1, "b.md"),
            (1, "d.md#e"),
            (5, "https://g"),
            (7, "q.svg"),
            (7, "r.md"),
        ];
        assert_eq!(links[..5], inline);
        assert_eq!(links[5..], [(10, "u.md")], "by reference");
    }

    #[test]
    fn links_start_from_their_page() {
        assert_eq!(
            resolve("docs/a/b.md", "../c.md").as_deref(),
            Some("docs/c.md")
        );
        assert_eq!(resolve("README.md", "docs/").as_deref(), Some("docs"));
        assert_eq!(resolve("README.md", "../x.md"), None);
    }

    #[test]
    fn headings_have_the_anchors_that_github_gives_them() {
        let page = "# The `dml` command!\n## Set up\n## Set up\n```\n# not one\n```\n#tag\n";
        let expected = ["the-dml-command", "set-up", "set-up-1"].map(str::to_owned);
        assert_eq!(read(page).anchors, BTreeSet::from(expected));
    }
}
