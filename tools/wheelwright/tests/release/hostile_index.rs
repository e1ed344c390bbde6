//! An index that means ill: each thing that it does gives the right error, soon, and no
//! password leaves for elsewhere.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use url::Url;
use wheelwright::index::address::Address;
use wheelwright::index::retry::Retry;
use wheelwright::index::{Bounds, Index, Listed};

const PASSWORD: &str = "p@ss-and-more";

/// What a server does with a connection, and with the request that it has read.
type Behaviour = Arc<dyn Fn(&mut TcpStream, &str) + Send + Sync>;

/// A server on loopback that does the same to everybody, and notes what it was asked.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(behaviour: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (notes, behaviour): (_, Behaviour) = (Arc::clone(&asked), Arc::new(behaviour));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (notes, behaviour) = (Arc::clone(&notes), Arc::clone(&behaviour));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut request = String::new();
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    while let Some(Ok(line)) = lines.next() {
                        if line.is_empty() {
                            break;
                        }
                        request.push_str(&line);
                        request.push('\n');
                    }
                    notes.lock().unwrap().push(request.clone());
                    behaviour(&mut stream, &request);
                });
            }
        });
        Self { address, asked }
    }

    /// One that answers with these bytes and closes.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |stream, _| {
            let _ = stream.write_all(&answer);
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The index there, of which little is taken in.
    fn index(&self) -> Index {
        let address = format!("http://me:{PASSWORD}@{}/simple/", self.address);
        index(&address.replace("p@ss", "p%40ss"))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn index(address: &str) -> Index {
    let retry = Retry {
        attempts: 2,
        pause: Duration::from_millis(1),
    };
    let bounds = Bounds {
        page: 1000,
        file: 1000,
        time: Duration::from_secs(1),
    };
    Index::bounded(Address::parse(address).unwrap(), retry, bounds)
}

fn answer(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn file(url: &str) -> Listed {
    Listed {
        file: "a-1.0.tar.gz".to_owned(),
        url: Url::parse(url).unwrap(),
        sha256: None,
        yanked: false,
        uploaded: None,
        provenance: None,
    }
}

/// What an index says of itself when it is asked, which is wrong and no secret.
fn problem(index: &Index) -> String {
    let error = index.listed("a").unwrap_err().to_string();
    assert!(!error.contains("and-more"), "{error}");
    error
}

#[test]
fn a_password_goes_to_the_index_alone() {
    let other = Server::saying(answer("<a href='a-1.0.tar.gz'>a-1.0.tar.gz</a>"));
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Temporary",
        "308 Permanent",
    ] {
        let moved = format!(
            "HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            other.url("simple/a/")
        );
        let home = Server::saying(moved);
        let listed = home.index().listed("a").unwrap();
        assert_eq!(listed[0].url.as_str(), other.url("simple/a/a-1.0.tar.gz"));
        assert!(
            home.asked()[0]
                .to_lowercase()
                .contains("authorization: basic")
        );
    }
    // A file that it lists elsewhere is asked for without, too.
    let home = Server::saying(answer(""));
    home.index()
        .download(&file(&other.url("a-1.0.tar.gz")))
        .unwrap();
    let asked = other.asked();
    assert_eq!(asked.len(), 6);
    for request in asked {
        assert!(
            !request.to_lowercase().contains("authorization"),
            "{request}"
        );
    }
}

#[test]
fn an_encrypted_index_does_not_lead_to_one_that_is_not() {
    let plain = Server::saying(answer("anything"));
    let index = index(&format!("https://me:{PASSWORD}@index.invalid/simple/").replace("p@ss", "x"));
    let error = index
        .download(&file(&plain.url("a-1.0.tar.gz")))
        .unwrap_err();
    assert!(error.to_string().contains("https only"), "{error}");
    assert!(plain.asked().is_empty());
    for other in ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,x"] {
        assert!(index.download(&file(other)).is_err(), "{other}");
    }
}

#[test]
fn answers_without_end() {
    let endless = Server::new(|stream, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 1 << 12]);
        }
    });
    let said = problem(&endless.index());
    assert!(said.contains("longer than 1000 bytes"), "{said}");
    assert_eq!(endless.asked().len(), 1, "it is not asked again");
    let file = file(&endless.url("a-1.0.tar.gz"));
    let said = endless.index().download(&file).unwrap_err().to_string();
    assert!(said.contains("longer than 1000 bytes"), "{said}");
    assert_eq!(endless.index().download_up_to(&file, 5).unwrap(), None);

    let headers = Server::new(|stream, _| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while sent.is_ok() {
            sent = stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
        }
    });
    problem(&headers.index());

    let round = Server::new(|stream, _| {
        let again = "HTTP/1.1 302 Found\r\nLocation: /simple/a/\r\nContent-Length: 0\r\n\r\n";
        let _ = stream.write_all(again.as_bytes());
    });
    let said = problem(&round.index());
    assert!(said.contains("redirect"), "{said}");
    assert!(round.asked().len() < 30);
}

#[test]
fn answers_that_take_for_ever() {
    let drops = Server::new(|stream, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nContent-Type: text/html\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        while sent.is_ok() {
            std::thread::sleep(Duration::from_millis(50));
            sent = stream.write_all(b"x");
        }
    });
    let said = problem(&drops.index());
    assert!(
        said.contains("timeout") && said.contains("tried 2 times"),
        "{said}"
    );

    let silent = Server::new(|_, _| std::thread::sleep(Duration::from_secs(20)));
    let said = problem(&silent.index());
    assert!(
        said.contains("timeout") && said.contains("tried 2 times"),
        "{said}"
    );
}

#[test]
fn answers_that_are_not_what_they_say() {
    let short = Server::saying(
        "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nContent-Type: text/html\r\n\r\nshort",
    );
    let said = problem(&short.index());
    assert!(said.contains("tried 2 times"), "{said}");
    for head in [
        "Content-Type: text/html\r\nContent-Length: -1\r\n\r\nx",
        "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Content-Type: text/html\r\nContent-Length: 1\r\n\r\n\u{ff}",
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    ] {
        problem(&Server::saying(format!("HTTP/1.1 200 OK\r\n{head}")).index());
    }
    for garbage in ["", "\0\0\0\0", "HTTP/9.9 999 \r\n\r\n", "220 ftp ready\r\n"] {
        problem(&Server::saying(garbage).index());
    }
    // Bytes after the length are no part of the answer.
    let more = Server::saying(format!("{}surplus", answer("")));
    assert_eq!(more.index().listed("a").unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_answer_makes_it_panic_or_tell(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let answers = [bytes.clone(), [b"HTTP/1.1 200 OK\r\n\r\n", &bytes[..]].concat()];
        for answer in answers {
            let _ = Server::saying(answer).index().listed("a").map_err(|error| {
                assert!(!error.to_string().contains("and-more"));
            });
        }
    }
}
