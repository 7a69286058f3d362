//! Without inspection nothing is known about a refused file beyond what the system said.

use crate::error::OsText;
use crate::image::Image;

/// Nothing.
pub(crate) const fn refusal(_image: &Image, _answer: &OsText) -> Vec<String> {
    Vec::new()
}
