//! Reading one file for a listing, as deep as the filter needs it.

use std::path::Path;

use plugwright_inspect::{Group, Links, Opened, PluginKind, Problem, Recognised};

use super::List;
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
}

/// Why a file is merely counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl List {
    /// What the item at `at` has for the listing.
    pub(super) fn read(&self, scan: &Scan, at: usize) -> Answer {
        let (path, item) = scan.item(at);
        let mut answer = Answer {
            path: PathText::from(path.as_path()),
            plugins: Vec::new(),
            problems: Vec::new(),
            passed: None,
        };
        match item {
            Item::Unreadable(error) => answer.problems.push(Trouble::of_folder(error)),
            Item::File => match plugwright_inspect::open(&path, Links::Follow) {
                Ok(file) => self.read_file(&file, &path, &mut answer),
                Err(error) => answer.problems.push(Trouble::of_open(&error)),
            },
        }
        answer
    }

    fn read_file(&self, file: &Opened, path: &Path, answer: &mut Answer) {
        let (images, mut problems) = self.filter.reading().of(file, path);
        let plugins: Vec<Plugin> = images
            .into_iter()
            .flat_map(|(image, kinds)| Plugin::of(path, &image, kinds))
            .collect();
        let is_foreign = |problem: &Problem| problem.code.group() == Group::Foreign;
        if problems.iter().any(is_foreign) && !walk::claims_to_be_a_library(path) {
            // A module of the kernel is no library, and a plugin all the same.
            if plugins
                .iter()
                .all(|plugin| plugin.kind != PluginKind::KernelModule)
            {
                answer.passed = Some(Passed::OtherFile);
                return;
            }
            problems.retain(|problem| !is_foreign(problem));
        }
        if plugins.is_empty() && problems.is_empty() {
            answer.passed = Some(Passed::Library);
        }
        let wanted = plugins
            .into_iter()
            .filter(|plugin| !self.problems && self.filter.takes(plugin));
        answer.plugins = wanted.collect();
        answer.problems = problems.iter().map(Trouble::of_problem).collect();
    }
}
