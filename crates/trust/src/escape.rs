//! Text that a file or its author controls, made fit for a line of a message: bounded and escaped.

use alloc::string::String;

/// The most characters of a foreign text that a message repeats.
const LIMIT: usize = 300;

/// Escapes what could move a cursor, hide text or reverse its order, and cuts what is too long.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == LIMIT {
            out.push('…');
            break;
        }
        // U+200B..U+200F, U+2028..U+202E, U+2060..U+206F: invisible, line-breaking and direction-changing characters.
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_and_reversed_text_are_made_visible() {
        assert_eq!(
            escaped("a\x1b[2Jb\n\u{202e}c é"),
            "a\\u{1b}[2Jb\\u{a}\\u{202e}c é"
        );
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(escaped(&"x".repeat(1000)).chars().count(), LIMIT + 1);
    }
}
