//! Looking through folders: what is there, without running anything.
//!
//! A folder is listed first, by names and stamps. A file that has the stamp that it had when it was read before is not
//! opened; any other costs one open, one `fstat` and, for an ordinary plugin, one read of its first page. The order
//! is the folders' order, and within a folder the byte order of the names, so that two scans of the same files
//! give the same answer. Nothing is dropped: what is not a plugin is kept with the reason.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use plugwright_evidence::{OpenError, Root};
use plugwright_inspect::{Code, Group, Identity, Links, Loader, Target, identity, open_at};
use plugwright_manifest::{Record, Role, Summary};
use plugwright_plugin::bind;

use crate::pipeline::Candidate;
use crate::registration::{LibraryFile, Place, Registration};
use crate::registry::{
    FileDraft, FileRow, FileState, FolderDraft, FolderRow, Image, ListEntry, Listing, STAMP_SIZE,
    Stamp, TooLarge, image,
};
use crate::{Refusal, RefusalKind, SearchPath, SearchPaths};

/// A folder that was listed. It is opened with all folders above it when something in it is to be loaded.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    root: OnceLock<Arc<Root>>,
}

impl Folder {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            root: OnceLock::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn root(&self) -> Result<Arc<Root>, OpenError> {
        if let Some(root) = self.root.get() {
            return Ok(Arc::clone(root));
        }
        // Two threads may both open it: one is closed again.
        let root = Arc::new(Root::open(&self.path)?);
        Ok(Arc::clone(self.root.get_or_init(|| root)))
    }

    pub(crate) fn candidate(self: &Arc<Self>, name: &[u8]) -> Candidate {
        Candidate::new(Arc::clone(self), OsStr::from_bytes(name))
    }

    pub(crate) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }
}

/// What a scan found.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) image: Arc<Image>,
    /// Whether the image is the one from before.
    pub(crate) is_same: bool,
    /// In the order of the image's.
    pub(crate) folders: Vec<Arc<Folder>>,
    /// Folders that could not be read.
    pub(crate) unreadable: Vec<Refusal>,
    /// Why files that were read now are not used, by their rows in the image.
    pub(crate) refused: HashMap<u32, Refusal>,
    /// For rows of files in the image: the row in the image from before, where the file is the same.
    pub(crate) kept: HashMap<u32, u32>,
}

/// A folder's listing and, for each entry, the row in the image from before that may speak for it.
struct Listed {
    folder: Arc<Folder>,
    listing: Listing,
    rows: Vec<Before>,
    is_whole: bool,
}

/// What is known of an entry from before.
#[derive(Clone, Copy)]
enum Before {
    /// It is the file that was read.
    Same(u32),
    /// It may be the file that was read: it was too young then for its stamp to tell.
    Doubtful(u32),
    /// It is another one, or was not there.
    Unknown,
}

/// Looks through the folders. `before` is what an earlier scan found.
pub(crate) fn scan(paths: &SearchPaths, host: &[u8; 32], before: Option<&Arc<Image>>) -> Scanned {
    let now = SystemTime::now();
    let (mut listed, mut unreadable) = (Vec::new(), Vec::new());
    for path in paths.entries() {
        match list(path, before.map(AsRef::as_ref)) {
            Ok(found) => listed.extend(found),
            Err(refusal) => unreadable.push(refusal),
        }
    }
    let folders = listed
        .iter()
        .map(|listed| Arc::clone(&listed.folder))
        .collect();
    if let Some(before) = before
        && is_same_order(before, &listed)
        && let Some(refused) = still_true(before, &listed, now)
    {
        return Scanned {
            image: Arc::clone(before),
            is_same: true,
            folders,
            unreadable,
            refused,
            kept: HashMap::new(),
        };
    }
    let mut scanned = read(&listed, host, before, now);
    scanned.folders = folders;
    scanned.unreadable.extend(unreadable);
    scanned
}

