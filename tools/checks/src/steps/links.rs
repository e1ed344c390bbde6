//! Links between the pages of documentation lead somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;

/// The page that must lead to every other page under `docs/`.
const INDEX: &str = "docs/README.md";

/// Follows every relative link of every page.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let files = context.files()?;
    let pages = files.iter().filter(|file| is_page(file));
    let mut findings = Vec::new();
    let mut indexed = BTreeSet::new();
    let mut count = 0;
    for page in pages.clone() {
        let text = context.read(page)?;
        for (line, link) in links(&text) {
            if is_elsewhere(link) {
                continue;
            }
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                Some(page.clone())
            } else {
                resolve(page, path)
            };
            let there = target.filter(|target| {
                let folder = format!("{}/", target.trim_end_matches('/'));
                files.contains(target) || files.iter().any(|file| file.starts_with(&folder))
            });
            let Some(target) = there else {
                findings.push(format!("{page}:{line}: nothing is at {link}"));
                continue;
            };
            if !anchor.is_empty()
                && is_page(&target)
                && !anchors(&context.read(&target)?).contains(anchor)
            {
                findings.push(format!(
                    "{page}:{line}: {target} has no heading for #{anchor}"
                ));
            }
            if page == INDEX {
                indexed.insert(target);
            }
        }
    }
    for page in pages.filter(|page| page.starts_with("docs/") && *page != INDEX) {
        if !indexed.contains(page) {
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

/// The targets of `[text](target)`, with their lines; code is left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let mut outside_code = true;
        for part in line.split('`') {
            if outside_code {
                let targets = part
                    .split("](")
                    .skip(1)
                    .filter_map(|rest| rest.split_once(')'));
                found.extend(targets.map(|(target, _)| (number, target)));
            }
            outside_code = !outside_code;
        }
        // A link whose text has code in it begins in one part and ends in another.
        if let Some((_, rest)) = line.split_once("`](")
            && let Some((target, _)) = rest.split_once(')')
            && !found.contains(&(number, target))
        {
            found.push((number, target));
        }
    }
    found
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let mut name = slug.clone();
        let mut next = 1;
        while !found.insert(name) {
            name = format!("{slug}-{next}");
            next += 1;
        }
    }
    found
}

/// The lines outside fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence = 0;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let trimmed = line.trim_start();
        let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
        if fence == 0 && ticks >= 3 {
            fence = ticks;
            return None;
        }
        if fence > 0 {
            if ticks >= fence && trimmed.trim_end().len() == ticks {
                fence = 0;
            }
            return None;
        }
        Some((index + 1, line))
    })
}

/// A link's path from the repository's root; `None` if it leaves it.
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
        let page = "[a](b.md) and [`c`](d.md#e)\n```\n[x](y)\n```\n`[x](y)` [f](https://g)\n";
        assert_eq!(links(page), [(1, "b.md"), (1, "d.md#e"), (5, "https://g")]);
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
        assert_eq!(anchors(page), BTreeSet::from(expected));
    }
}
