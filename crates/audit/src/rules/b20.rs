//! B20: Bytes behind the end: the file may be of another kind as well.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::{FileSubject, place};
use plugwright_inspect::ReadAt as _;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "B20",
    title: "Bytes behind the end: the file may be of another kind as well",
    cwe: 351,
    severity: Severity::Medium,
    severity_rule: "High where the bytes carry the mark of another format.",
    kinds: &[SubjectKind::Elf, SubjectKind::MachO, SubjectKind::Pe],
    looked_at: "Bytes behind everything that the headers name, the first KiB and the last 22 bytes of the file.",
    why: "A file that is a document for one program and a library for another passes checks that were made for the document.",
    remedy: "Find out what put the bytes there; strip the file or refuse it.",
    references: &["CVE-2026-46529"],
    check: Check::File(check),
};

fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (image, _) in file.images() {
        looked = looked.saturating_add(1);
        let trailing = image.headers.elf().map_or(0, |elf| elf.trailing_bytes);
        let end = file.opened.size();
        let zip = file.bytes(end.saturating_sub(22), 4) == b"PK\x05\x06";
        let head = file.opened.head();
        let head = head.get(..1024).unwrap_or(head);
        let pdf = place(head, b"%PDF-").is_some();
        if zip || pdf {
            let mark = if zip {
                "a ZIP archive's end"
            } else {
                "a PDF document's mark"
            };
            sink.report_as(Severity::High, "the file is of another kind as well")
                .at(mark, "present", zip.then(|| end.saturating_sub(22)));
        } else if trailing > 0 {
            sink.report("bytes follow the end of the library").at(
                "bytes behind the end",
                trailing.to_string().as_str(),
                end.saturating_sub(trailing),
            );
        }
    }
    looked
}
