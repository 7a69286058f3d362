//! The files of a closure as they will be loaded: each is opened once and held, and the closure is read from what is held.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plugwright_dylib::{CopyFolder, Identity, Image};
use plugwright_evidence::{OpenErrorKind, Opened, Root};
use plugwright_inspect::closure::{FileIdentity, Files, Located, Missing};
use plugwright_inspect::{ReadAt, headers};
use plugwright_trust::{Source, is_frozen};

use crate::RefusalKind;

/// A file whose bytes are held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) root: Root,
    /// Its name in the root.
    pub(crate) name: PathBuf,
    pub(crate) opened: Opened,
    pub(crate) image: Image,
    pub(crate) source: Source,
    /// Which file it was that was opened; of a copy not the copy.
    pub(crate) identity: Identity,
}

impl Held {
    fn open(path: &Path, sources: &[Source], copies: Option<&CopyFolder>) -> Result<Self, Unheld> {
        // Links are resolved once; what is opened then is what is judged and loaded, wherever they lead by then.
        let real = fs::canonicalize(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unheld::Absent,
            _ => Unheld::Unreadable,
        })?;
        let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(Unheld::Unreadable);
        };
        let root = Root::open(folder).or(Err(Unheld::Unreadable))?;
        let opened = root
            .open_file(Path::new(name))
            .map_err(|error| match error.kind() {
                OpenErrorKind::NotFound => Unheld::Absent,
                _ => Unheld::Unreadable,
            })?;
        let metadata = opened.file().metadata().or(Err(Unheld::Unreadable))?;
        let (image, source) = if is_frozen(opened.file_facts(), opened.ancestors()) {
            let file = opened.file().try_clone().or(Err(Unheld::Unreadable))?;
            let image = Image::in_place(&real, file)
                .map_err(|error| Unheld::Failed(RefusalKind::Copy(error)))?;
            (image, Source::InPlace)
        } else {
            hold(&opened, sources, copies).map_err(Unheld::Failed)?
        };
        Ok(Self {
            root,
            name: name.into(),
            opened,
            image,
            source,
            identity: super::identity(&metadata),
        })
    }

    pub(crate) fn soname(&self) -> Option<OsString> {
        let headers = headers(&self.image, None);
        let name = headers.images.first()?.name.clone()?;
        Some(OsStr::from_bytes(name.as_bytes()).to_owned())
    }

    /// The file in place once more, for loading.
    pub(crate) fn image_again(&self) -> Result<Image, RefusalKind> {
        let file = self.opened.file().try_clone();
        let file = file.map_err(RefusalKind::Reading)?;
        Image::in_place(self.opened.path(), file).map_err(RefusalKind::Copy)
    }
}

/// Why a file is not held.
enum Unheld {
    Absent,
    Unreadable,
    Failed(RefusalKind),
}

/// Takes hold of the file's bytes: the first of the policy's ways that this system has.
pub(crate) fn hold(
    opened: &Opened,
    sources: &[Source],
    copies: Option<&CopyFolder>,
) -> Result<(Image, Source), RefusalKind> {
    let name = opened.path().file_name().unwrap_or_default();
    let mut failed = None;
    for source in sources {
        let image = match (source, copies) {
            (Source::Sealed, _) => Image::seal(opened.file(), name),
            (Source::PrivateCopy, Some(copies)) => Image::private_copy(opened.file(), copies, name),
            (Source::PrivateCopy, None) => continue,
            // For files that are not safe from being changed the next way is tried: the judge would refuse them.
            (Source::InPlace, _)
                if sources.len() > 1 && !is_frozen(opened.file_facts(), opened.ancestors()) =>
            {
                continue;
            }
            (Source::InPlace, _) => match opened.file().try_clone() {
                Ok(file) => Image::in_place(opened.path(), file),
                Err(error) => return Err(RefusalKind::Reading(error)),
            },
            _ => continue,
        };
        match image {
            Ok(image) => return Ok((image, *source)),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or(RefusalKind::NoSource, RefusalKind::Copy))
}

/// The system's files, each held as soon as it is looked at.
pub(super) struct Tree<'a> {
    path: &'a Path,
    image: &'a Image,
    sources: &'a [Source],
    copies: Option<&'a CopyFolder>,
    held: RefCell<HashMap<PathBuf, Arc<Held>>>,
    failure: RefCell<Option<RefusalKind>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(
        path: &'a Path,
        image: &'a Image,
        sources: &'a [Source],
        copies: Option<&'a CopyFolder>,
    ) -> Self {
        Self {
            path,
            image,
            sources,
            copies,
            held: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    /// What was held for a path.
    pub(super) fn held(&self, path: &Path) -> Option<Arc<Held>> {
        self.held.borrow().get(path).cloned()
    }

    /// Why something that is there could not be held.
    pub(super) fn failure(&self) -> Option<RefusalKind> {
        self.failure.borrow_mut().take()
    }
}

/// The bytes of the plugin, or of something that it needs.
pub(super) enum File<'a> {
    Plugin(&'a Image),
    Needed(Arc<Held>),
}

impl File<'_> {
    fn image(&self) -> &Image {
        match self {
            Self::Plugin(image) => image,
            Self::Needed(held) => &held.image,
        }
    }
}

impl ReadAt for File<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.image().read_at(buffer, offset)
    }

    fn size(&self) -> u64 {
        self.image().size()
    }
}

impl<'a> Files for &Tree<'a> {
    type File = File<'a>;

    fn open(&self, path: &Path) -> Result<Located<File<'a>>, Missing> {
        if path == self.path {
            let Identity { device, inode } = self.image.identity();
            return Ok(Located {
                file: File::Plugin(self.image),
                identity: FileIdentity::new(device, inode),
            });
        }
        match Held::open(path, self.sources, self.copies) {
            Ok(held) => {
                let Identity { device, inode } = held.identity;
                let held = Arc::new(held);
                self.held
                    .borrow_mut()
                    .insert(path.to_owned(), Arc::clone(&held));
                Ok(Located {
                    file: File::Needed(held),
                    identity: FileIdentity::new(device, inode),
                })
            }
            Err(Unheld::Absent) => Err(Missing::Absent),
            Err(Unheld::Unreadable) => Err(Missing::Unreadable),
            Err(Unheld::Failed(error)) => {
                self.failure.borrow_mut().get_or_insert(error);
                Err(Missing::Unreadable)
            }
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }
}
