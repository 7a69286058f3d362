//! The security review: what is wrong with a library, a plugin or a folder of them, told pillar by pillar of CWE's view 1000.
//! Nothing is executed.
//!
//! A [`Rule`] looks for one weakness; [`review()`] asks every rule of every [`Target`] that it fits and makes a [`Report`]. The
//! report goes through all ten [`Pillar`]s, says of each what was examined, and names the rules for source code that it does
//! not cover.
//!
//! ```
//! use plugwright_audit::{Options, Severity, Target, Tier, review};
//!
//! let target = Target::path(std::env::current_exe()?);
//! let report = review(&[target], &Options::new(Tier::Files));
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

mod advisories;
mod options;
mod progress;
mod target;

mod pillar;
mod rule;
mod rules;

mod context;
mod finding;
mod judged;
mod report;
mod review;

mod baseline;
mod waiver;

pub mod cwe;

mod comparison;
mod deployment;
mod os;
mod ownership;
mod process;
mod source_rules;
mod subject;
mod system;
mod walk;
mod watched;

pub use advisories::{Advisories, AdvisoriesError};
pub use baseline::{Baseline, BaselineError};
pub use context::{ContextKind, ContextNote};
pub use finding::{Evidence, Finding};
pub use judged::audited;
pub use options::{Options, Tier, UnknownTier};
pub use pillar::Pillar;
pub use progress::{Progress, Stage};
pub use report::{
    Assessment, Examined, Html, Junit, Load, Markdown, PillarReport, Report, RuleCount,
    TargetReport, Verdict,
};
pub use review::{review, review_bytes, review_watched};
pub use rule::{Rule, SubjectKind};
pub use rules::{RULES, rule};
pub use target::{Target, TargetKind};
pub use waiver::{Accepted, WaiverError, Waivers};

pub use plugwright_trust::{Severity, UnknownSeverity};
