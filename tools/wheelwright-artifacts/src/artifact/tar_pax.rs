//! What stands before a tar member and is about it: pax headers, and GNU's long names.

/// What is said about a member apart from its own header.
#[derive(Debug, Clone, Default)]
pub struct Extension {
    /// Its path.
    pub path: Option<Vec<u8>>,
    /// Where it points.
    pub link: Option<Vec<u8>>,
    /// The size of its content.
    pub size: Option<u64>,
    /// Its modification time, in whole seconds.
    pub time: Option<u64>,
    /// Its owner's number.
    pub uid: Option<u64>,
    /// Its group's number.
    pub gid: Option<u64>,
    /// Its owner's name.
    pub user: Option<Vec<u8>>,
    /// Its group's name.
    pub group: Option<Vec<u8>>,
    /// Whether GNU tar left holes out.
    pub sparse: bool,
}

impl Extension {
    /// This, where `other` says nothing itself.
    pub fn with(&self, other: Self) -> Self {
        let this = self.clone();
        Self {
            path: other.path.or(this.path),
            link: other.link.or(this.link),
            size: other.size.or(this.size),
            time: other.time.or(this.time),
            uid: other.uid.or(this.uid),
            gid: other.gid.or(this.gid),
            user: other.user.or(this.user),
            group: other.group.or(this.group),
            sparse: other.sparse || this.sparse,
        }
    }

    /// Whether this would be about more than who owns a member, and its time.
    pub fn names_or_measures(&self) -> bool {
        self.path.is_some() || self.link.is_some() || self.size.is_some() || self.sparse
    }

    /// Takes one record. What concerns nobody here, as a comment, is passed over.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        match key {
            b"path" => once(&mut self.path, key, value.to_vec()),
            b"linkpath" => once(&mut self.link, key, value.to_vec()),
            b"uname" => once(&mut self.user, key, value.to_vec()),
            b"gname" => once(&mut self.group, key, value.to_vec()),
            b"size" => once(&mut self.size, key, decimal(value)?),
            b"uid" => once(&mut self.uid, key, decimal(value)?),
            b"gid" => once(&mut self.gid, key, decimal(value)?),
            b"mtime" => {
                let mut parts = value.splitn(2, |byte| *byte == b'.');
                let seconds = decimal(parts.next().unwrap_or_default())?;
                if let Some(fraction) = parts.next().filter(|digits| !digits.is_empty()) {
                    digits(fraction)?;
                }
                once(&mut self.time, key, seconds)
            }
            _ => {
                self.sparse |= key.starts_with(b"GNU.sparse");
                Ok(())
            }
        }
    }
}

fn once<T>(slot: &mut Option<T>, key: &[u8], value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("two headers say a member's {}", key.escape_ascii())),
    }
}

/// Reads records of the form `LENGTH KEY=VALUE\n`.
pub fn pax(mut records: &[u8], into: &mut Extension) -> Result<(), String> {
    let wrong = || "a pax header is not records of `LENGTH KEY=VALUE`".to_owned();
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ');
        let space = space.ok_or_else(wrong)?;
        let (length, _) = records.split_at_checked(space).ok_or_else(wrong)?;
        let length = usize::try_from(decimal(length)?).map_err(|_| wrong())?;
        let (record, rest) = records.split_at_checked(length).ok_or_else(wrong)?;
        let record = record.get(space + 1..).ok_or_else(wrong)?;
        let record = record.strip_suffix(b"\n").ok_or_else(wrong)?;
        let equals = record.iter().position(|byte| *byte == b'=');
        let (key, value) = equals
            .and_then(|equals| record.split_at_checked(equals))
            .ok_or_else(wrong)?;
        if key.is_empty() {
            return Err(wrong());
        }
        into.set(key, value.get(1..).unwrap_or_default())?;
        records = rest;
    }
    Ok(())
}

fn digits(text: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| format!("`{}` is no number", text.escape_ascii()))
}

fn decimal(text: &[u8]) -> Result<u64, String> {
    let number = digits(text)?;
    number
        .parse()
        .map_err(|_| format!("the number {number} is too large"))
}
