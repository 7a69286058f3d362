//! The reader's problems, each given to one rule.

use plugwright_inspect::{Code, Group, Loader, Problem};

use crate::finding::Sink;
use crate::subject::FileSubject;
use plugwright_trust::Severity;

/// The rule that tells a problem; none for what is no fault, such as being a program.
fn rule_of(problem: &Problem) -> Option<&'static str> {
    Some(match problem.code {
        Code::SegmentOverflow | Code::SegmentAddressOverflow | Code::SectionOverflow => "B16",
        Code::ViewsDiffer | Code::SectionNotLoaded | Code::SectionAccess | Code::NotesDiffer => {
            "B18"
        }
        Code::UnknownClass
        | Code::UnknownByteOrder
        | Code::UnknownVersion
        | Code::UnknownAbi
        | Code::SliceMismatch => "B19",
        Code::GnuHashInvalid | Code::SysvHashInvalid => "B41",
        Code::DynamicEntryMissing
        | Code::DynamicEntryTwice
        | Code::DynamicEntryInvalid
        | Code::VersionsInvalid
        | Code::NoDynamicSection
        | Code::DynamicReadOnly
        | Code::LoadCommandInvalid
        | Code::DirectoryInvalid => "B17",
        _ => match problem.code.group() {
            Group::Structure => "B15",
            Group::Metadata => "B35",
            Group::Reading | Group::Limit => "B42",
            _ => return None,
        },
    })
}

fn severity(problem: &Problem) -> Severity {
    match problem.code {
        Code::ViewsDiffer
        | Code::GnuHashInvalid
        | Code::SysvHashInvalid
        | Code::QtWritable
        | Code::QtExecutable => Severity::High,
        Code::UnknownClass
        | Code::UnknownByteOrder
        | Code::UnknownVersion
        | Code::UnknownAbi
        | Code::SliceMismatch => Severity::Medium,
        _ if problem.code.group() == Group::Reading => Severity::Medium,
        _ if problem.loader == Loader::Accepts => Severity::Low,
        _ => Severity::High,
    }
}

/// Tells the problems that belong to the rule `id`.
pub(super) fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>, id: &str) -> u64 {
    for problem in file
        .scan
        .problems
        .iter()
        .filter(|problem| rule_of(problem) == Some(id))
    {
        let end = match problem.loader {
            Loader::Crashes => ", over which the system's loader ends the process",
            Loader::Refuses => ", for which the system's loader refuses the file",
            _ => "",
        };
        let title = format!("{}: expected {}{end}", problem.code, problem.expected);
        sink.report_as(severity(problem), title)
            .at("found", &*problem.found, problem.offset);
    }
    1
}
