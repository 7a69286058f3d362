//! Text that somebody else chose, made harmless for a terminal.
//!
//! A name of a file or a text in a plugin may hold escape sequences that recolour or retitle the terminal, line breaks
//! that forge a line of the result, and controls of writing direction that show `gpj.exe` as `exe.jpg`. All of these
//! are shown as Rust writes them, by the one rule that [`Untrusted`] has.

use std::borrow::Cow;
use std::path::Path;

use plugwright_inspect::Untrusted;

/// A path, as printed.
pub(crate) fn path(path: &Path) -> String {
    Untrusted::escape(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// A text, as printed.
pub(crate) fn text(text: &str) -> String {
    shown(text).into_owned()
}

/// The same, copied only where it has to be.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    Untrusted::escape_str(text)
}

/// A sentence that its maker escaped already; checked once more, because this is the last door.
pub(crate) fn sentence(sentence: &str) -> String {
    let sentence = Untrusted::from(sentence);
    match sentence.to_str() {
        Some(text) if !sentence.needs_escape() => text.to_owned(),
        _ => sentence.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hostile: &str, expected: &str) {
        assert_eq!(text(hostile), expected);
        assert_eq!(shown(hostile), expected);
        assert_eq!(path(Path::new(hostile)), expected);
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        check("libqjpeg.so", "libqjpeg.so");
        check("it's \"quoted\" and größer", "it's \"quoted\" and größer");
        check("日本語 ไม้ e\u{301}", "日本語 ไม้ e\u{301}");
    }

    #[test]
    fn controls_are_shown() {
        check("a\nb\r\tc", "a\\nb\\r\\tc");
        check(
            "\x1b[31mred\x1b]0;title\x07",
            "\\u{1b}[31mred\\u{1b}]0;title\\u{7}",
        );
        check("\u{7f}\u{85}\u{9b}31m", "\\u{7f}\\u{85}\\u{9b}31m");
        check("\u{2028}\u{2029}", "\\u{2028}\\u{2029}");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown() {
        for hostile in
            "\u{61c}\u{200b}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{e0041}"
                .chars()
        {
            check(
                &hostile.to_string(),
                &format!("\\u{{{:x}}}", u32::from(hostile)),
            );
        }
    }

    #[test]
    fn what_was_escaped_stays_and_what_was_not_is() {
        assert_eq!(sentence("found \"a\\u{1b}b\""), "found \"a\\u{1b}b\"");
        assert_eq!(sentence("found \x1b[2J"), "found \\u{1b}[2J");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_shown() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"a\xffb\xc3");
        assert_eq!(path(Path::new(name)), "a\\xffb\\xc3");
    }
}
