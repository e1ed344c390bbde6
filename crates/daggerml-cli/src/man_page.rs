//! The manual page of a command, in roff, from clap's description of it.
//!
//! A crate for it would be 25 kB of the wheel, compressed.

use std::fmt::Write as _;

use clap::{Arg, Command};

/// Returns the page of `command`, which is named `name` there (`dml-dag-list`).
pub fn page(command: &Command, name: &str) -> String {
    let mut page = format!(".TH {} 1\n", name.replace('-', "\\-"));
    section(&mut page, "Name");
    let about = command.get_about().map(ToString::to_string);
    text(
        &mut page,
        &format!("{name} - {}", about.unwrap_or_default()),
    );
    section(&mut page, "Synopsis");
    let usage = command.clone().render_usage().to_string();
    verbatim(&mut page, usage.strip_prefix("Usage: ").unwrap_or(&usage));
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        section(&mut page, "Description");
        text(&mut page, &about.to_string());
    }
    for heading in headings(command) {
        section(&mut page, heading);
        let arguments = command.get_arguments();
        arguments
            .filter(|arg| !arg.is_hide_set() && heading_of(arg) == heading)
            .for_each(|arg| argument(&mut page, arg));
    }
    if command.has_subcommands() {
        section(&mut page, "Commands");
        let commands = command.get_subcommands();
        for sub in commands.filter(|sub| !sub.is_hide_set()) {
            item(&mut page, &format!("{name}-{}(1)", sub.get_name()));
            let about = sub.get_about().map(ToString::to_string);
            text(&mut page, &about.unwrap_or_default());
        }
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        let more = more.to_string();
        if let Some(examples) = more.strip_prefix("Examples:\n") {
            section(&mut page, "Examples");
            verbatim(&mut page, examples);
        } else {
            section(&mut page, "Notes");
            text(&mut page, &more);
        }
    }
    page
}

/// Returns the headings of the arguments, in their order.
fn headings(command: &Command) -> Vec<&str> {
    let mut found = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let heading = heading_of(arg);
        if !found.contains(&heading) {
            found.push(heading);
        }
    }
    found
}

fn heading_of(arg: &Arg) -> &str {
    match arg.get_help_heading() {
        Some(heading) => heading,
        None if arg.is_positional() => "Arguments",
        None => "Options",
    }
}

/// Writes an argument: how it is given, what it does, what it can be.
fn argument(page: &mut String, arg: &Arg) {
    let mut head = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(_)) => format!("-{short}, {arg}"),
        _ => arg.to_string(),
    };
    let defaults = arg.get_default_values();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() && takes_values(arg) {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        let _ = write!(head, " [default: {}]", defaults.join(","));
    }
    item(page, &head);
    if let Some(help) = arg.get_long_help().or(arg.get_help()) {
        text(page, &help.to_string());
    }
    if takes_values(arg) && !arg.is_hide_possible_values_set() {
        let possible = arg.get_possible_values();
        for value in possible.iter().filter(|value| !value.is_hide_set()) {
            let help = value.get_help().map(|help| format!(": {help}"));
            page.push_str(".br\n");
            let told = format!("{}{}", value.get_name(), help.unwrap_or_default());
            text(page, &told);
        }
    }
}

fn takes_values(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn section(page: &mut String, heading: &str) {
    let _ = writeln!(page, ".SH \"{}\"", heading.to_ascii_uppercase());
}

/// Begins an item of a list: what it is, in bold, and then its text.
fn item(page: &mut String, head: &str) {
    page.push_str(".TP\n\\fB");
    escaped(page, head);
    page.push_str("\\fR\n");
}

/// Writes paragraphs, which `man` fills to the width of the terminal.
fn text(page: &mut String, text: &str) {
    for line in text.lines() {
        if line.trim().is_empty() {
            page.push_str(".sp\n");
        } else {
            escaped(page, line);
            page.push('\n');
        }
    }
}

/// Writes lines that stay as they are.
fn verbatim(page: &mut String, lines: &str) {
    page.push_str(".nf\n");
    text(page, lines);
    page.push_str(".fi\n");
}

/// Writes text of one line so that nothing in it is an order to `man`.
fn escaped(page: &mut String, line: &str) {
    if line.starts_with(['.', '\'']) {
        page.push_str("\\&");
    }
    for c in line.chars() {
        match c {
            '\\' => page.push_str("\\e"),
            '-' => page.push_str("\\-"),
            '\'' => page.push_str("\\(aq"),
            '`' => page.push_str("\\(ga"),
            c => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_an_order() {
        let mut page = String::new();
        text(&mut page, ".SH x\n\n'br\nC:\\new -x");
        assert_eq!(page, "\\&.SH x\n.sp\n\\&\\(aqbr\nC:\\enew \\-x\n");
    }
}
