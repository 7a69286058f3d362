//! Looking at one file: what its headers and symbols say, and what every rule about files says of that.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use plugwright_inspect::closure::{Closure, ClosureImage, Closures};

use plugwright_inspect::{
    Code, Format, Kind, Links, ReadAt, Scan, SymbolView, Target, Untrusted, open, scan,
};

use super::tally::{Counts, Tally};
use super::text;
use crate::comparison::{Comparison, Version};
use crate::context::Context;
use crate::deployment::{Summary, claims_to_be_a_library, folder_of};
use crate::finding::Finding;
use crate::options::{Options, Tier};
use crate::os::{self, Stat};
use crate::ownership::Ownership;
use crate::report::Load;
use crate::rule::{Check, SubjectKind};
use crate::rules::{d02, parts};
use crate::subject::{ClosureSubject, FileSubject, Folders, Held, shown};
use crate::target::TargetKind;
use crate::watched::SymbolFacts;
use plugwright_trust::Severity;

/// A file to look at.
#[derive(Debug)]
pub(super) struct Work {
    /// The position of its target.
    pub(super) target: usize,
    pub(super) path: PathBuf,
    /// Whether it was named itself, so that being no library is worth a word.
    pub(super) named: bool,
    /// Whether links lead to it: not below a folder, where they are told as what they are.
    pub(super) follow: bool,
    /// Why what loads it has more rights than others, if that is known.
    pub(super) privilege: Option<&'static str>,
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
    /// The libraries that the loader loads with what was named.
    pub(super) brings_in: Vec<PathBuf>,
    /// Why these run with more rights than who starts the file, if they do.
    pub(super) gives_rights: Option<&'static str>,
    /// Whether it is a text that chooses the folders in which libraries are looked for.
    pub(super) steers: bool,
    pub(super) images: u64,
    pub(super) bytes: u64,
    pub(super) unread: u64,
}

/// What all files are looked at with.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    pub(super) options: &'a Options,
    pub(super) ownership: &'a Ownership,
    pub(super) counts: &'a Counts,
    /// Finds what a library brings in; `None` in reviews that do not look.
    pub(super) closures: Option<&'a Closures>,
    pub(super) folders: Folders,
}

pub(super) fn look(work: &Work, tools: &Tools<'_>) -> Outcome {
    let Tools {
        options, counts, ..
    } = tools;
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
    let links = if work.follow {
        Links::Follow
    } else {
        Links::Refuse
    };
    let opened = match open(&work.path, links) {
        Ok(opened) => opened,
        Err(error) => return refuse(tally, &error.to_string()),
    };
    let held = Held::new(&opened);
    let (found, symbols) = images(&held, work.path.file_name());
    // Most files of a folder are no libraries, which the first page tells.
    let foreign = |code| matches!(code, Code::NotALibrary | Code::EmptyFile);
    if found.images.is_empty() && found.problems.iter().all(|problem| foreign(problem.code)) {
        let stat = os::stat(opened.metadata());
        let steers = text::look(work, &held, &stat, &mut tally);
        return if work.named && steers.is_none() {
            refuse(tally, "it is no library")
        } else {
            Outcome {
                findings: tally.findings,
                steers: steers.unwrap_or_default(),
                ..Outcome::default()
            }
        };
    }
    let subject = FileSubject {
        path: &work.path,
        options,
        folders: &tools.folders,
        stat: os::stat(opened.metadata()),
        has_capabilities: os::has_capabilities(opened.file()),
        opened: &held,
        scan: &found,
        symbols: &symbols,
    };
    let context = context(work, &subject, tools);
    tally.ask(&target, &context, &work.root, |rule, sink| {
        match rule.check {
            Check::File(check) if applies(rule.kinds, &subject) => Some(check(&subject, sink)),
            _ => None,
        }
    });
    compare(work, &subject, &context, tools, &mut tally);
    let mut loads = loads(&work.path, &subject);
    let closure = closure(work, &subject, tools);
    if let Some(closure) = &closure {
        let subject = ClosureSubject {
            scan: &found,
            closure,
            is_program: subject.is_program(),
        };
        tally.ask(&target, &context, &work.root, |rule, sink| {
            match rule.check {
                Check::Closure(check) => Some(check(&subject, sink)),
                _ => None,
            }
        });
        for load in &mut loads {
            let same = |image: &&ClosureImage| image.name == load.name;
            let image = closure.images.iter().skip(1).find(same);
            load.path = image.and_then(|image| image.path.as_deref()).map(shown);
        }
    }
    // Of what was named, every place where the loader looks is looked at as well.
    let closure = closure.filter(|_| work.named);
    if let Some(closure) = &closure {
        searched(closure, &target, &work.root, tools, &mut tally);
    }
    Outcome {
        findings: tally.findings,
        brings_in: closure.map_or_else(Vec::new, |closure| {
            let images = closure.images.into_iter().skip(1);
            images.filter_map(|image| image.path).collect()
        }),
        gives_rights: (subject.is_program() && subject.is_privileged())
            .then_some("a program that runs with more rights than who starts it loads it"),
        kind: Some(if subject.is_program() {
            TargetKind::Program
        } else {
            TargetKind::Library
        }),
        loads,
        summary: Some(Summary::of(&subject)),
        steers: false,
        images: u64::try_from(found.images.len()).unwrap_or(u64::MAX),
        bytes: opened.size(),
        unread: 0,
    }
}

