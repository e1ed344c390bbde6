//! Every copy of a fact: the file, the region in it, and the lines that belong there.

use crate::facts::{Facts, Package, Platform};

/// The region of a file that is nothing else: `sync --write` makes such a file.
pub const WHOLE: &str = "package";

/// That file before its region is filled.
pub const EMPTY: &str = "# <sync:package>\n# </sync>\n";

/// The oldest Python for which Bazel resolves the tools of the tests: `rules_python`
/// has no interpreter of an older one to try them with.
const OLDEST_OF_BAZEL: (u32, u32) = (3, 11);

/// One copy.
pub struct Copy {
    /// The file, from the root of the repository.
    pub file: String,
    /// The region in it.
    pub region: &'static str,
    /// The region's lines, without the indent that they have in the file.
    pub lines: Vec<String>,
}

/// Returns every copy that there must be.
pub fn all(facts: &Facts) -> Vec<Copy> {
    let release = ".github/workflows/release-python.yml";
    let toolchains = "tools/bazel/rust/toolchains.MODULE.bazel";
    let mut copies: Vec<Copy> = [
        (
            "rust-toolchain.toml",
            "rust",
            vec![format!("channel = {:?}", facts.rust)],
        ),
        (
            "rust-toolchain.toml",
            "platforms",
            toml_list("targets", targets(facts)),
        ),
        (
            "deny.toml",
            "platforms",
            toml_list("targets", targets(facts)),
        ),
        ("BUILD.bazel", "crates", labels(facts, |_| true, "crate")),
        (
            "MODULE.bazel",
            "crates",
            labels(facts, |ships| ships, "Cargo.toml"),
        ),
        ("MODULE.bazel", "platforms", items(sorted(targets(facts)))),
        ("MODULE.bazel", "pythons", items(pythons_of_bazel(facts))),
        ("python/BUILD.bazel", "packages", packages_of_bazel(facts)),
        (
            "tools/bazel/platforms/table.bzl",
            "platforms",
            rows_of_bazel(facts),
        ),
        (
            toolchains,
            "rust",
            vec![format!("RUST_VERSION = {:?}", facts.rust)],
        ),
        (toolchains, "platforms", constraints(facts)),
        (
            ".github/workflows/ci.yml",
            "rust",
            vec![format!("RUSTUP_TOOLCHAIN: {:?}", facts.oldest_rust)],
        ),
        (
            ".github/workflows/ci.yml",
            "pythons",
            vec![format!("python: {:?}", facts.pythons)],
        ),
        (release, "platforms", machines(facts, false)),
        (release, "musl-platforms", machines(facts, true)),
        (
            release,
            "publish-test",
            publish(facts, &["attestations: false"]),
        ),
        (release, "publish", publish(facts, &[])),
        (
            "ruff.toml",
            "pythons",
            vec![format!("target-version = {:?}", ruff_version(facts))],
        ),
        ("ruff.toml", "packages", toml_list("src", sources(facts))),
        ("mypy.ini", "packages", mypy(facts)),
        ("docs/guide/building.md", "platforms", recipe(facts)),
        ("docs/guide/install.md", "platforms", systems(facts)),
    ]
    .into_iter()
    .map(|(file, region, lines)| Copy {
        file: file.to_owned(),
        region,
        lines,
    })
    .collect();
    copies.extend(facts.packages.iter().map(|package| Copy {
        file: format!("{}/BUILD.bazel", package.folder),
        region: WHOLE,
        lines: package_of_bazel(package),
    }));
    let needing = facts
        .crates
        .iter()
        .filter(|member| !member.needs.is_empty());
    copies.extend(needing.map(|member| Copy {
        file: format!("{}/BUILD.bazel", member.folder),
        region: "needs",
        lines: deps(&member.needs),
    }));
    copies
}

