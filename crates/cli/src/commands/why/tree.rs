//! The closure as a tree: each library once, below the one that brings it in, with what is wrong at its place.
//!
//! After the tree the reasons stand once more, each with the chain of those that need the culprit, because in a tree
//! of a hundred libraries the end is what stays on the screen.

use std::io;
use std::path::Path;

use plugwright_inspect::closure::{
    Closure, ClosureProblem, ClosureProblemKind, Outcome, Rule, Step,
};
use plugwright_inspect::{Target, Untrusted};

use super::architecture;
use crate::commands::report::Trouble;
use crate::output::demangle::demangle;
use crate::output::{Output, Style, escape};

/// How many symbols of one image are told; JSON has all.
const SYMBOLS: usize = 10;

/// Prints the tree and the reasons.
pub(super) fn print(file: &Path, closure: &Closure, output: &mut Output) -> io::Result<()> {
    let tree = Tree::of(file, closure);
    // Not recursive: how deep the tree is, files decide.
    let mut open = vec![(0, String::new(), "")];
    while let Some((index, indent, branch)) = open.pop() {
        let below = match branch {
            "" => indent.clone(),
            "└── " => format!("{indent}    "),
            _ => format!("{indent}│   "),
        };
        tree.print_image(index, &format!("{indent}{branch}"), &below, output)?;
        let last_first = tree.children[index].iter().rev().enumerate();
        open.extend(last_first.map(|(place, child)| {
            let branch = if place == 0 {
                "└── "
            } else {
                "├── "
            };
            (*child, below.clone(), branch)
        }));
    }
    output.line("")?;
    if closure.would_load() {
        let file = escape::path(file);
        return output.line(&match closure.images.len() - 1 {
            1 => format!("{file} would load, with 1 library"),
            number => format!("{file} would load, with {number} libraries"),
        });
    }
    tree.print_reasons(output)
}

/// Prints why a library would not load, without the tree.
pub(super) fn print_reasons(file: &Path, closure: &Closure, output: &mut Output) -> io::Result<()> {
    Tree::of(file, closure).print_reasons(output)
}

struct Tree<'a> {
    /// The file, as it was given.
    file: &'a Path,
    closure: &'a Closure,
    /// Of each image, those that it brings in: that the loader first needs for it.
    children: Vec<Vec<usize>>,
    /// Of each image, what is wrong at its place.
    problems: Vec<Vec<&'a ClosureProblem>>,
}

impl<'a> Tree<'a> {
    fn of(file: &'a Path, closure: &'a Closure) -> Self {
        let mut children = vec![Vec::new(); closure.images.len()];
        for (index, image) in closure.images.iter().enumerate().skip(1) {
            if let Some(parent) = image.needed_by.first() {
                children[*parent].push(index);
            }
        }
        let mut problems = vec![Vec::new(); closure.images.len()];
        for problem in &closure.problems {
            problems[culprit(closure, problem)].push(problem);
        }
        Self {
            file,
            closure,
            children,
            problems,
        }
    }

    /// Prints an image's line and what is wrong with it.
    fn print_image(
        &self,
        index: usize,
        start: &str,
        below: &str,
        output: &mut Output,
    ) -> io::Result<()> {
        let mut name = self.name(index);
        if !self.problems[index].is_empty() {
            name = output.styled(Style::Problem, &name);
        }
        let path = self.closure.images[index].path.as_deref();
        let path = path
            .filter(|_| index != 0)
            .map_or_else(String::new, |path| {
                output.styled(Style::Dim, &format!("  {}", escape::path(path)))
            });
        output.line(&format!("{start}{name}{path}"))?;
        let bar = if self.children[index].is_empty() {
            "  "
        } else {
            "│ "
        };
        for ancestor in self.cycles(index) {
            let text = format!("needs {ancestor} again: a cycle, which does no harm");
            let text = output.styled(Style::Dim, &text);
            output.line(&format!("{below}{bar}{text}"))?;
        }
        for line in self.wrong_with(index) {
            let text = match line {
                Line::Reason(text) => output.styled(Style::Problem, &format!("✗ {text}")),
                Line::Detail(text) => format!("    {text}"),
            };
            output.line(&format!("{below}{bar}{text}"))?;
        }
        Ok(())
    }

