//! Looking at one file: what its headers and symbols say, and what every rule about files says of that.

use std::path::{Path, PathBuf};

use plugwright_inspect::{
    Code, Format, Links, ReadAt as _, SymbolView, Untrusted, identity, open, scan,
};

use super::tally::{Counts, Tally};
use super::text;
use crate::context::Context;
use crate::deployment::{Summary, claims_to_be_a_library};
use crate::finding::Finding;
use crate::options::Options;
use crate::os;
use crate::report::Load;
use crate::rule::{Check, SubjectKind};
use crate::severity::Severity;
use crate::subject::{FileSubject, shown};
use crate::target::TargetKind;
use crate::watched::SymbolFacts;

/// A file to look at.
#[derive(Debug)]
pub(super) struct Work {
    /// The position of its target.
    pub(super) target: usize,
    pub(super) path: PathBuf,
    /// Whether it was named itself, so that being no library is worth a word.
    pub(super) named: bool,
    /// The folder that was named, or that the file lies in.
    pub(super) root: PathBuf,
}

/// What one file told.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) findings: Vec<Finding>,
    pub(super) kind: Option<TargetKind>,
    pub(super) loads: Vec<Load>,
    pub(super) summary: Option<Summary>,
    pub(super) images: u64,
    pub(super) bytes: u64,
    pub(super) unread: u64,
}

pub(super) fn look(work: &Work, options: &Options, counts: &Counts) -> Outcome {
    let mut tally = Tally::new(counts);
    tally.saw(1);
    let target = shown(&work.path);
    let refuse = |mut tally: Tally<'_>, why: &str| {
        tally.not_examined(&target, &work.root, Severity::Medium, why);
        Outcome {
            findings: tally.findings,
            unread: 1,
            ..Outcome::default()
        }
    };
    let links = if work.named {
        Links::Follow
    } else {
        Links::Refuse
    };
    let opened = match open(&work.path, links) {
        Ok(opened) => opened,
        Err(error) => return refuse(tally, &error.to_string()),
    };
    // Most files of a folder are no libraries, which the first page tells.
    let name = work.path.file_name();
    let first = identity(&opened, name);
    let foreign = |code| matches!(code, Code::NotALibrary | Code::EmptyFile);
    if first.images.is_empty() && first.problems.iter().all(|problem| foreign(problem.code)) {
        let stat = os::stat(opened.metadata());
        let is_text = text::look(work, &opened, &stat, &mut tally);
        return if work.named && !is_text {
            refuse(tally, "it is no library")
        } else {
            Outcome {
                findings: tally.findings,
                ..Outcome::default()
            }
        };
    }
    let mut symbols: Vec<SymbolFacts> = Vec::new();
    let is_macho = |format| format == Format::MachO;
    let underscore = first
        .images
        .iter()
        .any(|image| is_macho(image.target.format));
    let found = scan(
        &opened,
        name,
        &mut |image: usize, symbol: SymbolView<'_>| {
            if symbols.len() <= image {
                symbols.resize_with(image.saturating_add(1), SymbolFacts::default);
            }
            if let Some(facts) = symbols.get_mut(image) {
                facts.see(symbol, underscore);
            }
        },
    );
    symbols.resize_with(found.images.len(), SymbolFacts::default);
    let subject = FileSubject {
        path: &work.path,
        options,
        stat: os::stat(opened.metadata()),
        has_capabilities: os::has_capabilities(&work.path),
        opened: &opened,
        scan: &found,
        symbols: &symbols,
    };
    let context = context(work, &subject);
    tally.ask(&target, &context, &work.root, |rule, sink| {
        match rule.check {
            Check::File(check) if applies(rule.kinds, &subject) => Some(check(&subject, sink)),
            _ => None,
        }
    });
    Outcome {
        findings: tally.findings,
        kind: Some(if subject.is_program() {
            TargetKind::Program
        } else {
            TargetKind::Library
        }),
        loads: loads(&work.path, &subject),
        summary: Some(Summary::of(&subject)),
        images: u64::try_from(found.images.len()).unwrap_or(u64::MAX),
        bytes: opened.size(),
        unread: 0,
    }
}

fn context(work: &Work, file: &FileSubject<'_>) -> Context {
    // A program starts it by its mode, a loader finds it by its name, a host knows a plugin by what it says of itself.
    let is_reached = work.named
        || file.is_plugin()
        || file.stat.mode & 0o111 != 0
        || claims_to_be_a_library(&work.path);
    let why = if file.stat.runs_as_owner() {
        "it runs as its owner (setuid or setgid)"
    } else {
        "it runs with capabilities of its own"
    };
    Context {
        privilege: file.is_privileged().then(|| why.to_owned()),
        unreached: (!is_reached).then(|| {
            "nothing is known to load a file of that name that is not executable".to_owned()
        }),
    }
}

/// Whether a rule about files of these kinds is asked. A file that is too damaged for its format to be told is shown to all.
fn applies(kinds: &[SubjectKind], file: &FileSubject<'_>) -> bool {
    let images = &file.scan.images;
    images.is_empty()
        || images.iter().any(|image| {
            kinds.contains(&match image.headers.image.target.format {
                Format::MachO => SubjectKind::MachO,
                Format::Pe => SubjectKind::Pe,
                _ => SubjectKind::Elf,
            })
        })
}

/// What the file asks for, each name once.
fn loads(path: &Path, file: &FileSubject<'_>) -> Vec<Load> {
    let mut names: Vec<&Untrusted> = Vec::new();
    for name in file
        .scan
        .images
        .iter()
        .flat_map(|image| &image.headers.needed)
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let load = |name: &Untrusted| Load {
        from: shown(path),
        name: name.clone(),
        path: None,
    };
    names.into_iter().map(load).collect()
}
