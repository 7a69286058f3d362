//! The load commands: a bounded walk over the table behind the header.

use crate::arch::{ByteOrder, Class};
use crate::fields::{Fields, until_nul};
use crate::problem::{Code, Loader, Problems};
use crate::untrusted::Untrusted;

/// Numbers of `mach-o/loader.h`.
pub(super) const LC_SEGMENT: u32 = 0x1;
pub(super) const LC_SYMTAB: u32 = 0x2;
pub(super) const LC_LOAD_DYLIB: u32 = 0xc;
pub(super) const LC_ID_DYLIB: u32 = 0xd;
pub(super) const LC_LOAD_WEAK_DYLIB: u32 = 0x8000_0018;
pub(super) const LC_SEGMENT_64: u32 = 0x19;
pub(super) const LC_UUID: u32 = 0x1b;
pub(super) const LC_RPATH: u32 = 0x8000_001c;
pub(super) const LC_CODE_SIGNATURE: u32 = 0x1d;
pub(super) const LC_REEXPORT_DYLIB: u32 = 0x8000_001f;
pub(super) const LC_LAZY_LOAD_DYLIB: u32 = 0x20;
pub(super) const LC_ENCRYPTION_INFO: u32 = 0x21;
pub(super) const LC_LOAD_UPWARD_DYLIB: u32 = 0x8000_0023;
pub(super) const LC_ENCRYPTION_INFO_64: u32 = 0x2c;
pub(super) const LC_BUILD_VERSION: u32 = 0x32;

/// One load command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'t> {
    pub(super) kind: u32,
    /// The whole command, its head included.
    pub(super) bytes: &'t [u8],
    /// Where it stands in the file.
    pub(super) at: u64,
    order: ByteOrder,
}

impl<'t> Command<'t> {
    pub(super) fn fields(&self) -> Fields<'t> {
        Fields::new(self.bytes, self.order)
    }

    /// The string whose place in the command stands at `at`; it may lack a NUL where it
    /// fills the command.
    pub(super) fn text(&self, at: usize) -> Option<Untrusted> {
        let start = usize::try_from(self.fields().u32(at)?).ok()?;
        let rest = self.bytes.get(start..).filter(|_| start >= 8)?;
        Some(until_nul(rest).unwrap_or(rest).into())
    }
}

/// Splits the table into its commands; what contradicts itself ends the walk and is told.
pub(super) fn walk<'t>(
    table: &'t [u8],
    count: u32,
    at: u64,
    order: ByteOrder,
    problems: &mut Problems,
) -> Vec<Command<'t>> {
    let mut commands = Vec::new();
    let mut rest = table;
    for _ in 0..count {
        let place = at.saturating_add(table.len().saturating_sub(rest.len()) as u64);
        let fields = Fields::new(rest, order);
        let (Some(kind), Some(size)) = (fields.u32(0), fields.u32(4)) else {
            invalid(
                problems,
                place,
                format!("{count} commands"),
                "the end of the table".into(),
            );
            break;
        };
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        // A command holds at least its own head, and commands keep to words.
        let (Some(bytes), true) = (rest.get(..len), len >= 8 && len.is_multiple_of(4)) else {
            invalid(
                problems,
                place,
                format!("a command of 8 to {} bytes, a multiple of 4", rest.len()),
                format!("{size} bytes"),
            );
            break;
        };
        commands.push(Command {
            kind,
            bytes,
            at: place,
            order,
        });
        rest = rest.get(len..).unwrap_or_default();
    }
    commands
}

pub(super) fn invalid(problems: &mut Problems, at: u64, expected: String, found: String) {
    problems.add(
        Code::LoadCommandInvalid,
        Loader::Refuses,
        at,
        expected,
        found,
    );
}

/// A segment with its sections.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) at: u64,
    pub(super) offset: u64,
    pub(super) filesz: u64,
    pub(super) protection: u32,
    pub(super) sections: Vec<Section>,
}

/// A section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) name: [u8; 16],
    pub(super) segment: [u8; 16],
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) flags: u32,
}

impl Section {
    /// Whether it has bytes in the file: the zero-filled kinds have none.
    pub(super) fn is_in_file(&self) -> bool {
        !matches!(self.flags & 0xff, 0x1 | 0xc | 0x12)
    }

    /// Whether it is the section `name` of the segment `segment`. The fields have 16 bytes
    /// and need no NUL at their end.
    pub(super) fn is(&self, segment: &[u8], name: &[u8]) -> bool {
        let trimmed =
            |field: &[u8; 16], text: &[u8]| until_nul(field).unwrap_or(field.as_slice()) == text;
        trimmed(&self.segment, segment) && trimmed(&self.name, name)
    }
}

/// Decodes `LC_SEGMENT` and `LC_SEGMENT_64`.
pub(super) fn segment(command: &Command<'_>, problems: &mut Problems) -> Option<Segment> {
    let class = match command.kind {
        LC_SEGMENT => Class::Bits32,
        _ => Class::Bits64,
    };
    let fields = command.fields();
    // fileoff, filesize, initprot, nsects, sections.
    let (offset, size, protection, count, sections, entry) = match class {
        Class::Bits32 => (32, 36, 44, 48, 56, 68),
        Class::Bits64 => (40, 48, 60, 64, 72, 80),
    };
    let read = || {
        Some((
            fields.word(offset, class)?,
            fields.word(size, class)?,
            fields.u32(protection)?,
            fields.u32(count)?,
        ))
    };
    let Some((offset, filesz, protection, count)) = read() else {
        let found = format!("{} bytes", command.bytes.len());
        invalid(
            problems,
            command.at,
            format!("a segment of {sections} bytes"),
            found,
        );
        return None;
    };
    let table = command.bytes.get(sections..).unwrap_or_default();
    let entries = table.chunks_exact(entry);
    if entries.len() < usize::try_from(count).unwrap_or(usize::MAX) {
        let found = format!("{count} sections");
        let expected = format!(
            "at most {} sections, which fit into the command",
            entries.len()
        );
        invalid(problems, command.at, expected, found);
        return None;
    }
    let entries = entries.zip(0..count);
    Some(Segment {
        at: command.at,
        offset,
        filesz,
        protection,
        sections: entries
            .filter_map(|(bytes, _)| section(bytes, class, command.order))
            .collect(),
    })
}

fn section(bytes: &[u8], class: Class, order: ByteOrder) -> Option<Section> {
    let fields = Fields::new(bytes, order);
    // size, offset, flags.
    let (size, offset, flags) = match class {
        Class::Bits32 => (36, 40, 56),
        Class::Bits64 => (40, 48, 64),
    };
    Some(Section {
        name: *bytes.first_chunk()?,
        segment: *bytes.get(16..)?.first_chunk()?,
        offset: fields.u32(offset)?.into(),
        size: fields.word(size, class)?,
        flags: fields.u32(flags)?,
    })
}
