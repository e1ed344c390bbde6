//! Times as daggerml 0.1 writes them: `2026-11-29T03:21:13.278815+00:00`.

use crate::record::Time;

/// Returns the moment that `text` tells; `None` when it is no such text.
pub(super) fn parse(text: &str) -> Option<Time> {
    let (date, clock) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let at = clock.find(['+', '-', 'Z']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at_checked(at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':')?;
    let in_range = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !in_range || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let offset = match zone.split_at_checked(1) {
        None | Some(("Z", "")) => 0,
        Some((sign, offset)) => {
            let (hours, minutes) = offset.split_once(':')?;
            let offset = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if !(0..=24 * 60).contains(&offset) {
                return None;
            }
            if sign == "-" { -offset } else { offset }
        }
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    Some(Time(seconds * 1_000_000 + micros))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut found = text.split(between).map(|part| {
        let digits = !part.is_empty() && part.len() <= 4;
        let digits = digits && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let three = [found.next()??, found.next()??, found.next()??];
    found.next().is_none().then_some(three)
}

/// Returns the days from 1970-01-01 on, in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        for (text, micros) in [
            ("1970-01-01T00:00:00+00:00", 0),
            ("1970-01-01T00:00:00.000001Z", 1),
            ("1970-01-01T01:30:00+01:30", 0),
            ("2000-02-29T12:00:00", 951_825_600_000_000),
            ("2026-11-29T03:21:13.278815+00:00", 1_795_922_473_278_815),
        ] {
            assert_eq!(parse(text), Some(Time(micros)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "now",
            "2026-13-01T00:00:00",
            "2026-01-01",
            "2026-01-01T25:00:00",
            "2026-01-01T00:00:00+xx:yy",
            "99999-01-01T00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
