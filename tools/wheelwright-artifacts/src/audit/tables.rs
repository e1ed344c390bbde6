//! Facts from outside: the stable ABI and what each manylinux platform promises.
//! `data/make_tables.py` derives both tables and says from what.

use std::collections::HashMap;
use std::sync::LazyLock;

/// First CPython version that has a stable-ABI symbol.
pub fn stable_since(symbol: &str) -> Option<(u32, u32)> {
    static TABLE: LazyLock<HashMap<&str, (u32, u32)>> = LazyLock::new(|| {
        rows(include_str!("../../data/stable_abi.tsv"))
            .filter_map(|row| {
                let (symbol, version) = row.split_once('\t')?;
                let (major, minor) = version.split_once('.')?;
                Some((symbol, (major.parse().ok()?, minor.parse().ok()?)))
            })
            .collect()
    });
    TABLE.get(symbol).copied()
}

/// What one Linux platform promises.
pub struct Promise {
    /// Version of glibc or musl that names it.
    version: (u32, u32),
    /// Libraries that every such system has.
    pub libraries: Vec<&'static str>,
    /// By family and machine: highest number, and further names.
    versions: HashMap<(&'static str, &'static str), Versions>,
}

/// The highest numbered version, and further ones that have names.
type Versions = (Vec<u32>, Vec<&'static str>);

/// The promise of the newest listed platform that is no newer than `version`.
pub fn promise(kind: &str, version: (u32, u32)) -> Option<&'static Promise> {
    static MANYLINUX: LazyLock<Vec<Promise>> = LazyLock::new(|| promises("manylinux_"));
    static MUSLLINUX: LazyLock<Vec<Promise>> = LazyLock::new(|| promises("musllinux_"));
    let table = match kind {
        "musllinux" => &*MUSLLINUX,
        _ => &*MANYLINUX,
    };
    table
        .iter()
        .filter(|p| p.version <= version)
        .max_by_key(|p| p.version)
        .or_else(|| table.iter().min_by_key(|p| p.version))
}

impl Promise {
    /// Whether the platform has this version of this family on this machine:
    /// `None` when it is, else what it has.
    pub fn lacks(&self, family: &str, version: &str, machine: &str) -> Option<String> {
        let Some((highest, named)) = self.versions.get(&(family, machine)) else {
            return Some(format!("nothing of {family} on {machine}"));
        };
        let fits = number(version).map_or_else(|| named.contains(&version), |v| v <= *highest);
        let dotted: Vec<String> = highest.iter().map(u32::to_string).collect();
        (!fits).then(|| format!("{family}_{}", dotted.join(".")))
    }

    /// Whether the table knows the family at all.
    pub fn knows(&self, family: &str) -> bool {
        self.versions.keys().any(|(f, _)| *f == family)
    }
}

/// `2.28` as numbers; `None` for names such as `PRIVATE`.
pub fn number(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

fn promises(prefix: &str) -> Vec<Promise> {
    let mut list: Vec<Promise> = Vec::new();
    for row in rows(include_str!("../../data/manylinux.tsv")) {
        let mut columns = row.split('\t');
        let (Some(platform), Some(family), Some(machine), Some(values)) = (
            columns.next(),
            columns.next(),
            columns.next(),
            columns.next(),
        ) else {
            continue;
        };
        let Some(version) = platform.strip_prefix(prefix).and_then(|v| {
            let (major, minor) = v.split_once('_')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        }) else {
            continue;
        };
        if list.last().is_none_or(|p| p.version != version) {
            list.push(Promise {
                version,
                libraries: Vec::new(),
                versions: HashMap::new(),
            });
        }
        let Some(promise) = list.last_mut() else {
            continue;
        };
        if family == "libraries" {
            promise.libraries = values.split(' ').collect();
        } else {
            let (numbers, named): (Vec<&str>, Vec<&str>) =
                values.split(' ').partition(|v| number(v).is_some());
            let highest = numbers.first().and_then(|v| number(v)).unwrap_or_default();
            promise.versions.insert((family, machine), (highest, named));
        }
    }
    list
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_facts_come_out() {
        assert_eq!(stable_since("PyList_New"), Some((3, 2)));
        assert_eq!(stable_since("PyType_GetName"), Some((3, 11)));
        assert_eq!(stable_since("_PyLong_AsByteArray"), None);
        let promise = promise("manylinux", (2, 28)).unwrap();
        assert!(promise.libraries.contains(&"libc.so.6"));
        assert!(promise.lacks("GLIBC", "2.28", "x86_64").is_none());
        assert!(promise.lacks("GLIBC", "2.29", "x86_64").is_some());
        assert!(promise.lacks("CXXABI", "FLOAT128", "x86_64").is_none());
        assert!(promise.lacks("GLIBC", "PRIVATE", "x86_64").is_some());
    }
}