/// Whether the image says what is there: nothing came, nothing went, and what is in doubt says what it said. The
/// reasons against what was read for this; `None` when the image is not true any more.
fn still_true(before: &Image, listed: &[Listed], now: SystemTime) -> Option<HashMap<u32, Refusal>> {
    let mut refused = HashMap::new();
    let is_known = |listed: &Listed| {
        let mut rows = listed.rows.iter();
        listed.is_whole && rows.all(|row| !matches!(row, Before::Unknown))
    };
    if !listed.iter().all(is_known) {
        return None;
    }
    for Listed {
        folder,
        listing,
        rows,
        ..
    } in listed
    {
        for (entry, row) in listing.entries().iter().zip(rows) {
            if let Before::Doubtful(row) = row {
                let (draft, refusal) = read_file(folder, listing, entry, now);
                let file = before.file(*row)?;
                let records = records(before, *row)?;
                let is_true = draft.is_doubtful
                    && (draft.state, draft.digest) == (file.state, file.digest)
                    && (draft.reason.as_str(), draft.records) == (file.reason, records);
                if !is_true {
                    return None;
                }
                refused.extend(refusal.map(|refusal| (*row, refusal)));
            }
        }
    }
    Some(refused)
}

fn is_same_order(before: &Image, listed: &[Listed]) -> bool {
    before.folders() as usize == listed.len()
        && (0..before.folders()).zip(listed).all(|(index, listed)| {
            let path = before.folder(index).map(|folder| folder.path);
            path == Some(listed.folder.path.as_os_str().as_bytes())
        })
}

/// Lists one folder. That a folder of a convention is not there is nothing to tell.
fn list(path: &SearchPath, before: Option<&Image>) -> Result<Option<Listed>, Refusal> {
    let folder = path.folder();
    let listing = match Listing::read(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.origin().is_explicit() => {
            return Ok(None);
        }
        Err(error) => {
            // Opening it the way a load does says which step of the path fails.
            let kind = match Root::open(folder) {
                Err(error) => RefusalKind::Unreadable(error),
                Ok(_) => RefusalKind::FolderUnreadable(error),
            };
            return Err(Refusal::new(folder, kind));
        }
    };
    let mut rows = Vec::with_capacity(listing.entries().len());
    let mut is_whole = false;
    let known = before.and_then(|before| Some((before, find(before, folder)?)));
    if let Some((
        before,
        FolderRow {
            first_file, files, ..
        },
    )) = known
    {
        let last = first_file.saturating_add(files);
        let (mut row, mut passed) = (first_file, 0_u32);
        // Both are sorted by name.
        for entry in listing.entries() {
            let name = listing.name(entry).as_bytes();
            let mut found = Before::Unknown;
            while row < last
                && let Some(file) = before.file(row)
            {
                let order = file.name.cmp(name);
                match order {
                    std::cmp::Ordering::Less => passed = passed.saturating_add(1),
                    std::cmp::Ordering::Equal => {
                        found = match file.stamp == entry.stamp.to_bytes() {
                            true if file.is_doubtful => Before::Doubtful(row),
                            true => Before::Same(row),
                            false => Before::Unknown,
                        };
                    }
                    std::cmp::Ordering::Greater => break,
                }
                row = row.saturating_add(1);
                if order.is_eq() {
                    break;
                }
            }
            rows.push(found);
        }
        is_whole = row == last && passed == 0;
    } else {
        rows.resize(listing.entries().len(), Before::Unknown);
    }
    Ok(Some(Listed {
        folder: Arc::new(Folder::new(folder.to_owned())),
        listing,
        rows,
        is_whole,
    }))
}

fn find<'a>(image: &'a Image, folder: &Path) -> Option<FolderRow<'a>> {
    let folders = (0..image.folders()).filter_map(|index| image.folder(index));
    let path = folder.as_os_str().as_bytes();
    folders.into_iter().find(|found| found.path == path)
}

