//! Times: local for people, UTC for programs.

use daggerml::record::Time;
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset};

/// A moment to show.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Time);

impl Moment {
    /// For people: local time with its offset from UTC.
    pub fn local(self) -> String {
        let offset = self.date_time().map(UtcOffset::local_offset_at);
        self.at(offset.and_then(Result::ok).unwrap_or(UtcOffset::UTC))
    }

    /// For programs: RFC 3339 in UTC with microseconds.
    pub fn utc(self) -> String {
        let Some(time) = self.date_time() else {
            return self.far();
        };
        let (date, time) = written(time);
        format!("{date}T{time}.{:06}Z", self.0.0.rem_euclid(1_000_000))
    }

    /// With this offset from UTC.
    fn at(self, offset: UtcOffset) -> String {
        let time = self.date_time();
        let Some(time) = time.and_then(|time| time.checked_to_offset(offset)) else {
            return self.far();
        };
        let (date, time) = written(time);
        let seconds = offset.whole_seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        format!(
            "{date} {time} {sign}{:02}:{:02}",
            minutes / 60,
            minutes % 60
        )
    }

    fn date_time(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0.0) * 1_000).ok()
    }

    /// Returns a time before the year -9999 or after 9999: microseconds since 1970.
    fn far(self) -> String {
        format!("@{}us", self.0.0)
    }
}

/// Returns the date and the time of day, to the second.
fn written(time: OffsetDateTime) -> (String, String) {
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    let width = if year < 0 { 7 } else { 4 }; // as ISO 8601 writes years before 0
    (
        format!("{year:0width$}-{:02}-{day:02}", u8::from(month)),
        format!("{hour:02}:{minute:02}:{second:02}"),
    )
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.utc())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::{Offset, TimeZone};

    use super::*;

    fn hours(hours: i8) -> UtcOffset {
        UtcOffset::from_hms(hours, 0, 0).unwrap()
    }

    #[test]
    fn utc_and_local() {
        let moment = Moment(Time(1_700_000_000_000_001));
        assert_eq!(moment.utc(), "2023-11-14T22:13:20.000001Z");
        for (offset, text) in [
            (hours(-3), "2023-11-14 19:13:20 -03:00"),
            (hours(0), "2023-11-14 22:13:20 +00:00"),
            (hours(2), "2023-11-15 00:13:20 +02:00"),
            (
                UtcOffset::from_hms(-9, -30, 0).unwrap(),
                "2023-11-14 12:43:20 -09:30",
            ),
        ] {
            assert_eq!(moment.at(offset), text);
        }
    }

    /// As another library writes them.
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
            for offset in [-12, 0, 14] {
                let zone = TimeZone::fixed(Offset::constant(offset));
                let zoned = time.to_zoned(zone);
                let date = zoned.date().to_string(); // `strftime` has another year before 0
                let rest = zoned.strftime("%H:%M:%S %:z");
                assert_eq!(moment.at(hours(offset)), format!("{date} {rest}"));
            }
        }
    }

    /// The place where one is, as another library finds it.
    #[test]
    fn any_time_can_be_shown() {
        assert_eq!(Moment(Time(i64::MAX)).utc(), format!("@{}us", i64::MAX));
        assert_eq!(Moment(Time(i64::MIN)).local(), format!("@{}us", i64::MIN));
        // The first moment of the year -9999, and an hour before it.
        let first = Moment(Time(-377_705_116_800_000_000));
        assert_eq!(first.at(hours(-1)), "@-377705116800000000us");
        assert!(first.utc().starts_with("-009999-01-01T00:00:00"));
    }
}
