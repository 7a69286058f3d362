//! Tables in the Markdown documents that a test compares with the code, so that they cannot become untrue.
//!
//! Such a table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.

use crate::Outcome;

/// The text between the two markers of `name`.
///
/// # Errors
/// If a marker is missing.
pub fn section<'a>(document: &'a str, name: &str) -> Outcome<&'a str> {
    let (start, end) = bounds(document, name)?;
    Ok(&document[start..end])
}

/// `document` with `text` between the two markers of `name`.
///
/// # Errors
/// If a marker is missing.
pub fn replace(document: &str, name: &str, text: &str) -> Outcome<String> {
    let (start, end) = bounds(document, name)?;
    Ok(format!("{}{text}{}", &document[..start], &document[end..]))
}

/// The cells of a Markdown table, without its two head lines.
#[must_use]
pub fn rows(section: &str) -> Vec<Vec<&str>> {
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
        .collect()
}

/// The words of a cell that lists names: `a, b` gives `a` and `b`; a dash alone gives nothing.
pub fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(',')
        .map(|name| name.trim().trim_matches('`'))
        .filter(|name| !name.is_empty() && *name != "–")
}

fn cells(line: &str) -> Vec<&str> {
    line.trim()
        .trim_matches('|')
        .split('|')
        .map(str::trim)
        .collect()
}

fn bounds(document: &str, name: &str) -> Outcome<(usize, usize)> {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let start = document
        .find(&begin)
        .ok_or_else(|| format!("the marker {} is missing", begin.trim()))?
        + begin.len();
    let length = document[start..]
        .find(&end)
        .ok_or_else(|| format!("the marker {end} is missing"))?;
    Ok((start, start + length))
}
