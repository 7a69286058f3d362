//! What is wrong with a file, as data.
//!
//! Inspection never fails as a whole: it returns what it could read together with a list
//! of [`Problem`]s. A problem's [`Code`] is stable text for programs; the offset and the
//! two sides are for people. Whether the system's loader would take the file is said with
//! each problem, because a file can be wrong without harm, or kill the process that asks.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::untrusted::Untrusted;

/// One fault of a file, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of fault.
    pub code: Code,
    /// Offset in bytes from the start of the file, where one place can be named.
    pub offset: Option<u64>,
    /// What ought to stand there.
    pub expected: Cow<'static, str>,
    /// What stands there. Escaped already, and of bounded length.
    pub found: Cow<'static, str>,
    /// What the system's loader does with such a file.
    pub loader: Loader,
}

/// What the system's loader does with a file that has the fault.
///
/// For ELF this is glibc's `ld.so`: the worst that 2.36 was seen to do with such a fault,
/// since what it does can depend on the rest of the file. For Mach-O it is dyld and for PE
/// the loader of Windows, whose answers are from their documentation and not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loader {
    /// Loads the file all the same.
    Accepts,
    /// Refuses the file with an error.
    Refuses,
    /// Ends the whole process: a signal or a failed assertion inside the loader.
    Crashes,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $group:ident,)*) => {
        /// The kind of a [`Problem`]: stable, in kebab case when printed or serialised.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What the fault is about.
            #[must_use]
            pub fn group(self) -> Group {
                match self {
                    $(Self::$name => Group::$group,)*
                }
            }
        }
    };
}

/// What a [`Code`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Group {
    /// The file could not be read, or changed meanwhile.
    Reading,
    /// It is no library in a known format, or none for the system asked about.
    Foreign,
    /// Its structure contradicts its format or itself.
    Structure,
    /// What a plugin says of itself is damaged.
    Metadata,
    /// A limit of this crate, so that the answer is not complete.
    Limit,
}

