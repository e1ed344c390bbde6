//! What every workflow, and the one that releases, must look like.

use yaml_rust2::{Yaml, YamlLoader};

use super::agree;

/// The longest script a workflow may hold; the rest belongs in a command that
/// also runs on a laptop.
const MOST_SCRIPT_LINES: usize = 3;
/// The environment that a person guards; only there is anything attested.
const GUARDED: &str = "pypi";
const PUBLISHER: &str = "pypa/gh-action-pypi-publish";
const ATTESTER: &str = "actions/attest";

/// A workflow, read.
pub struct Workflow(Yaml);

impl Workflow {
    /// Reads a workflow.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
        match documents.pop() {
            Some(document) if documents.is_empty() => Ok(Self(document)),
            _ => Err("is not one YAML document".to_owned()),
        }
    }

    fn jobs(&self) -> Vec<Job<'_>> {
        let jobs = self.0["jobs"].as_hash().into_iter().flatten();
        jobs.map(|(name, job)| Job {
            name: name.as_str().unwrap_or_default(),
            job,
        })
        .collect()
    }

    /// The rules for every workflow.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for job in self.jobs() {
            let mut found = job.findings();
            if job.may_publish() && !self.0["on"]["workflow_call"].is_badvalue() {
                found.push("publishes, and the workflow can be called by others".to_owned());
            }
            findings.extend(
                found
                    .into_iter()
                    .map(|text| format!("job {}: {text}", job.name)),
            );
        }
        findings
    }

    /// The rules for the workflow that releases.
    pub fn release_findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let jobs = self.jobs();
        let dry = &self.0["on"]["workflow_dispatch"]["inputs"]["dry-run"]["default"];
        if dry.as_bool() != Some(true) {
            findings.push("is no dry run by default when it is started by hand".to_owned());
        }
        let publishing: Vec<&Job<'_>> = jobs.iter().filter(|job| job.publishes()).collect();
        if publishing.is_empty() {
            findings.push("no job publishes".to_owned());
        }
        let names = publishing.iter().map(|job| job.name);
        findings.extend(agree::findings(&self.0["jobs"], names));
        findings
    }
}

struct Job<'a> {
    name: &'a str,
    job: &'a Yaml,
}

impl<'a> Job<'a> {
    fn steps(&self) -> impl Iterator<Item = Step<'a>> + use<'a> {
        self.job["steps"].as_vec().into_iter().flatten().map(Step)
    }

    fn environment(&self) -> Option<&'a str> {
        let environment = &self.job["environment"];
        environment
            .as_str()
            .or_else(|| environment["name"].as_str())
    }

    /// Returns whether it may act in the repository's name.
    fn may_publish(&self) -> bool {
        self.job["permissions"]["id-token"].as_str() == Some("write")
    }

    fn publishes(&self) -> bool {
        self.steps().any(|step| step.action() == PUBLISHER)
    }

    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let mut rule = |broken: bool, text: &str| {
            if broken {
                findings.push(text.to_owned());
            }
        };
        rule(self.job["timeout-minutes"].is_badvalue(), "has no timeout");
        let calls = !self.job["uses"].is_badvalue();
        rule(
            calls && (self.may_publish() || self.publishes()),
            "publishes by another workflow",
        );
        rule(
            self.publishes() && self.environment().is_none(),
            "publishes without an environment",
        );
        rule(
            self.may_publish() && self.steps().any(|step| step.runs_our_code()),
            "may publish, and runs code of this repository",
        );
        let guarded = self.environment() == Some(GUARDED);
        for step in self.steps() {
            rule(
                step.script_lines() > MOST_SCRIPT_LINES,
                &format!(
                    "a script of {} lines; move it into a command",
                    step.script_lines()
                ),
            );
            rule(
                step.attests() && !guarded,
                "attests outside the guarded environment",
            );
        }
        findings
    }
}

struct Step<'a>(&'a Yaml);

impl<'a> Step<'a> {
    /// The action that it uses, without its commit.
    fn action(&self) -> &'a str {
        let used = self.0["uses"].as_str().unwrap_or_default();
        used.split('@').next().unwrap_or_default()
    }

    fn script_lines(&self) -> usize {
        let script = self.0["run"].as_str().unwrap_or_default();
        script
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count()
    }

    fn runs_our_code(&self) -> bool {
        !self.0["run"].is_badvalue()
            || self.action() == "actions/checkout"
            || self.action().starts_with("./")
    }

    fn attests(&self) -> bool {
        // The publisher attests unless told not to.
        let publisher =
            self.action() == PUBLISHER && self.0["with"]["attestations"].as_bool() != Some(false);
        publisher || self.action().starts_with(ATTESTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
on:
  push:
  workflow_dispatch:
    inputs:
      dry-run: { default: true }
permissions: {}
jobs:
  run:
    timeout-minutes: 5
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@1
        with: { persist-credentials: false }
      - run: |
          one
          two

          three
  build: &build { timeout-minutes: 5, permissions: {}, steps: [run: wheelwright attest] }
  rebuild-a: *build
  rebuild-b: *build
  agree:
    needs: [build, rebuild-a, rebuild-b]
    timeout-minutes: 5
    permissions: {}
    steps: [run: wheelwright compare --sums, run: wheelwright verify]
  publish:
    needs: agree
    timeout-minutes: 5
    permissions: { id-token: write }
    environment: pypi
    steps:
      - uses: pypa/gh-action-pypi-publish@1
        with: { packages-dir: upload/1-engine/ }
      - uses: pypa/gh-action-pypi-publish@1
        with: { packages-dir: upload/2-tool/ }
";

    fn found(old: &str, new: &str) -> Vec<String> {
        assert!(GOOD.contains(old), "{old}");
        let workflow = Workflow::parse(&GOOD.replacen(old, new, 1)).unwrap();
        [workflow.findings(), workflow.release_findings()].concat()
    }

    #[test]
    fn a_good_workflow_has_no_findings() {
        assert_eq!(found("push", "push"), Vec::<String>::new());
    }

    #[test]
    fn each_rule_can_be_broken() {
        for (old, new, what) in [
            ("    timeout-minutes: 5\n", "", "no timeout"),
            ("three", "three\n          four", "a script of 4 lines"),
            ("    environment: pypi\n", "", "without an environment"),
            (
                "environment: pypi",
                "environment: other",
                "outside the guarded",
            ),
            ("  push:", "  workflow_call:", "called by others"),
            (
                "    environment: pypi\n    steps:",
                "    environment: pypi\n    steps:\n      - run: x",
                "runs code",
            ),
            (
                "    environment: pypi\n    steps:",
                "    environment: pypi\n    uses: ./x.yml\n    steps:",
                "another workflow",
            ),
            ("default: true", "default: false", "no dry run"),
        ] {
            let findings = found(old, new);
            assert!(
                findings.iter().any(|text| text.contains(what)),
                "{what}: {findings:?}"
            );
        }
        assert!(Workflow::parse("a: [").is_err());
    }
}
