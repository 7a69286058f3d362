//! `plugwright why`: what a library brings in, and why it would not load.

mod tree;

use std::io;
use std::path::{Path, PathBuf};

use plugwright_inspect::Untrusted;
use plugwright_inspect::closure::{
    Closure, ClosureImage, ClosureProblem, ClosureProblemKind, Closures, Outcome, Rule, Search,
    Step,
};
use serde::Serialize;

use super::report::{PathText, Trouble};
use crate::exit::Exit;
use crate::output::demangle::demangle;
use crate::output::{self, Output};

const EXAMPLES: &str = "\
Examples:
  plugwright why libthing.so
  plugwright why --library-path build/lib --library-path /opt/app/lib libthing.so
  plugwright why --format json libthing.so | jq '.problems[].library'";

/// Tell what a library brings in when it is loaded, and why it would not load
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Why {
    /// The library or program
    file: PathBuf,

    /// A folder that the loader is told of by `LD_LIBRARY_PATH`; the variable itself is not read. Give it again for
    /// further folders
    #[arg(long, value_name = "DIR")]
    library_path: Vec<PathBuf>,

    /// A tree for people, or one JSON object as docs/cli.md describes it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Why {
    /// Finds the closure and prints it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the loader takes relative folders against the current one, so the answer has to"
    )]
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let Some(mut search) = Search::host() else {
            output::complain("why knows the loaders of systems with ELF libraries only");
            return Ok(Exit::Problems);
        };
        search.library_path.clone_from(&self.library_path);
        search.current_folder = std::env::current_dir().ok();
        let path = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        let closure = Closures::new(search).of(&path);
        match self.format {
            Format::Text => tree::print(&self.file, &closure, output)?,
            Format::Json => output.json(&Answer::of(&self.file, &closure))?,
        }
        Ok(if closure.would_load() {
            Exit::Good
        } else {
            Exit::Problems
        })
    }
}

/// The result as JSON has it.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    path: PathText,
    images: Vec<ImageText<'a>>,
    problems: Vec<ProblemText<'a>>,
}

#[derive(Debug, Serialize)]
struct ImageText<'a> {
    name: &'a Untrusted,
    #[serde(flatten)]
    path: FoundPath,
    needed_by: &'a [usize],
    steps: Vec<StepText>,
}

/// The path of an image, `null` where it was not found.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum FoundPath {
    Found(PathText),
    Nowhere { path: () },
}

#[derive(Debug, Serialize)]
struct StepText {
    rule: Rule,
    #[serde(flatten)]
    path: PathText,
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
struct ProblemText<'a> {
    kind: ClosureProblemKind,
    image: &'a Untrusted,
    image_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<&'a Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demangled: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a Untrusted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Trouble>,
}

impl<'a> Answer<'a> {
    fn of(path: &Path, closure: &'a Closure) -> Self {
        Self {
            path: PathText::from(path),
            images: closure.images.iter().map(ImageText::of).collect(),
            problems: closure.problems.iter().map(ProblemText::of).collect(),
        }
    }
}

impl<'a> ImageText<'a> {
    fn of(image: &'a ClosureImage) -> Self {
        Self {
            name: &image.name,
            path: match &image.path {
                Some(path) => FoundPath::Found(PathText::from(path.as_path())),
                None => FoundPath::Nowhere { path: () },
            },
            needed_by: &image.needed_by,
            steps: StepText::all(&image.steps),
        }
    }
}

impl StepText {
    fn all(steps: &[Step]) -> Vec<Self> {
        let text = |step: &Step| Self {
            rule: step.rule,
            path: PathText::from(step.path.as_path()),
            outcome: step.outcome,
        };
        steps.iter().map(text).collect()
    }
}

impl<'a> ProblemText<'a> {
    fn of(problem: &'a ClosureProblem) -> Self {
        let symbol = problem.symbol.as_ref();
        Self {
            kind: problem.kind,
            image: &problem.image,
            image_index: problem.index,
            library: problem.library.as_ref(),
            symbol,
            demangled: symbol.and_then(|symbol| demangle(symbol.as_bytes())),
            version: problem.version.as_ref(),
            steps: StepText::all(&problem.steps),
            faults: problem.faults.iter().map(Trouble::of_problem).collect(),
        }
    }
}
