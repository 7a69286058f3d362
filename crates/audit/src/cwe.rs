//! The Common Weakness Enumeration, as far as a review needs it: every live weakness of view 1000 with its parents, from
//! the table that is compiled in (`data/`, with MITRE's notice).
//!
//! A weakness belongs to the pillar that its *primary* parents lead to; others that it reaches are told beside it.

use std::sync::LazyLock;

use serde::Serialize;

use crate::pillar::Pillar;

/// The version of the table.
pub const VERSION: &str = "4.19.1";

const TABLE: &str = include_str!("../data/cwe-4.19.1-view1000.tsv");

/// How MITRE answers the question whether a finding may be mapped to a weakness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Usage {
    /// Yes.
    Allowed,
    /// Yes, after a look at its children.
    AllowedWithReview,
    /// Better to one of its children.
    Discouraged,
    /// No.
    Prohibited,
}

/// One weakness.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weakness {
    /// Its number.
    pub id: u16,
    /// Its official name.
    pub name: &'static str,
    /// How abstract it is: `Pillar`, `Class`, `Base`, `Variant` or `Compound`.
    pub abstraction: &'static str,
    /// Whether a finding may be mapped to it.
    pub usage: Usage,
    /// Its parents in view 1000.
    pub parents: Vec<u16>,
    /// The one of them that counts first.
    pub primary: Option<u16>,
}

static WEAKNESSES: LazyLock<Vec<Weakness>> = LazyLock::new(|| {
    let mut all: Vec<Weakness> = TABLE.lines().filter_map(row).collect();
    all.sort_by_key(|weakness| weakness.id);
    all
});

fn row(line: &'static str) -> Option<Weakness> {
    let mut fields = line.split('\t');
    let (id, name, abstraction, usage) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let parents = fields
        .next()
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|parent| !parent.is_empty());
    let number = |text: &str| text.trim_start_matches('*').parse().ok();
    let parents: Vec<&str> = parents.collect();
    Some(Weakness {
        id: id.parse().ok()?,
        name,
        abstraction,
        usage: match usage {
            "Allowed" => Usage::Allowed,
            "Allowed-with-Review" => Usage::AllowedWithReview,
            "Discouraged" => Usage::Discouraged,
            _ => Usage::Prohibited,
        },
        primary: parents
            .iter()
            .find(|parent| parent.starts_with('*'))
            .and_then(|parent| number(parent)),
        parents: parents.iter().filter_map(|parent| number(parent)).collect(),
    })
}

/// Every weakness, in the order of the numbers.
#[must_use]
pub fn all() -> &'static [Weakness] {
    &WEAKNESSES
}

const LONGEST_PATH: usize = 16;

/// The weakness with this number.
#[must_use]
pub fn find(id: u16) -> Option<&'static Weakness> {
    let at = WEAKNESSES
        .binary_search_by_key(&id, |weakness| weakness.id)
        .ok()?;
    WEAKNESSES.get(at)
}

/// The way from a weakness up to its pillar by the primary parents, itself first. Empty for an unknown number.
#[must_use]
pub fn path(id: u16) -> Vec<u16> {
    let mut path = Vec::new();
    let mut next = Some(id);
    while let Some(weakness) = next.and_then(find) {
        if path.contains(&weakness.id) {
            break;
        }
        path.push(weakness.id);
        next = weakness.primary;
    }
    path
}

/// The pillar that a weakness belongs to.
#[must_use]
pub fn pillar(id: u16) -> Option<Pillar> {
    // No chain of primary parents is longer; the table's own test follows each to its pillar.
    let mut weakness = find(id)?;
    for _ in 0..LONGEST_PATH {
        match weakness.primary.and_then(find) {
            Some(parent) => weakness = parent,
            None => break,
        }
    }
    Pillar::from_id(weakness.id)
}

/// Every pillar that a weakness reaches, by whatever parents, in ascending order.
#[must_use]
pub fn pillars(id: u16) -> Vec<Pillar> {
    let mut seen = Vec::new();
    let mut open = vec![id];
    let mut found = Vec::new();
    while let Some(weakness) = open.pop().and_then(find) {
        if seen.contains(&weakness.id) {
            continue;
        }
        seen.push(weakness.id);
        found.extend(Pillar::from_id(weakness.id));
        open.extend(&weakness.parents);
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(all().len(), 944);
        // What the table's makers counted, by primary parents.
        let count = |pillar| {
            all()
                .iter()
                .filter(|weakness| super::pillar(weakness.id) == Some(pillar))
                .count()
        };
        let counts = Pillar::ALL.map(count);
        assert_eq!(counts, [148, 11, 324, 14, 39, 77, 16, 21, 129, 165]);
    }

    #[test]
    fn a_weakness_leads_to_its_pillar() {
        assert_eq!(path(427), [427, 668, 664]);
        assert_eq!(pillar(427), Some(Pillar::Lifetime));
        assert_eq!(
            pillars(250),
            [Pillar::AccessControl, Pillar::CodingStandards]
        );
        assert_eq!(
            find(427).map(|weakness| weakness.usage),
            Some(Usage::AllowedWithReview)
        );
        assert!(path(1).is_empty());
    }
}
