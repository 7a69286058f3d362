//! JSON that is safe to look at: the same values, written in characters that a terminal only shows.
//!
//! JSON itself demands escapes for the first 32 controls only; the others, and what turns or hides text, are written
//! as `\uNNNN` here. Any reader of JSON gets the same strings.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Writes `value` in several indented lines.
pub(crate) fn write_pretty(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = Harmless(PrettyFormatter::new());
    Ok(value.serialize(&mut Serializer::with_formatter(out, formatter))?)
}

/// Writes `value` as Qt's programs do: in several lines, each level four columns further in.
pub(crate) fn write_as_qt(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = Harmless(PrettyFormatter::with_indent(b"    "));
    Ok(value.serialize(&mut Serializer::with_formatter(out, formatter))?)
}

/// Writes `value` in several lines, all but the first after `indent`.
pub(crate) fn write_indented(
    out: &mut Vec<u8>,
    indent: &str,
    value: &impl Serialize,
) -> io::Result<()> {
    let mut text = Vec::new();
    write_pretty(&mut text, value)?;
    // Strings contain no line ends of their own.
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.push(b'\n');
            out.extend_from_slice(indent.as_bytes());
        }
        out.extend_from_slice(line);
    }
    Ok(())
}

/// Writes `value` in one line.
pub(crate) fn write_compact(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = Harmless(CompactFormatter);
    Ok(value.serialize(&mut Serializer::with_formatter(out, formatter))?)
}

/// Layout as the inner formatter does it, strings as the module says.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // A fragment is free of what JSON itself escapes, so `escape_debug` differs from the character only where the
        // character is not printable; quotes and backslashes never get here, an apostrophe does.
        let mut units = [0; 2];
        for (at, character) in fragment.char_indices() {
            let text = &fragment[at..at + character.len_utf8()];
            if character == '\'' || !is_hidden(character) {
                out.write_all(text.as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Whether a character is a control, a format character or unassigned, or hangs on the one before it.
fn is_hidden(character: char) -> bool {
    !character.is_ascii_graphic() && character != ' ' && character.escape_debug().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut written = Vec::new();
        write_compact(&mut written, &text).expect("a vector takes all");
        let written = String::from_utf8(written).expect("JSON is UTF-8");
        assert_eq!(written, expected);
        assert_eq!(
            serde_json::from_str::<String>(&written).expect("it is JSON"),
            text
        );
    }

    #[test]
    fn strings_keep_their_value_and_show_their_controls() {
        check("it's größer \"so\" \\", "\"it's größer \\\"so\\\" \\\\\"");
        check("\x1b[0m\n\u{7f}\u{9b}", "\"\\u001b[0m\\n\\u007f\\u009b\"");
        check(
            "\u{202e}gpj.exe\u{e0041}",
            "\"\\u202egpj.exe\\udb40\\udc41\"",
        );
    }

    #[test]
    fn several_lines_are_laid_out() {
        let mut written = Vec::new();
        write_pretty(&mut written, &serde_json::json!({"a": [1, 2], "b": {}}))
            .expect("a vector takes all");
        assert_eq!(
            written,
            b"{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"
        );
    }
}
