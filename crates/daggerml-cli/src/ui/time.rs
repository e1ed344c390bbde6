//! Times: local for people, UTC for programs.

use daggerml::record::Time;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde::{Serialize, Serializer};

/// A moment to show.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Time);

impl Moment {
    /// For people: local time with its offset from UTC.
    pub fn local(self) -> String {
        self.in_zone(&TimeZone::system())
    }

    /// For programs: RFC 3339 in UTC with microseconds.
    pub fn utc(self) -> String {
        let Some(time) = self.timestamp() else {
            return self.far();
        };
        let (date, time) = written(Offset::UTC.to_datetime(time));
        format!("{date}T{time}.{:06}Z", self.0.0.rem_euclid(1_000_000))
    }

    fn in_zone(self, zone: &TimeZone) -> String {
        let Some(time) = self.timestamp() else {
            return self.far();
        };
        let offset = zone.to_offset(time);
        let (date, time) = written(offset.to_datetime(time));
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        format!(
            "{date} {time} {sign}{:02}:{:02}",
            minutes / 60,
            minutes % 60
        )
    }

    fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.0.0).ok()
    }

    /// Returns a time before the year -9999 or after 9999: microseconds since 1970.
    fn far(self) -> String {
        format!("@{}us", self.0.0)
    }
}

/// Returns the date and the time of day, to the second. Not with jiff's `strftime`, which
/// with its errors is 1 % of a wheel.
fn written(time: DateTime) -> (String, String) {
    let year = time.year();
    let width = if year < 0 { 7 } else { 4 }; // as jiff writes it, and ISO 8601 for years before 0
    (
        format!("{year:0width$}-{:02}-{:02}", time.month(), time.day()),
        format!(
            "{:02}:{:02}:{:02}",
            time.hour(),
            time.minute(),
            time.second()
        ),
    )
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_and_local() {
        let moment = Moment(Time(1_700_000_000_000_001));
        assert_eq!(moment.utc(), "2023-11-14T22:13:20.000001Z");
        for (hours, text) in [
            (-3, "2023-11-14 19:13:20 -03:00"),
            (0, "2023-11-14 22:13:20 +00:00"),
            (2, "2023-11-15 00:13:20 +02:00"),
        ] {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            assert_eq!(moment.in_zone(&zone), text);
        }
        let half = Offset::from_seconds(-(9 * 3600 + 1800)).unwrap();
        assert_eq!(
            moment.in_zone(&TimeZone::fixed(half)),
            "2023-11-14 12:43:20 -09:30"
        );
    }

    /// As jiff itself writes them.
    #[test]
    fn times_long_ago_and_far_away() {
        for micros in [
            0,
            -1,
            1,
            999_999,
            -62_167_219_200_000_001, // the year before 0
            -62_135_596_800_000_000,
            -377_705_023_201_000_000, // the first that jiff takes
            253_402_207_200_000_000,  // the last that jiff takes
        ] {
            let time = Timestamp::from_microsecond(micros).unwrap();
            let moment = Moment(Time(micros));
            assert_eq!(moment.utc(), format!("{time:.6}"));
            for hours in [-12, 0, 14] {
                let zone = TimeZone::fixed(jiff::tz::offset(hours));
                let zoned = time.to_zoned(zone.clone());
                let date = zoned.date().to_string(); // `strftime` has another year before 0
                let rest = zoned.strftime("%H:%M:%S %:z");
                assert_eq!(moment.in_zone(&zone), format!("{date} {rest}"));
            }
        }
    }

    #[test]
    fn any_time_can_be_shown() {
        assert_eq!(Moment(Time(i64::MAX)).utc(), format!("@{}us", i64::MAX));
        assert_eq!(Moment(Time(i64::MIN)).local(), format!("@{}us", i64::MIN));
    }
}
