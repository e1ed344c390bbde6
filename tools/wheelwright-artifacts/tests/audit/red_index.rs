//! What an index refuses, or no installer takes, while the rest of the artifact is
//! in order; and what looks like it and is taken.

use wheelwright_artifacts::audit::Profile;

use crate::Red;
use crate::macho::Macho;
use crate::pe::Pe;
use crate::sdist::Sdist;
use crate::wheel::{INFO, Wheel};

const SUMMARY: &str = "Summary: A demonstration";

pub fn cases() -> Vec<Red> {
    let mut cases = [entry_points(), names(), tags(), suffixes()].concat();
    cases.extend(FIELDS.iter().map(|line| ("metadata-field", field(line))));
    let old = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\n";
    let wheel = index(Wheel::pure()).with(&format!("{INFO}/METADATA"), old);
    cases.push(("metadata-field", wheel.audit()));
    cases.extend(
        EXPRESSIONS
            .iter()
            .map(|text| ("license-expression", expression(text))),
    );
    cases
}

fn index(wheel: Wheel) -> Wheel {
    wheel.policy(|p| p.profile = Profile::Index)
}

/// The good wheel with lines in the place of its summary.
fn field(lines: &str) -> wheelwright_artifacts::audit::Report {
    let own = lines.starts_with("Requires-Python: ");
    let wheel = if own {
        index(Wheel::pure()).edit_metadata("Requires-Python: >=3.9", lines)
    } else {
        index(Wheel::pure()).edit_metadata(SUMMARY, lines)
    };
    if lines.starts_with("Import-") {
        return wheel
            .edit_metadata("Metadata-Version: 2.4", "Metadata-Version: 2.5")
            .audit();
    }
    wheel.audit()
}

fn expression(text: &str) -> wheelwright_artifacts::audit::Report {
    index(Wheel::pure())
        .edit_metadata(
            "License-Expression: MIT",
            &format!("License-Expression: {text}"),
        )
        .audit()
}

/// Each an index refuses.
const FIELDS: &[&str] = &[
    "Metadata-Version: 2.4",
    "Author-email: A Person <someone at example.org>",
    "Author-email: A Person <someone@localhost>",
    "Maintainer-email: person",
    "Author-email: \"a b\"@example.org",
    "Author-email: a@\u{2603}.org",
    "Author-email: a\u{200b}@example.org",
    "Classifier: Topic :: Testing",
    "Classifier: Private :: Do Not Upload",
    "Classifier: Natural Language :: Ukranian",
    "Classifier: License :: OSI Approved :: Intel Open Source License",
    "Dynamic: Version",
    "Dynamic: metadata-version",
    "Dynamic: Requirements",
    "Home-page: ",
    "Home-page: UNKNOWN",
    "Home-page: example.org",
    "Download-URL: ftp://example.org/demo.tar.gz",
    "Project-URL: Homepage, www.example.org/demo",
    "Project-URL: Source, git@github.com:someone/demo.git",
    "Project-URL: , https://example.org",
    "Project-URL: Docs,",
    "Project-URL: A label of more than thirty-two characters, https://example.org",
    "Project-URL: Docs, https://example.org/a\nProject-URL: Docs, https://example.org/b",
    "Requires-Dist: demo @ https://example.org/demo.whl",
    "Requires-Dist: demo >= one",
    "Requires-Dist: demo,",
    "Requires-Python: ===3 9",
    "Keywords: a\rDemo: b",
    "Requires-Dist: Demo. >=1",
    "Requires-Dist: demo[x.]",
    "Requires-Dist: demo===",
    "Requires-Dist: demo; python_version > '3' &&é os_name == 'nt'",
    "Requires-Dist: demo\n    >=1",
    "Requires-Python: 3.9",
    "Requires-Python: >=3.*",
    "Provides-Dist: two words",
    "Provides-Dist: demo @ https://example.org/demo.whl",
    "Obsoletes-Dist: demo=1",
    "Provides-Extra: -all",
    "Provides-Extra: all!",
    "Import-Name: demo; hidden",
    "Import-Name: demo-kit",
    "Import-Namespace: class",
    "Import-Namespace: ",
    "Summary: one\u{2028}two",
    "Name: demo",
    "Unheard-Of: yes",
];

const EXPRESSIONS: &[&str] = &[
    "BSD",
    "Apache 2.0",
    "MIT OR",
    "MIT/Apache-2.0",
    "(MIT",
    "MIT WITH Apache-2.0",
    "DocumentRef-x:LicenseRef-y",
    "LicenseRef-a_b",
];

