//! Reading one file for a listing, as deep as the filter needs it.

use std::path::Path;
use std::time::SystemTime;

use plugwright_inspect::{Group, Opened, PluginKind, Problem, Recognised};
use serde::{Deserialize, Serialize};

use super::List;
use super::kept::{self, Before};
use super::plugin::{Plugin, Unplaced};
use crate::commands::report::{PathText, Trouble};
use crate::walk::{self, Item, Scan};

/// What a file has for the listing.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) path: PathText,
    pub(super) plugins: Vec<Plugin>,
    pub(super) problems: Vec<Trouble>,
    pub(super) passed: Option<Passed>,
    /// What is to be kept for the next listing.
    pub(super) kept: Option<plugwright_host::Answer>,
    /// Whether it was read now.
    pub(super) is_new: bool,
}

/// Why a file is merely counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Passed {
    /// A library without a plugin in it.
    Library,
    /// No library, and it does not claim to be one.
    OtherFile,
}

/// How deep a file is read, see `plugwright_inspect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The least: what a file says of itself.
    Identity,
    /// Also the names of its exports, by which other systems' plugins are recognised.
    Kinds,
    /// All headers, and with them the application's own metadata in Plugwright's records.
    Headers,
}

type Images = Vec<(plugwright_inspect::Image, Vec<Recognised>)>;

impl Reading {
    fn of(self, file: &Opened, path: &Path) -> (Images, Vec<Problem>) {
        let name = path.file_name();
        match self {
            Self::Identity => {
                let found = plugwright_inspect::identity(file, name);
                let images = found.images.into_iter().map(|image| (image, Vec::new()));
                (images.collect(), found.problems)
            }
            Self::Kinds => {
                let found = plugwright_inspect::kinds(file, name);
                let images = found.images.into_iter();
                let images = images.map(|found| (found.image, found.kinds));
                (images.collect(), found.problems)
            }
            Self::Headers => {
                let found = plugwright_inspect::headers(file, name);
                let images = found.images.into_iter();
                let images = images.map(|headers| (headers.image, Vec::new()));
                (images.collect(), found.problems)
            }
        }
    }
}

/// What reading a file told, without its path and before any filter.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Unplaced>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Trouble>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed: Option<Passed>,
    /// The system failed to read, which another attempt may not.
    #[serde(skip)]
    has_failed: bool,
}

impl Told {
    /// Whether it depends on more than the file.
    pub(super) const fn is_of_the_moment(&self) -> bool {
        self.has_failed
    }
}

impl List {
    /// What the item at `at` has for the listing. `before` is what an earlier one kept.
    pub(super) fn read(&self, scan: &Scan, at: usize, before: Option<&Before>) -> Answer {
        let (path, item) = scan.item(at);
        let mut answer = Answer {
            path: PathText::from(path.as_path()),
            plugins: Vec::new(),
            problems: Vec::new(),
            passed: None,
            kept: None,
            is_new: false,
        };
        if let Item::Unreadable(error) = item {
            answer.problems.push(Trouble::of_folder(error));
            return answer;
        }
        if let Some((told, kept)) = before.and_then(|before| before.find(scan, at, &path)) {
            answer.kept = Some(kept);
            self.tell(told, &path, &mut answer);
            return answer;
        }
        let opened = SystemTime::now();
        match scan.open(at, &path) {
            Ok(file) => {
                let told = self.read_file(&file, &path);
                if before.is_some() {
                    answer.kept = kept::answer(&told, file.metadata(), opened);
                    answer.is_new = true;
                }
                self.tell(told, &path, &mut answer);
            }
            Err(error) => answer.problems.push(Trouble::of_open(&error)),
        }
        answer
    }

    fn read_file(&self, file: &Opened, path: &Path) -> Told {
        let reading = self.filter.reading();
        let (images, mut problems) = reading.of(file, path);
        let mut plugins = Vec::new();
        for (image, kinds) in images {
            Unplaced::add(&image, kinds, reading, &mut plugins);
        }
        let mut told = Told {
            has_failed: (problems.iter()).any(|problem| problem.code.group() == Group::Reading),
            ..Told::default()
        };
        let is_foreign = |problem: &Problem| problem.code.group() == Group::Foreign;
        if problems.iter().any(is_foreign) && !walk::claims_to_be_a_library(path) {
            // A module of the kernel is no library, and a plugin all the same.
            if plugins
                .iter()
                .all(|plugin| plugin.kind != PluginKind::KernelModule)
            {
                told.passed = Some(Passed::OtherFile);
                return told;
            }
            problems.retain(|problem| !is_foreign(problem));
        }
        if plugins.is_empty() && problems.is_empty() {
            told.passed = Some(Passed::Library);
        }
        told.plugins = plugins;
        told.problems = problems.iter().map(Trouble::of_problem).collect();
        told
    }

    /// Chooses what the listing is to have of what a file told.
    fn tell(&self, told: Told, path: &Path, answer: &mut Answer) {
        let plugins = told.plugins.into_iter();
        let plugins = plugins.map(|found| Plugin::at(path, found));
        let wanted = plugins.filter(|plugin| !self.problems && self.filter.takes(plugin));
        answer.plugins = wanted.collect();
        answer.problems = told.problems;
        answer.passed = told.passed;
    }
}
