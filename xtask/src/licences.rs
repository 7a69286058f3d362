//! The licences of all dependencies, as ARCHITECTURE.md lists them.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

/// The table: one row per licence expression, with the packages that are under it.
///
/// All platforms and development dependencies are included: what a contributor builds counts too.
#[must_use]
pub fn table(metadata: &Metadata) -> String {
    let mut by_licence: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| !metadata.workspace_members.contains(&package.id))
    {
        let licence = package
            .license
            .as_deref()
            .map_or_else(|| "(not said)".to_owned(), spdx);
        by_licence.entry(licence).or_default().insert(&package.name);
    }
    let rows = by_licence.iter().map(|(licence, packages)| {
        let packages: Vec<&str> = packages.iter().copied().collect();
        format!("| {licence} | {} |\n", packages.join(", "))
    });
    format!(
        "| licence | packages |\n|---|---|\n{}",
        rows.collect::<String>()
    )
}

/// Older packages write `MIT/Apache-2.0` for what SPDX calls `MIT OR Apache-2.0`; the order of a choice means nothing.
fn spdx(licence: &str) -> String {
    let plain_choice = !licence.contains(['(', ')']) && !licence.contains(" AND ");
    if !plain_choice {
        return licence.to_owned();
    }
    let licence = licence.replace('/', " OR ");
    let mut choices: Vec<&str> = licence.split(" OR ").map(str::trim).collect();
    // MIT first: the order in which the project writes its own.
    choices.sort_by_key(|choice| (*choice != "MIT", *choice));
    choices.join(" OR ")
}
