//! Files that the Markdown documents name: each has to be there, or the reader is sent nowhere.

use std::path::Path;

/// The folders whose files are known by their path in backquotes.
const FOLDERS: [&str; 8] = [
    "crates/",
    "xtask/",
    "examples/",
    "fixtures/",
    "benches/",
    "docs/",
    ".ci/",
    ".config/",
];

/// Every path that `text` names and that is not below `root`: targets of links, relative to the document, and paths in
/// backquotes, relative to `root`.
#[must_use]
pub fn findings(path: &str, text: &str, root: &Path) -> Vec<String> {
    let folder = root.join(path);
    let folder = folder.parent().unwrap_or(root);
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let links = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next());
        let links = links
            .filter(|link| !link.is_empty() && !link.contains("://"))
            .map(|link| (link, folder.join(link)));
        let quoted = line.split('`').skip(1).step_by(2);
        let quoted = quoted.filter(|code| {
            FOLDERS.iter().any(|folder| code.starts_with(folder)) && !code.contains([' ', '*', '{'])
        });
        let quoted = quoted.map(|code| (code, root.join(code)));
        for (shown, file) in links.chain(quoted) {
            // What cannot be looked at is not there for the reader either.
            if !file.try_exists().unwrap_or(false) {
                findings.push(format!("{path}:{}: `{shown}` is not there", number + 1));
            }
        }
    }
    findings
}
