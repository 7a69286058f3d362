//! Without inspection nothing is known about a refused file beyond what the system said.

use crate::error::OsText;
use crate::image::Source;
use std::path::Path;

/// Nothing.
pub(crate) const fn refusal(
    _name: &Path,
    _path: &Path,
    _source: Source,
    _answer: &OsText,
) -> Vec<String> {
    Vec::new()
}
