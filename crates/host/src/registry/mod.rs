//! What a host found, kept from one start to the next.
//!
//! A [`Registry`] is one file. At a start it is read whole, its checksum is compared, every folder is listed, and every
//! name in it is asked for its stamp: device, number, size, and the times of the last changes of contents and of
//! inode in nanoseconds. What has the stamp that it had when it was read is not opened. Nothing of the file is parsed
//! before somebody asks for a plugin.
//!
//! The invariant: a registry says what reading the folders again would say, or is not used. It is a hint all the same,
//! and never an input to the verdict that loads: what is loaded is read and judged anew. So the worst that a wrong one
//! does is to offer what is then refused, or to leave out what is there.
//!
//! What is *not* noticed: bytes changed by who writes a disk past its file system; and changes through a shared
//! writable mapping as long as the system has not updated the file's times.

mod answers;
mod draft;
mod file;
mod folder;
mod image;
mod signed;
mod stamp;

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugwright_dylib::is_privileged;
use plugwright_manifest::Summary;
use plugwright_plugin::abi::ABI;
use plugwright_trust::Key;

pub use answers::{Answer, AnsweredFolder, Answers};
pub(crate) use draft::{FileDraft, FolderDraft, TooLarge, image};
pub(crate) use folder::{ListEntry, Listing};
pub(crate) use image::{
    FileRow, FileState, FolderRow, Image, OfferRow, PluginState, same_but_for_case,
};
pub(crate) use stamp::{STAMP_SIZE, Stamp, is_regular};

use crate::advice::Findings;
use file::Absence;

/// Where a host keeps what it found.
///
/// ```
/// use plugwright_host::{Host, Registry};
///
/// let mut builder = Host::developer().folder("/opt/press/plugins");
/// if let Some(registry) = Registry::for_user("press") {
///     builder = builder.registry(registry);
/// }
/// # let _ = builder;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    path: PathBuf,
    shipped: Option<PathBuf>,
    /// Who has to have signed what is shipped; `None` for nobody.
    signers: Option<Vec<Key>>,
}

/// What became of a host's registry at its last scan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryState {
    /// The host has none.
    None,
    /// It was true: no file was opened.
    Used,
    /// It was not, and is written anew: why.
    Written(String),
    /// It was not, and another process is writing it: why.
    Busy(String),
    /// It was not, and could not be written, which costs speed at the next start: why it was not, and why it could not.
    NotWritten(String, String),
}

/// Why a registry cannot be shown, exported or imported.
#[derive(Debug)]
pub struct RegistryError {
    path: PathBuf,
    what: String,
    source: Option<io::Error>,
}

impl RegistryError {
    fn new(path: &Path, what: impl Into<String>) -> Self {
        let (path, what, source) = (path.to_owned(), what.into(), None);
        Self { path, what, source }
    }

    fn io(path: &Path, what: &str, error: io::Error) -> Self {
        let (path, what) = (path.to_owned(), format!("{what}: {error}"));
        let source = Some(error);
        Self { path, what, source }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry {:?}: {}", self.path, self.what)
    }
}

impl std::error::Error for RegistryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_ref()?;
        Some(source)
    }
}

/// A file that a registry tells of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryEntry {
    /// The file.
    pub path: PathBuf,
    /// The plugins that it offers.
    pub plugins: Vec<Summary>,
    /// Why it is not used; empty for a plugin. In a registry of [`Answers`] what was told of it.
    pub reason: String,
    /// It was too young when it was read, so the next start reads it again.
    pub is_read_again: bool,
}

/// What reading depends on besides the files: another host must not take its outcome for its own.
pub(crate) fn identity() -> [u8; 32] {
    let what = format!(
        "plugwright {} abi {ABI} {} {} {}",
        env!("CARGO_PKG_VERSION"),
        env::consts::ARCH,
        env::consts::OS,
        usize::BITS,
    );
    *blake3::hash(what.as_bytes()).as_bytes()
}

