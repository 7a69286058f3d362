//! Which crate may depend on which: the tables of ARCHITECTURE.md against what cargo resolved.
//!
//! Only dependencies that end up in what is built count (normal and build dependencies, of every platform and the
//! default features); a test may use what it needs.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DepKindInfo, DependencyKind, Metadata, TargetKind};

use crate::{Outcome, table, workspace};

/// A row may say this instead of names.
const ANYTHING: &str = "anything";
/// Marks the row of a crate that the design knows and the workspace does not have yet.
const NOT_MADE: &str = "(not made yet)";

/// Who depends on whom. Crates of the workspace are named by their room: the folder's name below `crates/`, else the
/// first folder (`xtask`, `examples`, `fixtures`); all others by their package name.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Graph {
    /// Direct dependencies of every package.
    pub edges: BTreeMap<String, BTreeSet<String>>,
    /// The rooms of the workspace.
    pub rooms: BTreeSet<String>,
    /// Those rooms that are libraries for others: all below `crates/` with a library, but the test kit.
    pub libraries: BTreeSet<String>,
}

/// What the documents allow and forbid.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Rules {
    allowed: BTreeMap<String, BTreeSet<String>>,
    not_made: BTreeSet<String>,
    never: Vec<(String, String, String)>,
}

impl Graph {
    /// The graph that cargo resolved.
    ///
    /// # Errors
    /// If the metadata holds no resolved graph, or a crate's name does not show its place.
    pub fn of(metadata: &Metadata) -> Outcome<Self> {
        let resolve = metadata
            .resolve
            .as_ref()
            .ok_or("cargo metadata gave no resolved graph")?;
        let mut graph = Self::default();
        let mut names = BTreeMap::new();
        for package in &metadata.packages {
            let mut name = package.name.to_string();
            if metadata.workspace_members.contains(&package.id) {
                let folder = workspace::folder(package);
                name = room(&folder, &name)?;
                graph.rooms.insert(name.clone());
                let library = package.targets.iter().any(|target| {
                    target
                        .kind
                        .iter()
                        .any(|kind| matches!(kind, TargetKind::Lib | TargetKind::ProcMacro))
                });
                if library && folder.starts_with("crates/") && name != "testkit" {
                    graph.libraries.insert(name.clone());
                }
            }
            names.insert(&package.id, name);
        }
        for node in &resolve.nodes {
            let Some(from) = names.get(&node.id) else {
                continue;
            };
            let edges = graph.edges.entry(from.clone()).or_default();
            for dependency in &node.deps {
                let built = dependency.dep_kinds.iter().any(is_built);
                if let (true, Some(to)) = (built, names.get(&dependency.pkg))
                    && to != from
                {
                    edges.insert(to.clone());
                }
            }
        }
        Ok(graph)
    }

    /// The shortest way from one crate to another, both ends included.
    fn way(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let (start, _) = self.edges.get_key_value(from)?;
        let mut ways = std::collections::VecDeque::from([vec![start.as_str()]]);
        let mut seen = BTreeSet::from([start.as_str()]);
        while let Some(way) = ways.pop_front() {
            let Some(edges) = way.last().and_then(|last| self.edges.get(*last)) else {
                continue;
            };
            for next in edges {
                let longer = || way.iter().copied().chain([next.as_str()]).collect();
                if next == to {
                    return Some(longer());
                }
                if seen.insert(next) {
                    ways.push_back(longer());
                }
            }
        }
        None
    }
}

impl Rules {
    /// Reads the two tables, `arrows` and `never`, of ARCHITECTURE.md.
    ///
    /// # Errors
    /// If a table or a column is missing.
    pub fn read(architecture: &str) -> Outcome<Self> {
        let mut rules = Self::default();
        for row in table::rows(table::section(architecture, "arrows")?) {
            let [crates, uses, ..] = row.as_slice() else {
                return Err(format!("arrows: a row with one column: {row:?}"));
            };
            for name in table::names(crates) {
                let made = name.trim_end_matches(NOT_MADE).trim_end();
                if made != name {
                    rules.not_made.insert(made.trim_matches('`').to_owned());
                }
                rules.allowed.insert(
                    made.trim_matches('`').to_owned(),
                    table::names(uses).map(str::to_owned).collect(),
                );
            }
        }
        for row in table::rows(table::section(architecture, "never")?) {
            let [from, to, why] = row.as_slice() else {
                return Err(format!("never: a row needs three columns: {row:?}"));
            };
            for from in table::names(from) {
                rules.never.extend(
                    table::names(to).map(|to| (from.to_owned(), to.to_owned(), (*why).to_owned())),
                );
            }
        }
        Ok(rules)
    }

    /// Every way in which the graph is not what the tables say, one sentence each, sorted.
    #[must_use]
    pub fn differences(&self, graph: &Graph) -> Vec<String> {
        let mut differences = BTreeSet::new();
        for room in &graph.rooms {
            let Some(allowed) = self.allowed.get(room) else {
                differences.insert(format!(
                    "{room}: is in the workspace and has no row in the table"
                ));
                continue;
            };
            if self.not_made.contains(room) {
                differences.insert(format!(
                    "{room}: is in the workspace; its row says {NOT_MADE}"
                ));
            }
            if allowed.contains(ANYTHING) {
                continue;
            }
            let used = graph
                .edges
                .get(room)
                .into_iter()
                .flatten()
                .filter(|used| graph.rooms.contains(*used));
            for used in used.filter(|used| !allowed.contains(*used)) {
                differences.insert(format!(
                    "{room} → {used}: is a dependency in Cargo.toml and no arrow in the table"
                ));
            }
        }
        for name in self
            .allowed
            .keys()
            .filter(|name| !graph.rooms.contains(*name) && !self.not_made.contains(*name))
        {
            differences.insert(format!(
                "{name}: has a row in the table and is not in the workspace"
            ));
        }
        for (from, to, why) in &self.never {
            let from: Vec<&String> = match from.as_str() {
                "any library" => graph.libraries.iter().collect(),
                "any crate" => graph.rooms.iter().collect(),
                _ => graph.rooms.get(from).into_iter().collect(),
            };
            for way in from.into_iter().filter_map(|from| graph.way(from, to)) {
                differences.insert(format!("{}: must never be ({why})", way.join(" → ")));
            }
        }
        differences.into_iter().collect()
    }
}

/// Whether a dependency is more than a test's. `cfg(loom)` is set for models of threads only.
fn is_built(kind: &DepKindInfo) -> bool {
    let models_only = kind
        .target
        .as_ref()
        .is_some_and(|target| target.to_string() == "cfg(loom)");
    kind.kind != DependencyKind::Development && !models_only
}

/// The name of a workspace crate in the tables, and the proof that its package name shows its place.
fn room(folder: &str, package: &str) -> Outcome<String> {
    let Some(name) = folder.strip_prefix("crates/") else {
        return Ok(folder.split('/').next().unwrap_or(folder).to_owned());
    };
    if package == format!("plugwright-{name}") || (package == "plugwright" && name == "plugwright")
    {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "{folder}: the package is named {package}; by its place it is plugwright-{name}"
        ))
    }
}
