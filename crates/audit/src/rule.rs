//! A rule of the review: what it looks at, why that matters, and what is to be done. Each rule is a file in `rules`, and
//! its page of documentation is made of its own fields.

use std::fmt;
use std::fmt::Write as _;

use crate::comparison::Comparison;
use crate::cwe;
use crate::deployment::Deployment;
use crate::finding::Sink;
use crate::pillar::Pillar;
use crate::rules::signing::Signing;
use crate::subject::{ClosureSubject, FileSubject, ProcessSubject, SystemSubject, TextSubject};
use plugwright_trust::Severity;

/// One rule.
#[non_exhaustive]
pub struct Rule {
    /// Its stable name: `B…` for what stands in a binary, `D…` for what a deployment shows, `P…` for live processes, `C…`
    /// for what is new since another version, `A…` for the review itself.
    pub id: &'static str,
    /// What a finding of it says, in one line.
    pub title: &'static str,
    /// The weakness that it looks for, by its number in CWE.
    pub cwe: u16,
    /// How bad a finding usually is, before the context is looked at.
    pub severity: Severity,
    /// When a finding is milder or worse than that.
    pub severity_rule: &'static str,
    /// What it can be asked of.
    pub kinds: &'static [SubjectKind],
    /// What is looked at.
    pub looked_at: &'static str,
    /// Why it matters where code is loaded.
    pub why: &'static str,
    /// What to do about a finding.
    pub remedy: &'static str,
    /// Where to read more.
    pub references: &'static [&'static str],
    pub(crate) check: Check,
}

/// What a rule can be asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// An ELF image.
    Elf,
    /// A Mach-O image.
    MachO,
    /// A PE image.
    Pe,
    /// Files and folders as they are installed.
    Deployment,
    /// A live process.
    Process,
}

impl SubjectKind {
    /// The name, as tables have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elf => "elf",
            Self::MachO => "mach-o",
            Self::Pe => "pe",
            Self::Deployment => "deployment",
            Self::Process => "process",
        }
    }
}

/// How a rule looks. Each answers how many things it looked at, so that a report can say what a clean result rests on.
#[derive(Clone, Copy)]
pub(crate) enum Check {
    /// At a file, whose images were read.
    File(fn(&FileSubject<'_>, &mut Sink<'_>) -> u64),
    /// At all files of one target together, and the folders around them.
    Deployment(fn(&Deployment<'_>, &mut Sink<'_>) -> u64),
    /// At a library or program with all that it brings in.
    Closure(fn(&ClosureSubject<'_>, &mut Sink<'_>) -> u64),
    /// At a file that is no library and that people write: a script, a unit of systemd, a configuration.
    Text(fn(&TextSubject<'_>, &mut Sink<'_>) -> u64),
    /// At what speaks for the files of one target.
    Signing(fn(&Signing<'_>, &mut Sink<'_>) -> u64),
    /// At a file and an older version of it.
    Comparison(fn(&Comparison<'_>, &mut Sink<'_>) -> u64),
    /// At a live process.
    Process(fn(&ProcessSubject<'_>, &mut Sink<'_>) -> u64),
    /// At the system around all targets.
    System(fn(&SystemSubject<'_>, &mut Sink<'_>) -> u64),
    /// The reviewer tells it, when it looks.
    Reviewer,
}

impl Rule {
    /// The weakness.
    #[must_use]
    pub fn weakness(&self) -> Option<&'static cwe::Weakness> {
        cwe::find(self.cwe)
    }

    /// The pillar that the weakness belongs to.
    #[must_use]
    pub fn pillar(&self) -> Pillar {
        cwe::pillar(self.cwe).unwrap_or(Pillar::CodingStandards)
    }

    /// The rule's page of documentation, in Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        let name = self.weakness().map_or("", |weakness| weakness.name);
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let path: Vec<String> = cwe::path(self.cwe).iter().map(u16::to_string).collect();
        // Writing into a String cannot fail.
        let _infallible = write!(
            page,
            "# {}: {}\n\n\
             - Weakness: CWE-{} {name} (CWE {}, by way of {})\n\
             - Pillar: {}\n\
             - Asked of: {}\n\
             - Severity: {}. {}\n\n\
             ## What is looked at\n\n{}\n\n\
             ## Why it matters\n\n{}\n\n\
             ## What to do\n\n{}\n",
            self.id,
            self.title,
            self.cwe,
            cwe::VERSION,
            path.join(" > "),
            self.pillar(),
            kinds.join(", "),
            self.severity,
            self.severity_rule,
            self.looked_at,
            self.why,
            self.remedy,
        );
        page.push_str("\n## References\n\n");
        let _infallible = writeln!(
            page,
            "- https://cwe.mitre.org/data/definitions/{}.html",
            self.cwe
        );
        for reference in self.references {
            let _infallible = writeln!(page, "- {reference}");
        }
        page
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}
