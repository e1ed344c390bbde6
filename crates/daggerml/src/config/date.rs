//! Whether a text is a date or a time of TOML.

/// Returns whether `text` is a date, a time, or a date with a time.
pub(super) fn is_date_or_time(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let with_date = rest.get(4) == Some(&b'-');
    if with_date {
        if date(&mut rest).is_none() {
            return false;
        }
        rest = match rest {
            [] => return true,
            [b'T' | b't' | b' ', rest @ ..] => rest,
            _ => return false,
        };
    }
    if time(&mut rest).is_none() {
        return false;
    }
    rest.is_empty() || with_date && offset(rest).is_some()
}

fn date(rest: &mut &[u8]) -> Option<()> {
    let year = number(rest, 4, 9999)?;
    skip(rest, b'-')?;
    let month = number(rest, 2, 12)?;
    skip(rest, b'-')?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        0 => return None,
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (number(rest, 2, days)? > 0).then_some(())
}

/// Seconds and their fraction may be left out. A minute may have a leap second.
fn time(rest: &mut &[u8]) -> Option<()> {
    hour_and_minute(rest)?;
    if skip(rest, b':').is_some() {
        number(rest, 2, 60)?;
        if skip(rest, b'.').is_some() {
            number(rest, 1, 9)?;
            while number(rest, 1, 9).is_some() {}
        }
    }
    Some(())
}

fn offset(mut rest: &[u8]) -> Option<()> {
    if let [sign, after @ ..] = rest {
        rest = after;
        match sign {
            b'Z' | b'z' => {}
            b'+' | b'-' => hour_and_minute(&mut rest)?,
            _ => return None,
        }
    }
    rest.is_empty().then_some(())
}

fn hour_and_minute(rest: &mut &[u8]) -> Option<()> {
    number(rest, 2, 23)?;
    skip(rest, b':')?;
    number(rest, 2, 59)?;
    Some(())
}

/// Takes a number of so many digits, when there is one that is at most `most`.
fn number(rest: &mut &[u8], digits: usize, most: u32) -> Option<u32> {
    let (number, after) = rest.split_at_checked(digits)?;
    let mut value = 0;
    for digit in number {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(digit - b'0');
    }
    *rest = after;
    (value <= most).then_some(value)
}

fn skip(rest: &mut &[u8], wanted: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    if *first != wanted {
        return None;
    }
    *rest = after;
    Some(())
}
