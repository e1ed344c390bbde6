//! Broken compiled code.

use crate::Red;
use crate::macho::{self, Macho};
use crate::pe::Pe;
use crate::wheel::Wheel;

pub fn cases() -> Vec<Red> {
    let mut cases = [machos(), pes(), of_both()].concat();
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    cases.extend(elves());
    cases
}

fn machos() -> Vec<Red> {
    let audit = |tag: &str, bytes: Vec<u8>| {
        Wheel::native(&format!("cp39-abi3-{tag}"), "demo/_core.abi3.so", bytes).audit()
    };
    let arm = |change: fn(&mut Macho)| {
        let mut library = Macho::default();
        change(&mut library);
        audit("macosx_11_0_arm64", library.bytes())
    };
    let mut edited = Macho::default().bytes();
    edited[4100] ^= 1;
    let mut cut = Macho::default().bytes();
    cut.truncate(200);
    vec![
        ("macho-min-os", arm(|m| m.min_os = (12, 3))),
        (
            "macho-dylib",
            arm(|m| m.dylibs.push("/opt/homebrew/lib/libz.1.dylib")),
        ),
        (
            "macho-dylib",
            arm(|m| m.dylibs.push("@rpath/libmissing.dylib")),
        ),
        ("macho-signature", arm(|m| m.signed = false)),
        ("macho-signature", audit("macosx_11_0_arm64", edited)),
        ("macho-rpath", arm(|m| m.rpaths.push("/usr/local/lib"))),
        (
            "tag-machine",
            audit("macosx_11_0_x86_64", Macho::default().bytes()),
        ),
        (
            "tag-machine",
            audit(
                "macosx_11_0_universal2",
                macho::fat(&[(macho::ARM64, Macho::default().bytes())]),
            ),
        ),
        ("tag-machine", audit("win_amd64", Macho::default().bytes())),
        ("binary-readable", audit("macosx_11_0_arm64", cut)),
        ("debug-info", arm(|m| m.dwarf = true)),
        (
            "abi3-symbol",
            arm(|m| m.imports.push("__PyLong_AsByteArray")),
        ),
        ("abi3-symbol", arm(|m| m.imports.push("_PyType_GetName"))),
        ("module-init", arm(|m| m.init = "_PyInit_other")),
        // CPython calls that one from 3.15 on only.
        ("module-init", arm(|m| m.init = "_PyModExport__core")),
    ]
}

/// Wheels of the stable ABI for builds with and without a global interpreter lock.
fn of_both() -> Vec<Red> {
    let mac = |path: &str, init: &'static str| {
        let macho = Macho {
            init,
            ..Macho::default()
        };
        let tag = "cp315-abi3.abi3t-macosx_11_0_arm64";
        Wheel::native(tag, path, macho.bytes()).audit()
    };
    let windows = |tag: &str, dll: &'static str| {
        let pe = Pe {
            imports: vec![(dll, "PyModule_Create2")],
            export: if tag.contains("abi3t") {
                "PyModExport__core"
            } else {
                "PyInit__core"
            },
            ..Pe::default()
        };
        Wheel::native(&format!("{tag}-win_amd64"), "demo/_core.pyd", pe.bytes()).audit()
    };
    vec![
        ("module-init", mac("demo/_core.abi3t.so", "_PyInit__core")),
        ("tag-abi", mac("demo/_core.abi3.so", "_PyModExport__core")),
        ("abi3-link", windows("cp315-abi3.abi3t", "python3.dll")),
        ("abi3-link", windows("cp39-abi3", "python3t.dll")),
    ]
}

