//! The platforms of a repository: `[[platform]]` and `platforms` of `wheelwright.toml`.

use std::path::Path;

use super::ProjectError;
use super::settings::is_tag;
use super::workspace::{FILE, Settings};
use crate::toolchain::platform::{Platform, Table};

/// The platform table of a repository, and which of it native packages are built for.
///
/// # Errors
/// A row cannot be right, or a name is in no row.
pub(super) fn chosen(
    root: &Path,
    settings: Settings,
) -> Result<(Table, Vec<&'static Platform>), ProjectError> {
    let path = root.join(FILE);
    let problem = |keys: &[&str], problem: String| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        super::field_error(&path, &text, keys, problem)
    };
    let rows = settings.platform;
    for (position, row) in rows.iter().enumerate() {
        let place = position.to_string();
        check(row).map_err(|(key, wrong)| problem(&["platform", &place, key], wrong))?;
        if rows
            .iter()
            .take(position)
            .any(|above| above.name == row.name)
        {
            let wrong = format!(
                "another row is called {:?}, too; name one of them otherwise",
                row.name
            );
            return Err(problem(&["platform", &place, "name"], wrong));
        }
    }
    let table = Table::with(rows);
    let mut chosen: Vec<&'static Platform> = Vec::new();
    for (position, name) in settings.platforms.iter().enumerate() {
        let place = position.to_string();
        let keys = ["platforms", &place];
        let row = table
            .by_name(name)
            .map_err(|error| problem(&keys, error.to_string()))?;
        let same = chosen.iter().find(|other| other.wheel_tag == row.wheel_tag);
        if let Some(other) = same {
            let wrong = format!(
                "{name:?} and {:?} make wheels of one name, for {}; take one of them out",
                other.name, row.wheel_tag
            );
            return Err(problem(&keys, wrong));
        }
        chosen.push(row);
    }
    Ok((table, chosen))
}

/// Checks a row. Returns the key whose value cannot be right, and what would be.
fn check(row: &Platform) -> Result<(), (&'static str, String)> {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
    let word = |text: &str| text.starts_with(char::is_alphanumeric) && text.chars().all(small);
    let name = &row.name;
    if !word(name) {
        let problem = format!("{name:?}: write small letters, digits and _ . - only");
        return Err(("name", problem));
    }
    let tag = &row.wheel_tag;
    if !is_tag(tag) {
        let problem =
            format!("{tag:?} is not a tag: small letters, digits and _, with dots between");
        return Err(("wheel-tag", problem));
    }
    if tag == "any" {
        let problem = "\"any\" is no tag of one platform; write manylinux_2_28_x86_64, \
                       win_arm64 or the like";
        return Err(("wheel-tag", problem.to_owned()));
    }
    let target = &row.rust_target;
    if !word(target) || !target.contains('-') {
        let problem =
            format!("{target:?} is no target; `rustc --print target-list` has all of them");
        return Err(("rust-target", problem));
    }
    let target = &row.zig_target;
    if !word(target) || !target.contains('-') {
        let problem =
            format!("{target:?} is no target of zig; write x86_64-linux-gnu.2.28 or the like");
        return Err(("zig-target", problem));
    }
    if let Some(promised) = tag.split('.').filter_map(glibc_of_tag).min() {
        match glibc_of_zig(target) {
            None => {
                let problem = format!(
                    "{target:?} names no version of glibc; {tag} needs one, as in \
                     x86_64-linux-gnu.2.28"
                );
                return Err(("zig-target", problem));
            }
            Some(linked) if linked > promised => {
                let problem = format!(
                    "{target:?} needs glibc 2.{linked}, and {tag} promises 2.{promised}; \
                     write the older version, or the tag manylinux_2_{linked}"
                );
                return Err(("zig-target", problem));
            }
            Some(_) => {}
        }
    }
    if !row.library.contains("{}") || row.library.contains(['/', '\\']) {
        let problem = format!(
            "{:?} is no file name with {{}} for the crate's name; write lib{{}}.so, \
             lib{{}}.dylib or {{}}.dll",
            row.library
        );
        return Err(("library", problem));
    }
    Ok(())
}

/// `28` of `manylinux_2_28_x86_64`.
fn glibc_of_tag(tag: &str) -> Option<u32> {
    match tag.split_once('_')? {
        ("manylinux", rest) => rest.strip_prefix("2_")?.split('_').next()?.parse().ok(),
        ("manylinux1", _) => Some(5),
        ("manylinux2010", _) => Some(12),
        ("manylinux2014", _) => Some(17),
        _ => None,
    }
}

/// `28` of `x86_64-linux-gnu.2.28`.
fn glibc_of_zig(target: &str) -> Option<u32> {
    let (_, libc) = target.split_once("-linux-gnu")?;
    let (_, version) = libc.split_once(".2.")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_our_own_are_sound() {
        for row in Table::own().rows() {
            assert_eq!(check(row), Ok(()), "{}", row.name);
        }
    }

    #[test]
    fn rows_that_cannot_be_right_are_refused() {
        let good = Platform {
            name: "a".to_owned(),
            wheel_tag: "manylinux_2_28_x86_64".to_owned(),
            rust_target: "x86_64-unknown-linux-gnu".to_owned(),
            zig_target: "x86_64-linux-gnu.2.17".to_owned(),
            library: "lib{}.so".to_owned(),
        };
        assert_eq!(check(&good), Ok(()));
        let change = |by: fn(&mut Platform)| {
            let mut row = good.clone();
            by(&mut row);
            check(&row).unwrap_err()
        };
        for (refused, key, word) in [
            (
                change(|row| row.name = "../a".into()),
                "name",
                "small letters",
            ),
            (
                change(|row| row.name = String::new()),
                "name",
                "small letters",
            ),
            (
                change(|row| row.wheel_tag = "manylinux-2".into()),
                "wheel-tag",
                "is not a tag",
            ),
            (
                change(|row| row.wheel_tag = "any".into()),
                "wheel-tag",
                "one platform",
            ),
            (
                change(|row| row.rust_target = "x86_64 linux".into()),
                "rust-target",
                "rustc --print target-list",
            ),
            (
                change(|row| row.zig_target = "a/b".into()),
                "zig-target",
                "x86_64-linux-gnu.2.28",
            ),
            (
                change(|row| row.zig_target = "x86_64-linux-gnu.2.31".into()),
                "zig-target",
                "manylinux_2_31",
            ),
            (
                change(|row| row.zig_target = "x86_64-linux-gnu".into()),
                "zig-target",
                "gnu.2.28",
            ),
            (
                change(|row| row.zig_target = "x86_64-linux-musl".into()),
                "zig-target",
                "gnu.2.28",
            ),
            (
                change(|row| row.library = "core.so".into()),
                "library",
                "{}",
            ),
        ] {
            assert_eq!(refused.0, key, "{}", refused.1);
            assert!(refused.1.contains(word), "{}", refused.1);
        }
    }
}
