//! Reading one file for a listing, as deep as the filter needs it.

use std::path::Path;
use std::time::SystemTime;

use plugwright_inspect::{Group, Opened, PluginKind, Problem};
use serde::{Deserialize, Serialize};

use super::List;
use super::kept::{self, Before};
use super::plugin::Plugin;
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

impl Reading {
    /// Adds the plugins that are in a file, and returns what is wrong with it.
    fn of(self, file: &Opened, path: &Path, plugins: &mut Vec<Plugin>) -> Vec<Problem> {
        let name = path.file_name();
        match self {
            Self::Identity => {
                let found = plugwright_inspect::identity(file, name);
                for image in &found.images {
                    Plugin::add(image, Vec::new(), self, plugins);
                }
                found.problems
            }
            Self::Kinds => {
                let found = plugwright_inspect::kinds(file, name);
                for found in found.images {
                    Plugin::add(&found.image, found.kinds, self, plugins);
                }
                found.problems
            }
            Self::Headers => {
                let found = plugwright_inspect::headers(file, name);
                for headers in &found.images {
                    Plugin::add(&headers.image, Vec::new(), self, plugins);
                }
                found.problems
            }
        }
    }
}

/// What reading a file told, without its path and before any filter.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Plugin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Trouble>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed: Option<Passed>,
    /// The system failed to read, which another attempt may not.
    #[serde(skip)]
    has_failed: bool,
}

impl Told {
    /// Of what could not be opened.
    fn of_trouble(trouble: Trouble) -> Self {
        Self {
            problems: vec![trouble],
            ..Self::default()
        }
    }

    /// Whether it depends on more than the file.
    pub(super) const fn is_of_the_moment(&self) -> bool {
        self.has_failed
    }
}

impl List {
    /// What the item at `at` has for the listing. `before` is what an earlier one kept.
    pub(super) fn read(&self, scan: &Scan, at: usize, before: Option<&Before>) -> Answer {
        let (path, item) = scan.item(at);
        let mut kept = None;
        let mut is_new = false;
        let told = if let Item::Unreadable(error) = item {
            Told::of_trouble(Trouble::of_folder(error))
        } else if let Some((told, answer)) = before.and_then(|before| before.find(scan, at, &path))
        {
            kept = Some(answer);
            told
        } else {
            let opened = before.map(|_| SystemTime::now());
            match scan.open(at, &path) {
                Ok(file) => {
                    let told = self.read_file(&file, &path);
                    if let Some(opened) = opened {
                        kept = kept::answer(&told, file.metadata(), opened);
                        is_new = true;
                    }
                    told
                }
                Err(error) => Told::of_trouble(Trouble::of_open(&error)),
            }
        };
        let mut plugins = told.plugins;
        plugins.retain(|plugin| !self.problems && self.filter.takes(plugin));
        Answer {
            path: path.into(),
            plugins,
            problems: told.problems,
            passed: told.passed,
            kept,
            is_new,
        }
    }

    fn read_file(&self, file: &Opened, path: &Path) -> Told {
        let mut plugins = Vec::new();
        let mut problems = self.filter.reading().of(file, path, &mut plugins);
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
}
