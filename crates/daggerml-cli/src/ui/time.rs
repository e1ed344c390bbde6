//! Times: local for people, UTC for programs.

use daggerml::record::Time;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer};

/// A moment to show.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Time);

impl Moment {
    /// For people: local time with its offset from UTC.
    pub fn local(self) -> String {
        self.in_zone(TimeZone::system())
    }

    /// For programs: RFC 3339 in UTC with microseconds.
    pub fn utc(self) -> String {
        match self.timestamp() {
            Some(time) => format!("{time:.6}"),
            None => self.far(),
        }
    }

    fn in_zone(self, zone: TimeZone) -> String {
        match self.timestamp() {
            Some(time) => time
                .to_zoned(zone)
                .strftime("%Y-%m-%d %H:%M:%S %:z")
                .to_string(),
            None => self.far(),
        }
    }

    fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.0.0).ok()
    }

    /// Returns a time before the year -9999 or after 9999: microseconds since 1970.
    fn far(self) -> String {
        format!("@{}us", self.0.0)
    }
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
        let zone = TimeZone::fixed(jiff::tz::offset(-3));
        assert_eq!(moment.in_zone(zone), "2023-11-14 19:13:20 -03:00");
    }

    #[test]
    fn any_time_can_be_shown() {
        assert_eq!(Moment(Time(i64::MAX)).utc(), format!("@{}us", i64::MAX));
        assert_eq!(Moment(Time(i64::MIN)).local(), format!("@{}us", i64::MIN));
    }
}
