//! D15: A script or unit makes the loader look in the current folder.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::TextSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D15",
    title: "A script or unit makes the loader look in the current folder",
    cwe: 427,
    severity: Severity::High,
    severity_rule: "Medium where an unset variable would make it so.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "Assignments of LD_LIBRARY_PATH, LD_PRELOAD, QT_PLUGIN_PATH and their like in scripts, units of systemd, desktop entries and environment files.",
    why: "An empty or relative element means the current folder, so that a library beside a document is loaded with the program; joining an unset variable with a colon makes one.",
    remedy: "Write ${VAR:+:$VAR} instead of :$VAR, and absolute folders only.",
    references: &["CVE-2024-41817", "CVE-2020-27348"],
    check: Check::Text(check),
};

/// Variables whose folders are searched for code.
const VARIABLES: &[&str] = &[
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LD_AUDIT",
    "QT_PLUGIN_PATH",
    "QML2_IMPORT_PATH",
    "QML_IMPORT_PATH",
    "GTK_PATH",
    "GIO_EXTRA_MODULES",
    "GST_PLUGIN_PATH",
    "PYTHONPATH",
    "PERL5LIB",
    "DYLD_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    "VK_ICD_FILENAMES",
    "LIBGL_DRIVERS_PATH",
    "PLUGWRIGHT_PATH",
];

fn check(text: &TextSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let assigning = text.lines.iter().filter(|(_, line)| line.contains('='));
    for (at, line) in assigning {
        for variable in VARIABLES {
            let Some((before, value)) = assignment(line, variable) else {
                continue;
            };
            looked = looked.saturating_add(1);
            let Some((severity, what)) = judge(value) else {
                continue;
            };
            let place = u64::try_from(before)
                .ok()
                .and_then(|before| at.checked_add(before));
            sink.report_as(severity, format!("{variable} is given {what}"))
                .at("line", line.trim(), place);
        }
    }
    looked
}

/// The value that a line assigns to a variable, and where the name stands in it.
fn assignment<'l>(line: &'l str, variable: &str) -> Option<(usize, &'l str)> {
    let code = line.trim_start();
    if code.starts_with('#') || code.starts_with(';') {
        return None;
    }
    let (at, value) = line.match_indices(variable).find_map(|(at, _)| {
        let value = line.get(at..)?.strip_prefix(variable)?.strip_prefix('=')?;
        let before = line.get(..at)?.chars().next_back();
        let is_longer = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '{');
        (!before.is_some_and(is_longer)).then_some((at, value))
    })?;
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value.get(1..)?.split(quote).next()?,
        // A unit's whole assignment may be in quotes that begin before the name.
        _ => value.split([' ', '\t', ';', '&', '"', '\'']).next()?,
    };
    Some((at, value))
}

fn judge(value: &str) -> Option<(Severity, &'static str)> {
    if value.is_empty() {
        return None;
    }
    // A colon inside of ${VAR:+…} separates nothing.
    let mut elements = vec![String::new()];
    let mut depth = 0_u32;
    for c in value.chars() {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                elements.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = elements.last_mut() {
            last.push(c);
        }
    }
    let alone = elements.len() == 1;
    for element in &elements {
        let conditional =
            element.contains(":+") || element.contains(":-") && !element.ends_with(":-}");
        let is_variable =
            element.starts_with('$') && !element.contains('/') && !element.contains('(');
        if element.is_empty() {
            return Some((
                Severity::High,
                "an empty element, which means the current folder",
            ));
        } else if is_variable && !conditional && !alone {
            return Some((
                Severity::Medium,
                "an element that is empty when a variable is not set",
            ));
        } else if !element.starts_with(['/', '$', '~', '%', '@', '`']) && !conditional {
            return Some((Severity::High, "an element relative to the current folder"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_judged() {
        #[track_caller]
        fn check(line: &str, expected: Option<Severity>) {
            let found = VARIABLES.iter().find_map(|name| assignment(line, name));
            let found = found.and_then(|(_, value)| judge(value));
            assert_eq!(found.map(|(severity, _)| severity), expected, "{line}");
        }
        check("export LD_LIBRARY_PATH=/opt/app/lib", None);
        check("export LD_LIBRARY_PATH=/opt/app/lib:", Some(Severity::High));
        check(
            "LD_LIBRARY_PATH=\"$HERE/lib:$LD_LIBRARY_PATH\" exec app",
            Some(Severity::Medium),
        );
        check(
            "LD_LIBRARY_PATH=\"$HERE/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\"",
            None,
        );
        check("Environment=QT_PLUGIN_PATH=plugins", Some(Severity::High));
        check("Environment=\"QT_PLUGIN_PATH=/opt/plugins\" OTHER=1", None);
        check("# LD_LIBRARY_PATH=.", None);
        check("MY_LD_LIBRARY_PATH=.", None);
        check(
            "OLD_LD_LIBRARY_PATH=/x LD_LIBRARY_PATH=. app",
            Some(Severity::High),
        );
        check("LD_LIBRARY_PATH=", None);
        check("LD_LIBRARY_PATH=$HERE/usr/lib/:.", Some(Severity::High));
    }
}
