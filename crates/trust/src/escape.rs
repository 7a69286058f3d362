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
        // Invisible, line-breaking and direction-changing characters: those that plugwright-inspect escapes in its texts.
        let hidden = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
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
    fn what_turns_or_hides_text_is_made_visible() {
        for hidden in "\u{ad}\u{61c}\u{180e}\u{200b}\u{2066}\u{feff}\u{fff9}\u{e0041}".chars() {
            let text = alloc::format!("a{hidden}b");
            assert_eq!(
                escaped(&text),
                alloc::format!("a{}b", hidden.escape_unicode())
            );
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(escaped(&"x".repeat(1000)).chars().count(), LIMIT + 1);
    }
}
