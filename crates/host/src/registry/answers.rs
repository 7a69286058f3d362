//! What any reader of files told of each, kept from one run to the next in the file of a registry.
//!
//! A program that reads very many files has the question of a host: is this the file that was read? So it has the answer of
//! one: the same file format, the same stamps, the same rules of when a stamp says enough, and the same way to write. What
//! it keeps of a file is a text of its own, which stands where a host's registry has the reason against a file.
//!
//! The invariant is that of a registry: what is found is what reading the file again would tell, or is not found.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::draft::{FileDraft, FolderDraft, TooLarge, image};
use super::image::{FileState, Image};
use super::stamp::Stamp;
use super::{Registry, RegistryState, file, identity, read};

/// How many registries of answers one user has of one application: those that were written last.
const MOST: usize = 64;
/// How the names of their files begin.
const PREFIX: &str = "answers-";

/// What a reader of files told of each, as it was kept by an earlier run.
///
/// ```no_run
/// use std::path::Path;
/// use std::time::SystemTime;
///
/// use plugwright_host::{Answer, Answers};
///
/// let (folder, name) = (Path::new("/usr/lib/press"), "libzstd.so");
/// let kept = Answers::of_user("press", "first bytes, version 1");
/// let path = folder.join(name);
/// let file = std::fs::metadata(&path)?;
/// let answer = match kept.as_ref().and_then(|kept| kept.find(kept.folder(folder)?, name.as_ref(), &file)) {
///     Some((answer, text)) => {
///         println!("{text}, as before");
///         Some(answer)
///     }
///     None => {
///         let now = SystemTime::now();
///         let text = format!("{:?}", std::fs::read(&path)?.get(..4));
///         println!("{text}");
///         Answer::new(&file, now, text)
///     }
/// };
/// if let Some(kept) = kept {
///     kept.store([(folder, answer.map(|answer| (name.as_ref(), answer)))]);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Answers {
    registry: Registry,
    identity: [u8; 32],
    /// What an earlier run kept, or why that is not known.
    before: Result<Image, String>,
    /// The first row and the number of rows of each folder.
    folders: HashMap<Vec<u8>, AnsweredFolder>,
}

/// A folder with files of which there are answers, see [`Answers::folder`].
#[derive(Clone, Copy, Debug)]
pub struct AnsweredFolder {
    first: u32,
    files: u32,
}

/// What is to be kept of a file.
#[derive(Debug)]
pub struct Answer(Kept);

#[derive(Debug)]
enum Kept {
    /// What this row says already.
    Before(u32),
    New(Stamp, String),
}

impl Answer {
    /// What was told of a regular file that had this metadata when it was opened, at a time before it was read.
    ///
    /// `None` where that would not say whether the file is the same: it is no regular file, or so young that it can change
    /// once more and keep its times.
    #[must_use]
    pub fn new(file: &Metadata, opened: SystemTime, text: String) -> Option<Self> {
        let stamp = Stamp::of(file);
        (file.is_file() && !stamp.is_fresh(opened)).then_some(Self(Kept::New(stamp, text)))
    }
}

impl Answers {
    /// What this user's earlier runs of the application `app` kept. `reader` says what was asked for: everything besides the
    /// files that an answer depends on, such as how deep they are read and the version of the text's form. Each has a file of
    /// its own, beside the user's registry; those of which the last writing is longest ago are removed when there are more
    /// than 64.
    ///
    /// `None` where there is no folder for it, and in a program with privileges that its caller does not have, as with
    /// [`Registry::for_user`]. Reads the environment.
    #[must_use]
    pub fn of_user(app: &str, reader: &str) -> Option<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&identity()).update(reader.as_bytes());
        let identity = *hasher.finalize().as_bytes();
        let name: String = identity[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let beside = Registry::for_user(app)?;
        let path = beside
            .path()
            .with_file_name(format!("{PREFIX}{name}.registry"));
        let before = read(&path, Some(&identity));
        let mut folders = HashMap::new();
        if let Ok(image) = &before {
            for folder in (0..image.folders()).filter_map(|index| image.folder(index)) {
                let (first, files) = (folder.first_file, folder.files);
                folders.insert(folder.path.to_owned(), AnsweredFolder { first, files });
            }
        }
        Some(Self {
            registry: Registry::at(path),
            identity,
            before,
            folders,
        })
    }

    /// The files of a folder, by the folder's canonical path; `None` if nothing is kept of any.
    #[must_use]
    pub fn folder(&self, path: &Path) -> Option<AnsweredFolder> {
        self.folders.get(path.as_os_str().as_bytes()).copied()
    }

    /// What was told of the file `name` in a folder, if it is the one that it was then: `file` is what the system says of it
    /// now, behind all links. The answer is to be kept again with [`Answers::store`].
    #[must_use]
    pub fn find(
        &self,
        folder: AnsweredFolder,
        name: &OsStr,
        file: &Metadata,
    ) -> Option<(Answer, &str)> {
        let image = self.before.as_ref().ok()?;
        let (mut low, mut high) = (folder.first, folder.first.checked_add(folder.files)?);
        while low < high {
            let middle = low.midpoint(high);
            let row = image.file(middle)?;
            match row.name.cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle.checked_add(1)?,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let is_same = file.is_file() && row.stamp == Stamp::of(file).to_bytes();
                    return is_same.then_some((Answer(Kept::Before(middle)), row.reason));
                }
            }
        }
        None
    }

    /// Keeps the answers for the next run, by canonical folder and name, instead of all that was kept before. Writes nothing
    /// where that is the same. Names that come twice in a folder are kept once.
    pub fn store<'a, N>(self, folders: impl IntoIterator<Item = (&'a Path, N)>) -> RegistryState
    where
        N: IntoIterator<Item = (&'a OsStr, Answer)>,
    {
        let before = self.before.as_ref().ok();
        let draft = |(name, Answer(kept)): (&OsStr, Answer)| {
            let (stamp, text) = match kept {
                Kept::New(stamp, text) => (stamp.to_bytes(), text),
                Kept::Before(row) => {
                    let row = before?.file(row)?;
                    (row.stamp.try_into().ok()?, row.reason.to_owned())
                }
            };
            Some(FileDraft {
                name: name.as_bytes().to_owned(),
                stamp,
                state: FileState::Answered,
                is_doubtful: false,
                reason: text,
                digest: None,
                records: Vec::new(),
            })
        };
        let mut drafts: Vec<FolderDraft> = Vec::new();
        for (path, files) in folders {
            let mut files: Vec<FileDraft> = files.into_iter().filter_map(draft).collect();
            files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            files.dedup_by(|one, other| one.name == other.name);
            let path = path.as_os_str().as_bytes().to_owned();
            drafts.push(FolderDraft { path, files });
        }
        let why = match &self.before {
            Ok(_) => "the files changed".to_owned(),
            Err(why) => why.clone(),
        };
        let Ok(image) = image(&mut drafts, &self.identity, &|_, _| None) else {
            return RegistryState::NotWritten(why, TooLarge.to_string());
        };
        if before.is_some_and(|before| before.bytes() == image.bytes()) {
            return RegistryState::Used;
        }
        let state = self.registry.store(&image, why);
        if before.is_none() && matches!(state, RegistryState::Written(_)) {
            file::keep_latest(self.registry.path(), PREFIX, MOST);
        }
        state
    }
}
