//! Reading an index: the simple API, as JSON (PEP 691) or HTML (PEP 503).

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use ureq::ResponseExt as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::Url;
use wheelwright_artifacts::digest::Digest;

use address::{Address, Secrets};
use retry::Retry;

pub mod address;
mod page;
pub mod retry;

/// What we ask for; an index that knows no JSON answers with HTML.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
const PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5";
/// How much of an index's answers is taken in, so that none can exhaust the machine or
/// last for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The longest page, in bytes.
    pub page: u64,
    /// The longest file whose size is not known.
    pub file: u64,
    /// How long one answer may take, to its last byte.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            page: 32 << 20,
            file: 1 << 30,
            time: Duration::from_mins(2),
        }
    }
}

/// An index that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It does not answer, or not with success.
    #[error("{address} does not answer: {problem}")]
    Fetch {
        /// What was asked for, without password.
        address: String,
        /// What went wrong, each time it was tried the same or another.
        problem: String,
    },
    /// Its answer cannot be understood.
    #[error("{address} is not a page of a package index: {problem}")]
    Page {
        /// The page.
        address: String,
        /// Why not.
        problem: String,
    },
}

/// A file that an index lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub file: String,
    /// Where it is.
    pub url: Url,
    /// Its SHA-256, if the index says it.
    pub sha256: Option<String>,
    /// Is it withdrawn (PEP 592)?
    pub yanked: bool,
    /// When it was uploaded, if the index says it (PEP 700).
    pub uploaded: Option<Timestamp>,
    /// Where its attestations are, if it has any (PEP 740).
    pub provenance: Option<Url>,
}

/// An index.
#[derive(Debug)]
pub struct Index {
    /// Its address.
    pub address: Address,
    /// How often it is asked.
    pub retry: Retry,
    bounds: Bounds,
    secrets: Secrets,
    agent: ureq::Agent,
}

impl Index {
    /// The index at `address`.
    pub fn new(address: Address, retry: Retry) -> Self {
        Self::bounded(address, retry, Bounds::default())
    }

