//! What inspection found, in the judge's words.

use plugwright_inspect::{Code, Group, Loader, Problem};
use plugwright_trust::{ProblemClass, Structure, StructureProblem};

/// Hands every problem of a file to the judge. For a verdict that loads they are those of
/// the deepest reading, [`plugwright_inspect::symbols()`]: what is wrong with a symbol or a
/// relocation ends the process that loads the file as surely as a wrong header.
///
/// A problem counts against the file when the system's loader could refuse it or crash on
/// it, when the structure contradicts itself, or when the reading was cut short: what was
/// not read was not checked. Damaged metadata of others' plugin systems does not.
#[must_use]
pub fn structure(problems: &[Problem]) -> Structure {
    Structure::new(problems.iter().map(problem).collect())
}

fn problem(problem: &Problem) -> StructureProblem {
    let class = class(problem);
    let (code, text) = (problem.code.as_str(), problem.to_string());
    let harmless = matches!(problem.code.group(), Group::Metadata | Group::Foreign)
        && problem.loader == Loader::Accepts;
    if harmless {
        StructureProblem::harmless(code, text, class)
    } else {
        StructureProblem::fatal(code, text, class)
    }
}

/// The kind of mistake, by which the judge names the weakness.
fn class(problem: &Problem) -> ProblemClass {
    match problem.code {
        Code::SegmentOverflow | Code::SegmentAddressOverflow | Code::SectionOverflow => {
            ProblemClass::Overflow
        }
        Code::GnuHashInvalid | Code::SysvHashInvalid => ProblemClass::Quantity,
        Code::UnknownClass | Code::UnknownByteOrder | Code::UnknownVersion | Code::UnknownAbi => {
            ProblemClass::Type
        }
        Code::HeaderTruncated
        | Code::ProgramHeaderSize
        | Code::ProgramHeadersOutsideFile
        | Code::SegmentOutsideFile
        | Code::SegmentLargerThanMemory
        | Code::SegmentsOverlap
        | Code::SegmentsUnordered
        | Code::SegmentMisaligned
        | Code::NotesMisaligned
        | Code::NoteOverrun
        | Code::SectionHeaderSize
        | Code::SectionHeadersOutsideFile
        | Code::SectionNamesIndex
        | Code::SectionNamesOutsideFile
        | Code::SectionNameOutsideTable
        | Code::SectionOutsideFile
        | Code::AddressNotLoaded
        | Code::StringOutsideTable => ProblemClass::Position,
        other => match other.group() {
            Group::Foreign => ProblemClass::Type,
            Group::Limit => ProblemClass::Quantity,
            _ => ProblemClass::Consistency,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugwright_inspect::symbols;
    use plugwright_testkit::elf::{EhdrField, ElfBuilder, ElfFile, PhdrField};
    use plugwright_trust::{Code as Reason, Digest, Facts, FileFacts, FolderFacts, Policy, judge};

    /// What a judge says of a file that is fine in every other way.
    fn reasons(bytes: &[u8]) -> Vec<Reason> {
        let facts = Facts::new(
            "/x.so",
            Digest::from_bytes([0; 32]),
            structure(&symbols(bytes, None).problems),
        )
        .with_file(FileFacts::new(0, 0, 0o644))
        .with_ancestors(vec![FolderFacts::new("/", 0, 0, 0o755)]);
        judge(&facts, &Policy::server())
            .reasons()
            .iter()
            .map(|reason| reason.code)
            .collect()
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut ElfFile), expected: Reason) {
        let mut file = ElfBuilder::x86_64()
            .soname("libx.so")
            .needed("libc.so.6")
            .export("one")
            .build();
        assert_eq!(reasons(file.bytes()), []);
        spoil(&mut file);
        let found = reasons(file.bytes());
        assert!(found.contains(&expected), "{found:?}");
    }

    fn set_load(nth: usize, field: PhdrField, value: u64) -> impl FnOnce(&mut ElfFile) {
        move |file| {
            let index = file.segment(1, nth);
            file.set_segment(index, field, value);
        }
    }

    #[test]
    fn problems_come_to_the_judge_as_the_weakness_that_they_are() {
        check(
            set_load(1, PhdrField::Filesz, u64::MAX),
            Reason::StructureOverflow,
        );
        check(
            set_load(0, PhdrField::Memsz, 0x10_0000),
            Reason::StructurePosition,
        );
        check(set_load(2, PhdrField::Vaddr, 0), Reason::StructurePosition);
        let hash = |file: &mut ElfFile| {
            let at = file.place(".gnu.hash").0;
            file.write(at + 8, 4, 3);
        };
        check(hash, Reason::StructureQuantity);
        let class = |file: &mut ElfFile| {
            file.set_header(EhdrField::Class, 3);
        };
        check(class, Reason::StructureType);
        let dynamic = |file: &mut ElfFile| {
            let (at, length) = file.place(".dynamic");
            file.write(at + length - 16, 8, 0x1234_5678);
        };
        check(dynamic, Reason::StructureConsistency);
        assert_eq!(
            reasons(b"a text, and no library at all"),
            [Reason::StructureType]
        );
    }

    #[test]
    fn no_length_at_which_a_file_is_cut_is_sound_before_its_last_segment_ends() {
        let file = ElfBuilder::x86_64().soname("libx.so").export("one").build();
        let end = file.place(".dynamic").0;
        for length in (0..end).step_by(61) {
            assert_ne!(reasons(&file.bytes()[..length]), [], "{length} bytes");
        }
    }
}
