//! Independent tools' opinion of the artifacts that wheelwright made.

use std::path::{Path, PathBuf};

use crate::context::{Context, files_in};
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;
use crate::venv::{self, Venv};

/// Runs auditwheel, abi3audit, twine and check-wheel-contents on `dist/`.
pub fn tools(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "artifacts")?;
    let wheels = context.artifacts(".whl")?;
    let sdists = context.artifacts(".tar.gz")?;
    let mut findings = Vec::new();
    for wheel in &wheels {
        let name = file_name(wheel);
        if name.contains("-abi3-") {
            let mut abi3audit = context.command(tools.program("abi3audit"));
            attempt(
                log,
                &mut findings,
                abi3audit.args(["--strict", "--summary"]).arg(wheel),
            );
        }
        // auditwheel itself fails on a musllinux wheel where the C library is glibc.
        if name.contains("manylinux") {
            findings.extend(auditwheel(context, log, &tools, wheel)?);
        }
        let mut contents = context.command(tools.program("check-wheel-contents"));
        attempt(log, &mut findings, contents.arg(wheel));
    }
    let mut twine = context.command(tools.program("twine"));
    attempt(
        log,
        &mut findings,
        twine
            .args(["--no-color", "check", "--strict"])
            .args(&wheels)
            .args(&sdists),
    );
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{} wheels, {} sdists",
        wheels.len(),
        sdists.len()
    )))
}

fn attempt(log: &mut Log, findings: &mut Vec<String>, command: &mut std::process::Command) {
    if let Err(error) = log.run(command) {
        findings.push(error.to_string());
    }
}

/// Finds a wheel that is compatible with fewer systems than its tag claims.
fn auditwheel(
    context: &Context,
    log: &mut Log,
    tools: &Venv,
    wheel: &Path,
) -> Result<Option<String>> {
    let mut command = context.command(tools.program("auditwheel"));
    tools.enter(&mut command)?;
    let (status, text) = log.capture(command.arg("show").arg(wheel))?;
    let name = file_name(wheel);
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let earned = joined
        .split("consistent with the following platform tag: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let claimed = name
        .trim_end_matches(".whl")
        .rsplit('-')
        .next()
        .unwrap_or_default();
    Ok(match earned {
        Some(earned) if status.success() && glibc(earned) <= glibc(claimed) => None,
        _ => Some(format!(
            "auditwheel: {name} claims {claimed}, earns {earned:?}"
        )),
    })
}

/// Returns the lowest N of the `manylinux_2_N` tags in a set of tags; without any, the
/// highest number, so that no claim is met.
fn glibc(tags: &str) -> u32 {
    let version = |tag: &str| -> Option<u32> {
        tag.strip_prefix("manylinux_2_")?
            .split('_')
            .next()?
            .parse()
            .ok()
    };
    tags.split('.')
        .filter_map(version)
        .min()
        .unwrap_or(u32::MAX)
}

/// Builds wheels from our sdists with the backends they name, and compares.
pub fn sdists(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "artifacts")?;
    let folder = context.emptied("from-sdists")?;
    let mut findings = Vec::new();
    let sdists = context.artifacts(".tar.gz")?;
    for sdist in &sdists {
        let mut pip = pip_wheel(context, &tools, "sdist-target")?;
        attempt(log, &mut findings, pip.arg(&folder).arg(sdist));
        same_wheel(context, log, &mut findings, sdist, &folder)?;
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{} sdists, same file lists and METADATA",
        sdists.len()
    )))
}

/// Builds the native package's wheel from an sdist that holds every crate, cut
/// off from the network and from cargo's own copies, and compares.
pub fn vendored(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "artifacts")?;
    let folder = context.emptied("vendored")?;
    let home = context.emptied("vendored-cargo-home")?;
    let mut sdist = context.cargo();
    sdist.args([
        "wheelwright",
        "sdist",
        "--vendor",
        "--project=python/daggerml",
        "--out",
    ]);
    log.run(sdist.arg(&folder))?;
    let sdist = files_in(&folder)?.pop().unwrap_or_default();
    let mut pip = pip_wheel(context, &tools, "vendored-target")?;
    pip.arg(&folder).arg(&sdist);
    pip.env("CARGO_HOME", &home)
        .env("CARGO_NET_OFFLINE", "true");
    let cut_off = log.capture(context.command("unshare").args(["-rn", "true"]));
    let how = if cut_off.is_ok_and(|(status, _)| status.success()) {
        log.run(&mut within("unshare", &["-rn"], &pip))?;
        "without a network"
    } else {
        log.run(&mut pip)?;
        "with cargo kept off the network (`unshare -rn` is not allowed here)"
    };
    let mut findings = Vec::new();
    same_wheel(context, log, &mut findings, &sdist, &folder)?;
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "built {how} from an empty cargo home, same files and METADATA"
    )))
}

/// Returns a command that starts another program, which starts `command`.
fn within(
    program: &str,
    arguments: &[&str],
    command: &std::process::Command,
) -> std::process::Command {
    let mut outer = std::process::Command::new(program);
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Returns a `pip wheel` without index; its next arguments are the folder and the sdist.
fn pip_wheel(context: &Context, tools: &Venv, target: &str) -> Result<std::process::Command> {
    let mut pip = context.command(tools.python());
    tools.enter(&mut pip)?;
    pip.args([
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--no-cache-dir",
        "-w",
    ]);
    // Compiled crates are kept between runs; the build itself is the backend's.
    // What is compared is names and metadata, so the code need not be fast.
    pip.env("CARGO_TARGET_DIR", context.work.join(target))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    Ok(pip)
}

/// Finds how the wheel in `folder`, built from an sdist, differs from that in `dist/`.
fn same_wheel(
    context: &Context,
    log: &mut Log,
    findings: &mut Vec<String>,
    sdist: &Path,
    folder: &Path,
) -> Result<()> {
    let name = file_name(sdist);
    let stem = format!("{}-", name.trim_end_matches(".tar.gz"));
    match (wheel_of(folder, &stem)?, wheel_of(&context.dist(), &stem)?) {
        (Some(theirs), Some(ours)) => {
            let script = context.root.join("tools/checks/src/steps/wheel_members.py");
            let mut command = context.command(&context.python()?.path);
            command.arg("-I").arg(script).args([ours, theirs]);
            attempt(log, findings, &mut command);
        }
        (theirs, ours) => findings.push(format!(
            "{name}: no pair of wheels: {ours:?} and {theirs:?}"
        )),
    }
    Ok(())
}

/// Returns this machine's wheel of a distribution and version.
fn wheel_of(folder: &Path, stem: &str) -> Result<Option<PathBuf>> {
    let here = if cfg!(windows) {
        "win"
    } else if cfg!(target_os = "macos") {
        "macosx"
    } else {
        "linux"
    };
    for path in files_in(folder)? {
        let name = file_name(&path);
        // The sdist is built with a CPython that has a global interpreter lock.
        let fits = name.ends_with("-any.whl")
            || (name.contains("-abi3-")
                && name.contains(here)
                && name.contains(std::env::consts::ARCH));
        if name.starts_with(stem) && path.extension().is_some_and(|end| end == "whl") && fits {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_glibc_of_a_tag_set_counts() {
        assert_eq!(glibc("manylinux_2_28_x86_64"), 28);
        assert_eq!(glibc("manylinux_2_17_x86_64.manylinux2014_x86_64"), 17);
        assert_eq!(glibc("linux_x86_64"), u32::MAX);
    }
}
