//! Plugwright's records, gathered from notes and decoded.

use std::borrow::Cow;
use std::ffi::OsStr;

use plugwright_manifest::{Detail, Record, Summary, note};

use crate::depth::Depth;
use crate::elf::Note;
use crate::limits;
use crate::problem::{Code, Loader, Problems};
use crate::read_at::ReadAt;
use crate::source::Source;

/// Decodes the records among `notes`, in the file's order, and assigns their roles.
pub(crate) fn decode<R: ReadAt + ?Sized>(
    notes: &[Note],
    depth: Depth,
    file_name: Option<&OsStr>,
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for found in notes {
        if records.len() >= limits::RECORDS {
            let limit = limits::RECORDS as u64;
            problems.limit(
                found.desc,
                "Plugwright records",
                limit.saturating_add(1),
                limit,
            );
            break;
        }
        match found.kind {
            note::SUMMARY => {
                let bytes = desc(found, note::MAX_SUMMARY, source, problems);
                match bytes.map(|bytes| Summary::decode(&bytes)) {
                    Some(Ok(summary)) => records.push(Record::new(summary, None)),
                    Some(Err(error)) => invalid(found, &error, problems),
                    None => {}
                }
            }
            note::DETAIL if depth >= Depth::Headers => {
                let bytes = desc(found, note::MAX_DETAIL, source, problems);
                match bytes.map(|bytes| Detail::decode(&bytes)) {
                    Some(Ok(detail)) => pair(detail, found, &mut records, problems),
                    Some(Err(error)) => invalid(found, &error, problems),
                    None => {}
                }
            }
            // A type that a later version of Plugwright adds is no fault.
            _ => {}
        }
    }
    Record::assign_roles(&mut records, file_name);
    records
}

fn desc<'s, R: ReadAt + ?Sized>(
    note: &Note,
    limit: usize,
    source: &'s mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<Cow<'s, [u8]>> {
    match source.view(note.desc, note.desc_len, limit as u64) {
        Ok(bytes) => Some(bytes),
        Err(fault) => {
            problems.push(fault.into_problem(
                Code::RecordInvalid,
                Loader::Accepts,
                "a Plugwright record",
            ));
            None
        }
    }
}

fn invalid(note: &Note, error: &dyn std::fmt::Display, problems: &mut Problems) {
    problems.add(
        Code::RecordInvalid,
        Loader::Accepts,
        note.desc,
        "a Plugwright record",
        error.to_string(),
    );
}

/// Detail and summary belong together when they name the same entry symbol.
fn pair(detail: Detail, note: &Note, records: &mut [Record], problems: &mut Problems) {
    let summary = records
        .iter_mut()
        .rev()
        .find(|record| record.summary.entry() == detail.entry() && record.detail.is_none());
    match summary {
        Some(record) => record.detail = Some(detail),
        None => problems.add(
            Code::RecordUnpaired,
            Loader::Accepts,
            note.desc,
            "a summary before it that names the same entry symbol",
            crate::problem::quote(detail.entry().as_bytes()),
        ),
    }
}
