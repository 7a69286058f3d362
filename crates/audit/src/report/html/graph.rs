//! What loads what, drawn: a layered graph from left to right, laid out here, so that the page needs no script for it.

use std::collections::BTreeMap;
use std::fmt;

use plugwright_inspect::Untrusted;

use super::super::words::{counted, len};
use super::super::{Load, Report};
use super::escaped;
use crate::options::Tier;
use plugwright_trust::Severity;

/// More boxes than this are no picture any more.
const MOST: usize = 90;
/// Layers; what lies deeper is drawn in the last.
const DEEPEST: usize = 8;
const COLUMN: usize = 290;
const ROW: usize = 34;
const WIDTH: usize = 220;
const HEIGHT: usize = 24;
/// Characters of a name that fit into its box.
const LETTERS: usize = 28;

/// A file, or a name that leads to none.
#[derive(Debug)]
struct Node<'a> {
    name: &'a Untrusted,
    absent: bool,
    worst: Option<Severity>,
    layer: usize,
    row: usize,
}

/// Writes the section.
pub(super) fn write(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    writeln!(f, r#"<h2 id="loads">What loads what</h2>"#)?;
    if report.loads.is_empty() {
        return writeln!(
            f,
            r#"<p class="soft">Nothing that was reviewed asks for another library.</p>"#
        );
    }
    let (loads, of) = chosen(report);
    let mut graph = Graph::new(report, &loads);
    graph.layer();
    graph.order();
    let files = counted(len(graph.nodes.len()), "file", "files");
    let note = if loads.len() < of {
        format!(
            "{files} with {} of {of} needs, those of the files with the worst findings first. The JSON report has all.",
            loads.len()
        )
    } else {
        format!(
            "{files}. An arrow leads from a file to what it needs; coloured boxes have findings."
        )
    };
    let missing = match report.tier {
        Tier::Files => {
            " Only names are known: this review did not look where the loader finds them."
        }
        _ => " Dashed boxes were not found.",
    };
    writeln!(f, r#"<p class="soft">{note}{missing}</p>"#)?;
    graph.draw(f)
}

/// The needs to draw, and how many there are: of the files with the worst findings first, as long as there is room.
fn chosen(report: &Report) -> (Vec<&Load>, usize) {
    let mut by_file: BTreeMap<&Untrusted, Vec<&Load>> = BTreeMap::new();
    for load in &report.loads {
        by_file.entry(&load.from).or_default().push(load);
    }
    let mut files: Vec<_> = by_file.into_iter().collect();
    files.sort_by_key(|(file, _)| std::cmp::Reverse(worst(report, file)));
    let mut seen = std::collections::BTreeSet::new();
    let mut chosen = Vec::new();
    for (file, loads) in files {
        let mut with = seen.clone();
        with.insert(file);
        with.extend(
            loads
                .iter()
                .map(|load| load.path.as_ref().unwrap_or(&load.name)),
        );
        if with.len() > MOST && !chosen.is_empty() {
            break;
        }
        seen = with;
        chosen.extend(loads.into_iter().take(MOST));
    }
    (chosen, report.loads.len())
}

fn worst(report: &Report, file: &Untrusted) -> Option<Severity> {
    let own = report
        .findings
        .iter()
        .filter(|finding| finding.target == *file);
    own.map(|finding| finding.severity).max()
}

/// The last component of a path.
fn short(name: &Untrusted) -> Untrusted {
    let last = name.as_bytes().rsplit(|byte| *byte == b'/').next();
    Untrusted::from(last.unwrap_or_default())
}

struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// Pairs of positions in `nodes`.
    edges: Vec<(usize, usize)>,
}

impl<'a> Graph<'a> {
    fn new(report: &'a Report, loads: &[&'a Load]) -> Self {
        let mut graph = Self {
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        let mut places: BTreeMap<&Untrusted, usize> = BTreeMap::new();
        // A name that nobody looked up is a file of the review if exactly such a name is there.
        let named: BTreeMap<Untrusted, &Untrusted> = loads
            .iter()
            .map(|load| (short(&load.from), &load.from))
            .collect();
        for load in loads {
            let path = load.path.as_ref();
            let to = match (path, report.tier) {
                (Some(path), _) => path,
                (None, Tier::Files) => named.get(&load.name).copied().unwrap_or(&load.name),
                (None, _) => &load.name,
            };
            let absent = path.is_none() && report.tier != Tier::Files;
            let from = graph.node(&mut places, &load.from, false, report);
            let to = graph.node(&mut places, to, absent, report);
            if !graph.edges.contains(&(from, to)) {
                graph.edges.push((from, to));
            }
        }
        graph
    }

    fn node(
        &mut self,
        places: &mut BTreeMap<&'a Untrusted, usize>,
        name: &'a Untrusted,
        absent: bool,
        report: &Report,
    ) -> usize {
        *places.entry(name).or_insert_with(|| {
            self.nodes.push(Node {
                name,
                absent,
                worst: worst(report, name),
                layer: 0,
                row: 0,
            });
            self.nodes.len().saturating_sub(1)
        })
    }

    fn at(&self, index: usize, of: fn(&Node<'_>) -> usize) -> usize {
        self.nodes.get(index).map(of).unwrap_or_default()
    }

    /// Puts each file right of all that need it; a circle ends at the last layer.
    fn layer(&mut self) {
        for _ in 0..DEEPEST {
            for (from, to) in self.edges.clone() {
                let below = self
                    .at(from, |node| node.layer)
                    .saturating_add(1)
                    .min(DEEPEST);
                if let Some(node) = self.nodes.get_mut(to).filter(|node| node.layer < below) {
                    node.layer = below;
                }
            }
        }
    }

    /// Orders each layer by where those stand that need its files, so that few arrows cross.
    fn order(&mut self) {
        for layer in 0..=DEEPEST {
            let mut own: Vec<(u64, usize)> = (0..self.nodes.len())
                .filter(|index| self.at(*index, |node| node.layer) == layer)
                .map(|index| (self.weight(index), index))
                .collect();
            own.sort_by_key(|(weight, index)| {
                (*weight, self.nodes.get(*index).map(|node| node.name))
            });
            for (row, (_, index)) in own.into_iter().enumerate() {
                if let Some(node) = self.nodes.get_mut(index) {
                    node.row = row;
                }
            }
        }
    }

    /// The mean row of those that need a file, in hundredths.
    fn weight(&self, index: usize) -> u64 {
        let above = self.edges.iter().filter(|(_, to)| *to == index);
        let rows: Vec<u64> = above
            .map(|(from, _)| len(self.at(*from, |node| node.row)))
            .collect();
        let sum = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(*row));
        sum.saturating_mul(100)
            .checked_div(len(rows.len()))
            .unwrap_or_default()
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = |of: fn(&Node<'_>) -> usize| self.nodes.iter().map(of).max().unwrap_or_default();
        let width = most(|node| node.layer)
            .saturating_mul(COLUMN)
            .saturating_add(WIDTH);
        let height = most(|node| node.row)
            .saturating_mul(ROW)
            .saturating_add(HEIGHT);
        writeln!(
            f,
            r#"<div class="graph"><svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}" viewBox="-2 -2 {} {}" role="img">"#,
            width.saturating_add(4),
            height.saturating_add(4),
            width.saturating_add(4),
            height.saturating_add(4),
        )?;
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (self.nodes.get(*from), self.nodes.get(*to)) {
                edge(f, from, to)?;
            }
        }
        for node in &self.nodes {
            draw_node(f, node)?;
        }
        writeln!(f, "</svg></div>")
    }
}

fn place(node: &Node<'_>) -> (usize, usize) {
    (
        node.layer.saturating_mul(COLUMN),
        node.row.saturating_mul(ROW),
    )
}

fn edge(f: &mut fmt::Formatter<'_>, from: &Node<'_>, to: &Node<'_>) -> fmt::Result {
    let ((from_x, from_y), (to_x, to_y)) = (place(from), place(to));
    let (from_x, from_y) = (
        from_x.saturating_add(WIDTH),
        from_y.saturating_add(HEIGHT / 2),
    );
    let to_y = to_y.saturating_add(HEIGHT / 2);
    let bend = (COLUMN - WIDTH) / 2;
    let class = if to.absent { r#" class="absent""# } else { "" };
    writeln!(
        f,
        r#"<path{class} d="M{from_x} {from_y} C{} {from_y} {} {to_y} {to_x} {to_y}"/><path class="tip" d="M{to_x} {to_y}l-7 -3.5v7z"/>"#,
        from_x.saturating_add(bend),
        to_x.saturating_sub(bend),
    )
}

fn draw_node(f: &mut fmt::Formatter<'_>, node: &Node<'_>) -> fmt::Result {
    let (x, y) = place(node);
    let class = match (node.absent, node.worst) {
        (true, _) => r#" class="absent""#.to_owned(),
        (false, Some(severity)) => format!(r#" class="s-{severity}""#),
        (false, None) => String::new(),
    };
    let name = short(node.name).to_string();
    let shown: String = if name.chars().count() > LETTERS {
        name.chars()
            .take(LETTERS.saturating_sub(1))
            .chain(['…'])
            .collect()
    } else {
        name
    };
    writeln!(
        f,
        r#"<g{class}><title>{}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/><text x="{}" y="{}">{}</text></g>"#,
        escaped(&node.name.to_string()),
        x.saturating_add(8),
        y.saturating_add(16),
        escaped(&shown),
    )
}
