//! The security review: what is wrong with a library, a plugin or a folder of them, told pillar by pillar of CWE's view 1000.
//! Nothing is executed.
//!
//! A [`Rule`] looks for one weakness; [`review()`] asks every rule of every file and makes a [`Report`]. The report goes through
//! all ten [`Pillar`]s, says of each what was examined, and names the rules for source code that it does not cover.
//!
//! ```
//! use plugwright_audit::{Severity, review};
//!
//! let report = review(&[std::env::current_exe()?]);
//! for finding in report.findings.iter().filter(|finding| finding.severity >= Severity::High) {
//!     println!("{}: {}", finding.rule.id, finding.title);
//! }
//! assert_eq!(report.pillars.len(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod pillar;
mod rule;
mod rules;
mod severity;

mod context;
mod finding;
mod report;
mod review;

pub mod cwe;

mod os;
mod source_rules;
mod subject;
mod walk;
mod watched;

pub use finding::{Evidence, Finding};
pub use pillar::Pillar;
pub use report::{Examined, PillarReport, Report, RuleCount, TargetReport, Verdict};
pub use review::review;
pub use rule::{Rule, SubjectKind};
pub use rules::{RULES, rule};
pub use severity::{Severity, UnknownSeverity};