    /// The names of those above an image, and of itself, that it needs.
    fn cycles(&self, index: usize) -> Vec<String> {
        let images = &self.closure.images;
        let mut names = Vec::new();
        let mut above = index;
        loop {
            if images[above].needed_by.contains(&index) {
                names.push(self.name(above));
            }
            match images[above].needed_by.first() {
                Some(parent) if above != 0 => above = *parent,
                _ => return names,
            }
        }
    }

    /// How an image is called: the file as it was given, others as they are needed; escaped.
    fn name(&self, index: usize) -> String {
        if index == 0 {
            escape::path(self.file)
        } else {
            self.closure.images[index].name.to_string()
        }
    }

    fn wrong_with(&self, index: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut symbols = 0_usize;
        for problem in &self.problems[index] {
            if problem.kind == ClosureProblemKind::UndefinedSymbol {
                symbols += 1;
                if symbols > SYMBOLS {
                    continue;
                }
            }
            lines.push(Line::Reason(reason(self.closure, problem)));
            let steps = problem.steps.iter();
            lines.extend(steps.map(|step| Line::Detail(step_text(step))));
            let faults = problem.faults.iter();
            lines.extend(faults.map(|fault| Line::Detail(Trouble::of_problem(fault).line())));
        }
        if symbols > SYMBOLS {
            lines.push(Line::Reason(format!(
                "{} more undefined symbols; --format json has all",
                symbols - SYMBOLS
            )));
        }
        lines
    }

    /// The verdict, and of each image with a problem the chain of those that need it.
    fn print_reasons(&self, output: &mut Output) -> io::Result<()> {
        let file = escape::path(self.file);
        let verdict = format!("{file} would not load:");
        output.line(&output.styled(Style::Problem, &verdict))?;
        // What is missing itself comes before what is missing because of it.
        let culprits = self.problems.iter().enumerate();
        let mut culprits: Vec<_> = culprits
            .filter_map(|(index, problems)| Some((index, problems, *problems.first()?)))
            .collect();
        culprits.sort_by_key(|(_, _, first)| is_in_a_library(first));
        for (index, problems, first) in culprits {
            let more = match problems.len() {
                1 => String::new(),
                2 => " (and 1 more reason)".to_owned(),
                number => format!(" (and {} more reasons)", number - 1),
            };
            let name = self.name(index);
            let fault = first.faults.first().map(Trouble::of_problem);
            let fault = fault.map_or_else(String::new, |fault| format!(": {}", fault.line()));
            let perhaps = self.perhaps_of(index, first);
            output.line(&format!(
                "  {name}: {}{perhaps}{fault}{more}",
                reason(self.closure, first)
            ))?;
            let chain = self.chain(index);
            if !chain.is_empty() {
                output.line(&format!("    needed by {}", chain.join(", needed by ")))?;
            }
        }
        Ok(())
    }

    /// For a symbol that nothing defines, the library that may: one that the image itself needs, and that could not be loaded.
    fn perhaps_of(&self, index: usize, problem: &ClosureProblem) -> String {
        if problem.kind != ClosureProblemKind::UndefinedSymbol {
            return String::new();
        }
        let is_absent = |at: &usize| {
            self.closure.images[*at].needed_by.contains(&index)
                && self.problems[*at]
                    .iter()
                    .any(|problem| !is_in_a_library(problem))
        };
        let absent = (0..self.closure.images.len()).find(is_absent);
        absent.map_or_else(String::new, |at| format!(", perhaps of {}", self.name(at)))
    }