    /// The index at `address`, of whose answers no more is taken in than `bounds` say.
    pub fn bounded(address: Address, retry: Retry, bounds: Bounds) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Whatever the system trusts; SSL_CERT_FILE and SSL_CERT_DIR name others.
        let trusted = rustls_native_certs::load_native_certs().certs;
        let trusted: Vec<_> = trusted
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&trusted))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(bounds.time))
            // Neither a link nor a redirect leads from an encrypted index to where
            // anybody on the way can change what is read.
            .https_only(address.url().scheme() == "https")
            .user_agent(concat!("wheelwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self {
            secrets: Secrets::new(address.secrets()),
            address,
            retry,
            bounds,
            agent,
        }
    }

    /// The files that the index lists for a package; none if it knows no such
    /// package.
    ///
    /// # Errors
    /// The index does not answer, or with something else.
    pub fn listed(&self, normal_name: &str) -> Result<Vec<Listed>, IndexError> {
        let url = self.address.page(normal_name);
        let Some(answer) = self.get(&url, ACCEPT, self.bounds.page)? else {
            return Ok(Vec::new());
        };
        if answer.body.len() as u64 > self.bounds.page {
            return Err(too_long(&url, self.bounds.page));
        }
        let malformed = |problem| IndexError::Page {
            address: shown(&url),
            problem,
        };
        let text =
            String::from_utf8(answer.body).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
        if answer.content_type.ends_with("json") {
            from_json(&text, &answer.url).map_err(malformed)
        } else {
            Ok(page::links(&text, &answer.url))
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// The index does not answer, or has no such file.
    pub fn download(&self, file: &Listed) -> Result<Vec<u8>, IndexError> {
        let most = self.bounds.file;
        self.download_up_to(file, most)?
            .ok_or_else(|| too_long(&file.url, most))
    }

    /// The bytes of a file; `None` if it has more than `most`.
    ///
    /// # Errors
    /// The index does not answer, or has no such file.
    pub fn download_up_to(&self, file: &Listed, most: u64) -> Result<Option<Vec<u8>>, IndexError> {
        let answer = self.get(&file.url, "*/*", most)?;
        let answer = answer.ok_or_else(|| IndexError::Fetch {
            address: shown(&file.url),
            problem: "404: it is listed, but not there".to_owned(),
        })?;
        Ok(Some(answer.body).filter(|body| body.len() as u64 <= most))
    }

    /// The attestations of a file, up to a byte more than `most`; `None` if it has none.
    ///
    /// # Errors
    /// The index does not answer.
    pub fn provenance(&self, file: &Listed, most: u64) -> Result<Option<Vec<u8>>, IndexError> {
        let Some(url) = &file.provenance else {
            return Ok(None);
        };
        let answer = self.get(url, PROVENANCE, most)?;
        Ok(answer.map(|answer| answer.body))
    }

    /// The SHA-256 of a file: the index's word, or that of its bytes.
    ///
    /// # Errors
    /// It must be downloaded and cannot be.
    pub fn sha256(&self, file: &Listed) -> Result<String, IndexError> {
        match &file.sha256 {
            Some(sha256) => Ok(sha256.clone()),
            None => Ok(Digest::of(&self.download(file)?).hex()),
        }
    }

    /// Asks for `url` until there is an answer that asking again would not
    /// change. `None` is 404. An answer longer than `most` is cut after one byte more.
    fn get(&self, url: &Url, accept: &str, most: u64) -> Result<Option<Answer>, IndexError> {
        let attempt = || match self.ask(url, accept, most) {
            Ok(answer) => Ok(Some(answer)),
            Err(ureq::Error::StatusCode(404)) => Ok(None),
            Err(error) => {
                let again = match &error {
                    ureq::Error::StatusCode(status) => *status >= 500 || *status == 429,
                    ureq::Error::Io(_)
                    | ureq::Error::Timeout(_)
                    | ureq::Error::ConnectionFailed
                    | ureq::Error::HostNotFound => true,
                    _ => false,
                };
                Err((self.secrets.hide(&error.to_string()), again))
            }
        };
        self.retry
            .run(attempt)
            .map_err(|problem| IndexError::Fetch {
                address: shown(url),
                problem,
            })
    }

    fn ask(&self, url: &Url, accept: &str, most: u64) -> Result<Answer, ureq::Error> {
        let mut plain = url.clone();
        plain.set_fragment(None);
        let mut request = self
            .agent
            .get(plain.as_str())
            .header("Accept", accept)
            .header("Cache-Control", "no-cache");
        // ureq takes it out again when it follows a redirect.
        if let Some(login) = self
            .address
            .basic()
            .filter(|_| self.address.is_home_of(url))
        {
            request = request.header("Authorization", format!("Basic {login}"));
        }
        let mut response = request.call()?;
        let final_url = Url::parse(&response.get_uri().to_string()).unwrap_or(plain);
        let content_type = response.body().mime_type().unwrap_or_default().to_owned();
        let mut body = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(most.saturating_add(1))
            .read_to_end(&mut body)?;
        Ok(Answer {
            url: final_url,
            content_type,
            body,
        })
    }
}

fn too_long(url: &Url, most: u64) -> IndexError {
    IndexError::Fetch {
        address: shown(url),
        problem: format!("its answer is longer than {most} bytes"),
    }
}

struct Answer {
    url: Url,
    content_type: String,
    body: Vec<u8>,
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
    /// A bool, or the reason as a text.
    #[serde(default)]
    yanked: serde_json::Value,
    #[serde(default, rename = "upload-time")]
    upload_time: Option<String>,
    #[serde(default)]
    provenance: Option<String>,
}

fn from_json(text: &str, base: &Url) -> Result<Vec<Listed>, String> {
    let page: JsonPage = serde_json::from_str(text).map_err(|error| error.to_string())?;
    page.files
        .into_iter()
        .map(|file| {
            let url = base
                .join(&file.url)
                .map_err(|error| format!("{}: {error}", file.filename))?;
            Ok(Listed {
                sha256: file
                    .hashes
                    .get("sha256")
                    .map(|hex| hex.to_ascii_lowercase()),
                yanked: !matches!(
                    file.yanked,
                    serde_json::Value::Null | serde_json::Value::Bool(false)
                ),
                // A time that cannot be read is none: nothing is proved by it.
                uploaded: file.upload_time.and_then(|text| text.parse().ok()),
                provenance: file.provenance.and_then(|text| base.join(&text).ok()),
                file: file.filename,
                url,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_page_is_read() {
        let base = Url::parse("https://h.test/simple/engine/").unwrap();
        let text = r#"{"meta": {"api-version": "1.1"}, "name": "engine", "files": [
            {"filename": "engine-1.0.tar.gz", "url": "../../f/engine-1.0.tar.gz",
             "hashes": {"sha256": "ABCD", "md5": "x"}, "yanked": "broken", "size": 7,
             "provenance": "/integrity/e", "upload-time": "2024-05-01T12:00:00.123456Z"},
            {"filename": "engine-1.1.tar.gz", "url": "https://f.test/e", "hashes": {}, "yanked": false,
             "upload-time": "yesterday"}]}"#;
        let files = from_json(text, &base).unwrap();
        assert_eq!(files[0].url.as_str(), "https://h.test/f/engine-1.0.tar.gz");
        assert_eq!(
            (files[0].sha256.as_deref(), files[0].yanked),
            (Some("abcd"), true)
        );
        let provenance = files[0].provenance.as_ref().map(Url::as_str);
        assert_eq!(provenance, Some("https://h.test/integrity/e"));
        assert_eq!(files[1].provenance, None);
        let uploaded = files[0].uploaded.map(Timestamp::as_second);
        assert_eq!((uploaded, files[1].uploaded), (Some(1_714_564_800), None));
        assert_eq!((files[1].sha256.as_deref(), files[1].yanked), (None, false));
        assert!(from_json("{}", &base).is_err());
        assert!(from_json("<html>", &base).is_err());
    }
}
