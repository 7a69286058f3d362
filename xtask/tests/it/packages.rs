//! What a registry shows of a crate, and what it refuses one for.

use std::collections::BTreeMap;

use cargo_metadata::Package;
use xtask::workspace;

/// What a package says, by the limits of crates.io: at most five keywords of at most 20 characters, and as many categories.
fn lacks(package: &Package) -> Vec<&'static str> {
    let folder = package.manifest_path.parent().expect("a folder");
    let readme = package.readme.as_ref();
    let is_keyword = |keyword: &String| {
        keyword.len() <= 20
            && keyword.starts_with(|first: char| first.is_ascii_alphabetic())
            && keyword
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_-+".contains(letter))
    };
    let checks = [
        ("a description", package.description.is_some()),
        ("a license", package.license.is_some()),
        ("a rust-version", package.rust_version.is_some()),
        (
            "a readme that is there",
            readme.is_some_and(|readme| folder.join(readme).is_file()),
        ),
        ("keywords", (1..=5).contains(&package.keywords.len())),
        ("valid keywords", package.keywords.iter().all(is_keyword)),
        ("categories", (1..=5).contains(&package.categories.len())),
    ];
    let lacking = checks.into_iter().filter(|(_, has)| !has);
    lacking.map(|(what, _)| what).collect()
}

#[test]
fn what_is_published_says_what_it_is() {
    let metadata = workspace::metadata().expect("cargo knows");
    let published = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.publish.is_none());
    let found: BTreeMap<String, Vec<&str>> = published
        .map(|package| (package.name.to_string(), lacks(package)))
        .collect();
    assert!(found.contains_key("plugwright"), "{found:?}");
    let wrong: Vec<_> = found
        .iter()
        .filter(|(_, lacks)| !lacks.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
