//! The two programs that stand before rustc, wheelwright's for cargo and rustc.sh for
//! Bazel: do they tell it the same?

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prints what rustc would be told, one argument a line.
const STUB: &str = "#!/bin/sh\nfor one; do\n  case $one in\n  @*) cat \"${one#@}\" ;;\n  \
                    *) printf '%s\\n' \"$one\" ;;\n  esac\ndone\n";

/// Prints what is in the library that it is told to link, and what that is called.
const READING_STUB: &str = r#"#!/bin/sh
tell() {
  case $1 in
  heed=*.rlib | --extern=heed=*.rlib) echo "$(cat "${1#*heed=}") is ${1##*/}" ;;
  esac
}
for one; do
  case $one in
  @*) while read -r line; do tell "$line"; done <"${one#@}" ;;
  *) tell "$one" ;;
  esac
done
"#;

/// What Bazel knows from cargo: each crate's opt-level and features.
const CRATES: &str = "heed-traits-0.20.0 3\nheed-0.22.1 s one two\nheed-types-0.21.0 z\n";

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A package's folder, and one that its build script wrote to.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        program(&root.path().join("stub"), STUB);
        std::fs::write(root.path().join("crates"), CRATES).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bazel/rust/rustc.sh");
        let text = std::fs::read_to_string(script)
            .unwrap()
            .replace("{self}", "rustc.sh")
            .replace("{rustc}", "stub")
            .replace("{crates}", "crates");
        program(&root.path().join("rustc.sh"), &text);
        let own = std::path::absolute(env!("CARGO_BIN_EXE_wheelwright")).unwrap();
        symlink(own, root.path().join("wheelwright-rustc")).unwrap();
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// What rustc is told, in one way of writing, or what the wrapper said instead.
    fn told(
        &self,
        wrapper: &str,
        arguments: &[&str],
        package: &str,
    ) -> Result<Vec<String>, String> {
        let output = Command::new(self.path(wrapper))
            .args(arguments)
            .current_dir(self.root.path())
            .env("CARGO_PKG_NAME", package)
            .env("CARGO_PKG_VERSION", "0.22.1")
            .env("CARGO_MANIFEST_DIR", self.path("sources/heed"))
            .env("OUT_DIR", self.path("made/out"))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if !output.status.success() {
            return Err(text(output.stderr));
        }
        let mut told: Vec<String> = Vec::new();
        let stdout = text(output.stdout);
        let mut lines = stdout.lines();
        while let Some(line) = lines.next() {
            told.push(match line {
                "-C" => format!("-C{}", lines.next().unwrap()),
                "--cfg" | "--extern" | "--crate-name" | "--target" => {
                    format!("{line}={}", lines.next().unwrap())
                }
                _ => line.replacen("--codegen=", "-C", 1),
            });
        }
        Ok(told)
    }
}

/// Those that begin like this.
fn those<'a>(told: &'a [String], start: &str) -> Vec<&'a str> {
    let starts = |one: &&str| one.starts_with(start);
    told.iter().map(String::as_str).filter(starts).collect()
}

