//! An LV2 bundle's `manifest.ttl`: as much of Turtle as it takes to find out which subject has
//! which binary. Nested nodes and lists are passed over.

use crate::kinds::{PluginKind, Recognised};
use crate::limits;
use crate::problem::Problems;
use crate::untrusted::Untrusted;

use super::{invalid, recognised};

/// The properties whose object is a library.
const BINARY: [&[u8]; 2] = [
    b"http://lv2plug.in/ns/lv2core#binary",
    b"http://lv2plug.in/ns/extensions/ui#binary",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// `<…>`, without the angles.
    Iri(&'t [u8]),
    /// A word: `prefix:name`, `a`, `@prefix`, a number.
    Word(&'t [u8]),
    /// A literal in quotes, whose text does not matter here.
    Text,
    /// `.`, `;`, `,` and brackets.
    Mark(u8),
}

/// The next token, and the text behind it. `None` at the end, and where a token has none.
fn next(text: &[u8]) -> Option<(Token<'_>, &[u8])> {
    let mut text = text.trim_ascii_start();
    while let Some(comment) = text.strip_prefix(b"#") {
        let end = comment.iter().position(|byte| *byte == b'\n')?;
        text = comment.get(end..)?.trim_ascii_start();
    }
    let (first, after) = text.split_first()?;
    match first {
        b'<' => {
            let end = after.iter().position(|byte| *byte == b'>')?;
            Some((
                Token::Iri(after.get(..end)?),
                after.get(end.checked_add(1)?..)?,
            ))
        }
        b'"' | b'\'' => Some((Token::Text, literal(text, *first)?)),
        b'.' | b';' | b',' | b'[' | b']' | b'(' | b')' => Some((Token::Mark(*first), after)),
        _ => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"<>\"';,[]()#".contains(byte);
            // The first byte belongs to the word, whatever it is: something has to be used up.
            let len = after
                .iter()
                .position(ends)
                .unwrap_or(after.len())
                .checked_add(1)?;
            let word = text.get(..len)?;
            // A point at the end ends the statement.
            let word = word
                .strip_suffix(b".")
                .filter(|word| !word.is_empty())
                .unwrap_or(word);
            Some((Token::Word(word), text.get(word.len()..)?))
        }
    }
}

/// The text behind a literal with the quotes `quote`, once or three times.
fn literal(text: &[u8], quote: u8) -> Option<&[u8]> {
    let long = [quote; 3];
    let end: &[u8] = if text.starts_with(&long) {
        &long
    } else {
        &long[..1]
    };
    let mut rest = text.get(end.len()..)?;
    loop {
        if let Some(behind) = rest.strip_prefix(end) {
            return Some(behind);
        }
        let step = if rest.first() == Some(&b'\\') { 2 } else { 1 };
        rest = rest.get(step..)?;
    }
}

/// Short names of name spaces, as `@prefix` defines them.
#[derive(Default)]
struct Prefixes<'t>(Vec<(&'t [u8], &'t [u8])>);

impl<'t> Prefixes<'t> {
    fn define(&mut self, name: &'t [u8], iri: &'t [u8]) {
        if self.0.len() < limits::MANIFEST_PREFIXES {
            self.0.push((name.strip_suffix(b":").unwrap_or(name), iri));
        }
    }

    /// The whole name of a token that names something.
    fn whole(&self, token: Token<'t>) -> Option<Vec<u8>> {
        match token {
            Token::Iri(iri) => Some(iri.to_vec()),
            Token::Word(word) => {
                let colon = word.iter().position(|byte| *byte == b':')?;
                let (prefix, name) = word.split_at_checked(colon)?;
                let found = self.0.iter().rev().find(|(known, _)| *known == prefix)?;
                Some([found.1, name.get(1..)?].concat())
            }
            Token::Text | Token::Mark(_) => None,
        }
    }
}

/// The subjects of which `library` is the binary.
pub(super) fn lv2(bytes: &[u8], library: &[u8], problems: &mut Problems) -> Vec<Recognised> {
    let mut prefixes = Prefixes::default();
    let mut found = Vec::new();
    let mut rest = bytes;
    let mut statement: Vec<Token<'_>> = Vec::new();
    let mut depth = 0_usize;
    while let Some((token, behind)) = next(rest) {
        rest = behind;
        match token {
            Token::Mark(b'[' | b'(') => depth = depth.saturating_add(1),
            Token::Mark(b']' | b')') => depth = depth.saturating_sub(1),
            Token::Mark(b'.') if depth == 0 => {
                finish(&statement, library, &mut prefixes, &mut found);
                statement.clear();
            }
            token if depth == 0 => statement.push(token),
            _ => {}
        }
    }
    if !rest.trim_ascii_start().is_empty() && !rest.trim_ascii_start().starts_with(b"#") {
        let at = bytes.len().saturating_sub(rest.len()) as u64;
        let shown = rest.get(..32).unwrap_or(rest);
        let shown = String::from_utf8_lossy(shown);
        invalid(at, "a manifest in Turtle", &shown, problems);
    }
    found
}

/// Takes a statement without its end: subject, then properties behind `;`, each with objects
/// between `,`.
fn finish<'t>(
    statement: &[Token<'t>],
    library: &[u8],
    prefixes: &mut Prefixes<'t>,
    found: &mut Vec<Recognised>,
) {
    if let [
        Token::Word(b"@prefix" | b"PREFIX"),
        Token::Word(name),
        Token::Iri(iri),
    ] = statement
    {
        prefixes.define(name, iri);
        return;
    }
    let Some((subject, properties)) = statement.split_first() else {
        return;
    };
    for property in properties.split(|token| *token == Token::Mark(b';')) {
        let Some((verb, objects)) = property.split_first() else {
            continue;
        };
        let verb = prefixes.whole(*verb);
        if !verb.is_some_and(|verb| BINARY.contains(&verb.as_slice())) {
            continue;
        }
        let is_it = objects.iter().any(|object| match object {
            Token::Iri(iri) => iri.strip_prefix(b"./").unwrap_or(iri) == library,
            _ => false,
        });
        if is_it && found.len() < limits::MANIFEST_PLUGINS {
            let name = prefixes.whole(*subject);
            let name = name.as_deref().map(Untrusted::from);
            found.push(recognised(PluginKind::Lv2, name, Vec::new()));
        }
    }
}
