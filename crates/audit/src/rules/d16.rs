//! D16: Every program is made to load a library.

use super::d17;
use crate::finding::Sink;
use crate::os;
use crate::ownership::in_words;
use crate::rule::{Check, Rule, SubjectKind};
use crate::subject::SystemSubject;
use plugwright_trust::Severity;
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    id: "D16",
    title: "Every program is made to load a library",
    cwe: 829,
    severity: Severity::Critical,
    severity_rule: "High for a list that root alone can write.",
    kinds: &[SubjectKind::Deployment],
    looked_at: "/etc/ld.so.preload; owner and mode of it, of /etc/ld.so.conf, and of every folder that the loader searches.",
    why: "What is named there, or put there, runs in every program that starts, those of root first.",
    remedy: "Empty the file, unless a product that you know put its library there; chmod go-w on the folders.",
    references: &["ld.so(8)", "https://attack.mitre.org/techniques/T1574/006/"],
    check: Check::System(check),
};

fn check(system: &SystemSubject<'_>, sink: &mut Sink<'_>) -> u64 {
    let mut looked = 0_u64;
    let below = |path: &str| system.root.join(path);
    let preload = below("etc/ld.so.preload");
    looked = looked.saturating_add(1);
    if let Ok(text) = std::fs::read(&preload) {
        let text = String::from_utf8_lossy(&text).into_owned();
        let names = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        for name in names.flat_map(str::split_whitespace) {
            sink.report_about(
                &preload,
                Severity::High,
                "a library is loaded into every program",
            )
            .with("library", name);
        }
    }
    let mut places = vec![preload, below("etc/ld.so.conf"), below("etc/ld.so.conf.d")];
    // The folders are those of this system, which another's image does not have.
    if system.root == Path::new("/") {
        places.extend(system.system.folders().map(Path::to_owned));
    }
    for place in places {
        let Ok(metadata) = std::fs::metadata(&place) else {
            continue;
        };
        looked = looked.saturating_add(1);
        let stat = os::stat(&metadata);
        let title = if let Some(writers) = system.ownership.other_writers(&stat) {
            format!(
                "where the loader looks for libraries of every program may be written by {writers}"
            )
        } else if !system.ownership.trusts(stat.uid) {
            format!(
                "where the loader looks for libraries of every program belongs to user {}",
                stat.uid
            )
        } else {
            continue;
        };
        sink.report_about(&place, Severity::Critical, title)
            .with("owner and mode", in_words(&stat).as_str());
    }
    for name in ["etc/nsswitch.conf", "etc/ssl/openssl.cnf"] {
        let place = below(name);
        if let Ok(metadata) = std::fs::metadata(&place) {
            looked = looked.saturating_add(1);
            d17::look(&place, &os::stat(&metadata), system.ownership, sink);
        }
    }
    looked
}
