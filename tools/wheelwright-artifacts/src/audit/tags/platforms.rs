//! The platform tags that an index takes and an installer asks for.
//!
//! An accept-list: what is not here is refused by the index, or no installer on
//! any machine has it among its tags.

use std::ops::RangeInclusive;

/// Releases of macOS after 10.x. Their tags end in `_0`: installers ask for no
/// other minor version.
const MACOS: &[u32] = &[11, 12, 13, 14, 15, 26];

/// Minor versions of glibc 2 that a tag can name. A release comes every half
/// year, so that the end of the range is years away, and a typing error beyond.
const GLIBC: RangeInclusive<u32> = 5..=60;

/// Machines that the index knows on Linux, with the first glibc 2 minor version
/// that installers consider there.
const LINUX: &[(&str, u32)] = &[
    ("x86_64", 5),
    ("i686", 5),
    ("aarch64", 17),
    ("armv7l", 17),
    ("ppc64le", 17),
    ("s390x", 17),
    ("riscv64", 17),
    ("ppc64", 17),
];

/// musl 1.x versions that a tag can name.
const MUSL: RangeInclusive<u32> = 0..=2;

/// What is wrong with a platform tag.
///
/// # Errors
/// A few words on what would be taken.
pub fn check(tag: &str) -> Result<(), String> {
    match tag {
        "any" | "win32" | "win_amd64" | "win_arm64" | "linux_armv6l" | "linux_armv7l" => {
            return Ok(());
        }
        _ => {}
    }
    let (family, rest) = tag.split_once('_').unwrap_or((tag, ""));
    match family {
        "manylinux1" | "manylinux2010" => one_of(rest, &["x86_64", "i686"]),
        "manylinux2014" => one_of(
            rest,
            &[
                "x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x",
            ],
        ),
        "manylinux" => manylinux(rest),
        "musllinux" => musllinux(rest),
        "macosx" => macos(rest),
        "ios" => ios(rest),
        "android" => android(rest),
        "pyemscripten" => match versioned(rest) {
            Some((year, _, "wasm32")) if (2024..2100).contains(&year) => Ok(()),
            _ => Err("pyemscripten_YEAR_NUMBER_wasm32".into()),
        },
        "win" => Err("win32, win_amd64 or win_arm64".into()),
        "linux" => Err("manylinux or musllinux, which say what they need".into()),
        _ => Err("a platform that the index knows".into()),
    }
}

fn one_of(machine: &str, allowed: &[&str]) -> Result<(), String> {
    if allowed.contains(&machine) {
        Ok(())
    } else {
        Err(format!("one of {}", allowed.join(", ")))
    }
}

/// `2_28_x86_64` as 2, 28 and the rest.
fn versioned(text: &str) -> Option<(u32, u32, &str)> {
    let (major, rest) = text.split_once('_')?;
    let (minor, rest) = rest.split_once('_')?;
    Some((number(major)?, number(minor)?, rest))
}

/// A number written as installers write it: without zeros before it.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    (digits && plain).then(|| text.parse().ok()).flatten()
}

fn manylinux(rest: &str) -> Result<(), String> {
    let wanted = || {
        let machines: Vec<&str> = LINUX.iter().map(|(machine, _)| *machine).collect();
        format!(
            "manylinux_2_N_MACHINE, MACHINE one of {}",
            machines.join(", ")
        )
    };
    let (major, minor, machine) = versioned(rest).ok_or_else(wanted)?;
    let (_, first) = LINUX
        .iter()
        .find(|(known, _)| *known == machine)
        .ok_or_else(wanted)?;
    if major != 2 || !GLIBC.contains(&minor) {
        return Err(format!("a version of glibc from 2.{first} on"));
    }
    if minor < *first {
        return Err(format!("manylinux_2_{first}_{machine} or later"));
    }
    Ok(())
}

fn musllinux(rest: &str) -> Result<(), String> {
    match versioned(rest) {
        Some((1, minor, machine)) if MUSL.contains(&minor) => {
            let machines: Vec<&str> = LINUX
                .iter()
                .map(|(machine, _)| *machine)
                .filter(|machine| *machine != "ppc64")
                .collect();
            one_of(machine, &machines)
        }
        _ => Err(format!("musllinux_1_N_MACHINE, N up to {}", MUSL.end())),
    }
}

