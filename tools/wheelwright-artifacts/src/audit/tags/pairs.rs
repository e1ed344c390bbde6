//! The pairs of Python and ABI tag that some installer asks for.

/// Newest minor version of Python 3 that a tag may name: there is one a year,
/// and a tag beyond is a typing error.
const NEWEST: u32 = 20;
/// First version of CPython with a stable ABI, as installers see it.
const FIRST_STABLE: u32 = 2;
/// First version of CPython that can be built without the GIL.
const FIRST_FREE_THREADED: u32 = 13;

/// Which Python tags and which ABI tags of a compressed set are of no use: no
/// installer asks for them together with any of the others.
pub fn useless(python: &[String], abi: &[String]) -> Vec<String> {
    let lonely_python = python
        .iter()
        .filter(|p| !abi.iter().any(|a| is_taken(p, a)))
        .map(|p| format!("{p}-{}", abi.join(".")));
    let lonely_abi = abi
        .iter()
        .filter(|a| !python.iter().any(|p| is_taken(p, a)))
        .map(|a| format!("{}-{a}", python.join(".")));
    let mut list: Vec<String> = lonely_python.chain(lonely_abi).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// Whether some installer asks for wheels of this Python with this ABI.
fn is_taken(python: &str, abi: &str) -> bool {
    let letters = python.len()
        - python
            .trim_start_matches(|c: char| c.is_ascii_lowercase())
            .len();
    let (name, digits) = python.split_at(letters);
    match name {
        "py" => abi == "none" && (matches!(digits, "2" | "3") || version(digits).is_some()),
        "cp" => version(digits).is_some_and(|version| cpython(version, abi)),
        "pp" => pypy(digits, abi),
        "graalpy" => version(digits).is_some_and(|(major, _)| major == 3) && graalpy(digits, abi),
        "ip" | "jy" => abi == "none" && version(digits).is_some(),
        _ => false,
    }
}

/// `39` and `310` as versions that there are.
fn version(digits: &str) -> Option<(u32, u32)> {
    let (major, minor) = digits.split_at_checked(1)?;
    let plain =
        minor == "0" || (!minor.starts_with('0') && minor.bytes().all(|b| b.is_ascii_digit()));
    let version = (major.parse().ok()?, minor.parse().ok().filter(|_| plain)?);
    match version {
        (2, 0..=7) => Some(version),
        (3, minor) if minor <= NEWEST => Some(version),
        _ => None,
    }
}

fn cpython((major, minor): (u32, u32), abi: &str) -> bool {
    match (major, abi) {
        (_, "none") => return true,
        // Builds without the GIL ask for the same versions, as `abi3t`.
        (3, "abi3" | "abi3t") => return minor >= FIRST_STABLE,
        _ => {}
    }
    let Some(flags) = abi.strip_prefix(&format!("cp{major}{minor}")) else {
        return false;
    };
    match (major, minor) {
        // 2.x and 3.2 come with 2- and 4-byte characters.
        (2, _) | (3, 0..=2) => matches!(flags, "m" | "mu" | "dm" | "dmu" | "u" | "d" | "du"),
        // Every CPython up to 3.7 is built with pymalloc.
        (3, 3..=7) => matches!(flags, "m" | "dm"),
        (3, FIRST_FREE_THREADED..) => matches!(flags, "" | "d" | "t" | "td"),
        _ => matches!(flags, "" | "d"),
    }
}

/// `pp310` with `pypy310_pp73`; `PyPy` of Python 2.7 names its ABI without it.
fn pypy(digits: &str, abi: &str) -> bool {
    if abi == "none" {
        return digits == "3" || version(digits).is_some();
    }
    let Some((python, own)) = abi
        .strip_prefix("pypy")
        .and_then(|rest| rest.split_once('_'))
    else {
        return false;
    };
    let own = own.strip_prefix("pp").unwrap_or(own);
    let number = !own.is_empty() && own.bytes().all(|b| b.is_ascii_digit());
    number
        && version(digits).is_some()
        && (python == digits || (python.is_empty() && digits == "27"))
}

/// `graalpy311` with `graalpy242_311_native`.
fn graalpy(digits: &str, abi: &str) -> bool {
    if abi == "none" {
        return true;
    }
    abi.strip_prefix("graalpy")
        .and_then(|rest| rest.strip_suffix(&format!("_{digits}_native")))
        .is_some_and(|own| own.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        for good in [
            "py3-none",
            "py2-none",
            "py38-none",
            "py314-none",
            "cp27-cp27mu",
            "cp37-cp37m",
            "cp38-cp38",
            "cp312-cp312",
            "cp312-none",
            "cp313-cp313t",
            "cp32-abi3",
            "cp39-abi3",
            "cp315-abi3t",
            "pp310-pypy310_pp73",
            "pp27-pypy_73",
            "pp3-none",
            "graalpy311-graalpy242_311_native",
            "jy27-none",
        ] {
            let (python, abi) = good.split_once('-').unwrap();
            assert!(is_taken(python, abi), "{good}");
        }
        for bad in [
            "cp3-abi3",
            "cp3-none",
            "cp3-cp3",
            "py3-abi3",
            "py39-abi3",
            "py3-cp39",
            "py4-none",
            "py99-none",
            "cp31-abi3",
            "cp27-abi3",
            "cp312-cp311",
            "cp312-cp312m",
            "cp312-cp312t",
            "cp37-cp37",
            "cp37-cp37mu",
            "cp399-abi3",
            "cp039-abi3",
            "cp39-abi4",
            "cp39-py39",
            "pp310-pypy39_pp73",
            "pp310-abi3",
            "pp310-cp310",
            "cp310-pypy310_pp73",
            "CP39-abi3",
            "python3-none",
            "-none",
        ] {
            let (python, abi) = bad.split_once('-').unwrap();
            assert!(!is_taken(python, abi), "{bad}");
        }
    }

    #[test]
    fn sets_have_no_useless_part() {
        let of = |python: &str, abi: &str| {
            let split = |set: &str| set.split('.').map(str::to_owned).collect::<Vec<_>>();
            useless(&split(python), &split(abi))
        };
        assert!(of("py2.py3", "none").is_empty());
        assert!(of("cp38.cp39", "cp38.cp39").is_empty());
        assert_eq!(of("cp3.cp39", "abi3"), ["cp3-abi3"]);
        assert_eq!(of("cp39", "abi3.cp310"), ["cp39-cp310"]);
        assert_eq!(of("cp3", "abi3"), ["cp3-abi3"]);
    }
}
