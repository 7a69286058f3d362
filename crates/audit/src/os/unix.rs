//! Unix.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// Whether the file, started as a program, runs as its owner or group (setuid, setgid).
pub(crate) fn runs_as_owner(metadata: &Metadata) -> bool {
    metadata.mode() & 0o6000 != 0
}