fn pes() -> Vec<Red> {
    let pe = |change: fn(&mut Pe)| {
        let mut library = Pe::default();
        change(&mut library);
        Wheel::native("cp39-abi3-win_amd64", "demo/_core.pyd", library.bytes()).audit()
    };
    vec![
        ("pe-import", pe(|p| p.imports.push(("MSVCP140.dll", "x")))),
        (
            "pe-import",
            pe(|p| p.imports.push(("libgcc_s_seh-1.dll", "x"))),
        ),
        (
            "pe-python",
            Wheel::native(
                "cp312-cp312-win_amd64",
                "demo/_core.cp312-win_amd64.pyd",
                Pe {
                    imports: vec![("python311.dll", "PyModule_Create2")],
                    ..Pe::default()
                }
                .bytes(),
            )
            .audit(),
        ),
        (
            "pe-python",
            Wheel::native(
                "cp313-cp313t-win_amd64",
                "demo/_core.cp313t-win_amd64.pyd",
                Pe {
                    imports: vec![("python313.dll", "PyModule_Create2")],
                    ..Pe::default()
                }
                .bytes(),
            )
            .audit(),
        ),
        ("pe-timestamp", pe(|p| p.stamp = 1_700_000_000)),
        ("pe-hardening", pe(|p| p.characteristics = 0x100)),
        ("pe-hardening", pe(|p| p.characteristics = 0x60)),
        ("tag-machine", pe(|p| p.machine = crate::pe::ARM64)),
        ("tag-machine", pe(|p| p.machine = crate::pe::X86)),
        (
            "abi3-link",
            pe(|p| p.imports.push(("python312.dll", "Py_IncRef"))),
        ),
        (
            "abi3-symbol",
            pe(|p| p.imports.push(("python3.dll", "_PyObject_Vectorcall"))),
        ),
        ("module-init", pe(|p| p.export = "init_core")),
        (
            "debug-info",
            pe(|p| p.pdb = Some("D:\\a\\demo\\target\\release\\demo.pdb")),
        ),
    ]
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn elves() -> Vec<Red> {
    use crate::elf;

    let audit = |tag: &str, bytes: Vec<u8>| {
        Wheel::native(&format!("cp39-abi3-{tag}"), "demo/_core.abi3.so", bytes).audit()
    };
    let old = |code: &str, flags: &[&str]| audit("manylinux_2_17_x86_64", elf::with(code, flags));
    let folder = tempfile::tempdir().unwrap();
    elf::dependency(folder.path(), "libother.so.1");
    let mut other_machine = elf::good();
    other_machine[18] = 183; // aarch64
    let mut no_sections = elf::good();
    no_sections[0x28..0x30].fill(0);
    no_sections[0x3a..0x40].fill(0);
    let executable_stack = elf::with_executable_stack(elf::good());
    let call_other = "int other(void); int call(void) { return other(); }";
    let library = folder.path().join("libother.so.1");
    vec![
        // glibc 2.36 brought arc4random; 2.17 does not have it.
        (
            "elf-version",
            old(
                "unsigned arc4random(void); unsigned r(void) { return arc4random(); }",
                &["-s"],
            ),
        ),
        (
            "elf-version",
            audit(
                "musllinux_1_2_x86_64",
                elf::with(
                    "char *getenv(char *); char *e(void) { return getenv(\"x\"); }",
                    &["-s"],
                ),
            ),
        ),
        ("elf-version", audit("manylinux_2_17_x86_64", no_sections)),
        ("elf-isa", old(elf::NEEDS_V3, &["-s"])),
        (
            "elf-needed",
            old(call_other, &[library.to_str().unwrap(), "-s"]),
        ),
        ("elf-rpath", old("", &["-Wl,-rpath,$ORIGIN", "-s"])),
        ("elf-rpath-foreign", old("", &["-Wl,-rpath,/opt/lib", "-s"])),
        (
            "elf-rpath-foreign",
            old(
                "",
                &["-Wl,-rpath,$ORIGIN/../..", "-Wl,--disable-new-dtags", "-s"],
            ),
        ),
        (
            "elf-stack",
            audit("manylinux_2_17_x86_64", executable_stack),
        ),
        ("elf-relro", old("", &["-Wl,-z,norelro", "-s"])),
        ("elf-relro", old("", &["-Wl,-z,lazy", "-s"])),
        (
            "elf-textrel",
            old(
                "__asm__(\".text\\n.globl f\\nf: .quad f\\n\");",
                &["-Wl,-z,notext", "-s"],
            ),
        ),
        ("tag-machine", audit("manylinux_2_17_x86_64", other_machine)),
        ("debug-info", old("", &["-g"])),
        (
            "abi3-symbol",
            old(
                "void PyUnstable_Object_ClearWeakRefsNoCallbacks(void); void f(void) { PyUnstable_Object_ClearWeakRefsNoCallbacks(); }",
                &["-s"],
            ),
        ),
        (
            "module-init",
            audit(
                "manylinux_2_17_x86_64",
                elf::with("", &["-fvisibility=hidden", "-s"]),
            ),
        ),
    ]
}
