//! What is wrong with a text that is not TOML, for whoever wrote it.

use std::fmt::Write as _;

use toml_parser::{Expected, ParseError};

/// Says what is wrong, in which line and column, and shows the place.
pub(super) fn describe(text: &str, fault: &ParseError) -> String {
    let mut message = String::new();
    if let Some(span) = fault.unexpected() {
        point_at(&mut message, text, span.start(), span.len());
    }
    message.push_str(fault.description());
    for (at, expected) in fault.expected().into_iter().flatten().enumerate() {
        message.push_str(if at == 0 { ", expected " } else { ", " });
        let _ = match expected {
            Expected::Literal("\n") => message.write_str("newline"),
            Expected::Literal(literal) => write!(message, "`{literal}`"),
            Expected::Description(description) => message.write_str(description),
            _ => message.write_str("something else"),
        };
    }
    if fault.expected().is_some_and(<[_]>::is_empty) {
        message.push_str(", expected nothing");
    }
    message
}

fn point_at(message: &mut String, text: &str, start: usize, length: usize) {
    // What is missing after the end belongs to the last line, not to an empty one below it.
    let last = start.min(text.len().saturating_sub(1));
    let before = text.as_bytes().get(..last).unwrap_or_default();
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let number = before.split(|byte| *byte == b'\n').count();
    let line = text.get(line_start..).unwrap_or_default();
    let line = line.split('\n').next().unwrap_or_default();
    let column = text
        .get(line_start..start)
        .map_or(0, |before| before.chars().count());
    let marks = length.min(line.len().saturating_sub(column)).max(1);
    let gutter = number.to_string().len() + 1;
    let _ = write!(
        message,
        "TOML parse error at line {number}, column {}\n{:gutter$}|\n{number} | {line}\n\
         {:gutter$}|{:indent$}{:^<marks$}\n",
        column + 1,
        "",
        "",
        "",
        "",
        indent = column + 1,
    );
}
