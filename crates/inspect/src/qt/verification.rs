//! The verification data of Qt 4 plugins: lines of text somewhere in the file's data, to
//! which the exported `qt_plugin_query_verification_data` returns a pointer.
//!
//! Qt 4 itself searches the file for the first line; nothing leads there without running the
//! function.

use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

/// The first line, with its end.
const MARK: &[u8] = b"pattern=QT_PLUGIN_VERIFICATION_DATA\n";

/// Bytes that are searched at once.
const STEP: usize = 64 << 10;

/// The lines behind the first (`version=4.8.7`, `debug=false`, `buildkey=…`) in the `size`
/// bytes at `offset`; empty where there are none, which is told.
pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    offset: u64,
    size: u64,
    problems: &mut Problems,
) -> Vec<Untrusted> {
    let searched = size.min(limits::QT4_SEARCH);
    let found = find(source, offset, offset.saturating_add(searched));
    let Some(at) = found else {
        if searched < size {
            let what = "bytes searched for Qt 4's verification data";
            problems.limit(offset, what, size, limits::QT4_SEARCH);
        } else {
            problems.add(
                Code::QtMagic,
                Loader::Accepts,
                offset,
                "Qt 4's verification data, for which there is a function",
                "none in the file",
            );
        }
        return Vec::new();
    };
    let at = at.saturating_add(MARK.len() as u64);
    let rest = source.size().saturating_sub(at);
    let len = usize::try_from(rest)
        .unwrap_or(usize::MAX)
        .min(limits::QT4_DATA);
    let bytes = source.bytes(at, len).unwrap_or_default();
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(Untrusted::from).collect()
}

/// Where the mark stands in the file, between `start` and `end`.
fn find<R: ReadAt + ?Sized>(source: &mut Source<'_, R>, start: u64, end: u64) -> Option<u64> {
    let mut at = start;
    loop {
        let rest = usize::try_from(end.checked_sub(at)?).unwrap_or(usize::MAX);
        let bytes = source.bytes(at, rest.min(STEP)).ok()?;
        let found = bytes.windows(MARK.len()).position(|window| window == MARK);
        if let Some(inside) = found {
            return at.checked_add(inside as u64);
        }
        // The next piece begins where a mark may have been cut.
        let step = bytes.len().checked_sub(MARK.len())?.checked_add(1)?;
        at = at.checked_add(step as u64)?;
    }
}
