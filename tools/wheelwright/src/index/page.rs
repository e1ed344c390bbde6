//! An index's HTML page: one link for each file.

use html5gum::{Token, Tokenizer};
use url::Url;

use super::Listed;

/// The files that a page links to. A link's text is the file's name, its
/// fragment the digest.
pub(super) fn links(text: &str, page: &Url) -> Vec<Listed> {
    let mut base = page.clone();
    let mut files = Vec::new();
    let mut open: Option<(Url, bool, Option<Url>)> = None;
    let mut name = String::new();
    // One after another: a page of nothing but tags would fill the memory.
    for Ok(token) in Tokenizer::new(text) {
        match token {
            Token::StartTag(tag) => {
                let attribute = |name: &str| {
                    tag.attributes
                        .get(name.as_bytes())
                        .map(|value| String::from_utf8_lossy(value).into_owned())
                };
                let link = attribute("href").and_then(|href| base.join(href.trim()).ok());
                match (&tag.name[..], link) {
                    (b"base", Some(link)) => base = link,
                    (b"a", Some(link)) => {
                        let provenance = attribute("data-provenance");
                        let provenance = provenance.and_then(|text| base.join(text.trim()).ok());
                        open = Some((link, attribute("data-yanked").is_some(), provenance));
                        name.clear();
                    }
                    _ => {}
                }
            }
            Token::String(text) if open.is_some() => {
                name.push_str(&String::from_utf8_lossy(&text));
            }
            Token::EndTag(tag) if &tag.name[..] == b"a" => {
                if let Some((url, yanked, provenance)) = open.take() {
                    files.push(Listed {
                        provenance,
                        ..listed(&name, url, yanked)
                    });
                }
            }
            _ => {}
        }
    }
    files
}

fn listed(name: &str, mut url: Url, yanked: bool) -> Listed {
    let sha256 = url
        .fragment()
        .and_then(|fragment| {
            fragment
                .split('&')
                .find_map(|part| part.strip_prefix("sha256="))
        })
        .map(str::to_ascii_lowercase);
    url.set_fragment(None);
    Listed {
        file: name.trim().to_owned(),
        url,
        sha256,
        yanked,
        uploaded: None,
        provenance: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_names_digests_and_yanks_are_read() {
        let page = Url::parse("https://h.test/simple/engine/").unwrap();
        let text = r#"<!DOCTYPE html><html><head><title>Links</title></head><body>
            <h1>Links for <b>engine</b></h1>
            <a href="../../packages/engine-1.0-py3-none-any.whl#sha256=AB12"
               data-requires-python="&gt;=3.9">engine-1.0-py3-none-any.whl</a><br>
            <A HREF='https://f.test/x?y=1&amp;z=2#md5=00' data-yanked="" data-provenance="../p"> engine-1.0.tar.gz </A>
            <a name="nothing">no link</a>
            <!-- <a href="x">hidden</a> --></body></html>"#;
        let files = links(text, &page);
        assert_eq!(files.len(), 2, "{files:?}");
        assert_eq!(files[0].file, "engine-1.0-py3-none-any.whl");
        assert_eq!(files[0].sha256.as_deref(), Some("ab12"));
        assert_eq!(
            files[0].url.as_str(),
            "https://h.test/packages/engine-1.0-py3-none-any.whl"
        );
        assert_eq!(files[1].file, "engine-1.0.tar.gz");
        assert_eq!((files[1].sha256.as_deref(), files[1].yanked), (None, true));
        assert_eq!(files[1].url.as_str(), "https://f.test/x?y=1&z=2");
        let provenance = files[1].provenance.as_ref().map(Url::as_str);
        assert_eq!(provenance, Some("https://h.test/simple/p"));
    }

    #[test]
    fn a_base_moves_relative_links() {
        let page = Url::parse("https://h.test/simple/engine/").unwrap();
        let files = links(r#"<base href="/f/"><a href="e.whl">e.whl</a>"#, &page);
        assert_eq!(files[0].url.as_str(), "https://h.test/f/e.whl");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(<a href=|</a>|<|>|\"|#sha256=|&amp;|[a-z]|\\PC){0,40}") {
            links(&text, &Url::parse("https://h.test/").unwrap());
        }
    }
}