fn entry_points() -> Vec<Red> {
    let with = |text: &str| {
        index(Wheel::pure())
            .with(&format!("{INFO}/entry_points.txt"), text)
            .audit()
    };
    vec![
        ("entry-points", with("[console_scripts]\nnonsense\n")),
        (
            "entry-points",
            with("[console_scripts]\n../evil = demo:main\n"),
        ),
        (
            "entry-points",
            with("[console_scripts]\nmy tool = demo:main\n"),
        ),
        ("entry-points", with("[gui_scripts]\ndemo = demo\n")),
        (
            "entry-points",
            with("[console_scripts]\ndemo = demo:main()\n"),
        ),
        ("entry-points", with("demo = demo:main\n")),
        ("script-name", with("[console_scripts]\nnul = demo:main\n")),
        (
            "script-name",
            with("[console_scripts]\ndemo = demo:main\nDemo = demo:main\n"),
        ),
        (
            "entry-points-reference",
            Wheel::pure()
                .with(&format!("{INFO}/entry_points.txt"), "[x.y]\na = b-c\n")
                .audit(),
        ),
    ]
}

fn names() -> Vec<Red> {
    let mut other_version = Sdist::good().change(|s| s.file_name = "demo-1.0.0.tar.gz".into());
    for (_, path, _) in &mut other_version.members {
        *path = path.replace("demo-1.0", "demo-1.0.0");
    }
    let wheel = || index(Wheel::pure());
    vec![
        (
            "metadata-agree",
            wheel().dist_info("Demo-1.0.dist-info").audit(),
        ),
        (
            "metadata-agree",
            wheel().dist_info("demo-1.0.0.dist-info").audit(),
        ),
        (
            "metadata-agree",
            wheel().dist_info("demo-1.0.DIST-INFO").audit(),
        ),
        (
            "name-format",
            wheel()
                .dist_info("Demo-1.0.dist-info")
                .named("Demo-1.0-py3-none-any.whl")
                .audit(),
        ),
        (
            "name-format",
            wheel().named("de__mo-1.0-py3-none-any.whl").audit(),
        ),
        (
            "name-format",
            wheel().named("demo-one-py3-none-any.whl").audit(),
        ),
        (
            "name-normal",
            Wheel::pure()
                .dist_info("demo-1.00.dist-info")
                .named("demo-1.00-py3-none-any.whl")
                .audit(),
        ),
        ("name-format", sdist("Demo-1.0")),
        ("name-format", sdist("demo-1.00")),
        ("name-format", sdist("demo-kit-1.0")),
        ("name-format", other_version.audit()),
    ]
}

/// A good sdist under another name, which its folder and PKG-INFO have too.
fn sdist(stem: &str) -> wheelwright_artifacts::audit::Report {
    let (name, version) = stem.rsplit_once('-').unwrap();
    let mut sdist = Sdist::good().change(|s| {
        s.file_name = format!("{stem}.tar.gz");
        s.policy.profile = Profile::Index;
    });
    for (header, path, data) in &mut sdist.members {
        *path = path.replace("demo-1.0", stem);
        if path.ends_with("PKG-INFO") {
            let text = String::from_utf8(data.clone()).unwrap();
            *data = text
                .replace("Name: demo", &format!("Name: {name}"))
                .replace("Version: 1.0", &format!("Version: {version}"))
                .into_bytes();
            header.set_size(data.len() as u64);
        }
    }
    sdist.audit()
}

fn tags() -> Vec<Red> {
    let mac = |tag: &str| {
        index(Wheel::native(
            tag,
            "demo/_core.abi3.so",
            Macho::default().bytes(),
        ))
        .audit()
    };
    let windows =
        |tag: &str| index(Wheel::native(tag, "demo/_core.pyd", Pe::default().bytes())).audit();
    vec![
        ("tag-local", mac("cp39-abi3-macosx_13_3_arm64")),
        ("tag-local", mac("cp39-abi3-macosx_16_0_arm64")),
        ("tag-local", windows("cp39-abi3-win_x86_64")),
        ("tag-local", windows("cp3-abi3-win_amd64")),
        ("tag-local", windows("py3-abi3-win_amd64")),
        ("tag-local", windows("cp312-cp311-win_amd64")),
        ("tag-local", windows("cp39-abi3-any")),
    ]
}