    /// Those through which an image comes in, up to the file that was asked about.
    fn chain(&self, index: usize) -> Vec<String> {
        let mut chain = Vec::new();
        let mut at = index;
        while let Some(by) = self.closure.images[at].needed_by.first()
            && at != 0
        {
            at = *by;
            chain.push(self.name(at));
        }
        chain
    }
}

/// Whether a problem is one of a library that is there, and not that a library is not.
fn is_in_a_library(problem: &ClosureProblem) -> bool {
    matches!(
        problem.kind,
        ClosureProblemKind::MissingVersion | ClosureProblemKind::UndefinedSymbol
    )
}

/// The image at whose place a problem is shown: for a library that was not found its own, not its needer's.
fn culprit(closure: &Closure, problem: &ClosureProblem) -> usize {
    let missing = problem.library.as_ref();
    let missing = missing.filter(|_| !is_in_a_library(problem));
    let place = missing.and_then(|library| {
        let absent = |image: &plugwright_inspect::closure::ClosureImage| {
            image.name == *library && image.needed_by.first() == Some(&problem.index)
        };
        closure.images.iter().position(absent)
    });
    place.unwrap_or(problem.index)
}

/// A line below an image.
enum Line {
    Reason(String),
    Detail(String),
}

/// What is wrong, in words; the image at whose line it stands is not named again.
fn reason(closure: &Closure, problem: &ClosureProblem) -> String {
    let text =
        |part: &Option<Untrusted>| part.as_ref().map_or_else(String::new, Untrusted::to_string);
    match problem.kind {
        ClosureProblemKind::NotFound => "not found".to_owned(),
        ClosureProblemKind::WrongArchitecture => match architecture::of_problem(closure, problem) {
            Some((expected, found)) => format!(
                "wrong architecture: it is for {}, and this system is {}",
                architecture::words(&found, &expected),
                architecture::words(&expected, &found)
            ),
            None => "wrong architecture: it is for another processor or word size".to_owned(),
        },
        ClosureProblemKind::Unreadable => "cannot be read".to_owned(),
        ClosureProblemKind::Damaged => "damaged, or no library".to_owned(),
        ClosureProblemKind::MissingVersion => format!(
            "missing version: {} does not define {}",
            text(&problem.library),
            text(&problem.version)
        ),
        ClosureProblemKind::UndefinedSymbol => {
            let mut told = format!("undefined symbol: {}", text(&problem.symbol));
            if let Some(version) = &problem.version {
                told = format!("{told}, version {version}");
            }
            let written = problem.symbol.as_ref();
            match written.and_then(|symbol| demangle(symbol.as_bytes())) {
                Some(written) => format!("{told}: {}", escape::text(&written)),
                None => told,
            }
        }
        ClosureProblemKind::TooMany => {
            "too many libraries: a limit of the reader, the answer is not complete".to_owned()
        }
        _ => "it cannot be loaded".to_owned(),
    }
}

/// A place that was looked into, and what was there.
fn step_text(step: &Step) -> String {
    let rule = match step.rule {
        Rule::Path => "path",
        Rule::RPath => "RPATH",
        Rule::LibraryPath => "--library-path",
        Rule::RunPath => "RUNPATH",
        Rule::Cache => "/etc/ld.so.cache",
        Rule::Default => "default folder",
        _ => "another rule",
    };
    let outcome = match step.outcome {
        Outcome::Found => "taken",
        Outcome::Absent => "not there",
        Outcome::Unreadable => "cannot be read",
        Outcome::OtherArchitecture => {
            let targets = architecture::of_step(step).zip(Target::host());
            let words = targets.map(|(found, host)| architecture::words(&found, &host));
            let other = words.unwrap_or_else(|| "another architecture".to_owned());
            &format!("found, but for {other}")
        }
        Outcome::Damaged => "found, but damaged",
        Outcome::CurrentFolder => "the current folder is unknown",
        _ => "passed over",
    };
    format!("{rule}: {}: {outcome}", escape::path(&step.path))
}
