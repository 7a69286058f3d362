//! What earlier listings read, kept in this user's cache: a file that is the same is not opened.
//!
//! Of each file it is kept what reading it told, before any filter and without its path, so that a listing is the same with
//! it and without.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use plugwright_host::{Answer, AnsweredFolder, Answers};

use super::List;
use super::read::Told;
use crate::walk::Scan;

/// Fewer files are read as fast as a file that tells of them.
const WORTH: usize = 64;

/// What an earlier listing of the same folders kept.
#[derive(Debug)]
pub(super) struct Before {
    answers: Answers,
    /// By the scan's numbers of folders.
    folders: Vec<Option<AnsweredFolder>>,
}

/// What is to be kept for the next one.
#[derive(Debug, Default)]
pub(super) struct After {
    /// By the scan's numbers of files.
    files: Vec<Option<Answer>>,
    has_new: bool,
}

impl Before {
    /// What is known of a scan's files. `None` where it would not pay, is not wanted or cannot be.
    pub(super) fn of(list: &List, scan: &Scan) -> Option<Self> {
        if list.no_registry || scan.len() < WORTH {
            return None;
        }
        let answers = Answers::of_user("plugwright", &list.reader()?)?;
        let folders = scan.true_folders().iter();
        let folders = folders.map(|path| answers.folder(path)).collect();
        Some(Self { answers, folders })
    }

    /// What reading the file at `path`, which is the scan's item `at`, would tell.
    pub(super) fn find(&self, scan: &Scan, at: usize, path: &Path) -> Option<(Told, Answer)> {
        let (folder, name) = scan.place(at)?;
        let folder = (*self.folders.get(folder)?)?;
        let (answer, text) = self.answers.find(folder, name, &fs::metadata(path).ok()?)?;
        Some((serde_json::from_str(text).ok()?, answer))
    }

    /// Keeps what was read, if anything was.
    pub(super) fn store(self, scan: &Scan, after: After) {
        if !after.has_new {
            return;
        }
        let mut folders: BTreeMap<usize, Vec<(&OsStr, Answer)>> = BTreeMap::new();
        for (at, answer) in after.files.into_iter().enumerate() {
            if let (Some(answer), Some((folder, name))) = (answer, scan.place(at)) {
                folders.entry(folder).or_default().push((name, answer));
            }
        }
        let paths = scan.true_folders();
        let folders = folders.into_iter();
        // What cannot be kept costs time at the next listing, and nobody asked for it.
        let _state = self
            .answers
            .store(folders.map(|(folder, files)| (&*paths[folder], files)));
    }
}

impl After {
    /// Takes the next file's answer, and whether it was read now.
    pub(super) fn take(&mut self, answer: Option<Answer>, is_new: bool) {
        self.has_new |= is_new && answer.is_some();
        self.files.push(answer);
    }
}

/// The answer to be kept for a file with this metadata when it was opened.
pub(super) fn answer(told: &Told, file: &Metadata, opened: SystemTime) -> Option<Answer> {
    // Reading again may succeed.
    if told.is_of_the_moment() {
        return None;
    }
    Answer::new(file, opened, serde_json::to_string(told).ok()?)
}

impl List {
    /// Everything besides the files that an answer depends on, and what makes another set of files.
    fn reader(&self) -> Option<String> {
        let mut reader = format!("list {:?} {}", self.filter.reading(), self.recursive);
        let program = std::env::current_exe().ok()?;
        let build = fs::metadata(&program).ok()?;
        // Another build may read in another way, whatever its version is.
        write!(
            reader,
            " {program:?} {} {:?}",
            build.len(),
            build.modified().ok()?
        )
        .ok()?;
        for pattern in &self.exclude {
            write!(reader, " -{pattern:?}").ok()?;
        }
        let folders = self.folders.iter();
        for folder in folders.filter_map(|folder| fs::canonicalize::<&PathBuf>(folder).ok()) {
            write!(reader, " {folder:?}").ok()?;
        }
        Some(reader)
    }
}