fn macos(rest: &str) -> Result<(), String> {
    let Some((major, minor, machine)) = versioned(rest) else {
        return Err("macosx_MAJOR_MINOR_MACHINE".into());
    };
    if major == 10 && minor <= 16 {
        let machines: &[&str] = match minor {
            0..=3 => &["ppc", "fat", "fat3", "universal"],
            4..=5 => &[
                "x86_64",
                "i386",
                "ppc",
                "ppc64",
                "intel",
                "fat",
                "fat3",
                "fat64",
                "universal",
                "universal2",
            ],
            6 => &[
                "x86_64",
                "i386",
                "ppc",
                "intel",
                "fat",
                "fat3",
                "fat64",
                "universal",
                "universal2",
            ],
            _ => &[
                "x86_64",
                "i386",
                "intel",
                "fat",
                "fat3",
                "fat64",
                "universal",
                "universal2",
            ],
        };
        return one_of(machine, machines);
    }
    if !MACOS.contains(&major) || minor != 0 {
        let releases: Vec<String> = MACOS.iter().map(|m| format!("{m}_0")).collect();
        return Err(format!(
            "macosx_10_N or macosx_ and {}",
            releases.join(", ")
        ));
    }
    // There is no 32-bit code on these, so no `i386`.
    one_of(
        machine,
        &[
            "arm64",
            "x86_64",
            "universal2",
            "intel",
            "fat3",
            "fat64",
            "universal",
        ],
    )
}

fn ios(rest: &str) -> Result<(), String> {
    match versioned(rest) {
        // 12.0 is the first that runs Python, `.9` the last minor version looked for.
        Some((12..=99, 0..=9, machine)) => one_of(
            machine,
            &[
                "arm64_iphoneos",
                "arm64_iphonesimulator",
                "x86_64_iphonesimulator",
            ],
        ),
        _ => Err("ios_MAJOR_MINOR_MACHINE from 12.0 on".into()),
    }
}

fn android(rest: &str) -> Result<(), String> {
    let (level, machine) = rest.split_once('_').unwrap_or((rest, ""));
    // 16 is the first level that runs Python.
    if !number(level).is_some_and(|level| (16..=99).contains(&level)) {
        return Err("android_LEVEL_MACHINE from level 16 on".into());
    }
    one_of(machine, &["armeabi_v7a", "arm64_v8a", "x86", "x86_64"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        for good in [
            "any",
            "win32",
            "win_amd64",
            "win_arm64",
            "linux_armv6l",
            "linux_armv7l",
            "manylinux1_i686",
            "manylinux2014_s390x",
            "manylinux_2_5_x86_64",
            "manylinux_2_28_ppc64",
            "manylinux_2_39_riscv64",
            "musllinux_1_0_x86_64",
            "musllinux_1_2_armv7l",
            "macosx_10_6_ppc",
            "macosx_10_9_universal2",
            "macosx_10_16_x86_64",
            "macosx_11_0_arm64",
            "macosx_26_0_universal2",
            "ios_13_0_arm64_iphoneos",
            "ios_13_0_x86_64_iphonesimulator",
            "android_24_arm64_v8a",
            "pyemscripten_2025_0_wasm32",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "Any",
            "win64",
            "win_x86_64",
            "win_ia64",
            "linux_x86_64",
            "linux_armv8l",
            "manylinux1_aarch64",
            "manylinux2014_riscv64",
            "manylinux2020_x86_64",
            "manylinux_2_4_x86_64",
            "manylinux_2_12_aarch64",
            "manylinux_2_028_x86_64",
            "manylinux_2_228_x86_64",
            "manylinux_3_0_x86_64",
            "manylinux_2_28_amd64",
            "manylinux_2_28_loongarch64",
            "manylinux_2_28",
            "musllinux_1_3_x86_64",
            "musllinux_1_2_ppc64",
            "musllinux_2_0_x86_64",
            "macosx_10_9_arm64",
            "macosx_10_17_x86_64",
            "macosx_10_7_ppc",
            "macosx_11_0_i386",
            "macosx_11_0_aarch64",
            "macosx_11_0_amd64",
            "macosx_11_arm64",
            "macosx_13_3_arm64",
            "macosx_16_0_arm64",
            "ios_11_0_arm64_iphoneos",
            "ios_13_0_x86_64_iphoneos",
            "ios_13_0_arm64",
            "android_15_x86_64",
            "android_24_aarch64",
            "emscripten_3_1_58_wasm32",
            "pyodide_2024_0_wasm32",
            "freebsd_14_x86_64",
            "manylinux",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
