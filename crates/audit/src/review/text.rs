//! Looking at files that people write: scripts, units, desktop entries, environment and registry files.

use std::path::Path;

use super::file::Work;
use super::tally::Tally;
use crate::context::Context;
use crate::os::Stat;
use crate::rule::Check;
use crate::subject::{Held, TextSubject, read, shown};

/// Bytes of such a file that are read; real ones are far shorter.
const MOST: usize = 256 << 10;

/// Asks the rules about texts, if the file is one: whether it chooses the folders in which libraries are looked for, or `None` if
/// it is no text.
pub(super) fn look(
    work: &Work,
    file: &Held<'_>,
    stat: &Stat,
    tally: &mut Tally<'_>,
) -> Option<bool> {
    let by_name = is_known(&work.path);
    if !by_name && stat.mode & 0o111 == 0 {
        return None;
    }
    if !by_name && !file.head().starts_with(b"#!") {
        return None;
    }
    let bytes = read(file, 0, MOST);
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = Vec::new();
    let mut at = 0_u64;
    for line in text.split_inclusive('\n') {
        lines.push((at, line));
        at = at.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
    }
    let subject = TextSubject { lines: &lines };
    let (target, context) = (shown(&work.path), Context::default());
    tally.ask(&target, &context, &work.root, |rule, sink| {
        match rule.check {
            Check::Text(check) => Some(check(&subject, sink)),
            _ => None,
        }
    });
    Some(text.contains("LIBRARY_PATH") || text.contains("LD_PRELOAD"))
}

/// Whether a file of this name is read by something that starts programs.
fn is_known(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let endings = [
        ".sh", ".service", ".env", ".desktop", ".reg", ".inf", ".bat", ".cmd", ".ps1", ".wxs",
        ".iss",
    ];
    matches!(&*name, "AppRun" | "environment" | "envvars")
        || endings.iter().any(|ending| name.ends_with(ending))
}