codes! {
    /// The system reported an error while reading.
    ReadFailed "read-failed" Reading,
    /// Fewer bytes came than the file had when it was opened.
    FileShrank "file-shrank" Reading,

    /// The file has no bytes.
    EmptyFile "empty-file" Foreign,
    /// The file is something else: text, a script, an archive, a picture.
    NotALibrary "not-a-library" Foreign,

    /// The file ends inside the header.
    HeaderTruncated "header-truncated" Structure,
    /// The word size is neither 32 nor 64 bits.
    UnknownClass "unknown-class" Structure,
    /// The byte order is neither little nor big endian.
    UnknownByteOrder "unknown-byte-order" Structure,
    /// The version of the format is not 1.
    UnknownVersion "unknown-version" Structure,
    /// The operating system's ABI is one that the loader does not take.
    UnknownAbi "unknown-abi" Foreign,
    /// An executable, object file or core dump: nothing that is loaded into a process.
    NotASharedObject "not-a-shared-object" Foreign,
    /// Built for another word size than the one asked for.
    WrongClass "wrong-class" Foreign,
    /// Built for another byte order than the one asked for.
    WrongByteOrder "wrong-byte-order" Foreign,
    /// Built for another processor than the one asked for.
    WrongMachine "wrong-machine" Foreign,

    /// A program header's stated size is not that of the format.
    ProgramHeaderSize "program-header-size" Structure,
    /// The table of program headers is not inside the file.
    ProgramHeadersOutsideFile "program-headers-outside-file" Structure,
    /// A segment's offset and size do not fit into 64 bits together.
    SegmentOverflow "segment-overflow" Structure,
    /// A segment is not inside the file.
    SegmentOutsideFile "segment-outside-file" Structure,
    /// A segment has more bytes in the file than in memory.
    SegmentLargerThanMemory "segment-larger-than-memory" Structure,
    /// A segment's address and size do not fit into the address space.
    SegmentAddressOverflow "segment-address-overflow" Structure,
    /// Two loadable segments overlap in memory.
    SegmentsOverlap "segments-overlap" Structure,
    /// Loadable segments do not stand in ascending order of address.
    SegmentsUnordered "segments-unordered" Structure,
    /// A segment's alignment is not a power of two, or its address and offset disagree.
    SegmentMisaligned "segment-misaligned" Structure,
    /// No segment is to be loaded.
    NoLoadableSegment "no-loadable-segment" Structure,
    /// No loaded segment has executable bytes: a file of debug information only.
    NoCode "no-code" Foreign,

    /// A segment of notes does not start at a multiple of its alignment. Loaders do not mind,
    /// and tools that move notes can cause it; Qt's reader refuses such a file.
    NotesMisaligned "notes-misaligned" Metadata,
    /// A note states more bytes than its segment or section has.
    NoteOverrun "note-overrun" Structure,

    /// A section header's stated size is not that of the format.
    SectionHeaderSize "section-header-size" Structure,
    /// The table of section headers is not inside the file.
    SectionHeadersOutsideFile "section-headers-outside-file" Structure,
    /// The number of the section with the names is beyond the table.
    SectionNamesIndex "section-names-index" Structure,
    /// The section with the names is not inside the file.
    SectionNamesOutsideFile "section-names-outside-file" Structure,
    /// A section's name is beyond the section with the names.
    SectionNameOutsideTable "section-name-outside-table" Structure,
    /// A section's offset and size do not fit into 64 bits together.
    SectionOverflow "section-overflow" Structure,
    /// A section is not inside the file.
    SectionOutsideFile "section-outside-file" Structure,

    /// There is no dynamic section, so that nothing can load the file.
    NoDynamicSection "no-dynamic-section" Structure,
    /// The dynamic section is loaded read-only where a loader writes into it.
    DynamicReadOnly "dynamic-read-only" Structure,
    /// The dynamic section has no end mark.
    DynamicUnterminated "dynamic-unterminated" Structure,
    /// The dynamic section lacks an entry that the loader needs.
    DynamicEntryMissing "dynamic-entry-missing" Structure,
    /// The dynamic section has an entry twice that must be there once.
    DynamicEntryTwice "dynamic-entry-twice" Structure,
    /// An entry of the dynamic section has a value that the format does not allow.
    DynamicEntryInvalid "dynamic-entry-invalid" Structure,
    /// An address does not lie in the file's part of a loaded segment.
    AddressNotLoaded "address-not-loaded" Structure,
    /// A string begins beyond its table or has no end.
    StringOutsideTable "string-outside-table" Structure,
    /// The section table shows another table (dynamic section, symbols, strings, hashes,
    /// versions, constructors) than the one that is loaded.
    ViewsDiffer "views-differ" Structure,
    /// A section claims bytes in memory that no segment loads there.
    SectionNotLoaded "section-not-loaded" Structure,
    /// A section claims to be writable or executable and lies in memory that is not.
    SectionAccess "section-access" Structure,
    /// A section of notes lies outside of every segment of notes.
    NotesDiffer "notes-differ" Metadata,
    /// The header of the GNU hash table is absurd.
    GnuHashInvalid "gnu-hash-invalid" Structure,
    /// The header of the System V hash table is absurd.
    SysvHashInvalid "sysv-hash-invalid" Structure,
    /// The tables of symbol versions are damaged.
    VersionsInvalid "versions-invalid" Structure,

    /// A relocation writes where the library has no writable memory, or names a symbol
    /// that it does not have. Seen at the depth of [`crate::symbols()`].
    RelocationInvalid "relocation-invalid" Structure,
    /// A slice of a universal file is not inside the file.
    SliceOutsideFile "slice-outside-file" Structure,
    /// A slice of a universal file is for another processor than the file's table says.
    SliceMismatch "slice-mismatch" Structure,
    /// The load commands are not inside the image.
    LoadCommandsOutsideFile "load-commands-outside-file" Structure,
    /// A load command contradicts its own size or the format.
    LoadCommandInvalid "load-command-invalid" Structure,
    /// A table that a PE directory names is not inside a section, or contradicts itself.
    DirectoryInvalid "directory-invalid" Structure,

    /// The metadata lies in a part of the file that is encrypted.
    Encrypted "encrypted" Metadata,
    /// A Plugwright record cannot be decoded.
    RecordInvalid "record-invalid" Metadata,
    /// A Plugwright detail note belongs to no summary.
    RecordUnpaired "record-unpaired" Metadata,
    /// A manifest beside a library cannot be read.
    ManifestInvalid "manifest-invalid" Metadata,
    /// The list of Rust crates cannot be decompressed or decoded.
    CratesInvalid "crates-invalid" Metadata,
    /// Qt metadata has fewer bytes than its header.
    QtTooSmall "qt-too-small" Metadata,
    /// The `.qtmetadata` section does not begin with Qt's mark.
    QtMagic "qt-magic" Metadata,
    /// The header of Qt metadata has a version that this crate does not know.
    QtVersion "qt-version" Metadata,
    /// Qt metadata is not well-formed CBOR.
    QtCbor "qt-cbor" Metadata,
    /// Qt metadata is not a map.
    QtContents "qt-contents" Metadata,
    /// Qt metadata lies in a section that is writable.
    QtWritable "qt-writable" Metadata,
    /// Qt metadata lies in a section that is executable.
    QtExecutable "qt-executable" Metadata,
    /// Qt's note is aligned in a way that Qt's own reader passes over.
    QtNoteAlignment "qt-note-alignment" Metadata,

    /// Something is larger or more numerous than [`crate::limits`] allows.
    LimitReached "limit-reached" Limit,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Problem {
    pub(crate) fn new(
        code: Code,
        loader: Loader,
        offset: impl Into<Option<u64>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            offset: offset.into(),
            expected: expected.into(),
            found: found.into(),
            loader,
        }
    }

    /// Whether asking the system's loader for this file would end the process.
    #[must_use]
    pub fn is_fatal_to_loader(&self) -> bool {
        self.loader == Loader::Crashes
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}",
            self.code, self.expected, self.found
        )?;
        match self.offset {
            Some(offset) => write!(f, " (at byte {offset:#x})"),
            None => Ok(()),
        }
    }
}

