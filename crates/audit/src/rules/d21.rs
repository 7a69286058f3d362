//! D21: Path of a service with spaces and without quotes.

use crate::finding::Sink;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::TextSubject;
use plugwright_trust::Severity;

pub(crate) static RULE: Rule = Rule {
    id: "D21",
    title: "Path of a service with spaces and without quotes",
    cwe: 428,
    severity: Severity::High,
    severity_rule: "Always this.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "ImagePath and binPath in registry files, scripts and installers' sources.",
    why: "Windows tries C:\\Program.exe before C:\\Program Files\\…: whoever can write the top of the disk has the service run it.",
    remedy: "Put the path in quotes.",
    references: &["https://attack.mitre.org/techniques/T1574/009/"],
    check: Check::Text(check),
};

fn check(text: &TextSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    for (at, line) in text.lines {
        let Some(path) = service_path(line) else {
            continue;
        };
        looked = looked.saturating_add(1);
        if has_open_space(path) {
            sink.report(RULE.title).at("line", line.trim(), *at);
        }
    }
    looked
}

/// The command that a line gives a service: `"ImagePath"="…"` of a registry file, `binPath= …` of a script.
fn service_path(line: &str) -> Option<&str> {
    if let Some((_, value)) = line.split_once("\"ImagePath\"=") {
        return value.trim().strip_prefix('"')?.strip_suffix('"');
    }
    let (_, value) = line.split_once("binPath=")?;
    let value = value.trim();
    Some(
        value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value),
    )
}

/// Whether there is a space before the end of the program's name, outside of quotes (escaped ones, as these files have them).
fn has_open_space(path: &str) -> bool {
    if path.starts_with("\\\"") || path.starts_with('"') || path.starts_with("\\??\\") {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    let is_path =
        lower.get(1..).is_some_and(|rest| rest.starts_with(":\\")) || lower.starts_with('%');
    let program = lower
        .find(".exe")
        .and_then(|end| lower.get(..end))
        .unwrap_or(&lower);
    is_path && program.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_spaces_want_quotes() {
        #[track_caller]
        fn check(line: &str, expected: Option<bool>) {
            assert_eq!(service_path(line).map(has_open_space), expected, "{line}");
        }
        check(
            r#""ImagePath"="C:\\Program Files\\App\\service.exe -k""#,
            Some(true),
        );
        check(
            r#""ImagePath"="\"C:\\Program Files\\App\\service.exe\" -k""#,
            Some(false),
        );
        check(r#""ImagePath"="C:\\App\\service.exe -k run""#, Some(false));
        check(
            r#"sc create app binPath= "C:\Program Files\App\service.exe""#,
            Some(true),
        );
        check("nothing", None);
    }
}