impl Registry {
    /// The registry at this path, which is absolute. Its folder is made when it is written.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            shipped: None,
            signers: None,
        }
    }

    /// This user's registry of an application, by the convention of the system: below `$XDG_CACHE_HOME`
    /// (`~/.cache`), on macOS `~/Library/Caches`, in a folder with the application's name. The file's name has the
    /// identity of the host in it, so that two versions of the application do not write over each other.
    ///
    /// `None` where there is no such folder, and in a program with privileges that its caller does not have: what
    /// the caller can write would say what is there. Reads the environment.
    #[must_use]
    pub fn for_user(app: &str) -> Option<Self> {
        if is_privileged() {
            return None;
        }
        let absolute =
            |name| Some(PathBuf::from(env::var_os(name)?)).filter(|path| path.is_absolute());
        let caches = if cfg!(target_vendor = "apple") {
            absolute("HOME")?.join("Library/Caches")
        } else {
            absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?
        };
        let identity: String = identity()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Some(Self::at(
            caches
                .join(app)
                .join(format!("plugins-{identity}.registry")),
        ))
    }

    /// Begins with the registry that was shipped with the application as long as the user has none: a file that
    /// [`Registry::export`] made. Its folders are below its own.
    #[must_use]
    pub fn with_shipped(mut self, file: impl Into<PathBuf>) -> Self {
        self.shipped = Some(file.into());
        self
    }

    /// Takes a registry that came with the application, now or by [`Registry::import`], only if one of these keys signed it:
    /// in minisign's form beside it (`plugins.registry.minisig`), or over the bundle manifest of its folder that lists it.
    /// Which plugins a key may speak for is not asked: what is loaded is judged anew.
    #[must_use]
    pub fn with_signers(mut self, keys: impl Into<Vec<Key>>) -> Self {
        self.signers = Some(keys.into());
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier scan found, or why that is not known.
    pub(crate) fn load(&self, identity: &[u8; 32]) -> Result<Arc<Image>, String> {
        let own = read(&self.path, Some(identity));
        match (own, &self.shipped) {
            (Ok(image), _) => Ok(Arc::new(image)),
            (Err(why), None) => Err(why),
            (Err(why), Some(shipped)) => match self.relocated(shipped, identity) {
                Ok(image) => Ok(Arc::new(image)),
                Err(error) => Err(format!("{why}; {error}")),
            },
        }
    }

    /// Keeps what a scan found. `why` it was not known before.
    pub(crate) fn store(&self, image: &Image, why: String) -> RegistryState {
        match file::replace(&self.path, image.bytes()) {
            Ok(true) => RegistryState::Written(why),
            Ok(false) => RegistryState::Busy(why),
            Err(error) => RegistryState::NotWritten(why, error.to_string()),
        }
    }

    /// Where the findings about the files' bytes are kept.
    fn findings_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".findings");
        path.into()
    }

    /// What was found about the files' bytes; nothing if that cannot be read.
    pub(crate) fn findings(&self) -> Findings {
        file::read(&self.findings_path()).map_or_else(
            |_| Findings::default(),
            |bytes| Findings::from_bytes(&bytes),
        )
    }

    /// Keeps what was found. Where that fails, the files are read again next time.
    pub(crate) fn keep_findings(&self, bytes: &[u8]) {
        drop(file::replace(&self.findings_path(), bytes));
    }

    /// What it says, file by file. Whether that is still true is not looked at.
    ///
    /// # Errors
    /// When there is no registry that can be read: why.
    pub fn entries(&self) -> Result<Vec<RegistryEntry>, RegistryError> {
        let image = read(&self.path, None).map_err(|why| RegistryError::new(&self.path, why))?;
        let mut entries = Vec::new();
        for folder in (0..image.folders()).filter_map(|index| image.folder(index)) {
            for row in folder.first_file..folder.first_file.saturating_add(folder.files) {
                let (Some(file), Some(plugins)) =
                    (image.file(row), crate::discovery::records(&image, row))
                else {
                    let what = "a record in it cannot be read; clear it";
                    return Err(RegistryError::new(&self.path, what));
                };
                entries.push(RegistryEntry {
                    path: path(folder.path).join(OsStr::from_bytes(file.name)),
                    plugins,
                    reason: file.reason.to_owned(),
                    is_read_again: file.is_doubtful,
                });
            }
        }
        Ok(entries)
    }

    /// Whether the file is a whole registry of this very host.
    ///
    /// # Errors
    /// When it is not: why. The next start of the host writes it anew.
    pub fn verify(&self) -> Result<(), RegistryError> {
        let image = read(&self.path, Some(&identity()));
        image
            .map(drop)
            .map_err(|why| RegistryError::new(&self.path, why))
    }

    /// Removes the file, and says whether there was one. The next start reads every plugin file.
    ///
    /// # Errors
    /// When it cannot be removed, or is another kind of file.
    pub fn clear(&self) -> Result<bool, RegistryError> {
        spare_others(&self.path, "it stays")?;
        file::remove(&self.path).map_err(|error| RegistryError::io(&self.path, "it stays", error))
    }

    /// Writes a copy to `to` that holds wherever the folders are, as long as they lie below the copy's folder as they do
    /// now: to be shipped with an application. Files outside of that folder are left out. Nothing secret is in it. It can be
    /// signed like any file, see [`Registry::with_signers`].
    ///
    /// # Errors
    /// When there is no registry that can be read, none of its folders is below that of `to`, or the copy cannot be
    /// written, also because there is another kind of file in its place.
    pub fn export(&self, to: &Path) -> Result<(), RegistryError> {
        spare_others(to, "it cannot be written")?;
        let image = read(&self.path, None).map_err(|why| RegistryError::new(&self.path, why))?;
        let base = parent(to).canonicalize();
        let base = base.map_err(|error| RegistryError::io(to, "its folder", error))?;
        let mut drafts = drafts(&image)
            .ok_or_else(|| RegistryError::new(&self.path, "a record cannot be read"))?;
        drafts.retain_mut(|draft| match path(&draft.path).strip_prefix(&base) {
            Ok(below) => {
                draft.path = below.as_os_str().as_bytes().to_owned();
                true
            }
            Err(_) => false,
        });
        if drafts.is_empty() {
            let what =
                format!("none of its folders is below {base:?}; export it to a file above them");
            return Err(RegistryError::new(&self.path, what));
        }
        for file in drafts.iter_mut().flat_map(|draft| &mut draft.files) {
            // The reasons name files by where they were.
            file.reason.clear();
        }
        let mut identity = [0; 32];
        identity.copy_from_slice(image.identity());
        let image = draft::image(&mut drafts, &identity, &|_, _| None)
            .map_err(|error| RegistryError::new(to, error.to_string()))?;
        file::replace(to, image.bytes())
            .map(drop)
            .map_err(|error| RegistryError::io(to, "it cannot be written", error))
    }

    /// Takes over what an exported registry says of the files below its own folder: those that have the size and the
    /// time of change that it tells are not read at the next start.
    ///
    /// # Errors
    /// When the exported file cannot be read, is of another host, or is not signed as [`Registry::with_signers`] demands, or
    /// this registry cannot be written, also because there is another kind of file in its place.
    pub fn import(&self, from: &Path) -> Result<(), RegistryError> {
        spare_others(&self.path, "it cannot be written")?;
        let image = self
            .relocated(from, &identity())
            .map_err(|what| RegistryError::new(from, what))?;
        file::replace(&self.path, image.bytes())
            .map(drop)
            .map_err(|error| RegistryError::io(&self.path, "it cannot be written", error))
    }
}

