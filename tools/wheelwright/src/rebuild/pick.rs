//! Which files of a release this machine can build, and from what.

use wheelwright_artifacts::artifact::file_name::WheelName;

use super::RebuildError;
use crate::index::Listed;
use crate::pack::is_wheel;
use crate::toolchain::python::Python;

/// Files of a release.
#[derive(Debug)]
pub struct Picked<'a> {
    /// The sdist, if there is one.
    pub sdist: Option<&'a Listed>,
    /// The wheels to rebuild.
    pub wheels: Vec<&'a Listed>,
}

/// Picks the sdist and the wheels that are rebuilt: those that `named` names; else one
/// for any platform; else one for this machine and `python`.
///
/// # Errors
/// A named file is not part of the release, or this machine can build no wheel of it.
pub fn files<'a>(
    listed: &'a [Listed],
    named: &[String],
    python: &Python,
) -> Result<Picked<'a>, RebuildError> {
    let release = |problem: String| RebuildError::Release { problem };
    let sdist = listed.iter().find(|file| !is_wheel(&file.file));
    if !named.is_empty() {
        let one = |name: &String| {
            let found = listed.iter().find(|file| file.file == *name);
            found
                .filter(|file| is_wheel(&file.file))
                .ok_or_else(|| release(format!("the release has no wheel {name:?}")))
        };
        let wheels = named.iter().map(one).collect::<Result<_, _>>()?;
        return Ok(Picked { sdist, wheels });
    }
    let best = listed
        .iter()
        .filter_map(|file| Some((fitness(&file.file, python)?, file)))
        .max_by_key(|(fitness, _)| *fitness);
    let Some((_, wheel)) = best else {
        return Err(release(format!(
            "no wheel of the release is for any platform, or for this machine and CPython {}; \
             name one with --file",
            python.version
        )));
    };
    Ok(Picked {
        sdist,
        wheels: vec![wheel],
    })
}

/// Returns how well a wheel fits this machine; `None` if it does not. A pure wheel is
/// best, since it is the same for everybody.
fn fitness(file: &str, python: &Python) -> Option<u8> {
    let name = WheelName::parse(file).ok()?;
    let major_minor = python.version.replace('.', "");
    let tag = format!("cp{major_minor}");
    let own_abi = format!("{tag}{}", if python.free_threaded { "t" } else { "" });
    let for_python = |tags: &[&str]| name.python.iter().any(|own| tags.contains(&own.as_str()));
    if name.platform.iter().any(|platform| platform == "any") {
        return for_python(&["py3", "py2.py3", &tag]).then_some(5);
    }
    let here = name.platform.iter().any(|platform| is_here(platform));
    if !here {
        return None;
    }
    let musl = name
        .platform
        .iter()
        .all(|platform| platform.contains("musl"));
    // A CPython without a global interpreter lock loads no `abi3`.
    let stable = if python.free_threaded {
        "abi3t"
    } else {
        "abi3"
    };
    let fits = if name.abi.iter().any(|abi| abi == stable) {
        name.python.iter().any(|own| is_older(own, &tag))
    } else if name.abi.iter().any(|abi| abi == "none") {
        for_python(&["py3", "py2", &tag])
    } else {
        name.abi.contains(&own_abi)
    };
    fits.then_some(if musl { 1 } else { 2 })
}

/// Is `cp39` older than `cp311`, or the same?
fn is_older(tag: &str, than: &str) -> bool {
    let number = |tag: &str| -> Option<u32> { tag.strip_prefix("cp3")?.parse().ok() };
    matches!((number(tag), number(than)), (Some(a), Some(b)) if a <= b)
}

fn is_here(platform: &str) -> bool {
    let processor = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("windows", "x86_64") => "amd64",
        ("macos" | "windows", "aarch64") => "arm64",
        (_, processor) => processor,
    };
    let system = match std::env::consts::OS {
        "macos" => "macosx",
        "windows" => "win",
        system => system,
    };
    platform.contains(system) && platform.ends_with(processor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(version: &str) -> Python {
        Python {
            program: "python".into(),
            version: version.trim_end_matches('t').to_owned(),
            description: String::new(),
            cpython: Some(11),
            pypy: None,
            free_threaded: version.ends_with('t'),
        }
    }

    fn listed(names: &[&str]) -> Vec<Listed> {
        let url = url::Url::parse("file:///").unwrap();
        let one = |name: &&str| Listed {
            file: (*name).to_owned(),
            url: url.clone(),
            sha256: None,
            yanked: false,
            uploaded: None,
            provenance: None,
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn a_pure_wheel_is_picked_before_one_of_this_machine() {
        let files_of = listed(&[
            "a-1.tar.gz",
            "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            "a-1-py2-none-any.whl",
            "a-1-py3-none-any.whl",
        ]);
        let picked = files(&files_of, &[], &python("3.11")).unwrap();
        assert_eq!(picked.sdist.unwrap().file, "a-1.tar.gz");
        assert_eq!(picked.wheels[0].file, "a-1-py3-none-any.whl");
        let named = ["a-1-py2-none-any.whl".to_owned()];
        let picked = files(&files_of, &named, &python("3.11")).unwrap();
        assert_eq!(picked.wheels[0].file, named[0]);
        for wrong in ["a-1.tar.gz", "b.whl"] {
            assert!(files(&files_of, &[wrong.to_owned()], &python("3.11")).is_err());
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn native_wheels_fit_the_machine_and_the_python() {
        for (file, version, fits) in [
            ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", "3.11", Some(2)),
            ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", "3.12", None),
            ("a-1-cp39-abi3-manylinux_2_17_x86_64.whl", "3.12", Some(2)),
            ("a-1-cp313-abi3-manylinux_2_17_x86_64.whl", "3.12", None),
            ("a-1-cp39-abi3-musllinux_1_2_x86_64.whl", "3.12", Some(1)),
            ("a-1-cp39-abi3-manylinux_2_17_aarch64.whl", "3.12", None),
            ("a-1-py3-none-manylinux_2_17_x86_64.whl", "3.12", Some(2)),
            ("a-1-cp311-cp311-win_amd64.whl", "3.11", None),
            (
                "a-1-cp314-cp314t-manylinux_2_28_x86_64.whl",
                "3.14t",
                Some(2),
            ),
            ("a-1-cp314-cp314t-manylinux_2_28_x86_64.whl", "3.14", None),
            ("a-1-cp314-cp314-manylinux_2_28_x86_64.whl", "3.14t", None),
            ("a-1-cp39-abi3-manylinux_2_28_x86_64.whl", "3.14t", None),
            (
                "a-1-cp315-abi3t-manylinux_2_28_x86_64.whl",
                "3.15t",
                Some(2),
            ),
        ] {
            assert_eq!(fitness(file, &python(version)), fits, "{file}");
        }
    }
}
