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

/// Finds what breaks a rule of ours that hadolint does not know.
fn house_rules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let argument = |name: &str| {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(name))
            .map(str::trim)
            .collect::<Vec<_>>()
    };
    let mut findings = Vec::new();
    let mut rule = |good: bool, text: String| {
        if !good {
            findings.push(format!("{FILE}: {text}"));
        }
    };
    let bases = argument("FROM ");
    rule(
        bases.len() > 1,
        "has one stage; build in one, ship another".to_owned(),
    );
    rule(
        bases.iter().all(|base| base.starts_with("${PYTHON_IMAGE}")),
        "a base other than PYTHON_IMAGE, which is given by digest".to_owned(),
    );
    rule(
        argument("ARG ").contains(&"PYTHON_IMAGE"),
        "PYTHON_IMAGE has a default; whoever builds names it".to_owned(),
    );
    let user = argument("USER ")
        .last()
        .copied()
        .unwrap_or("root")
        .to_owned();
    let id = user.split(':').next().unwrap_or_default().parse::<u32>();
    rule(
        id.is_ok_and(|id| id > 0),
        format!("runs as {user}; name a number that is not 0"),
    );
    rule(
        argument("VOLUME ") == ["/data"] && argument("WORKDIR ").last() == Some(&"/data"),
        "keeps data elsewhere than in the volume /data".to_owned(),
    );
    rule(
        argument("ENTRYPOINT ") == ["[\"dml\"]"],
        "does not start dml".to_owned(),
    );
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# x\nARG PYTHON_IMAGE\nFROM ${PYTHON_IMAGE} AS build\nARG VERSION=1.0\n\
                        FROM ${PYTHON_IMAGE}\nUSER 1:1\nVOLUME /data\nWORKDIR /data\nENTRYPOINT [\"dml\"]\n";

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
                "a base other",
            ),
            (
                "ARG PYTHON_IMAGE\n",
                "ARG PYTHON_IMAGE=python:3\n",
                "has a default",
            ),
            ("USER 1:1\n", "", "runs as root"),
            ("USER 1:1", "USER 0", "runs as 0"),
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
