//! Unix.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

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
pub(crate) fn has_capabilities(path: &Path) -> bool {
    let mut value = [0_u8; 64];
    rustix::fs::lgetxattr(path, c"security.capability", &mut value).is_ok_and(|len| len > 0)
}