/// The images of a file, and what rules want to know of the symbols of each.
fn images(file: &Held<'_>, name: Option<&OsStr>) -> (Scan, Vec<SymbolFacts>) {
    let mut symbols: Vec<SymbolFacts> = Vec::new();
    let mut see = |image: usize, symbol: SymbolView<'_>| {
        if symbols.len() <= image {
            symbols.resize_with(image.saturating_add(1), SymbolFacts::default);
        }
        if let Some(facts) = symbols.get_mut(image) {
            facts.see(symbol);
        }
    };
    let found = scan(file, name, &mut see);
    symbols.resize_with(found.images.len(), SymbolFacts::default);
    for (image, facts) in found.images.iter().zip(&mut symbols) {
        facts.settle(image.headers.image.target.format == Format::MachO);
    }
    (found, symbols)
}

/// Asks every rule about one file alone of bytes that somebody holds, whatever lies at `path` by now.
///
/// Nothing is known of who may write the file or who runs it: that is for whoever asks. What is no library is a finding.
#[must_use]
pub fn review_bytes(bytes: &dyn ReadAt, path: &Path) -> Vec<Finding> {
    let held = Held::new(bytes);
    let (found, symbols) = images(&held, path.file_name());
    let counts = Counts::new();
    let mut tally = Tally::new(&counts);
    let (target, root) = (shown(path), folder_of(path));
    if found.images.is_empty() {
        tally.not_examined(
            &target,
            root,
            Severity::High,
            "it is no library that can be read",
        );
    }
    let subject = FileSubject {
        path,
        options: &Options::new(Tier::Files),
        folders: &Folders::default(),
        stat: Stat::default(),
        has_capabilities: false,
        opened: &held,
        scan: &found,
        symbols: &symbols,
    };
    tally.ask(
        &target,
        &Context::default(),
        root,
        |rule, sink| match rule.check {
            Check::File(check) if applies(rule.kinds, &subject) => Some(check(&subject, sink)),
            _ => None,
        },
    );
    tally.findings
}

/// Compares the file with its older version, if one was given.
fn compare(
    work: &Work,
    file: &FileSubject<'_>,
    context: &Context,
    tools: &Tools<'_>,
    tally: &mut Tally<'_>,
) {
    let Some(against) = &tools.options.against else {
        return;
    };
    let target = shown(&work.path);
    let path = match work.path.strip_prefix(&work.root) {
        Ok(below) if against.is_dir() => against.join(below),
        _ if work.named => against.clone(),
        _ => return,
    };
    let old = match open(&path, Links::Follow) {
        Ok(old) => old,
        Err(error) => {
            let why = format!("its older version: {error}");
            tally.not_examined(&target, &work.root, Severity::Medium, &why);
            return;
        }
    };
    let scanned = scan(&old, path.file_name(), &mut |_, _| {});
    let comparison = Comparison {
        old: Version::read(&old, &scanned, &parts::executable(&scanned)),
        new: Version::read(file.opened, file.scan, &parts::executable(file.scan)),
    };
    tally.ask(&target, context, &work.root, |rule, sink| {
        match rule.check {
            Check::Comparison(check) if applies(rule.kinds, file) => Some(check(&comparison, sink)),
            _ => None,
        }
    });
}

/// All that the file brings in, if its loader is this system's.
fn closure(work: &Work, file: &FileSubject<'_>, tools: &Tools<'_>) -> Option<Closure> {
    let closures = tools.closures?;
    let (image, elf) = file.elf()?;
    let is_loaded = matches!(image.image.kind, Kind::SharedLibrary | Kind::Executable);
    // Without a dynamic section nothing is loaded with it.
    if !is_loaded || elf.dynamic_entries.is_empty() || Target::host()? != image.image.target {
        return None;
    }
    let path = std::path::absolute(&work.path).ok()?;
    Some(closures.of(&path))
}

/// Asks about every folder in which the loader looks before it finds what it needs.
fn searched(
    closure: &Closure,
    target: &Untrusted,
    root: &Path,
    tools: &Tools<'_>,
    tally: &mut Tally<'_>,
) {
    let steps = closure.images.iter().flat_map(|image| &image.steps);
    let folders: BTreeSet<&Path> = steps.filter_map(|step| step.path.parent()).collect();
    let context = Context::default();
    tally.ask(target, &context, root, |rule, sink| {
        if *rule != d02::RULE {
            return None;
        }
        for folder in &folders {
            d02::look_searched(folder, tools.ownership, sink);
        }
        u64::try_from(folders.len()).ok()
    });
}

fn context(work: &Work, file: &FileSubject<'_>, tools: &Tools<'_>) -> Context {
    // A program starts it by its mode, a loader finds it by its name, a host knows a plugin by what it says of itself.
    let is_reached = work.named
        || work.privilege.is_some()
        || file.is_plugin()
        || file.stat.mode & 0o111 != 0
        || claims_to_be_a_library(&work.path);
    let own = if file.stat.runs_as_owner() {
        Some("it runs as its owner (setuid or setgid)")
    } else if file.has_capabilities {
        Some("it runs with capabilities of its own")
    } else {
        work.privilege
    };
    // Of what processes execute and of what others bring in, rules of their own ask this.
    let is_deployed = work.named || !work.follow;
    let writable = is_deployed
        .then(|| {
            tools
                .folders
                .writable(folder_of(&work.path), tools.ownership)
        })
        .flatten();
    Context {
        privilege: own.map(str::to_owned),
        exposed: writable.map(|folder| {
            format!(
                "others can put something else in its place, for they can write {}",
                shown(&folder)
            )
        }),
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
