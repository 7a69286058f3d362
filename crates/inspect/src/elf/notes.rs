//! Notes: the walk over a segment or section of them.
//!
//! One walk serves ELF segments, ELF sections and the sections of the other formats that
//! carry Plugwright's notes. Layout: gABI, "Note Section".

use crate::arch::ByteOrder;
use crate::fields::{Fields, align_up};
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

/// A place in the file with notes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    /// Alignment as stated: 8 pads to eight bytes, everything else to four.
    pub(crate) align: u64,
    pub(crate) order: ByteOrder,
}

/// Whose note it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Plugwright,
    Qt,
    Gnu,
    Other,
}

/// One note.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    pub(crate) owner: Owner,
    pub(crate) kind: u32,
    /// Offset of the descriptor in the file.
    pub(crate) desc: u64,
    pub(crate) desc_len: u64,
    /// The alignment of the region it was found in.
    pub(crate) align: u64,
}

/// The owner of Qt's note, with its NUL (Qt 6.3 and later).
const QT_OWNER: &[u8] = b"qt-project!\0";
const GNU_OWNER: &[u8] = b"GNU\0";

/// Walks the notes of `region` and hands each to `take`. An overrun ends this region's
/// walk: nothing behind it can be trusted to be a note.
pub(crate) fn walk<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    region: Region,
    problems: &mut Problems,
    mut take: impl FnMut(Note),
) {
    let pad = if region.align == 8 { 8 } else { 4 };
    let Some(end) = region.offset.checked_add(region.len) else {
        // The segment's own check has told this.
        return;
    };
    if end > source.size() {
        return;
    }
    let mut at = region.offset;
    let mut count = 0_usize;
    // A rest that cannot hold a header is padding.
    while end.saturating_sub(at) >= 12 {
        if count >= limits::NOTES {
            problems.limit(
                at,
                "notes",
                (count as u64).saturating_add(1),
                limits::NOTES as u64,
            );
            return;
        }
        count = count.saturating_add(1);
        let Some((note, next)) = note(source, at, end, pad, region, problems) else {
            return;
        };
        if let Some(note) = note {
            take(note);
        }
        at = next;
    }
}

/// The note at `at` and the place of the next, or `None` when the walk cannot go on.
fn note<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    at: u64,
    end: u64,
    pad: u64,
    region: Region,
    problems: &mut Problems,
) -> Option<(Option<Note>, u64)> {
    let fault = |problems: &mut Problems, fault: crate::source::Fault| {
        problems.push(fault.into_problem(Code::NoteOverrun, Loader::Accepts, "a note"));
    };
    let head = match source.bytes(at, 12) {
        Ok(head) => Fields::new(head, region.order),
        Err(error) => {
            fault(problems, error);
            return None;
        }
    };
    let name_len = u64::from(head.u32(0)?);
    let desc_len = u64::from(head.u32(4)?);
    let kind = head.u32(8)?;
    let name = at.checked_add(12)?;
    // Padding counts from the region's start: a misaligned region stays readable.
    let relative = name.saturating_sub(region.offset).checked_add(name_len)?;
    let desc = region.offset.checked_add(align_up(relative, pad)?)?;
    let desc_end = desc.checked_add(desc_len)?;
    if desc_end > end {
        problems.add(
            Code::NoteOverrun,
            Loader::Accepts,
            at,
            format!("a note of at most {} bytes", end.saturating_sub(at)),
            format!("owner of {name_len} and descriptor of {desc_len} bytes"),
        );
        return None;
    }
    let next = align_up(desc_end.saturating_sub(region.offset), pad)?.checked_add(region.offset)?;
    if name_len > limits::NOTE_OWNER as u64 {
        return Some((None, next));
    }
    let name_len = usize::try_from(name_len).ok()?;
    let owner = match source.bytes(name, name_len) {
        Ok(plugwright_manifest::note::OWNER) => Owner::Plugwright,
        Ok(QT_OWNER) => Owner::Qt,
        Ok(GNU_OWNER) => Owner::Gnu,
        Ok(_) => Owner::Other,
        Err(error) => {
            fault(problems, error);
            return None;
        }
    };
    let note = Note {
        owner,
        kind,
        desc,
        desc_len,
        align: region.align,
    };
    Some((Some(note), next))
}
