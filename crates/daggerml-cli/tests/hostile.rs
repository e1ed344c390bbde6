//! A repository whose every text is an attack: no command gives a terminal an order, and
//! no drawing holds more than text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::{Place, Run};
use daggerml::id::{ObjectId, TypedId};
use daggerml::record::{Builtin, CallKey, Commit, Datum, ErrorInfo, Exec, ExecStatus, Time};
use daggerml::repo::refs::{self, Target};
use daggerml::store::{ReadObjects, Table};
use daggerml::value::{Map, Runnable, Set, Uri, Value};

/// What terminals obey, what turns text round, what nobody sees, what ends a line; and
/// what HTML, XML, DOT and Mermaid would take for more than text. Each alone is tried.
const ATTACKS: &[&str] = &[
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{1b}]8;;https://evil.example/\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "\u{1b}[8mhidden\u{1b}[5mblink",
    "\u{9b}31m\u{9d}0;c1\u{9c}\u{90}q\u{85}",
    "over\rwritten\u{8}\u{8}\u{b}\u{c}\u{7f}\0",
    "\nerror: forged\nhint: forged\n",
    "\u{202e}gnp.exe\u{2066}\u{2067}\u{2068}\u{2069}\u{200f}\u{61c}",
    "zero\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}width\u{e0061}",
    "line\u{2028}paragraph\u{2029}end",
    "</title></svg></script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "]]><!-- --> --!> <![CDATA[ <?xml ?> &lt;&#0;&amp",
    "\" onload=\"alert(1)\" x='` javascript:alert(1)",
    "</style><style>*{background:url(//evil.example)}",
    "\"]; n0 [label=<<b>html</b>>, URL=\"javascript:x\"]; // \\N \\G \\",
    "\"]\n%%{init: {\"securityLevel\":\"loose\"}}%%\n  click n0 href \"javascript:x\"\n  end",
    "{{svg}} {{script}} ${x} {%x%} $(x) `x` \\u003c",
];

/// The attack as a name: those have no controls.
fn name(attack: &str) -> String {
    attack.chars().filter(|c| !c.is_control()).collect()
}

/// The attack as a branch or tag: what has been written there by others than us.
fn reference(attack: &str) -> String {
    format!("heads/{attack}")
}

/// The attack as an argument of a program, which cannot hold NUL.
fn argument(attack: &str) -> String {
    attack.replace('\0', "")
}

fn values(attack: &str) -> Vec<Value> {
    let text = || Value::from(attack);
    let map = || Map::new(vec![(text(), text()), (1.into(), text())]).unwrap();
    let runnable = |sub| {
        Box::new(Runnable {
            uri: Uri::new("test:x").unwrap(),
            adapter: attack.to_owned(),
            kwargs: Map::new(vec![(text(), text())]).unwrap(),
            sub,
        })
    };
    vec![
        text(),
        Value::Bytes(attack.as_bytes().to_vec()),
        vec![text(), vec![text(); 30].into()].into(),
        Value::Set(Set::new(vec![text()]).unwrap()),
        Value::Map(map()),
        Value::Runnable(runnable(Some(runnable(None)))),
    ]
}

/// A repository that has the attack wherever text can be.
fn make(attack: &str) -> Place {
    let place = Place::with_repository();
    let repository = place.repository();
    let safe = name(attack);
    for version in 0..2 {
        let mut dag = repository.new_dag(&safe, attack).unwrap();
        let mut nodes = Vec::new();
        for (at, value) in values(attack).into_iter().enumerate() {
            let node = dag.put(value).unwrap();
            dag.set_name(&format!("{safe}{at}"), node).unwrap();
            nodes.push(node);
        }
        let more = dag.put(format!("{attack}{version}").into()).unwrap();
        dag.set_name(&safe, more).unwrap();
        nodes.push(more);
        dag.add_tag(&format!("{safe}{version}")).unwrap();
        let all = dag.builtin(Builtin::List, &nodes).unwrap();
        dag.commit(all).unwrap();
    }
    let mut dag = repository.new_dag("failed", attack).unwrap();
    dag.put(1.into()).unwrap();
    dag.fail(ErrorInfo {
        origin: attack.to_owned(),
        kind: attack.to_owned(),
        message: attack.to_owned(),
        stack: vec![attack.into()],
    })
    .unwrap();
    let mut open = repository.new_dag(&safe, attack).unwrap();
    open.put(1.into()).unwrap();
    open.freeze(attack).unwrap();
    place.dml(&["config", "user.name", &argument(attack)]);
    strange_state(&place, attack);
    place
}

/// What only somebody else's program writes: commits, refs, calls and claims.
fn strange_state(place: &Place, attack: &str) {
    let repository = place.repository();
    let head = repository.head().unwrap().unwrap();
    let mut commit: Commit = repository.snapshot().unwrap().load(head).unwrap();
    commit.parents = vec![head];
    attack.clone_into(&mut commit.author);
    attack.clone_into(&mut commit.message);
    let key = |byte| CallKey::from_bytes([byte; 32]);
    repository
        .store()
        .write(|txn| {
            let id = txn.save(&commit)?;
            refs::advance(txn, id)?;
            refs::set(txn, &reference(attack), &Target::Commit(id))?;
            refs::set(txn, &format!("tags/{attack}"), &Target::Commit(id))?;
            let log = txn.save(&Datum {
                value: Value::Bytes([attack.as_bytes(), b"\xff\xc2\n"].concat()),
            })?;
            let exec = txn.save(&Exec {
                key: key(0xab),
                status: ExecStatus::Error,
                dag: None,
                adapter: attack.to_owned(),
                started: Time(0),
                finished: Time(i64::MAX),
                log: Some(log),
                previous: None,
            })?;
            let exec = exec.object();
            let entry = [&[0x84, 1, 0x58, 32], &exec.as_bytes()[..], &[0xf6; 2]];
            txn.put(Table::Calls, key(0xab).as_bytes(), &entry.concat())?;
            let claim = claim(attack, log.object());
            txn.put(Table::Claims, key(0xcd).as_bytes(), &claim)
        })
        .unwrap();
}

/// A claim that waits for an adapter with the token `attack`, on a host of that name.
fn claim(attack: &str, any: ObjectId) -> Vec<u8> {
    let text = |text: &str| {
        let length = u16::try_from(text.len()).unwrap();
        let head = match length {
            0..24 => vec![0x60 | length.to_be_bytes()[1]],
            24..256 => vec![0x78, length.to_be_bytes()[1]],
            _ => [&[0x79], &length.to_be_bytes()[..]].concat(),
        };
        [&head, text.as_bytes()].concat()
    };
    let id = [&[0x58, 32], &any.as_bytes()[..]].concat();
    [
        vec![0x8c, 1],
        text(&"0".repeat(32)),
        vec![1, 1],
        text("pending"),
        text(attack),
        text(attack),
        id.clone(),
        vec![0x80],
        id,
        vec![0x83, 0],
        text(attack),
        vec![1, 0],
    ]
    .concat()
}

/// What is in `text` that a terminal would obey or that nobody sees. Written anew, so
/// that it does not share a mistake with what it judges.
fn orders(text: &str) -> Option<char> {
    text.chars().find(|&c| {
        let code = u32::from(c);
        (code < 0x20 && c != '\n')
            || (0x7f..=0x9f).contains(&code)
            || [0xad, 0x61c, 0x180e, 0xfeff].contains(&code)
            || (0x200b..=0x200f).contains(&code)
            || (0x2028..=0x202e).contains(&code)
            || (0x2060..=0x206f).contains(&code)
            || (0xe0000..=0xe007f).contains(&code)
    })
}

/// `text` without this program's own styles.
fn without_styles(text: &str) -> String {
    let mut plain = text.to_owned();
    for style in ["0", "1", "2", "4", "31", "32", "33", "36"] {
        plain = plain.replace(&format!("\u{1b}[{style}m"), "");
    }
    plain
}

/// Runs `dml` in both colours and as JSON, and judges all that it writes.
fn judged(place: &Place, args: &[&str]) {
    let told = |run: &Run| format!("dml {args:?}: {}", run.all().escape_debug());
    for color in ["always", "never"] {
        let run = place.dml(&[&["--color", color], args].concat());
        assert_ne!(run.code, Some(101), "{}", told(&run));
        for stream in [&run.stdout, &run.stderr] {
            let found = orders(&without_styles(stream));
            assert_eq!(found, None, "{}", told(&run));
        }
        // No text is taken for what this program says of it.
        let forged =
            |line: &str| line.starts_with("error: forged") || line.starts_with("hint: forged");
        assert!(
            !without_styles(&run.stderr).lines().any(forged),
            "{}",
            told(&run)
        );
    }
    let run = place.dml(&[&["--json"], args].concat());
    for stream in [&run.stdout, &run.stderr] {
        assert_eq!(orders(stream), None, "{}", told(&run));
        if !stream.is_empty() {
            serde_json::from_str::<serde_json::Value>(stream)
                .unwrap_or_else(|error| panic!("{error}: {}", told(&run)));
        }
    }
}

#[test]
fn no_command_gives_a_terminal_an_order() {
    for attack in ATTACKS {
        let place = make(attack);
        let (safe, branch) = (name(attack), argument(&reference(attack)));
        let parent = format!("HEAD~1:{safe}");
        let argument = argument(attack);
        let commands: &[&[&str]] = &[
            &["status"],
            &["log"],
            &["log", "--oneline"],
            &["show"],
            &["show", &parent],
            &["diff"],
            &["diff", "HEAD~1"],
            &["diff", "HEAD~3", "HEAD~1", "--values"],
            &["branch"],
            &["tag"],
            &["dag", "list", "--at", "HEAD~1"],
            &["dag", "show", &safe],
            &["dag", "show", "failed"],
            &["dag", "node", &safe],
            &["dag", "node", &safe, &safe],
            &["dag", "get", &safe],
            &["dag", "get", "failed"],
            &["cat", "failed"],
            &["index", "list"],
            &["exec", "list"],
            &["exec", "show", "abababab"],
            &["exec", "show", "cdcdcdcd"],
            &["config"],
            &["config", "user.name"],
            &["fsck"],
            &["gc", "--dry-run"],
            &["rev-parse", &safe],
            // What is not there: the errors name it, and what may have been meant.
            &["dag", "show", &format!("{safe}x")],
            &["dag", "get", &safe, &format!("{safe}x")],
            &["show", &argument],
            &["checkout", &argument],
            &["branch", &argument],
            &["tag", &argument],
            &["dag", "delete", &argument],
            &["config", &argument],
            &["-C", &argument, "status"],
            // clap says it as it is, newlines too; it is the user's own.
            &[&argument.replace('\n', "")],
            &["merge", &branch],
        ];
        for command in commands {
            judged(&place, command);
        }
    }
}

#[test]
fn drawings_hold_text_and_nothing_else() {
    for attack in ATTACKS {
        let place = make(attack);
        for dag in [&name(attack), "failed"] {
            let draw = |format: &str| {
                let run = place.dml(&["dag", "graph", dag, "--format", format]);
                assert_eq!(run.code, Some(0), "{}", run.all());
                assert_eq!(orders(&run.stdout), None, "{}", run.stdout.escape_debug());
                run.stdout
            };
            judge_svg(&draw("svg"));
            judge_dot(&draw("dot"));
            judge_mermaid(&draw("mermaid"));
            let page = draw("html");
            assert_eq!(page.matches("<script").count(), 2, "{attack:?}");
            assert_eq!(page.matches("</script").count(), 2, "{attack:?}");
            assert_eq!(page.matches("<style").count(), 2, "{attack:?}");
            let from = page.find("<svg").unwrap();
            let to = page.find("</svg>").unwrap() + "</svg>".len();
            judge_svg(&page[from..to]);
        }
    }
}

/// XML with the elements that drawings have, and no attribute that runs or loads.
fn judge_svg(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let usual = [
        "svg", "style", "rect", "defs", "marker", "path", "g", "title", "text", "tspan",
    ];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let tag = node.tag_name().name();
        assert!(usual.contains(&tag), "{tag}: {svg}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                !name.starts_with("on") && name != "href" && name != "style",
                "{name}: {svg}"
            );
            let link = value.contains("url(") && value != "url(#arrow)" && name != "aria-label";
            assert!(!link, "{value}: {svg}");
        }
        if tag == "style" {
            assert!(!node.text().unwrap().contains("url("), "{svg}");
        }
    }
}