fn suffixes() -> Vec<Red> {
    let windows = |file: &str| {
        let path = format!("demo/{file}");
        index(Wheel::native(
            "cp312-cp312-win_amd64",
            &path,
            Pe::default().bytes(),
        ))
        .audit()
    };
    let mac = |file: &str| {
        let path = format!("demo/{file}");
        let code = Macho::default().bytes();
        index(Wheel::native("cp312-cp312-macosx_11_0_arm64", &path, code)).audit()
    };
    vec![
        ("tag-abi", windows("_core.cp312-win_arm64.pyd")),
        ("tag-abi", windows("_core.abi3.pyd")),
        ("tag-abi", mac("_core.cpython-312-x86_64-linux-gnu.so")),
        ("tag-abi", mac("_core.cpython-313-darwin.so")),
        (
            "tag-machine",
            index(Wheel::native(
                "cp313-cp313-ios_13_0_x86_64_iphonesimulator",
                "demo/_core.cpython-313-iphonesimulator.so",
                Macho::default().bytes(),
            ))
            .audit(),
        ),
    ]
}

/// Clean under `index`, whatever one may think of it.
#[test]
fn an_index_takes_these() {
    let mut taken: Vec<(String, wheelwright_artifacts::audit::Report)> = [
        "Author-email: A Person <a.person@example.org>",
        "Author-email: a@example.org, B <b@localhost>",
        "Maintainer-email: \"Person, A\" <a@example.org>",
        "Author-email: a @ example.org",
        "Home-page: http://example.org/a b",
        "Project-URL: Docs, HTTPS://example.org/a,b",
        "Project-URL: A label of thirty-two characters, https://example.org",
        "Classifier: License :: OSI Approved :: MIT License",
        "Dynamic: license-file",
        "Dynamic: Home-Page",
        "Provides-Extra: Some_Extra",
        "Requires-Dist: demo[x]>=1,<2;python_version<'4'",
        "Requires-Dist: demo (>=1)",
        "Requires-Dist: demo>=1, ; python_version < '4'",
        "Requires-Dist: demo (>=1,)",
        "Requires-Python: >=3.9,",
        "Requires-Python: >= 3.9, != 3.10.*",
        "Requires-Python: ",
        "Requires-External: libffi (>3)",
        "Provides-Dist: demo-old; python_version < '3'",
        "Import-Name: demo; private",
        "Import-Name: ",
        "Keywords: a,b",
        "Platform: any",
        "Requires-Dist: demo===1.0-wild",
        "Requires-Dist: demo; platform_version != 'größe'",
        "Requires-Dist: demo (===wild) ; python_version < '4'",
    ]
    .iter()
    .map(|line| ((*line).to_owned(), field(line)))
    .collect();
    taken.extend(
        [
            "mit or apache-2.0",
            "GPL-2.0-or-later WITH Classpath-exception-2.0",
            "GPL-2.0",
            "LGPL-2.1+",
            "LicenseRef-My.Own-1",
            "(MIT AND (Apache-2.0 OR BSD-3-Clause))",
        ]
        .iter()
        .map(|text| ((*text).to_owned(), expression(text))),
    );
    let file = format!("{INFO}/METADATA");
    let wheel = index(Wheel::pure())
        .with(
            &file,
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\n",
        )
        .edit(
            &format!("{INFO}/WHEEL"),
            "Generator: test",
            "Generator: bdist_wheel (0.45.1)",
        );
    taken.push(("License-File of old setuptools".into(), wheel.audit()));
    for (what, report) in taken {
        assert!(report.is_clean(), "{what}: {}", report.lines());
    }
}

/// A phone's wheel, which the index takes.
#[test]
fn a_wheel_for_ios() {
    let report = index(Wheel::native(
        "cp313-cp313-ios_13_0_arm64_iphoneos",
        "demo/_core.cpython-313-iphoneos.so",
        Macho::default().bytes(),
    ))
    .audit();
    assert!(report.is_clean(), "{}", report.lines());
}

/// Platforms of one machine that the index takes all the same.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_index_takes_these_platforms() {
    let mut code = crate::elf::good();
    code[18] = 40; // 32-bit ARM
    for platform in ["linux_armv7l", "linux_armv6l"] {
        let tag = format!("cp39-abi3-{platform}");
        let wheel = index(Wheel::native(&tag, "demo/_core.abi3.so", code.clone()));
        let report = wheel.audit();
        assert!(report.is_clean(), "{platform}: {}", report.lines());
    }
}