/// Returns the compiler's names of the platforms, in their order.
fn targets(facts: &Facts) -> Vec<String> {
    facts
        .platforms
        .iter()
        .map(|platform| platform.rust_target.clone())
        .collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// Returns the items of a list, one a line.
fn items(names: Vec<String>) -> Vec<String> {
    names.into_iter().map(|name| format!("{name:?},")).collect()
}

/// Returns a list of a TOML file, one item a line.
fn toml_list(key: &str, names: Vec<String>) -> Vec<String> {
    let inner = items(names).into_iter().map(|item| format!("    {item}"));
    [format!("{key} = [")]
        .into_iter()
        .chain(inner)
        .chain(["]".to_owned()])
        .collect()
}

/// Returns Bazel's names of a file or target of the crates, one a line.
fn labels(facts: &Facts, wanted: impl Fn(bool) -> bool, target: &str) -> Vec<String> {
    let members = facts.crates.iter().filter(|member| wanted(member.ships));
    items(
        members
            .map(|member| format!("//{}:{target}", member.folder))
            .collect(),
    )
}

/// Returns the crates that a crate needs, as an argument of its rule.
fn deps(needs: &[String]) -> Vec<String> {
    let labels: Vec<String> = needs.iter().map(|folder| format!("//{folder}")).collect();
    if let [one] = labels.as_slice() {
        return vec![format!("deps = [{one:?}],")];
    }
    let mut lines = toml_list("deps", labels);
    lines.pop();
    lines.push("],".to_owned());
    lines
}

fn pythons_of_bazel(facts: &Facts) -> Vec<String> {
    let new_enough = |python: &&String| {
        let mut parts = python.split('.').map_while(|part| part.parse().ok());
        parts.next().zip(parts.next()) >= Some(OLDEST_OF_BAZEL)
    };
    facts.pythons.iter().filter(new_enough).cloned().collect()
}

/// Returns the packages with and without compiled code, below `python/`.
fn packages_of_bazel(facts: &Facts) -> Vec<String> {
    let names = |native: bool| -> Vec<String> {
        let packages = facts.packages.iter();
        let chosen = packages.filter(|package| package.compiled.is_some() == native);
        chosen
            .map(|package| package.folder.trim_start_matches("python/").to_owned())
            .collect()
    };
    let mut lines = toml_list("NATIVE", names(true));
    lines.push(String::new());
    lines.extend(toml_list("PURE", names(false)));
    lines
}

fn package_of_bazel(package: &Package) -> Vec<String> {
    let name = &package.name;
    let load = r#"load("//tools/bazel/packaging:package.bzl", "python_package")"#.to_owned();
    let mut lines = vec![load, String::new()];
    match &package.compiled {
        None => lines.push(format!("python_package(name = {name:?})")),
        Some((extension, abi)) => lines.extend([
            "python_package(".to_owned(),
            format!("    name = {name:?},"),
            format!("    extension = {extension:?},"),
            format!("    python_abi = {abi:?},"),
            ")".to_owned(),
        ]),
    }
    lines
}

fn rows_of_bazel(facts: &Facts) -> Vec<String> {
    let row = |row: &Platform| {
        [
            format!("{:?}: struct(", row.name),
            format!("    wheel_tag = {:?},", row.wheel_tag),
            format!("    rust_target = {:?},", row.rust_target),
            format!("    zig_target = {:?},", row.zig_target),
            "),".to_owned(),
        ]
    };
    facts.platforms.iter().flat_map(row).collect()
}

/// Returns what Bazel must know of each Rust target: its system, processor and C library.
fn constraints(facts: &Facts) -> Vec<String> {
    let of = |target: String| {
        let cpu = target.split('-').next().unwrap_or_default();
        let (system, libc) = match target.as_str() {
            name if name.contains("-apple-") => ("macos", None),
            name if name.contains("-windows-") => ("windows", None),
            name if name.ends_with("-musl") => ("linux", Some("musl")),
            _ => ("linux", Some("default")),
        };
        let mut lines = vec![
            format!("{target:?}: ["),
            format!("    \"@platforms//os:{system}\","),
            format!("    \"@platforms//cpu:{cpu}\","),
        ];
        lines.extend(libc.map(|libc| format!("    \"//tools/bazel/platforms:{libc}\",")));
        lines.push("],".to_owned());
        lines
    };
    sorted(targets(facts)).into_iter().flat_map(of).collect()
}

/// Returns which machine of GitHub Actions tries the wheels of each platform.
fn machines(facts: &Facts, musl: bool) -> Vec<String> {
    let rows = facts.platforms.iter();
    rows.filter(|row| row.rust_target.ends_with("-musl") == musl)
        .map(|row| format!("- {{ platform: {}, os: {} }}", row.name, row.runner))
        .collect()
}

/// Returns one step for each package, in publish order, that uploads its files.
fn publish(facts: &Facts, more: &[&str]) -> Vec<String> {
    let step = |(number, package): (usize, &Package)| {
        let folder = format!("upload/{number}-{}", package.name);
        let mut lines = vec![
            format!("- if: ${{{{ hashFiles('{folder}/*') != '' }}}}"),
            format!("  {}", facts.publisher),
            "  with:".to_owned(),
            format!("    packages-dir: {folder}/"),
            "    repository-url: ${{ vars.UPLOAD_URL }}".to_owned(),
        ];
        lines.extend(more.iter().map(|line| format!("    {line}")));
        lines
    };
    (1..).zip(&facts.packages).flat_map(step).collect()
}

/// Returns the oldest Python as ruff writes it: `py39`.
fn ruff_version(facts: &Facts) -> String {
    let oldest = facts.pythons.first().map_or("", String::as_str);
    format!("py{}", oldest.replace('.', ""))
}

/// Returns the folders of the packages' modules.
fn sources(facts: &Facts) -> Vec<String> {
    let packages = facts.packages.iter();
    packages
        .map(|package| format!("{}/src", package.folder))
        .collect()
}

fn mypy(facts: &Facts) -> Vec<String> {
    let sources = sources(facts);
    vec![
        format!(
            "mypy_path = python/tests:tools/checks/tests:{}",
            sources.join(":")
        ),
        format!(
            "files = {}, python/tests, tools/checks/tests",
            sources.join(", ")
        ),
    ]
}

/// Returns the table of how each platform is compiled.
fn recipe(facts: &Facts) -> Vec<String> {
    let head = [
        "| platform | wheel tag | Rust target | zig target |",
        "|---|---|---|---|",
    ];
    let row = |row: &Platform| {
        let Platform {
            name,
            wheel_tag,
            rust_target,
            zig_target,
            ..
        } = row;
        format!("| {name} | `{wheel_tag}` | {rust_target} | {zig_target} |")
    };
    let rows = facts.platforms.iter().map(row);
    head.into_iter().map(str::to_owned).chain(rows).collect()
}

/// Returns the table of the systems that wheels run on.
fn systems(facts: &Facts) -> Vec<String> {
    let head = ["| wheel | runs on |", "|---|---|"];
    let row = |row: &Platform| {
        let tag = &row.wheel_tag;
        let processor = row.rust_target.split('-').next().unwrap_or_default();
        format!("| `{tag}` | {}, {processor} |", system(tag))
    };
    let rows = facts.platforms.iter().map(row);
    head.into_iter().map(str::to_owned).chain(rows).collect()
}

/// Returns the systems that a platform tag promises, in words.
fn system(tag: &str) -> String {
    let parts: Vec<&str> = tag.split('_').collect();
    match parts.as_slice() {
        ["manylinux", major, minor, ..] => format!("Linux with glibc {major}.{minor} or newer"),
        ["musllinux", major, minor, ..] => format!("Linux with musl {major}.{minor} or newer"),
        ["macosx", major, ..] => format!("macOS {major} or newer"),
        ["win", "arm64"] => "Windows 11 or newer".to_owned(),
        ["win", ..] => "Windows 10 or newer".to_owned(),
        _ => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_said_in_words() {
        for (tag, words) in [
            ("manylinux_2_28_x86_64", "Linux with glibc 2.28 or newer"),
            ("musllinux_1_2_aarch64", "Linux with musl 1.2 or newer"),
            ("macosx_11_0_arm64", "macOS 11 or newer"),
            ("win_amd64", "Windows 10 or newer"),
            ("win_arm64", "Windows 11 or newer"),
        ] {
            assert_eq!(system(tag), words);
        }
    }

    #[test]
    fn one_crate_is_needed_in_a_line_and_more_in_several() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(deps(&names(&["crates/a"])), [r#"deps = ["//crates/a"],"#]);
        let two = deps(&names(&["crates/a", "crates/b"]));
        assert_eq!(
            two,
            [
                "deps = [",
                "    \"//crates/a\",",
                "    \"//crates/b\",",
                "],"
            ]
        );
    }
}
