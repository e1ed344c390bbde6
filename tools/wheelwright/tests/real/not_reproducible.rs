//! Packages that are not reproducible, one beside them that is, and `reproduce`.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use wheelwright::toolchain::platform;

use super::{said, wheelwright, write};

/// A Python module without any dependency, by CPython's stable C interface. Its
/// text `BAKED` is exported, so that a finding in it has a symbol.
const MODULE: &str = r#"
use std::ffi::{c_char, c_int, c_void};
include!(concat!(env!("OUT_DIR"), "/baked.rs"));

#[repr(C)]
struct Definition {
    count: isize,
    kind: *mut c_void,
    init: *mut c_void,
    index: isize,
    copy: *mut c_void,
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    rest: [*mut c_void; 5],
}

unsafe extern "C" {
    fn PyModule_Create2(definition: *mut Definition, version: c_int) -> *mut c_void;
}

#[unsafe(no_mangle)]
pub extern "C" fn PyInit__core() -> *mut c_void {
    const NONE: *mut c_void = std::ptr::null_mut();
    let definition = Box::new(Definition {
        count: 1,
        kind: NONE,
        init: NONE,
        index: 0,
        copy: NONE,
        name: c"_core".as_ptr(),
        doc: BAKED.as_ptr().cast(),
        size: -1,
        rest: [NONE; 5],
    });
    // SAFETY: the definition is as CPython wants it, and lives on.
    unsafe { PyModule_Create2(Box::into_raw(definition), 3) }
}
"#;
const BAKE: &str = r#"
    let text = format!("\n#[unsafe(no_mangle)]\npub static BAKED: [u8; {}] = *b\"{text}\\0\";\n", text.len() + 1);
    let out = std::path::Path::new(&std::env::var_os("OUT_DIR").unwrap()).join("baked.rs");
    std::fs::write(out, text).unwrap();
}
"#;
const STEADY: &str = r#"let text = "as ever";"#;
/// The day, not the second: two builds within a minute must differ in it, too.
const STAMPED: &str = r#"
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let text = format!("built on day {:07} since 1970", now.as_secs() / 86400);
"#;
const LISTED: &str = r#"
    let names = std::fs::read_dir("data").unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let text = names.collect::<Vec<_>>().join(" ");
"#;

fn package(root: &Path, name: &str, bake: &str) {
    let file = |path: &str, content: &str| write(root, &format!("{name}/{path}"), content);
    file(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n\
             [lib]\nname = \"{name}_core\"\ncrate-type = [\"cdylib\"]\n"
        ),
    );
    file("src/lib.rs", MODULE);
    file("build.rs", &format!("fn main() {{ {bake} {BAKE}"));
    for data in ["apple", "banana", "cherry", "date"] {
        file(&format!("data/{data}"), "");
    }
    file(&format!("python/{name}/__init__.py"), "");
    file("LICENSE", "MIT License\n");
    file("README.md", "# A package\n");
    file(
        "pyproject.toml",
        &format!(
            "[project]\nname = \"{name}\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n\
             license-files = [\"LICENSE\"]\nreadme = \"README.md\"\n\n\
             [tool.maturin]\nmodule-name = \"{name}._core\"\npython-source = \"python\"\n\n\
             [tool.wheelwright]\npython-tag = \"cp39\"\nabi-tag = \"abi3\"\n"
        ),
    );
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "builds six extensions with zig; `cargo checks real` runs it"]
fn a_date_and_an_unsorted_folder_are_caught_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let host = &platform::host().unwrap().name;
    let names = [("listed", LISTED), ("stamped", STAMPED), ("steady", STEADY)];
    let mut lock = "version = 4\n".to_owned();
    for (name, bake) in names {
        package(root, name, bake);
        writeln!(
            lock,
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\""
        )
        .unwrap();
    }
    let list = names.map(|(name, _)| format!("{name:?}")).join(", ");
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{list}]\n\n\
         [profile.release]\nlto = \"fat\"\ncodegen-units = 1\nstrip = \"symbols\"\n"
    );
    write(root, "Cargo.toml", &manifest);
    write(root, "Cargo.lock", &lock);
    let workspace = format!("packages = [{list}]\nplatforms = [{host:?}]\n");
    write(root, "wheelwright.toml", &workspace);

    let output = wheelwright(root, &["reproduce", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report.len(), 6, "{report:?}");
    for one in &report {
        let artifact = one["artifact"].as_str().unwrap();
        let difference = one["difference"].as_str().unwrap_or_default();
        let guilty = artifact.contains("-cp39-") && !artifact.starts_with("steady");
        assert_eq!(one["identical"], !guilty, "{artifact}: {difference}");
        if guilty {
            let name = artifact.split('-').next().unwrap();
            let place = format!("{name}/_core.abi3.so: section .rodata, symbol BAKED, byte ");
            assert!(difference.contains(&place), "{difference}");
        }
    }
}