#[test]
fn cargo_and_bazel_tell_rustc_the_same_about_a_crate() {
    let place = Place::new();
    let line = "--crate-name heed src/lib.rs --crate-type lib --out-dir made/heed \
                --emit=dep-info,metadata,link -C opt-level=s -C metadata=aa -C extra-filename=-aa \
                --cfg feature=\"one\" --cfg feature=\"two\" --target x86_64-unknown-linux-musl \
                --extern libc=1.rlib --extern bitflags=2.rlib";
    let stub = place.path("stub");
    let mut arguments = vec![stub.to_str().unwrap()];
    arguments.extend(line.split(' '));
    let cargo = place.told("wheelwright-rustc", &arguments, "heed").unwrap();

    // With a feature that only a tool wants, and another opt-level.
    let parameters = "src/lib.rs\n--crate-name=heed\n--crate-type=rlib\n--out-dir=made/heed\n\
                      --emit=dep-info,link\n--codegen=metadata=-7\n\
                      --codegen=extra-filename=-7\n--codegen=opt-level=3\n\
                      --target=x86_64-unknown-linux-musl\n--cfg\nfeature=\"one\"\n--cfg\n\
                      feature=\"tool\"\n--extern=libc=1.rlib\n--extern=bitflags=2.rlib\n";
    std::fs::write(place.path("parameters"), parameters).unwrap();
    let bazel = ["@parameters", "--cfg=script"];
    let bazel = place.told("rustc.sh", &bazel, "heed").unwrap();

    for start in [
        "-Cmetadata=",
        "-Copt-level=",
        "--extern=",
        "--cfg=feature",
        "--remap-path-prefix=",
        "--crate-name=",
        "--target=",
    ] {
        let (cargo, bazel) = (those(&cargo, start), those(&bazel, start));
        assert!(!cargo.is_empty(), "{start}");
        assert_eq!(cargo, bazel, "{start}");
    }
    assert_eq!(
        those(&cargo, "-Cmetadata="),
        ["-Cmetadata=heed-0.22.1,x86_64-unknown-linux-musl,one,two"]
    );
    assert_eq!(those(&cargo, "-Copt-level="), ["-Copt-level=s"]);
    assert_eq!(
        those(&cargo, "--extern="),
        ["--extern=bitflags=2.rlib", "--extern=libc=1.rlib"]
    );
    // The last one counts. Objects come after the standard library's; where the
    // library is, is the caller's word.
    for (told, extra) in [(&cargo, "aa"), (&bazel, "7")] {
        let names = those(told, "-Cextra-filename=");
        assert_eq!(
            names.last().copied(),
            Some(format!("-Cextra-filename=-z{extra}").as_str())
        );
        let library = format!("--emit=link=made/heed/libheed-{extra}.rlib");
        assert_eq!(those(told, "--emit=link"), [library]);
    }
    assert_eq!(those(&bazel, "--cfg=script"), ["--cfg=script"]);
}

#[test]
fn what_is_linked_has_the_names_of_its_objects() {
    let place = Place::new();
    let target = "x86_64-unknown-linux-gnu";
    let folder = place.path(&format!("made/{target}/deps"));
    std::fs::create_dir_all(&folder).unwrap();
    let library = folder.join("libheed-7.rlib");
    std::fs::write(&library, "the library").unwrap();
    program(&place.path("stub"), READING_STUB);
    let folder = folder.to_str().unwrap();
    let stub = place.path("stub");
    let named = format!("heed={}", library.display());
    let dependency = format!("dependency={folder}");
    let arguments = [
        stub.to_str().unwrap(),
        "--crate-name",
        "_core",
        "--crate-type",
        "cdylib",
        "--target",
        target,
        "-L",
        &dependency,
        "--extern",
        &named,
    ];
    let told = place.told("wheelwright-rustc", &arguments, "heed").unwrap();
    assert_eq!(told, ["the library is libheed-z7.rlib"]);

    let parameters = format!(
        "--crate-name=_core\n--crate-type=cdylib\n--emit=link\n--target={target}\n\
         -Ldependency={folder}\n--extern=heed={}\n",
        library.display()
    );
    std::fs::write(place.path("parameters"), parameters).unwrap();
    let told = place.told("rustc.sh", &["@parameters"], "heed").unwrap();
    assert_eq!(told, ["the library is libheed-z7.rlib"]);
}

#[test]
fn a_crate_that_cargo_does_not_compile_is_refused_by_its_whole_name() {
    let place = Place::new();
    std::fs::write(
        place.path("parameters"),
        "--crate-name=x\n--crate-type=cdylib\n--target=y\n",
    )
    .unwrap();
    for package in ["hee", "heed-0", "foldhash"] {
        let error = place
            .told("rustc.sh", &["@parameters"], package)
            .unwrap_err();
        assert!(
            error.contains(&format!("{package}-0.22.1 for y")),
            "{error}"
        );
    }
}

#[test]
fn questions_reach_rustc_as_they_are() {
    let place = Place::new();
    let stub = place.path("stub");
    for question in ["-vV", "--print=target-libdir"] {
        let told = place.told("rustc.sh", &[question], "heed").unwrap();
        assert_eq!(told, [question]);
        let arguments = [stub.to_str().unwrap(), question];
        let told = place.told("wheelwright-rustc", &arguments, "heed").unwrap();
        assert_eq!(told, [question]);
    }
}
