//! Unix: a folder's mode says who may use it.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

/// What is built can be used by this user only.
pub(crate) fn for_this_user(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

/// Whether the mode lets the group or everybody write.
pub(crate) fn is_writable_by_others(found: &Metadata) -> bool {
    found.permissions().mode() & 0o022 != 0
}
