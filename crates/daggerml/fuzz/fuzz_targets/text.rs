//! Names, URIs, ids and integers from any text: refused, or their text is stable.
#![no_main]

use daggerml::id::ObjectId;
use daggerml::name::Name;
use daggerml::value::{Int, Uri};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(name) = Name::new(text) {
        assert_eq!(Name::new(name.as_str()).unwrap(), name);
    }
    if let Ok(uri) = Uri::new(text) {
        assert_eq!(Uri::new(uri.as_str()).unwrap(), uri);
    }
    if let Ok(id) = text.parse::<ObjectId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(int) = text.parse::<Int>() {
        assert_eq!(int.to_string().parse::<Int>().unwrap(), int);
    }
});
