//! What tells that a file is the one that was read, without opening it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Stat};

/// How many bytes a stamp has in a registry.
pub(crate) const STAMP_SIZE: usize = 48;

/// How long after a change another one may leave the same times behind, in nanoseconds: a few ticks of the
/// kernel's clock (4 to 10 ms). Where a file's times have whole seconds only, two seconds, which is what FAT has.
const GRANULE: i128 = 50_000_000;
const COARSE_GRANULE: i128 = 2_000_000_000;

/// Device, number, size, and the times of the last changes of contents and of inode, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    modified: i64,
    changed: i64,
    /// In the upper half of the modification time, in the lower of the change, in nanoseconds.
    fractions: u64,
}

impl Stamp {
    /// Of what could not be asked for its stamp.
    pub(crate) const UNKNOWN: Self = Self {
        device: 0,
        number: 0,
        size: 0,
        modified: 0,
        changed: 0,
        fractions: 0,
    };

    pub(crate) fn new(stat: &Stat) -> Self {
        // The types of these fields differ between systems.
        #[expect(
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            trivial_numeric_casts,
            reason = "the types of these fields differ between systems, and other bits are another stamp"
        )]
        Self {
            device: stat.st_dev as u64,
            number: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified: stat.st_mtime as i64,
            changed: stat.st_ctime as i64,
            fractions: fractions(stat.st_mtime_nsec as u64, stat.st_ctime_nsec as u64),
        }
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        let fractions = fractions(
            metadata.mtime_nsec().cast_unsigned(),
            metadata.ctime_nsec().cast_unsigned(),
        );
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
            size: metadata.size(),
            modified: metadata.mtime(),
            changed: metadata.ctime(),
            fractions,
        }
    }

    /// What of a stamp holds on another machine, too: the size, and the second of the last change of the contents,
    /// which archives and packages keep.
    pub(super) fn portable(bytes: &[u8]) -> Option<(u64, i64)> {
        let field = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        Some((field(16)?, field(24)?.cast_signed()))
    }

    /// Whether a file may be changed once more and keep this stamp: its times are so close to `now` that the
    /// clock may not have moved on. Times behind `now` count too: the clock was set back, and may come by again.
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        let now = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(_) => return true,
        };
        let granule = if self.fractions == 0 {
            COARSE_GRANULE
        } else {
            GRANULE
        };
        let at = |seconds: i64, fraction: u64| {
            i128::from(seconds)
                .saturating_mul(1_000_000_000)
                .saturating_add(i128::from(fraction))
        };
        let modified = at(self.modified, self.fractions >> 32);
        let changed = at(self.changed, self.fractions & 0xffff_ffff);
        modified.max(changed).saturating_add(granule) >= now
    }

    pub(crate) fn to_bytes(self) -> [u8; STAMP_SIZE] {
        let mut bytes = [0; STAMP_SIZE];
        let fields = [
            self.device,
            self.number,
            self.size,
            self.modified.cast_unsigned(),
            self.changed.cast_unsigned(),
            self.fractions,
        ];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

fn fractions(modified: u64, changed: u64) -> u64 {
    (modified << 32) | (changed & 0xffff_ffff)
}

/// Whether a stat is of a regular file.
pub(crate) fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn stamp(seconds: i64, nanoseconds: u64) -> Stamp {
        Stamp {
            device: 1,
            number: 2,
            size: 3,
            modified: seconds,
            changed: seconds,
            fractions: nanoseconds << 32 | nanoseconds,
        }
    }

    #[track_caller]
    fn check(stamp: Stamp, now: Duration, is_fresh: bool) {
        assert_eq!(
            stamp.is_fresh(UNIX_EPOCH + now),
            is_fresh,
            "{stamp:?} at {now:?}"
        );
    }

    #[test]
    fn what_was_just_changed_is_fresh() {
        let fine = stamp(1000, 500_000_000);
        check(fine, Duration::from_millis(1_000_500), true);
        check(fine, Duration::from_millis(1_000_550), true);
        check(fine, Duration::from_millis(1_000_551), false);
    }

    #[test]
    fn coarse_times_are_fresh_for_longer() {
        check(stamp(1000, 0), Duration::from_millis(1_001_900), true);
        check(stamp(1000, 0), Duration::from_millis(1_002_100), false);
    }

    #[test]
    fn times_that_are_still_to_come_are_fresh() {
        check(stamp(1000, 1), Duration::from_secs(900), true);
        check(stamp(-5, 1), Duration::ZERO, false);
    }

    #[test]
    fn a_change_of_any_part_is_another_stamp() {
        let one = stamp(1000, 7).to_bytes();
        for other in [stamp(1001, 7), stamp(1000, 8)] {
            assert_ne!(one, other.to_bytes());
        }
    }
}
