//! Points in time, as policies, keys and signatures write them.
//!
//! The judge has no clock: what time it is, is a fact.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: seconds since 1970-01-01 00:00:00 UTC, without leap seconds, as `time(2)` counts them.
///
/// As text it is a date or a date with a time, both of UTC, in the form of RFC 3339. A date alone is its first second.
///
/// ```
/// use plugwright_trust::Timestamp;
///
/// let time: Timestamp = "2027-03-01".parse()?;
/// assert_eq!(time.to_string(), "2027-03-01T00:00:00Z");
/// assert_eq!(time, "2027-03-01T00:00:00Z".parse()?);
/// assert!(time > Timestamp::from_unix(1_700_000_000));
/// # Ok::<(), plugwright_trust::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const DAY: i64 = 86_400;

impl Timestamp {
    /// From seconds since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = date(days);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
            second % 60
        )
    }
}

/// A text that is not a point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimestampError {
    found: String,
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected a date of UTC as in 2027-03-01 or a time as in 2027-03-01T12:00:00Z, found {:?}",
            crate::escape::escaped(&self.found)
        )
    }
}

impl core::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseTimestampError {
            found: String::from(text),
        })
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let days = days(year, month, day)?;
    let seconds = match time {
        Some(time) => {
            let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
            if hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            hour * 3600 + minute * 60 + second
        }
        None => 0,
    };
    Some(Timestamp(days * DAY + seconds))
}

/// Three numbers with exactly so many digits each.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar, if there is such a date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Counted in years that begin in March, so that the leap day is the last one; an era is 400 years.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    // A day that its month does not have comes back as another date.
    (date(days) == (year, month, day)).then_some(days)
}

/// The date that lies so many days after 1970-01-01: year, month, day.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text), expected.map(Timestamp), "{text}");
    }

    #[test]
    fn dates_are_those_that_the_system_counts() {
        check("1970-01-01", Some(0));
        check("2000-02-29T00:00:00Z", Some(951_782_400));
        check("2026-11-23T09:31:09Z", Some(1_795_426_269));
        check("1969-12-31T23:59:59Z", Some(-1));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799));
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "2027",
            "2027-13-01",
            "2027-00-01",
            "2027-02-29",
            "2027-04-31",
            "2027-1-1",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:00:00",
            "2027-01-01T00:00:00+01:00",
            "2027-01-01-01",
            "+027-01-01",
            "2027-01-01T0:00:00Z",
            "２０２７-01-01",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back_as_it_was() {
        for days in -146_097..146_097 {
            let time = Timestamp(days * DAY + 12_345);
            assert_eq!(parse(&time.to_string()), Some(time));
        }
    }
}
