//! How often each crate writes `unsafe`, against the committed numbers: every new one shows in the change that adds it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::Metadata;
use proc_macro2::{TokenStream, TokenTree};

use crate::{Outcome, workspace};

/// The committed numbers.
pub(super) const FILE: &str = "xtask/unsafe-counts.txt";

const HEAD: &str =
    "# How often the word `unsafe` stands in the code below each crate's src/, attributes included.
# Written by `cargo xtask bless`; a change of a number is to be argued in the commit that makes it.
";

/// How often the token `unsafe` stands in `source`; comments and strings do not count, tests do.
///
/// # Errors
/// If `source` is not made of Rust's tokens.
pub fn count(source: &str) -> Outcome<usize> {
    let tokens: TokenStream = source
        .parse()
        .map_err(|error| format!("does not tokenise: {error}"))?;
    Ok(count_in(tokens))
}

/// The text of [`FILE`] for the tree as it is.
pub(super) fn listing(metadata: &Metadata) -> Outcome<String> {
    let mut counts = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let folder = workspace::folder(package);
        let source = workspace::root().join(&folder).join("src");
        let mut sum = 0;
        for path in workspace::files(&source)?
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        {
            let shown = workspace::relative(path);
            let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
            sum += count(&text).map_err(|error| format!("{shown}: {error}"))?;
        }
        if sum > 0 {
            counts.insert(folder, sum);
        }
    }
    let rows: String = counts
        .iter()
        .map(|(folder, sum)| format!("{folder} {sum}\n"))
        .collect();
    Ok(format!("{HEAD}{rows}"))
}

/// What the two listings do not share, one sentence each.
pub(super) fn differences(expected: &str, found: &str) -> Vec<String> {
    let (expected, found) = (numbers(expected), numbers(found));
    let folders: BTreeSet<&str> = expected.keys().chain(found.keys()).copied().collect();
    let number = |listing: &BTreeMap<&str, String>, folder| {
        listing
            .get(folder)
            .map_or_else(|| "0".to_owned(), Clone::clone)
    };
    folders
        .into_iter()
        .map(|folder| (folder, number(&expected, folder), number(&found, folder)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(folder, expected, found)| {
            format!("{folder}: `unsafe` stands there {found} times, {FILE} says {expected}; argue the change, then `cargo xtask bless`")
        })
        .collect()
}

fn numbers(listing: &str) -> BTreeMap<&str, String> {
    let rows = listing.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once(' '))
        .map(|(folder, number)| (folder, number.to_owned()))
        .collect()
}

fn count_in(tokens: TokenStream) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) => usize::from(word == "unsafe"),
            TokenTree::Group(group) => count_in(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: usize) {
        assert_eq!(count(source), Ok(expected), "{source}");
    }

    #[test]
    fn only_code_counts() {
        check(
            "/* unsafe */ // unsafe\n/// unsafe\nfn a() { let _ = \"unsafe\"; }",
            0,
        );
        check("#![forbid(unsafe_code)]", 0);
        check("unsafe fn a() { unsafe { b() } }", 2);
        check("#[unsafe(no_mangle)] pub extern \"C\" fn a() {}", 1);
        check("quote! { unsafe { #call } }", 1);
    }

    #[test]
    fn every_difference_is_told() {
        let told = differences(
            "# head\ncrates/a 1\ncrates/b 2\n",
            "# head\ncrates/b 2\ncrates/c 3\n",
        );
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("crates/a: `unsafe` stands there 0 times"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("crates/c: `unsafe` stands there 3 times"),
            "{told:?}"
        );
        assert!(told[1].contains("says 0"), "{told:?}");
    }
}
