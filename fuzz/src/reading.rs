//! What has to hold of a file that is read at every depth.

use plugwright_inspect::{Problem, headers, identity, symbols};

/// The most bytes of one problem's text: two quotations of 256 bytes, each of which takes up
/// to ten when it is escaped, and words.
const PROBLEM_TEXT: usize = 8192;

/// Reads `bytes` at every depth and compares what the depths say.
///
/// # Panics
/// When they contradict each other, or a problem's text could act on a terminal.
pub fn every_depth(bytes: &[u8]) {
    let quick = identity(bytes, None);
    let full = headers(bytes, None);
    let deep = symbols(bytes, None);
    assert_eq!(quick.images.len(), full.images.len());
    assert_eq!(full.images.len(), deep.images.len());
    // A deeper look is not more content than one less deep.
    assert!(!full.is_sound() || quick.is_sound());
    assert!(!deep.is_sound() || full.is_sound());
    for (quick, full) in quick.images.iter().zip(&full.images) {
        assert_eq!(quick.target, full.image.target);
        assert_eq!(quick.qt, full.image.qt);
    }
    texts(&deep.problems);
}

/// Writes the problems as people see them.
///
/// # Panics
/// When a text has control characters or no bound.
pub fn texts(problems: &[Problem]) {
    for problem in problems.iter().take(8) {
        let text = problem.to_string();
        assert!(text.len() <= PROBLEM_TEXT, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
