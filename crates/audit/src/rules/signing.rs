//! What speaks for the files of a deployment: signatures, bundle manifests, lock files. Gathered once for the rules that ask.
//!
//! Only files that something lists or signs are read whole; the others are told as what nobody speaks for.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugwright_evidence::{BUNDLE, SIGNATURE_SUFFIX};
use plugwright_inspect::{Links, ReadAt as _, open};
use plugwright_trust::{Bundle, Digest, Key, Lock, MAX_FILE, SignatureFacts, Timestamp};

use crate::deployment::{Deployment, folder_of};
use crate::options::Options;
use crate::os;
use crate::subject::read;

/// What speaks for a deployment.
#[derive(Debug)]
pub(crate) struct Signing<'a> {
    pub(super) files: Vec<SignedFile<'a>>,
    pub(super) locks: Vec<Lock>,
    pub(super) keys: &'a [Key],
    pub(super) has_keys: bool,
    pub(super) wants_signatures: bool,
    pub(super) now: Option<Timestamp>,
}

/// What speaks for one file.
#[derive(Debug)]
pub(super) struct SignedFile<'a> {
    pub(super) path: &'a Path,
    /// Ids and versions of its plugins.
    pub(super) plugins: &'a [(String, String)],
    /// Whether it holds a plugin's record.
    pub(super) has_record: bool,
    /// The nearest bundle manifest, whether or not somebody signed it, with its folder.
    pub(super) bundle: Option<(PathBuf, Arc<Bundle>)>,
    /// What that says of the file at this path.
    pub(super) listed: Option<Digest>,
    /// What a lock file says of a file of this name and of these plugins.
    pub(super) locked: Option<Digest>,
    /// The file's own, where one of those is there and it could be read.
    pub(super) digest: Option<Digest>,
    /// Whether a signature lies beside it.
    pub(super) has_signature: bool,
    pub(super) signatures: Vec<SignatureFacts>,
}

/// The name of lock files.
const LOCK: &str = "plugwright.lock";

impl<'a> Signing<'a> {
    /// Gathers what speaks for the libraries of a deployment.
    pub(crate) fn of(deployment: &Deployment<'a>, options: &'a Options) -> Self {
        let root = deployment.libraries.first().map(|_| deployment.root);
        let locks: Vec<Lock> = root
            .and_then(|root| text(&root.join(LOCK)))
            .and_then(|text| Lock::parse(&text).ok())
            .into_iter()
            .collect();
        let mut bundles = Bundles::new(deployment.given);
        let beside = Beside::of(deployment);
        let libraries = deployment.libraries.iter().filter(|file| !file.is_program);
        let files = libraries.map(|library| {
            let path = library.path.as_path();
            let bundle = bundles.nearest(folder_of(path));
            let listed = bundle.as_ref().and_then(|(folder, bundle)| {
                let below = path.strip_prefix(folder).unwrap_or(path);
                let mut files = bundle.files.iter();
                files
                    .find(|file| Path::new(&file.path) == below)
                    .map(|file| file.digest)
            });
            let name = path.file_name().unwrap_or_default();
            let plugins = library.plugins.iter();
            let locked = plugins.flat_map(|(id, version)| {
                let versions = locks.iter().flat_map(move |lock| lock.versions(id));
                let same = versions.filter(move |locked| locked.version.to_string() == *version);
                same.flat_map(|locked| &locked.files)
            });
            let locked = locked
                .filter(|file| name == file.name.as_str())
                .map(|file| file.digest);
            let has_signature = beside.has_signature(path);
            let mut file = SignedFile {
                path,
                plugins: &library.plugins,
                has_record: !library.plugins.is_empty(),
                listed,
                locked: locked.last(),
                digest: None,
                has_signature,
                signatures: Vec::new(),
                bundle,
            };
            if file.listed.is_some() || file.locked.is_some() {
                file.digest = digest(path);
            }
            let folder = file.bundle.as_ref().map(|(folder, _)| folder.as_path());
            if has_signature || folder.is_some() {
                file.signatures = os::signatures(
                    folder.unwrap_or_else(|| folder_of(path)),
                    path,
                    &options.keys,
                );
            }
            file
        });
        let files = files.collect();
        Self {
            files,
            locks,
            keys: &options.keys,
            has_keys: !options.keys.is_empty(),
            wants_signatures: options.wants_signatures,
            now: now(),
        }
    }
}

/// The bundle manifests of folders, each folder looked at once.
struct Bundles<'a> {
    /// The folder above which nothing is looked at.
    given: Option<&'a Path>,
    own: HashMap<&'a OsStr, Option<Arc<Bundle>>>,
    nearest: HashMap<&'a OsStr, Option<(PathBuf, Arc<Bundle>)>>,
}

impl<'a> Bundles<'a> {
    fn new(given: Option<&'a Path>) -> Self {
        let (own, nearest) = (HashMap::new(), HashMap::new());
        Self {
            given,
            own,
            nearest,
        }
    }

    /// The one of a folder, or of the nearest above.
    fn nearest(&mut self, folder: &'a Path) -> Option<(PathBuf, Arc<Bundle>)> {
        if let Some(known) = self.nearest.get(folder.as_os_str()) {
            return known.clone();
        }
        let given = self.given;
        let is_within = |folder: &&Path| given.is_none_or(|given| folder.starts_with(given));
        let within = folder.ancestors().take_while(is_within);
        let found = within.take(DEPTH).find_map(|folder| {
            let own = self.own.entry(folder.as_os_str());
            let own = own.or_insert_with(|| bundle(folder).map(Arc::new));
            Some((folder.to_owned(), Arc::clone(own.as_ref()?)))
        });
        self.nearest.insert(folder.as_os_str(), found.clone());
        found
    }
}

/// The signatures that lie beside files.
struct Beside<'a> {
    /// Those of a whole folder, which was listed; of a single file the system is asked.
    listed: Option<HashSet<&'a OsStr>>,
}

impl<'a> Beside<'a> {
    fn of(deployment: &Deployment<'a>) -> Self {
        let names = deployment
            .entries
            .iter()
            .map(|entry| entry.path.as_os_str());
        let suffix = SIGNATURE_SUFFIX.as_bytes();
        let signatures = names.filter(|name| name.as_encoded_bytes().ends_with(suffix));
        Self {
            listed: deployment.given.map(|_| signatures.collect()),
        }
    }

    fn has_signature(&self, path: &Path) -> bool {
        if self.listed.as_ref().is_some_and(HashSet::is_empty) {
            return false;
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(SIGNATURE_SUFFIX);
        match &self.listed {
            Some(listed) => listed.contains(beside.as_os_str()),
            None => matches!(Path::new(&beside).try_exists(), Ok(true)),
        }
    }
}

/// Folders above a library in which a manifest is looked for, its own among them.
const DEPTH: usize = 8;

/// The bundle manifest of a folder, whoever wrote it.
pub(super) fn bundle(folder: &Path) -> Option<Bundle> {
    Bundle::parse(&text(&folder.join(BUNDLE))?).ok()
}

/// A text file of at most [`MAX_FILE`] bytes.
fn text(path: &Path) -> Option<String> {
    let file = open(path, Links::Refuse).ok()?;
    let size = usize::try_from(file.size())
        .ok()
        .filter(|size| *size <= MAX_FILE)?;
    String::from_utf8(read(&file, 0, size)).ok()
}

fn digest(path: &Path) -> Option<Digest> {
    let file = open(path, Links::Follow).ok()?;
    plugwright_evidence::digest(&file).ok()
}

fn now() -> Option<Timestamp> {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs())
        .ok()
        .map(Timestamp::from_unix)
}