/// Reads what is not known from before, and puts all together.
fn read(
    listed: &[Listed],
    host: &[u8; 32],
    before: Option<&Arc<Image>>,
    now: SystemTime,
) -> Scanned {
    let mut drafts = Vec::new();
    let (mut refused, mut kept) = (HashMap::new(), HashMap::new());
    let mut row = 0_u32;
    for Listed {
        folder,
        listing,
        rows,
        ..
    } in listed
    {
        let mut files = Vec::with_capacity(rows.len());
        for (entry, known) in listing.entries().iter().zip(rows) {
            let of_before =
                |at: u32| before.and_then(|before| Some((before.file(at)?, records(before, at)?)));
            let draft = match *known {
                Before::Same(at) if let Some((file, records)) = of_before(at) => {
                    kept.insert(row, at);
                    known_file(&file, records)
                }
                known => {
                    let (draft, refusal) = read_file(folder, listing, entry, now);
                    refused.extend(refusal.map(|refusal| (row, refusal)));
                    if let Before::Doubtful(at) = known
                        && of_before(at).is_some_and(|(_, records)| draft.records == records)
                    {
                        kept.insert(row, at);
                    }
                    draft
                }
            };
            files.push(draft);
            row = row.saturating_add(1);
        }
        let path = folder.path.as_os_str().as_bytes().to_owned();
        drafts.push(FolderDraft { path, files });
    }
    let digest = |of: &FolderDraft, file: &FileDraft| {
        let all = listed.iter().map(|listed| &listed.folder);
        let mut folders = all.filter(|folder| folder.path.as_os_str().as_bytes() == of.path);
        let digest = folders.next()?.candidate(&file.name).digest()?;
        Some(*digest.as_bytes())
    };
    let mut unreadable = Vec::new();
    let image = image(&mut drafts, host, &digest).unwrap_or_else(|TooLarge| {
        for folder in listed.iter().map(|listed| &listed.folder) {
            let error = io::Error::other("the plugins in all folders say more than four gigabytes");
            unreadable.push(Refusal::new(
                &folder.path,
                RefusalKind::FolderUnreadable(error),
            ));
        }
        Image::empty(host)
    });
    let is_same = before.is_some_and(|before| before.bytes() == image.bytes());
    Scanned {
        image: match before {
            Some(before) if is_same => Arc::clone(before),
            _ => Arc::new(image),
        },
        is_same,
        folders: Vec::new(),
        unreadable,
        refused,
        kept,
    }
}

/// The records of a file in an image. `None` when they cannot be read.
pub(crate) fn records(image: &Image, file: u32) -> Option<Vec<Summary>> {
    let row = image.file(file)?;
    (row.first_plugin..row.first_plugin.checked_add(row.plugins)?)
        .map(|plugin| Summary::decode(image.plugin(plugin)?.record).ok())
        .collect()
}

pub(crate) fn known_file(file: &FileRow<'_>, records: Vec<Summary>) -> FileDraft {
    let mut stamp = [0; STAMP_SIZE];
    stamp.copy_from_slice(file.stamp);
    FileDraft {
        name: file.name.to_owned(),
        stamp,
        state: file.state,
        is_doubtful: false,
        reason: file.reason.to_owned(),
        digest: file.digest,
        records,
    }
}

/// Reads one file.
fn read_file(
    folder: &Folder,
    listing: &Listing,
    entry: &ListEntry,
    now: SystemTime,
) -> (FileDraft, Option<Refusal>) {
    let name = listing.name(entry);
    let (outcome, stamp) = look(folder, listing, name);
    // What was not opened depends on its name or on its own stamp alone.
    let is_settled = stamp.is_none_or(|stamp| stamp == entry.stamp);
    let (state, records, refusal) = match outcome {
        Ok(records) => (FileState::Plugins, records, None),
        Err(kind) => {
            let state = match &kind {
                RefusalKind::Foreign(_) => FileState::Foreign,
                RefusalKind::NotAPlugin => FileState::NotAPlugin,
                RefusalKind::Unreadable(_) | RefusalKind::Changed => FileState::Unreadable,
                _ => FileState::Refused,
            };
            let path = folder.path_of(name.as_bytes());
            (state, Vec::new(), Some(Refusal::new(path, kind)))
        }
    };
    let reason = refusal.as_ref().map(ToString::to_string);
    // That a file may not be read can have reasons that leave its stamp alone.
    let is_unreadable = entry.is_regular && state == FileState::Unreadable;
    let draft = FileDraft {
        name: name.as_bytes().to_owned(),
        stamp: entry.stamp.to_bytes(),
        state,
        is_doubtful: !is_settled || entry.stamp.is_fresh(now) || is_unreadable,
        reason: reason.unwrap_or_default(),
        digest: None,
        records,
    };
    (draft, refusal)
}

/// Why the file `name` of a folder is not used, as it is now.
pub(crate) fn refusal(folder: &Folder, name: &[u8]) -> Refusal {
    let path = folder.path_of(name);
    let kind = match Listing::open(&folder.path) {
        Err(error) => RefusalKind::FolderUnreadable(error),
        Ok(listing) => match look(folder, &listing, OsStr::from_bytes(name)).0 {
            Err(kind) => kind,
            Ok(_) => RefusalKind::Changed,
        },
    };
    Refusal::new(path, kind)
}

