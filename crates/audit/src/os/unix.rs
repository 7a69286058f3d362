//! Unix.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use plugwright_evidence::{Root, Signatures};
use plugwright_trust::{Key, SignatureFacts};

use super::Stat;

pub(crate) fn stat(metadata: &Metadata) -> Stat {
    Stat {
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode(),
        links: metadata.nlink(),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// The user as whom the review runs.
pub(crate) fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the file gives capabilities to who runs it (capabilities(7), "File capabilities").
pub(crate) fn has_capabilities(file: &File) -> bool {
    let mut value = [0_u8; 64];
    rustix::fs::fgetxattr(file, c"security.capability", &mut value).is_ok_and(|len| len > 0)
}

/// A path from its bytes.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// Whether nobody can change the memory file at `path` any more: all of its seals are set (fcntl(2), "File Sealing").
#[cfg(target_os = "linux")]
pub(crate) fn is_sealed(path: &Path) -> bool {
    use rustix::fs::SealFlags;
    let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    let seals = File::open(path).ok().map(rustix::fs::fcntl_get_seals);
    seals.is_some_and(|seals| seals.is_ok_and(|seals| seals.contains(all)))
}

/// Other systems have no seals.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_sealed(_: &Path) -> bool {
    false
}

/// What checking the signatures over a file said, from the folder of its bundle manifest on. Nothing for what cannot be opened
/// step by step without a link.
pub(crate) fn signatures(folder: &Path, path: &Path, keys: &[Key]) -> Vec<SignatureFacts> {
    let gather = || {
        let folder = std::fs::canonicalize(folder).ok()?;
        let path = std::fs::canonicalize(path.parent()?)
            .ok()?
            .join(path.file_name()?);
        let relative = path.strip_prefix(&folder).ok()?;
        let root = Root::open(&folder).ok()?;
        let found = Signatures::new(&root, keys).of(relative);
        let opened = root.open_file(relative).ok()?;
        let file = opened.file();
        // Of the facts only the signatures are wanted, which do not depend on what the bytes mean.
        let nothing = plugwright_inspect::symbols(&[][..], None);
        let facts = opened.facts(file, &nothing, &found).ok()?;
        Some(facts.signatures)
    };
    gather().unwrap_or_default()
}
