//! Systems whose folders inherit who may use them: a folder below the user's own is private.

use std::fs::{DirBuilder, Metadata};

/// Does nothing: the folder above decides.
pub(crate) fn for_this_user(_: &mut DirBuilder) {}

/// Not told here.
pub(crate) fn is_writable_by_others(_: &Metadata) -> bool {
    false
}
