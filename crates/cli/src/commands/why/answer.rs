//! The results of `plugwright why` as JSON has them; docs/cli.md describes them.

use std::borrow::Cow;
use std::path::Path;

use plugwright_inspect::closure::{
    Closure, ClosureImage, ClosureProblem, ClosureProblemKind, Outcome, Rule, Step,
};
use plugwright_inspect::{Target, Untrusted};
use serde::Serialize;

use super::architecture;
use crate::commands::report::{PathText, Trouble};
use crate::output::demangle::demangle;

/// The result for one file.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
}

#[derive(Debug, Serialize)]
struct ProblemText<'a> {
    kind: ClosureProblemKind,
    image: Cow<'a, Untrusted>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Target>,
}

impl<'a> Answer<'a> {
    /// The answer about the file that was given as `path`.
    pub(super) fn of(path: &Path, closure: &'a Closure) -> Self {
        Self {
            path: PathText::from(path),
            images: closure.images.iter().map(ImageText::of).collect(),
            problems: closure
                .problems
                .iter()
                .map(|problem| ProblemText::of(closure, problem))
                .collect(),
        }
    }

    /// The answer about a folder that could not be read.
    pub(super) fn of_folder(path: &Path) -> Self {
        let unreadable = ProblemText {
            kind: ClosureProblemKind::Unreadable,
            image: Cow::Owned(path.as_os_str().as_encoded_bytes().into()),
            image_index: 0,
            library: None,
            symbol: None,
            demangled: None,
            version: None,
            steps: Vec::new(),
            faults: Vec::new(),
            expected: None,
            found: None,
        };
        Self {
            path: PathText::from(path),
            images: Vec::new(),
            problems: vec![unreadable],
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
            target: architecture::of_step(step),
        };
        steps.iter().map(text).collect()
    }
}

impl<'a> ProblemText<'a> {
    fn of(closure: &Closure, problem: &'a ClosureProblem) -> Self {
        let (expected, found) = architecture::of_problem(closure, problem).unzip();
        let symbol = problem.symbol.as_ref();
        Self {
            kind: problem.kind,
            image: Cow::Borrowed(&problem.image),
            image_index: problem.index,
            library: problem.library.as_ref(),
            symbol,
            demangled: symbol.and_then(|symbol| demangle(symbol.as_bytes())),
            version: problem.version.as_ref(),
            steps: StepText::all(&problem.steps),
            faults: problem.faults.iter().map(Trouble::of_problem).collect(),
            expected,
            found,
        }
    }
}