/// The plugins of the file at `path`, which has no links.
pub(crate) fn plugins_of(path: &Path) -> Result<Vec<Arc<Registration>>, Refusal> {
    let refuse = |kind| Refusal::new(path, kind);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(refuse(RefusalKind::NotAPlugin));
    };
    let folder = Arc::new(Folder::new(parent.to_owned()));
    let listing =
        Listing::open(parent).map_err(|error| refuse(RefusalKind::FolderUnreadable(error)))?;
    let summaries = look(&folder, &listing, name).0.map_err(refuse)?;
    let records: Vec<Arc<Record>> = summaries
        .into_iter()
        .map(|summary| Arc::new(Record::new(summary, None)))
        .collect();
    let file = Arc::new(LibraryFile::new(folder.candidate(name.as_bytes()), records));
    let plugin = |record: &Arc<Record>| {
        let place = Place::File(Arc::clone(&file));
        Arc::new(Registration::new(place, Arc::clone(record)))
    };
    Ok(file.records.iter().map(plugin).collect())
}

/// The records that a file offers to this system, and the file's stamp when it was opened.
fn look(
    folder: &Folder,
    listing: &Listing,
    name: &OsStr,
) -> (Result<Vec<Summary>, RefusalKind>, Option<Stamp>) {
    if name.as_bytes().ends_with(b".debug") {
        return (Err(RefusalKind::DebugSymbols), None);
    }
    // It would make the library beside it a duplicate of itself.
    if [".so.avx2", ".so.avx512"]
        .iter()
        .any(|ending| name.as_bytes().ends_with(ending.as_bytes()))
    {
        return (Err(RefusalKind::Variant), None);
    }
    let opened = match listing.descriptor() {
        Ok(descriptor) => open_at(descriptor, name, Links::Refuse).ok(),
        Err(_) => None,
    };
    let Some(opened) = opened else {
        // Opening it the way a load does says why, in the words of a load.
        let opened = folder
            .root()
            .and_then(|root| root.open_file(Path::new(name)));
        let kind = match opened {
            Err(error) => RefusalKind::Unreadable(error),
            // It is readable now: the file was replaced meanwhile.
            Ok(_) => RefusalKind::Changed,
        };
        return (Err(kind), None);
    };
    let stamp = Stamp::of(opened.metadata());
    (offered(&opened, name), Some(stamp))
}

fn offered(opened: &plugwright_inspect::Opened, name: &OsStr) -> Result<Vec<Summary>, RefusalKind> {
    let Identity {
        mut images,
        problems,
        ..
    } = identity(opened, Some(name));
    let damaged = |problem: &&plugwright_inspect::Problem| {
        !matches!(problem.code.group(), Group::Foreign)
            && (problem.loader != Loader::Accepts || is_record_damage(problem) || is_cut(problem))
    };
    if problems.iter().any(|problem| damaged(&problem)) {
        let kept = problems.iter().filter(damaged).cloned().collect();
        return Err(RefusalKind::Damaged(kept));
    }
    if images.is_empty() {
        let foreign = problems.into_iter().next();
        return Err(foreign.map_or(RefusalKind::NotAPlugin, RefusalKind::Foreign));
    }
    if images.iter().all(|image| image.records.is_empty()) {
        return Err(RefusalKind::NotAPlugin);
    }
    let Some(host) = Target::host() else {
        return Err(RefusalKind::NotAPlugin);
    };
    let fitting = images
        .iter()
        .position(|image| host.mismatch(&image.target).is_none());
    let Some(fitting) = fitting else {
        let mismatch = images.iter().find_map(|image| host.mismatch(&image.target));
        return Err(mismatch.map_or(RefusalKind::NotAPlugin, RefusalKind::WrongTarget));
    };
    let mut records = images.swap_remove(fitting).records;
    records.retain(|record| record.role == Role::Root);
    for record in &records {
        bind::check_abi(&record.summary).map_err(RefusalKind::Abi)?;
    }
    Ok(records.into_iter().map(|record| record.summary).collect())
}

/// Whether what is damaged is a Plugwright record, as against another plugin system's data.
fn is_record_damage(problem: &plugwright_inspect::Problem) -> bool {
    problem.code.as_str().starts_with("record-")
}

/// Whether the file ends before what its header promises. Where only what is not loaded is missing, the system's loader
/// takes it, and the judge does not: it must not make the whole file beside it a duplicate.
fn is_cut(problem: &plugwright_inspect::Problem) -> bool {
    problem.code == Code::SectionHeadersOutsideFile
}
