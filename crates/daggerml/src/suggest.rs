//! What may have been meant.

use crate::sorting::sort_by;

/// The most names suggested.
const MOST: usize = 3;

/// The most names compared, so that an error in a huge repository is quick too.
const COMPARED: usize = 100_000;

/// Returns the names that are nearest to `wanted` by the number of edits, or that begin
/// with it; nearest first.
pub(crate) fn nearest<N: AsRef<str>>(
    wanted: &str,
    names: impl IntoIterator<Item = N>,
) -> Vec<String> {
    let length = wanted.chars().count();
    // Of a single character nothing is left when it is another.
    let most = (length / 3).max(1).min(length.saturating_sub(1));
    let mut found: Vec<(usize, String)> = names
        .into_iter()
        .take(COMPARED)
        .filter_map(|name| {
            let name = name.as_ref();
            let begins = !wanted.is_empty() && name.starts_with(wanted);
            // Each character of difference in length is one edit.
            if !begins && name.len().abs_diff(wanted.len()) > 4 * most {
                return None;
            }
            let edits = strsim::damerau_levenshtein(wanted, name);
            (edits <= most || begins).then(|| (edits, name.to_owned()))
        })
        .collect();
    sort_by(&mut found, Ord::cmp);
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_first() {
        let names = ["main", "mian", "maintenance", "other"];
        assert_eq!(nearest("main", names), ["main", "mian", "maintenance"]);
        assert_eq!(nearest("mainn", names), ["main"]);
        assert_eq!(nearest("v2", ["v1"]), ["v1"]);
        assert!(nearest("zzz", names).is_empty());
        assert!(nearest("x", ["y"]).is_empty());
    }
}
