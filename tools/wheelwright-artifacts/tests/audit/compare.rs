//! `compare`: every rung of the ladder, and every pass.

use std::path::Path;

use wheelwright_artifacts::artifact::{Artifact, Limits};
use wheelwright_artifacts::compare::{Verdict, compare_artifacts, explain};

use crate::macho::Macho;
use crate::pe::{ARM64, Pe, X86};
use crate::sdist::Sdist;
use crate::wheel::{INFO, Wheel, zip};

fn artifact(name: &str, bytes: Vec<u8>) -> Artifact {
    Artifact::from_bytes(Path::new(name), bytes, Limits::default()).unwrap()
}

fn wheels(a: Vec<u8>, b: Vec<u8>) -> Verdict {
    let name = "demo-1.0-py3-none-any.whl";
    compare_artifacts(&artifact(name, a), &artifact(name, b)).unwrap()
}

fn sdists(a: &Sdist, b: &Sdist) -> String {
    let name = "demo-1.0.tar.gz";
    compare_artifacts(&artifact(name, a.bytes()), &artifact(name, b.bytes()))
        .unwrap()
        .to_string()
}

fn say(a: &Wheel, b: &Wheel) -> String {
    wheels(a.bytes(), b.bytes()).to_string()
}

const INIT: &str = "demo/__init__.py";

#[test]
fn identical() {
    assert_eq!(say(&Wheel::pure(), &Wheel::pure()), "identical");
}

#[test]
fn equivalent_after_each_pass_of_archives() {
    let good = Wheel::pure();
    let tweak =
        |change: fn(&mut crate::wheel::Member)| say(&good, &good.clone().tweak(INIT, change));
    assert_eq!(tweak(|m| m.time += 1), "equivalent after time");
    assert_eq!(tweak(|m| m.mode = 0o100_755), "equivalent after mode");
    assert_eq!(tweak(|m| m.method = 8), "equivalent after compression");
    assert_eq!(
        tweak(|m| m.extra = vec![1, 0, 0, 0]),
        "equivalent after header"
    );
    let mut members = good.all_members();
    members.swap(0, 1);
    assert_eq!(
        wheels(good.bytes(), zip(&members)).to_string(),
        "equivalent after order"
    );
    let mut members = good.all_members();
    let mut folder = members[0].clone();
    (folder.path, folder.data) = ("demo/".to_owned(), Vec::new());
    members.insert(0, folder);
    assert_eq!(
        wheels(good.bytes(), zip(&members)).to_string(),
        "equivalent after folders"
    );
    let mut lines: Vec<String> = good
        .right_record()
        .lines()
        .map(|l| format!("{l}\n"))
        .collect();
    lines.swap(0, 1);
    let swapped = good.clone().record(|_| lines.concat());
    assert_eq!(say(&good, &swapped), "equivalent after record");
    let other = good
        .clone()
        .edit(&format!("{INFO}/WHEEL"), "Generator: test", "Generator: x");
    assert_eq!(say(&good, &other), "equivalent after record, generator");
    let ends = good.clone().edit(INIT, "\n", "\r\n");
    assert_eq!(say(&good, &ends), "equivalent after record, line-ends");
    let metadata = format!("{INFO}/METADATA");
    let fields = "Name: demo\nVersion: 1.0\n";
    let ordered = good
        .clone()
        .edit(&metadata, fields, "Version: 1.0\nName: demo\n");
    assert_eq!(
        say(&good, &ordered),
        "equivalent after record, metadata-order"
    );
    let sdist = Sdist::good();
    let owned = sdist.clone().tweak("demo-1.0/LICENSE", |h| h.set_uid(7));
    assert_eq!(sdists(&sdist, &owned), "equivalent after owner");
    let stamped = sdist.clone().change(|s| s.gzip_time = 9);
    assert_eq!(sdists(&sdist, &stamped), "equivalent after time");
}

#[test]
fn equivalent_after_each_pass_of_compiled_code() {
    let wheel = |bytes| Wheel::native("cp39-abi3-win_amd64", "demo/_core.pyd", bytes);
    for machine in [Pe::default().machine, X86, ARM64] {
        let pe = |stamp| {
            let pdb = Some("demo.pdb");
            Pe {
                machine,
                stamp,
                pdb,
                ..Pe::default()
            }
            .bytes()
        };
        assert_eq!(
            say(&wheel(pe(1)), &wheel(pe(2))),
            "equivalent after record, pe-timestamp"
        );
    }
    let mach = |signed| {
        Macho {
            signed,
            ..Macho::default()
        }
        .bytes()
    };
    let mut resigned = mach(true);
    let last = resigned.len() - 1;
    resigned[last] ^= 1;
    assert_eq!(
        say(&wheel(mach(true)), &wheel(resigned)),
        "equivalent after record, macho-signature"
    );
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        let elf = |id| crate::elf::with("", &["-s", id]);
        assert_eq!(
            say(
                &wheel(elf("-Wl,--build-id=0x1111")),
                &wheel(elf("-Wl,--build-id=0x2222"))
            ),
            "equivalent after record, elf-build-id"
        );
    }
}

#[test]
fn different_names_the_place() {
    let good = Wheel::pure();
    assert_eq!(
        say(&good, &good.clone().with("demo/more.py", "")),
        "different: demo/more.py: is not there / is there"
    );
    let edited = good
        .clone()
        .edit(INIT, "x: int = 1\n", "x: int = 1\ny = 2\n")
        .tweak(INIT, |m| m.time += 1);
    assert_eq!(
        say(&good, &edited),
        "different: demo/__init__.py: line 2: \"\" / \"y = 2\" (also: time)"
    );
    let lying = good
        .clone()
        .record(|r| r.replacen("sha256=", "sha256=A", 1));
    // Every member that differs is named, and RECORD for none of them.
    let both = good.clone().edit(INIT, "1", "2").with("demo/more.py", "");
    let name = "demo-1.0-py3-none-any.whl";
    let found = explain(&artifact(name, good.bytes()), &artifact(name, both.bytes())).unwrap();
    let members = found.differences.iter().map(|one| one.member.as_deref());
    assert_eq!(
        members.collect::<Vec<_>>(),
        [Some("demo/more.py"), Some(INIT)]
    );
    assert!(say(&good, &lying).starts_with("different: demo-1.0.dist-info/RECORD: line 1"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn different_names_section_and_symbol() {
    let elf = |number: u32| {
        let code = format!("int alpha(void) {{ return 1; }} int beta(void) {{ return {number}; }}");
        crate::elf::with(&code, &["-Wl,--build-id=none"])
    };
    let wheel = |bytes| Wheel::native("cp39-abi3-win_amd64", "demo/_core.pyd", bytes);
    let text = say(&wheel(elf(2)), &wheel(elf(3)));
    assert!(
        text.starts_with("different: demo/_core.pyd: section .text, symbol beta, byte 0x"),
        "{text}"
    );
    // A layout that differs is told by the section, not by the headers that list it.
    let plain = crate::elf::with("int alpha(void) { return 1; }", &["-s"]);
    let code = "__attribute__((section(\".more\"))) int beta(void) { return 1; } int alpha(void) { return 1; }";
    let more = crate::elf::with(code, &["-s"]);
    let text = say(&wheel(plain), &wheel(more));
    assert!(
        text.contains("section .more: is not there / is there"),
        "{text}"
    );
}