/// Lines of one statement each; outside of quotes, nothing but the words of this program.
fn judge_dot(dot: &str) {
    let mut plain = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in dot.chars() {
        match (quoted, c) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => quoted = !quoted,
            (true, '\n') => panic!("a string over two lines: {dot}"),
            (true, _) => {}
            (false, c) => plain.push(c),
        }
    }
    assert!(!quoted && !plain.contains(['<', '\'', '/']), "{dot}");
    for line in plain.lines() {
        let line = line.trim();
        let node = line.starts_with('n') && line.ends_with("];");
        let edge = line.split_once(" -> ").is_some_and(|(from, to)| {
            from.starts_with('n') && to.starts_with('n') && to.ends_with(';')
        });
        let own = [
            "digraph dag {",
            "}",
            "label=;",
            "labelloc=t;",
            "rankdir=TB;",
        ];
        assert!(node || edge || own.contains(&line), "{line}: {dot}");
        assert!(
            !line.contains("URL") && !line.contains("href"),
            "{line}: {dot}"
        );
    }
}

/// One statement a line, each label in quotes and of plain characters and entities.
fn judge_mermaid(mermaid: &str) {
    for (at, line) in mermaid.lines().enumerate() {
        let line = line.trim();
        if at == 0 || line.starts_with("classDef ") || line.contains(" --> ") && !line.contains('"')
        {
            continue;
        }
        let parts: Vec<&str> = line.split('"').collect();
        let [before, label, after] = parts.as_slice() else {
            panic!("{line}: {mermaid}");
        };
        let number = before.trim_end_matches(['[', '(', '/']);
        assert!(
            number.starts_with('n') && number[1..].parse::<usize>().is_ok(),
            "{line}"
        );
        let known = ["]", "]]", "/]", ")"].iter().any(|close| {
            [":::result", ":::error", ""]
                .iter()
                .any(|class| *after == format!("{close}{class}"))
        });
        assert!(known, "{line}");
        let text = label.replace("<br/>", "");
        assert!(
            !text.contains(['<', '>', '`', '%', '&', '{', '}', '\\']),
            "{line}"
        );
    }
}