/// The growing list of one file's problems, bounded.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        // The same fault seen from two sides (quick path, then headers) is one fault.
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < limits::PROBLEMS {
            self.list.push(problem);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    pub(crate) fn add(
        &mut self,
        code: Code,
        loader: Loader,
        offset: impl Into<Option<u64>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        self.push(Problem::new(code, loader, offset, expected, found));
    }

    pub(crate) fn limit(
        &mut self,
        offset: impl Into<Option<u64>>,
        what: &str,
        found: u64,
        limit: u64,
    ) {
        self.add(
            Code::LimitReached,
            Loader::Accepts,
            offset,
            format!("at most {limit} {what}"),
            format!("{found}"),
        );
    }

    /// Symbol names that come to more than [`limits::SYMBOL_TEXT`].
    pub(crate) fn symbol_text(&mut self) {
        let limit = limits::SYMBOL_TEXT as u64;
        self.limit(
            None,
            "bytes of symbol names",
            limit.saturating_add(1),
            limit,
        );
    }

    pub(crate) fn into_vec(mut self) -> Vec<Problem> {
        if self.left_out > 0 {
            self.list.push(Problem::new(
                Code::LimitReached,
                Loader::Accepts,
                None,
                format!("at most {} problems", limits::PROBLEMS),
                format!("{} more", self.left_out),
            ));
        }
        self.list
    }
}

/// Quotes foreign bytes in a problem: escaped and of bounded length.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let shown = bytes.get(..limits::QUOTED).unwrap_or(bytes);
    let text = Untrusted::from(shown);
    if shown.len() < bytes.len() {
        format!("\"{text}\"… ({} bytes)", bytes.len())
    } else {
        format!("\"{text}\"")
    }
}
