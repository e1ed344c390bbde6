//! Drawings as SVG: they stand alone, and suit a light and a dark page.

use std::fmt::Write as _;

use super::layout::{Layout, Point, Size, layout};
use super::{Graph, Look, Node};

/// The colours and fonts; the HTML page uses them too.
pub const STYLE: &str = include_str!("graph.css");

/// The inner margins of a node, the height of its lines, the margin of the whole.
const PAD: f64 = 12.0;
const ONE_LINE: f64 = 34.0;
const TWO_LINES: f64 = 50.0;
const MARGIN: f64 = 20.0;

/// Returns the graph as an SVG document.
pub fn svg(graph: &Graph<'_>) -> String {
    let mut out = String::new();
    let layout = laid_out(graph);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="dag" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="{}">"#,
        escape(&format!("DAG {}", graph.title))
    );
    let _ = writeln!(out, "<style>\n{STYLE}</style>");
    let _ = writeln!(out, r#"<rect class="page" width="100%" height="100%"/>"#);
    out.push_str(concat!(
        r#"<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">"#,
        r#"<path class="head" d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>"#,
        "\n"
    ));
    let _ = writeln!(out, r#"<g transform="translate({MARGIN} {MARGIN})">"#);
    for ((from, to), points) in graph.edges.iter().zip(&layout.edges) {
        let _ = writeln!(
            out,
            r#"<path class="edge" data-from="{from}" data-to="{to}" marker-end="url(#arrow)" d="{}"/>"#,
            curve(points)
        );
    }
    for (at, (node, corner)) in graph.nodes.iter().zip(&layout.nodes).enumerate() {
        write_node(&mut out, at, node, *corner);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn laid_out(graph: &Graph<'_>) -> Layout {
    let sizes: Vec<Size> = graph.nodes.iter().map(size).collect();
    layout(&sizes, &graph.edges)
}

fn size(node: &Node) -> Size {
    let title = text_width(&node.short_title()) + how_width(node);
    let value = mono_width(&node.short_preview());
    Size {
        width: (title.max(value) + 2.0 * PAD).max(64.0).ceil(),
        height: if node.preview.is_empty() {
            ONE_LINE
        } else {
            TWO_LINES
        },
    }
}

fn how_width(node: &Node) -> f64 {
    if node.how.is_empty() {
        0.0
    } else {
        8.0 + text_width(&node.how) * 11.0 / 13.0
    }
}

fn write_node(out: &mut String, at: usize, node: &Node, corner: Point) {
    let Size { width, height } = size(node);
    let class = node.look.as_str();
    let result = if node.is_result && node.look != Look::Error {
        " result"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        r#"<g class="node {class}{result}" data-node="{at}" transform="translate({:.1} {:.1})"><title>{}</title>"#,
        corner.x,
        corner.y,
        escape(&node.tooltip())
    );
    let _ = writeln!(
        out,
        r#"<rect class="card" width="{width:.0}" height="{height:.0}" rx="7"/>"#
    );
    let bar = height - 14.0;
    let _ = writeln!(
        out,
        r#"<rect class="bar" x="0" y="7" width="4" height="{bar:.0}" rx="2"/>"#
    );
    let _ = write!(
        out,
        r#"<text class="title" x="{PAD}" y="21">{}"#,
        escape(&node.short_title())
    );
    if !node.how.is_empty() {
        let _ = write!(
            out,
            r#"<tspan class="how" dx="8">{}</tspan>"#,
            escape(&node.how)
        );
    }
    out.push_str("</text>\n");
    if !node.preview.is_empty() {
        let _ = writeln!(
            out,
            r#"<text class="value" x="{PAD}" y="38" xml:space="preserve">{}</text>"#,
            escape(&node.short_preview())
        );
    }
    out.push_str("</g>\n");
}

/// Returns a smooth line through the points that is vertical at each of them.
fn curve(points: &[Point]) -> String {
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| points.get(at));
        let _ = match before {
            None => write!(path, "M{:.1} {:.1}", point.x, point.y),
            Some(before) if (before.x - point.x).abs() < 0.05 => {
                write!(path, " L{:.1} {:.1}", point.x, point.y)
            }
            Some(before) => {
                let middle = f64::midpoint(before.y, point.y);
                write!(
                    path,
                    " C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                    before.x, point.x, point.x, point.y
                )
            }
        };
    }
    path
}

/// About the width of 13-pixel semi-bold sans-serif text: fonts differ, so a bit generous.
fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '/' => 4.8,
            'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' | '"' => 6.3,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 13.4,
            '<' | '>' | '=' | '+' | '&' | '#' | '~' | '^' => 11.0,
            c if c.is_ascii_uppercase() => 10.2,
            c if c.is_ascii() => 8.8,
            c => wide(c, 9.0, 13.5),
        })
        .sum()
}

/// About the width of 11-pixel monospace text.
fn mono_width(text: &str) -> f64 {
    text.chars().map(|c| wide(c, 6.7, 13.4)).sum()
}

fn wide(c: char, one: f64, two: f64) -> f64 {
    match unicode_width::UnicodeWidthChar::width(c) {
        Some(0) | None => 0.0,
        Some(1) => one,
        Some(_) => two,
    }
}

/// Text as XML has it. What XML cannot hold at all becomes a replacement character.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_text(text in any::<String>()) {
            let xml = format!("<a b=\"{}\"><c>{}</c></a>", escape(&text), escape(&text));
            let document = roxmltree::Document::parse(&xml).unwrap();
            let top = document.root_element();
            prop_assert_eq!(top.attributes().len(), 1);
            prop_assert_eq!(top.children().count(), 1);
            let held = top.first_child().and_then(|child| child.text());
            let most = |c: &char| !c.is_control() && !matches!(c, '\u{fffd}'..='\u{ffff}');
            let wanted: String = text.chars().filter(most).collect();
            let held: String = held.unwrap_or_default().chars().filter(most).collect();
            prop_assert_eq!(held, wanted);
        }
    }

    #[test]
    fn nothing_escapes() {
        assert_eq!(
            escape("</title><script>\"'&\u{1b}\u{ffff}"),
            "&lt;/title&gt;&lt;script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}"
        );
    }
}
