//! Why the dynamic linker refused a file, as far as reading files can tell.
//!
//! The dynamic linker tells one reason, and often one that is not the cause: that a library "cannot be opened" which lies
//! there, built for another processor. Nothing here executes anything, and nothing here is asked unless a load failed.

use crate::error::OsText;
use crate::image::Source;
use crate::loaded::loaded_images;
use crate::os;
use plugwright_inspect::Untrusted;
use plugwright_inspect::closure::{
    ClosureProblem, ClosureProblemKind, Closures, Outcome, Rule, Search, Step,
};
use std::path::Path;

/// The most places that are named for one missing library.
const PLACES: usize = 6;

/// What reading found out about a file that was refused, a sentence each: `name` is what to call it, `path` is what the
/// dynamic linker was given.
pub(crate) fn refusal(name: &Path, path: &Path, source: Source, answer: &OsText) -> Vec<String> {
    let Some(search) = Search::host() else {
        return Vec::new();
    };
    let closure = Closures::new(search).of(path);
    let told = closure
        .problems
        .iter()
        .filter(|problem| concerns(problem, answer));
    let mut sentences = Vec::new();
    for problem in told {
        let image = if problem.index == 0 {
            format!("{name:?}")
        } else {
            format!("\"{}\"", problem.image)
        };
        sentences.extend(sentences_of(problem, &image));
        if problem.index == 0 && source != Source::InPlace && looked_beside(problem, path) {
            sentences.push(
                "$ORIGIN leads nowhere in a copy: load what lies beside the original before it"
                    .into(),
            );
        }
    }
    sentences
}

/// Whether a problem is what the dynamic linker spoke of. Of others it cannot be known whether they are any: the program
/// may have loaded a library that is missing here, or find it through its environment.
fn concerns(problem: &ClosureProblem, answer: &OsText) -> bool {
    // "libx.so: cannot open …", "undefined symbol: f, version V", "version `V' not found": whole words, since names are
    // parts of other names.
    let words = || {
        answer
            .as_str()
            .split(|c: char| c.is_whitespace() || ":,`'()".contains(c))
    };
    let named = |text: &Option<Untrusted>| {
        text.as_ref()
            .is_some_and(|text| words().any(|word| word == text.to_string_lossy()))
    };
    match problem.kind {
        ClosureProblemKind::Damaged => problem.index == 0 || named(&Some(problem.image.clone())),
        ClosureProblemKind::MissingVersion => named(&problem.version),
        ClosureProblemKind::UndefinedSymbol => named(&problem.symbol),
        ClosureProblemKind::TooMany => true,
        // The file itself, for another processor.
        _ if problem.library.is_none() => true,
        _ => named(&problem.library) && !is_loaded(problem.library.as_ref()),
    }
}

fn is_loaded(library: Option<&Untrusted>) -> bool {
    let name = library.map(|name| os::os_string(name.as_bytes()));
    loaded_images()
        .iter()
        .any(|image| image.soname.is_some() && image.soname == name)
}

fn sentences_of(problem: &ClosureProblem, image: &str) -> Vec<String> {
    let text =
        |text: &Option<Untrusted>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    let (library, symbol, version) = (
        text(&problem.library),
        text(&problem.symbol),
        text(&problem.version),
    );
    match problem.kind {
        ClosureProblemKind::NotFound if problem.steps.is_empty() => {
            vec![format!("{image} needs \"{library}\", which is nowhere")]
        }
        ClosureProblemKind::NotFound => {
            let places: Vec<String> = problem.steps.iter().take(PLACES).map(place).collect();
            let more = problem.steps.len().saturating_sub(PLACES);
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            vec![format!(
                "{image} needs \"{library}\", looked for as {}{more}",
                places.join(", ")
            )]
        }
        ClosureProblemKind::WrongArchitecture if library.is_empty() => {
            vec![format!("{image} is for another processor or word size")]
        }
        ClosureProblemKind::WrongArchitecture => {
            let other = problem
                .steps
                .iter()
                .find(|step| step.outcome == Outcome::OtherArchitecture);
            let path = other.map(place).unwrap_or_default();
            vec![format!(
                "{image} needs \"{library}\": {path} is there, but for another processor or word size"
            )]
        }
        ClosureProblemKind::Unreadable => vec![format!(
            "{image} needs \"{library}\", which is there and may not be read"
        )],
        ClosureProblemKind::Damaged => problem
            .faults
            .iter()
            .map(|fault| format!("{image}: {fault}"))
            .collect(),
        ClosureProblemKind::MissingVersion => {
            vec![format!(
                "{image} needs version \"{version}\" of \"{library}\", which does not define it: install a newer one"
            )]
        }
        ClosureProblemKind::UndefinedSymbol => {
            vec![format!(
                "{image} needs the symbol \"{symbol}\", which nothing that it names defines"
            )]
        }
        _ => vec![format!(
            "{image} brings in more libraries than are looked at"
        )],
    }
}

fn place(step: &Step) -> String {
    if step.rule == Rule::Cache && step.outcome == Outcome::Absent {
        return "an entry of the loader's cache".into();
    }
    format!("{:?}", step.path)
}

/// Whether a missing library was looked for in the folder where the copy lies.
fn looked_beside(problem: &ClosureProblem, path: &Path) -> bool {
    let folder = path.parent();
    problem
        .steps
        .iter()
        .any(|step| folder.is_some_and(|folder| step.path.starts_with(folder)))
}
