//! A release is published only if several build systems made the same bytes.

use std::collections::BTreeSet;

use yaml_rust2::Yaml;

/// The job that compares what the builders made.
const AGREE: &str = "agree";
/// Beginning of the names of jobs that build a release again.
const REBUILD: &str = "rebuild-";
/// How many there are at least.
const REBUILDS: usize = 2;
/// What signs that a job made artifacts.
const ATTEST: &str = "wheelwright attest";
/// What job [`AGREE`] runs: the bytes are compared, and the signed statements judged.
const JUDGES: [&str; 2] = ["wheelwright compare --sums", "wheelwright verify"];

/// Finds what is missing between the builds and the jobs that publish.
pub(super) fn findings<'a>(
    jobs: &'a Yaml,
    publishing: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let names = jobs.as_hash().into_iter().flatten();
    let rebuilds: Vec<&str> = names
        .filter_map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with(REBUILD))
        .collect();
    let mut findings = Vec::new();
    if rebuilds.len() < REBUILDS {
        findings.push(format!(
            "builds a release again in {rebuilds:?} only; cargo and Nix must both agree with Bazel"
        ));
    }
    let awaited = needs(jobs, AGREE);
    for job in ["build"].into_iter().chain(rebuilds) {
        if !awaited.contains(job) {
            findings.push(format!("job {AGREE}: does not compare what job {job} made"));
        }
        if !runs(jobs, job, ATTEST) {
            findings.push(format!("job {job}: does not run `{ATTEST}`"));
        }
    }
    for judge in JUDGES {
        if !runs(jobs, AGREE, judge) {
            findings.push(format!("job {AGREE}: does not run `{judge}`"));
        }
    }
    let pushing: Vec<&str> = pushing(jobs).collect();
    for job in &pushing {
        let mut steps = jobs[*job]["steps"].as_vec().into_iter().flatten();
        let ours = |used: &str| used.starts_with("actions/checkout@") || used.starts_with("./");
        if steps.any(|step| step["uses"].as_str().is_some_and(ours)) {
            findings.push(format!(
                "job {job}: pushes an image, and runs code of this repository"
            ));
        }
    }
    for job in publishing.into_iter().chain(pushing) {
        if !before(jobs, job).contains(AGREE) {
            findings.push(format!("job {job}: publishes without job {AGREE}"));
        }
    }
    findings
}

/// Returns whether a step of a job runs `command`.
fn runs(jobs: &Yaml, job: &str, command: &str) -> bool {
    let mut steps = jobs[job]["steps"].as_vec().into_iter().flatten();
    steps.any(|step| {
        let script = step["run"].as_str();
        script.is_some_and(|script| script.contains(command))
    })
}

/// Returns the jobs that may push a container image.
fn pushing(jobs: &Yaml) -> impl Iterator<Item = &str> {
    let named = jobs.as_hash().into_iter().flatten();
    named
        .filter(|(_, job)| job["permissions"]["packages"].as_str() == Some("write"))
        .filter_map(|(name, _)| name.as_str())
}

/// Returns the jobs that a job itself waits for.
fn needs<'a>(jobs: &'a Yaml, job: &str) -> BTreeSet<&'a str> {
    let needs = &jobs[job]["needs"];
    let list = needs.as_vec().into_iter().flatten();
    list.filter_map(Yaml::as_str)
        .chain(needs.as_str())
        .collect()
}

/// Returns all jobs that have passed when a job starts.
fn before<'a>(jobs: &'a Yaml, job: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = needs(jobs, job).into_iter().collect();
    while let Some(job) = next.pop() {
        if found.insert(job) {
            next.extend(needs(jobs, job));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml_rust2::YamlLoader;

    const GOOD: &str = "
build: { steps: [run: cargo wheelwright attest a] }
rebuild-cargo: { steps: [run: cargo wheelwright attest b] }
rebuild-nix: { steps: [run: cargo wheelwright attest c] }
agree:
  needs: [build, rebuild-cargo, rebuild-nix]
  steps: [run: cargo wheelwright compare --sums, run: cargo wheelwright verify]
stage: { needs: [build, agree] }
publish: { needs: stage }
push: { needs: publish, permissions: { packages: write }, steps: [uses: a/b@1] }
";

    fn found(old: &str, new: &str) -> Vec<String> {
        assert!(GOOD.contains(old), "{old}");
        let jobs = YamlLoader::load_from_str(&GOOD.replacen(old, new, 1)).unwrap();
        findings(&jobs[0], ["publish"])
    }

    #[test]
    fn what_is_published_was_agreed_upon() {
        assert_eq!(found("build", "build"), Vec::<String>::new());
        for (old, new, what) in [
            ("[build, agree]", "build", "publishes without"),
            ("[build, rebuild", "[rebuild", "what job build made"),
            (", rebuild-nix]", "]", "what job rebuild-nix made"),
            ("rebuild-nix: {", "nix: {", "only"),
            ("attest b", "b", "rebuild-cargo: does not run"),
            ("wheelwright verify", "wheelwright", "agree: does not run"),
            ("needs: publish", "needs: build", "push: publishes without"),
            ("a/b@1", "actions/checkout@1", "runs code"),
            ("a/b@1", "./x", "runs code"),
        ] {
            let findings = found(old, new);
            assert!(
                findings.iter().any(|text| text.contains(what)),
                "{what}: {findings:?}"
            );
        }
    }
}
