//! Artifacts that break no rule, so that the red ones break only their own.

use wheelwright_artifacts::audit::Profile;

use crate::macho::{self, Macho};
use crate::pe::{ARM64, Pe, X86};
use crate::sdist::Sdist;
use crate::wheel::Wheel;

fn assert_clean(wheel: &Wheel) {
    let report = wheel.audit();
    assert!(report.is_clean(), "{}", report.lines());
}

#[test]
fn a_pure_wheel() {
    assert_clean(&Wheel::pure());
    assert_clean(&Wheel::pure().policy(|p| p.profile = Profile::Strict));
    assert_clean(&Wheel::pure().policy(|p| p.source_date_epoch = Some(0)));
}

#[test]
fn a_data_folder() {
    let mut wheel = Wheel::pure();
    for path in ["data/share/x.txt", "headers/x.h", "scripts/x.sh"] {
        wheel = wheel.with(&format!("demo-1.0.data/{path}"), "x");
    }
    assert_clean(
        &wheel
            .with("demo/notes.data", "x")
            .policy(|p| p.profile = Profile::Index),
    );
}

#[test]
fn deflated_members() {
    assert_clean(&Wheel::pure().tweak("demo/__init__.py", |m| m.method = 8));
}

#[test]
fn a_macos_wheel() {
    let path = "demo/_core.abi3.so";
    assert_clean(&Wheel::native(
        "cp39-abi3-macosx_11_0_arm64",
        path,
        Macho::default().bytes(),
    ));
    let x86 = Macho {
        cpu: macho::X86_64,
        min_os: (10, 12),
        signed: false,
        ..Macho::default()
    };
    // An arm64 slice for 11.0 is right under a universal2 tag of 10.12.
    let fat = macho::fat(&[
        (macho::X86_64, x86.bytes()),
        (macho::ARM64, Macho::default().bytes()),
    ]);
    assert_clean(&Wheel::native(
        "cp39-abi3-macosx_10_12_universal2",
        path,
        fat,
    ));
}

#[test]
fn a_wheel_of_the_stable_abi_for_builds_with_and_without_a_lock() {
    let macho = Macho {
        init: "_PyModExport__core",
        ..Macho::default()
    };
    let path = "demo/_core.abi3t.so";
    let tag = "cp315-abi3.abi3t-macosx_11_0_arm64";
    assert_clean(&Wheel::native(tag, path, macho.bytes()));
    for (tag, dll, export) in [
        ("abi3.abi3t", "python3t.dll", "PyModExport__core"),
        ("abi3", "python3t.dll", "PyModExport__core"),
        ("abi3", "python3.dll", "PyInit__core"),
    ] {
        let pe = Pe {
            imports: vec![(dll, "PyModule_FromSlotsAndSpec")],
            export,
            ..Pe::default()
        };
        let tag = format!("cp315-{tag}-win_amd64");
        assert_clean(&Wheel::native(&tag, "demo/_core.pyd", pe.bytes()));
    }
}

#[test]
fn a_windows_wheel() {
    assert_clean(&Wheel::native(
        "cp39-abi3-win_amd64",
        "demo/_core.pyd",
        Pe::default().bytes(),
    ));
    for (machine, tag) in [(X86, "win32"), (ARM64, "win_arm64")] {
        let pe = Pe {
            machine,
            // There is no address space of 64 bits for HIGH_ENTROPY_VA on x86.
            characteristics: if machine == X86 { 0x140 } else { 0x160 },
            ..Pe::default()
        };
        for (tags, path) in [
            (format!("cp39-abi3-{tag}"), "demo/_core.pyd".to_owned()),
            (
                format!("cp312-cp312-{tag}"),
                format!("demo/_core.cp312-{tag}.pyd"),
            ),
        ] {
            assert_clean(&Wheel::native(&tags, &path, pe.bytes()));
        }
    }
    let stamped = Pe {
        stamp: 1_600_000_000,
        ..Pe::default()
    };
    assert_clean(
        &Wheel::native("cp39-abi3-win_amd64", "demo/_core.pyd", stamped.bytes())
            .tweak("demo/_core.pyd", |_| ())
            .policy(|p| {
                p.source_date_epoch = Some(1_600_000_000);
                p.ignore.push("zip-time".into());
            }),
    );
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_linux_wheel() {
    let path = "demo/_core.abi3.so";
    let elf = crate::elf::good();
    for tag in [
        "manylinux_2_17_x86_64",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
    ] {
        assert_clean(&Wheel::native(
            &format!("cp39-abi3-{tag}"),
            path,
            elf.clone(),
        ));
    }
}

#[test]
fn an_sdist() {
    let report = Sdist::good().audit();
    assert!(report.is_clean(), "{}", report.lines());
    let with_link = Sdist::good().link("demo-1.0/src/z", "demo.py").audit();
    assert!(with_link.is_clean(), "{}", with_link.lines());
}

#[test]
fn reproducible_pe_stamps_are_no_times() {
    let pe = Pe::default().bytes();
    assert!(
        wheelwright_artifacts::binary::pe::read(&pe)
            .unwrap()
            .timestamps
            .is_empty()
    );
}
