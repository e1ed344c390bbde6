//! Reads the blocks of a Markdown page.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::page::{Action, Block, Command};

/// A fenced block as it stands in the page.
struct Fence {
    line: usize,
    language: String,
    flags: Vec<String>,
    body: String,
}

impl Fence {
    /// Its flags: what is before and after the `=`.
    fn flags(&self) -> impl Iterator<Item = (&str, &str)> {
        let flags = self.flags.iter();
        flags.map(|flag| flag.split_once('=').unwrap_or((flag, "")))
    }
}

/// Returns the runnable blocks of a page; the error says what is wrong with the page.
pub fn parse(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    for fence in fences(text)? {
        let line = fence.line;
        if let Some(action) = action(&fence, &mut blocks)? {
            blocks.push(Block { line, action });
        }
    }
    Ok(blocks)
}

fn action(fence: &Fence, before: &mut [Block]) -> Result<Option<Action>, String> {
    let language = fence.language.as_str();
    let flag = |name: &str| {
        let mut flags = fence.flags();
        flags.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let body = || fence.body.clone();
    let known = ["skip", "file", "exit", "output"];
    let unknown = fence.flags().find(|(key, _)| !known.contains(key));
    if let Some((key, _)) = unknown.filter(|_| runnable(language)) {
        return Err(format!("line {}: no flag is called `{key}`", fence.line));
    }
    if let Some(reason) = flag("skip") {
        if reason.is_empty() {
            return Err(format!(
                "line {}: `skip` needs a reason: skip=WHY",
                fence.line
            ));
        }
        return Ok(Some(Action::Skip {
            reason: reason.to_owned(),
        }));
    }
    if let Some(name) = flag("file") {
        return Ok(Some(Action::File {
            name: name.to_owned(),
            text: body(),
        }));
    }
    if flag("output").is_some() {
        return match before.last_mut().map(|block| &mut block.action) {
            Some(Action::Python {
                output: output @ None,
                ..
            }) => {
                *output = Some(body());
                Ok(None)
            }
            _ => Err(format!(
                "line {}: `output` follows no Python block",
                fence.line
            )),
        };
    }
    Ok(match language {
        "console" => {
            let exit = match flag("exit") {
                Some(text) => text
                    .parse()
                    .map_err(|_| format!("line {}: `exit` is a number", fence.line))?,
                None => 0,
            };
            Some(Action::Console {
                commands: commands(fence)?,
                exit,
            })
        }
        "python" => Some(Action::Python {
            source: body(),
            output: None,
        }),
        "pycon" => Some(Action::Pycon { source: body() }),
        "sh" | "bash" | "shell" | "shell-session" | "py" | "python3" => {
            return Err(format!(
                "line {}: write `{}` blocks as `console` or `python`",
                fence.line, language
            ));
        }
        _ => None,
    })
}

fn runnable(language: &str) -> bool {
    ["console", "python", "pycon"].contains(&language)
}

/// Reads commands: `$ ` begins one, `> ` continues it, and other lines are its output.
fn commands(fence: &Fence) -> Result<Vec<Command>, String> {
    let mut commands: Vec<Command> = Vec::new();
    for (index, line) in fence.body.lines().enumerate() {
        let number = fence.line + 1 + index;
        if let Some(text) = line.strip_prefix("$ ") {
            commands.push(Command {
                line: number,
                text: text.to_owned(),
                output: String::new(),
            });
            continue;
        }
        let Some(last) = commands.last_mut() else {
            return Err(format!("line {number}: a console block begins with `$ `"));
        };
        match line.strip_prefix("> ") {
            Some(more) if last.output.is_empty() => {
                last.text.push('\n');
                last.text.push_str(more);
            }
            _ => {
                last.output.push_str(line);
                last.output.push('\n');
            }
        }
    }
    Ok(commands)
}

/// Returns the line of a byte of a text, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Returns every fenced block, as Markdown says it.
fn fences(text: &str) -> Result<Vec<Fence>, String> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = line_of(text, range.start);
                let last = text[range].trim_end().rsplit_once('\n');
                if !last.is_some_and(|(_, end)| end.trim_start().starts_with(['`', '~'])) {
                    return Err(format!("line {line}: the block is never closed"));
                }
                let mut words = info.split_whitespace().map(str::to_owned);
                open = Some(Fence {
                    line,
                    language: words.next().unwrap_or_default(),
                    flags: words.collect(),
                    body: String::new(),
                });
            }
            Event::Text(part) => {
                if let Some(fence) = &mut open {
                    fence.body.push_str(&part);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_block_is_commands_and_their_output() {
        let page = "# T\n\n```console\n$ dml init\nmade .dml\n$ for x in 1 2; do\n>   echo $x\n> done\n1\n2\n```\n";
        let blocks = parse(page).unwrap();
        let Action::Console { commands, exit: 0 } = &blocks[0].action else {
            panic!("{blocks:?}")
        };
        assert_eq!(commands[0].line, 4);
        assert_eq!(commands[0].output, "made .dml\n");
        assert_eq!(commands[1].text, "for x in 1 2; do\n  echo $x\ndone");
        assert_eq!(commands[1].output, "1\n2\n");
    }

    #[test]
    fn an_output_block_belongs_to_the_python_before_it() {
        let page = "```python\nprint(1)\n```\n\nprints\n\n```text output\n1\n```\n";
        let blocks = parse(page).unwrap();
        let output = Some("1\n".to_owned());
        assert_eq!(
            blocks[0].action,
            Action::Python {
                source: "print(1)\n".to_owned(),
                output
            }
        );
        assert_eq!(blocks.len(), 1);
        assert!(parse("```text output\n1\n```\n").is_err());
    }

    #[test]
    fn flags_are_checked() {
        let skip = parse("```console skip=needs-a-cluster\n$ x\n```\n").unwrap();
        assert_eq!(
            skip[0].action,
            Action::Skip {
                reason: "needs-a-cluster".to_owned()
            }
        );
        assert!(parse("```console skip\n$ x\n```\n").is_err());
        assert!(parse("```console norun\n$ x\n```\n").is_err());
        assert!(parse("```console exit=many\n$ x\n```\n").is_err());
        let file = parse("```python file=a.py\nx = 1\n```\n").unwrap();
        assert_eq!(
            file[0].action,
            Action::File {
                name: "a.py".to_owned(),
                text: "x = 1\n".to_owned()
            }
        );
    }

    #[test]
    fn other_blocks_are_only_shown_but_shell_must_say_what_it_prints() {
        assert_eq!(
            parse("```toml\nx = 1\n```\n\n```\nplain\n```\n").unwrap(),
            []
        );
        assert!(parse("```sh\ntrue\n```\n").is_err());
    }

    #[test]
    fn fences_nest_and_indent() {
        assert_eq!(
            parse("````markdown\n```console\n$ x\n```\n````\n").unwrap(),
            []
        );
        let blocks = parse("1. First\n\n   ```python\n   if x:\n       y\n   ```\n").unwrap();
        assert_eq!(
            blocks[0].action,
            Action::Python {
                source: "if x:\n    y\n".to_owned(),
                output: None
            }
        );
        assert!(parse("```console\n$ x\n").is_err());
    }

    #[test]
    fn output_before_any_command_is_an_error() {
        assert!(parse("```console\nhello\n$ x\n```\n").is_err());
    }
}
