//! The Containerfile: hadolint's opinion, and the house rules. The version in it is
//! the step `versions`'s.

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;
use crate::venv;

const FILE: &str = "Containerfile";

/// Lints the Containerfile.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let text = context.read(FILE)?;
    log.findings(&house_rules(&text))?;
    let lint = venv::tools(context, log, "container")?;
    log.run(context.command(lint.program("hadolint")).args([
        "--no-color",
        "--failure-threshold",
        "style",
        FILE,
    ]))?;
    Ok(Done::Passed("hadolint finds nothing".to_owned()))
}

/// What hadolint does not know: the line that there must be, and what is wrong without it.
const RULES: &[(&str, &str)] = &[
    (
        "ARG PYTHON_IMAGE",
        "PYTHON_IMAGE has a default; whoever builds names it, by digest",
    ),
    (
        "FROM ${PYTHON_IMAGE} AS build",
        "has one stage; build in one, ship another",
    ),
    (
        "FROM ${PYTHON_IMAGE}",
        "ships another base than PYTHON_IMAGE",
    ),
    (
        "USER 10001:10001",
        "runs as another user than number 10001, who is not root",
    ),
    (
        "VOLUME /data",
        "keeps data elsewhere than in the volume /data",
    ),
    ("WORKDIR /data", "starts elsewhere than in /data"),
    ("ENTRYPOINT [\"dml\"]", "does not start dml"),
];

/// Finds the rules that a Containerfile breaks. The last line of a kind is the one that
/// counts, so a second one of it is a finding too.
fn house_rules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let broken = RULES.iter().filter(|(line, _)| {
        let kind = line.split(' ').next().unwrap_or_default();
        let last = lines.iter().rfind(|other| other.starts_with(kind));
        let may_be_earlier = line.starts_with("ARG") || line.ends_with("AS build");
        !lines.contains(line) || (!may_be_earlier && last != Some(line))
    });
    let other_base =
        |line: &&&str| line.starts_with("FROM ") && !line.starts_with("FROM ${PYTHON_IMAGE}");
    let bases = lines.iter().filter(other_base);
    let bases = bases.map(|line| format!("{FILE}: `{line}` is another base than PYTHON_IMAGE"));
    let broken = broken.map(|(_, text)| format!("{FILE}: {text}"));
    broken.chain(bases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# x\nARG PYTHON_IMAGE\nFROM ${PYTHON_IMAGE} AS build\nARG VERSION=1.0\n\
                        FROM ${PYTHON_IMAGE}\nUSER 10001:10001\nVOLUME /data\nWORKDIR /data\nENTRYPOINT [\"dml\"]\n";

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(house_rules(GOOD), Vec::<String>::new());
        for (old, new, what) in [
            (
                " AS build\nARG VERSION=1.0\nFROM ${PYTHON_IMAGE}",
                "\nARG VERSION=1.0",
                "one stage",
            ),
            (
                "FROM ${PYTHON_IMAGE}\nUSER",
                "FROM python:3\nUSER",
                "another base",
            ),
            (
                "ARG PYTHON_IMAGE\n",
                "ARG PYTHON_IMAGE=python:3\n",
                "has a default",
            ),
            ("USER 10001:10001\n", "", "another user"),
            (
                "USER 10001:10001",
                "USER 10001:10001\nUSER 0",
                "another user",
            ),
            ("VOLUME /data", "VOLUME /else", "elsewhere"),
            ("[\"dml\"]", "[\"sh\"]", "start dml"),
        ] {
            assert!(GOOD.contains(old), "{old}");
            let findings = house_rules(&GOOD.replacen(old, new, 1));
            assert!(
                findings.iter().any(|text| text.contains(what)),
                "{what}: {findings:?}"
            );
        }
    }
}
