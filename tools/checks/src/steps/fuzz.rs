//! The fuzz targets, each for a few seconds, or for as many minutes as are asked for.
//!
//! Built by plain cargo with the pinned compiler: the instrumentation that
//! `cargo fuzz` asks for is a stable option. Longer runs, with a sanitizer, are
//! for `cargo +nightly fuzz run` (see `crates/daggerml/fuzz/Cargo.toml`).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::steps::Done;

/// The crates of fuzz targets.
const CRATES: &[&str] = &["crates/daggerml/fuzz", "tools/wheelwright-artifacts/fuzz"];

/// Seconds for each target, where no minutes are asked for.
const SECONDS: u32 = 10;

/// Makes the compiler count what the fuzzer wants to see reached.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 -Cdebug-assertions=yes";

/// Runs every target of every crate.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    if cfg!(not(target_os = "linux")) {
        return Ok(Done::Skipped("libFuzzer is run on Linux only".to_owned()));
    }
    let asked = &context.fuzzing;
    let built = context.work.join("fuzz");
    let corpora = match &asked.corpora {
        Some(folder) => std::path::absolute(folder).map_err(Error::io(folder))?,
        None => built.join("corpus"),
    };
    let seconds = asked.minutes.map_or(SECONDS, |minutes| minutes * 60);
    let mut ran = Vec::new();
    let mut failed = Vec::new();
    for folder in CRATES {
        let manifest = context.root.join(folder).join("Cargo.toml");
        if !manifest.is_file() {
            continue;
        }
        // An explicit target keeps the instrumentation out of build scripts.
        let target = host(context);
        let mut build = context.cargo();
        build.args(["build", "--locked", "--release", "--quiet", "--bins"]);
        build.arg("--target").arg(&target);
        build.arg("--manifest-path").arg(&manifest);
        build.arg("--target-dir").arg(&built);
        log.run(build.env("RUSTFLAGS", INSTRUMENTATION))?;
        for name in targets(context, folder)? {
            let corpus = corpora.join(&name);
            fs::create_dir_all(&corpus).map_err(Error::io(&corpus))?;
            seed(context, &corpus)?;
            let program = built.join(&target).join("release").join(&name);
            let mut fuzz = context.command(program);
            fuzz.arg(format!("-max_total_time={seconds}"));
            fuzz.arg(format!("-artifact_prefix={}/{name}-", built.display()));
            fuzz.args(["-rss_limit_mb=4096", "-timeout=60", "-print_final_stats=1"]);
            if asked.minutes.is_none() {
                // One seed: a run finds what the last one found, on a busy machine too.
                fuzz.arg("-seed=1");
            }
            // What one target finds must not keep the others from their minutes.
            if let Err(error) = log.run(fuzz.arg(&corpus)) {
                let place = built.display();
                failed.push(format!("{name}: {error}; the input is in {place}"));
            }
            ran.push(name);
        }
    }
    log.findings(&failed)?;
    Ok(Done::Passed(format!(
        "{seconds} s each of {}",
        ran.join(", ")
    )))
}

/// Returns the names of a crate's targets.
fn targets(context: &Context, folder: &str) -> Result<Vec<String>> {
    let table: toml::Table = facts::table(context, &format!("{folder}/Cargo.toml"))?;
    let bins = table.get("bin").and_then(toml::Value::as_array);
    let bins = bins.into_iter().flatten();
    let names = bins.filter_map(|bin| bin.get("name")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Gives a corpus the bytes of the test vectors to start from.
fn seed(context: &Context, corpus: &Path) -> Result<()> {
    let vectors: PathBuf = context.root.join("docs/spec/vectors");
    for file in ["values.json", "records.json", "invalid.json"] {
        let path = vectors.join(file);
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let json: Json = serde_json::from_str(&text).map_err(|error| Error::Missing {
            what: format!("{} is not JSON: {error}", path.display()),
        })?;
        for vector in json.as_array().into_iter().flatten() {
            for member in ["cbor", "record", "bytes"] {
                if let Some(bytes) = vector.get(member).and_then(Json::as_str).and_then(unhex) {
                    let seed = corpus.join(blake3::hash(&bytes).to_hex().as_str());
                    fs::write(&seed, bytes).map_err(Error::io(&seed))?;
                }
            }
        }
    }
    Ok(())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    pairs
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte << 4 | digit)).ok())
        .collect()
}

/// Returns the target triple of this machine.
fn host(context: &Context) -> String {
    let mut lines = context.rustc().lines();
    let host = lines.find_map(|line| line.strip_prefix("host: "));
    host.unwrap_or("x86_64-unknown-linux-gnu").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_text_is_bytes() {
        assert_eq!(unhex("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!(unhex("zz"), None);
    }
}