/// Nothing but a registry is removed or written over where somebody names the file. `failed` begins the error.
fn spare_others(path: &Path, failed: &str) -> Result<(), RegistryError> {
    match file::is_expendable(path, image::MAGIC) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let why = format!("{failed}: it is another kind of file");
            Err(RegistryError::new(path, why))
        }
        Err(error) => Err(RegistryError::io(path, failed, error)),
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    std::ffi::OsString::from_vec(bytes.to_owned()).into()
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("/"))
}

fn read(path: &Path, identity: Option<&[u8; 32]>) -> Result<Image, String> {
    Image::new(bytes(path)?, identity).map_err(|damage| damage.to_string())
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    if !path.is_absolute() {
        return Err("its path is relative".to_owned());
    }
    file::read(path).map_err(|absence| match absence {
        Absence::Missing => "there is none yet".to_owned(),
        Absence::Unreadable(error) => format!("it cannot be read: {error}"),
        Absence::Foreign => "others than this user and root could have written it".to_owned(),
        Absence::TooLarge => "it has more than four gigabytes".to_owned(),
    })
}

/// The contents of an image, to be changed.
fn drafts(image: &Image) -> Option<Vec<FolderDraft>> {
    let folders = (0..image.folders()).map(|index| {
        let folder = image.folder(index)?;
        let rows = folder.first_file..folder.first_file.checked_add(folder.files)?;
        let files = rows.map(|row| {
            let mut file = crate::discovery::known_file(
                &image.file(row)?,
                crate::discovery::records(image, row)?,
            );
            file.is_doubtful = image.file(row)?.is_doubtful;
            Some(file)
        });
        Some(FolderDraft {
            path: folder.path.to_owned(),
            files: files.collect::<Option<_>>()?,
        })
    });
    folders.collect()
}

impl Registry {
    /// An exported image, with the folders below its own and the stamps that their files have here.
    fn relocated(&self, exported: &Path, identity: &[u8; 32]) -> Result<Image, String> {
        let bytes = bytes(exported)?;
        if let Some(keys) = &self.signers {
            signed::check(exported, &bytes, keys)?;
        }
        let image = Image::new(bytes, Some(identity)).map_err(|damage| damage.to_string())?;
        let base = parent(exported)
            .canonicalize()
            .map_err(|error| format!("its folder: {error}"))?;
        let mut drafts = drafts(&image).ok_or("a record cannot be read")?;
        for draft in &mut drafts {
            let folder = base.join(path(&draft.path));
            let folder = folder.canonicalize().unwrap_or(folder);
            draft.path = folder.as_os_str().as_bytes().to_owned();
            for file in &mut draft.files {
                let metadata = folder
                    .join(OsStr::from_bytes(&file.name))
                    .symlink_metadata();
                let here = metadata
                    .map(|metadata| Stamp::of(&metadata).to_bytes())
                    .ok();
                let is_same =
                    |here: &[u8; STAMP_SIZE]| Stamp::portable(here) == Stamp::portable(&file.stamp);
                match here.filter(is_same) {
                    Some(here) => file.stamp = here,
                    None => file.is_doubtful = true,
                }
            }
        }
        draft::image(&mut drafts, identity, &|_, _| None).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
