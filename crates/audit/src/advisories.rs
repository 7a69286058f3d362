//! Known weak versions of Rust crates, read from files in the format of the `RustSec` advisory database: TOML, alone or in
//! blocks of a Markdown file that begin with a line of three backquotes and `toml`. Nothing is fetched.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Deserialize;

/// A collection of advisories.
#[derive(Clone, Debug, Default)]
pub struct Advisories {
    by_crate: BTreeMap<String, Vec<Advisory>>,
}

/// One advisory.
#[derive(Clone, Debug)]
pub(crate) struct Advisory {
    pub(crate) id: String,
    /// `unmaintained`, `unsound`, `notice`: what is no vulnerability.
    pub(crate) informational: Option<String>,
    /// How bad it is, as a vector of CVSS.
    pub(crate) cvss: Option<String>,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
    /// What is said to do: the patched versions as they stand there.
    pub(crate) patched_text: String,
}

/// Bytes of one file that are read.
const MOST: u64 = 64 << 20;
/// Folders in folders that are looked into.
const DEPTH: usize = 8;

impl Advisories {
    /// Reads one file, or every `.md` and `.toml` file below a folder, such as a copy of the database.
    ///
    /// # Errors
    /// When something cannot be read, or is no advisory: the error says where, by line and column.
    pub fn read(path: &Path) -> Result<Self, AdvisoriesError> {
        let mut all = Self::default();
        if path.is_dir() {
            all.read_folder(path, DEPTH)?;
        } else {
            all.read_file(path)?;
        }
        Ok(all)
    }

    /// Reads the text of a file; `path` is for errors.
    ///
    /// # Errors
    /// When the text is no advisory.
    pub fn parse(text: &str, path: &Path) -> Result<Self, AdvisoriesError> {
        let mut all = Self::default();
        all.take_in(text, path)?;
        Ok(all)
    }

    /// The number of advisories.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_crate.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_crate.is_empty()
    }

    /// The advisories for a version of a crate.
    pub(crate) fn of(&self, name: &str, version: &Version) -> impl Iterator<Item = &Advisory> {
        let of_crate = self.by_crate.get(name).into_iter().flatten();
        of_crate.filter(move |advisory| {
            let fits = |list: &[VersionReq]| list.iter().any(|wanted| wanted.matches(version));
            !fits(&advisory.patched) && !fits(&advisory.unaffected)
        })
    }

    fn read_folder(&mut self, folder: &Path, depth: usize) -> Result<(), AdvisoriesError> {
        let told = |error| AdvisoriesError::io(folder, error);
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            paths.push((entry.path(), entry.file_type().map_err(told)?));
        }
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, kind) in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_advisory = name.starts_with("RUSTSEC-") || name.starts_with("CVE-");
            let ending = path.extension().unwrap_or_default();
            if kind.is_dir() && depth > 0 && !name.starts_with('.') {
                self.read_folder(&path, depth.saturating_sub(1))?;
            } else if kind.is_file() && is_advisory && (ending == "md" || ending == "toml") {
                self.read_file(&path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), AdvisoriesError> {
        use std::io::Read as _;
        let mut text = String::new();
        let file = fs::File::open(path);
        let read = file.and_then(|file| file.take(MOST).read_to_string(&mut text));
        read.map_err(|error| AdvisoriesError::io(path, error))?;
        self.take_in(&text, path)
    }

    fn take_in(&mut self, text: &str, path: &Path) -> Result<(), AdvisoriesError> {
        for (first, block) in blocks(text) {
            let at = |error: &toml::de::Error| {
                let before = error.span().and_then(|span| block.get(..span.start));
                let before = before.unwrap_or_default();
                let line = before.matches('\n').count();
                let column = before.chars().rev().take_while(|c| *c != '\n').count();
                (
                    first.saturating_add(line),
                    column.saturating_add(1),
                    error.message().to_owned(),
                )
            };
            let file: File = toml::from_str(block).map_err(|error| {
                let (line, column, message) = at(&error);
                AdvisoriesError::text(path, line, column, message)
            })?;
            let requirements = |texts: &[String]| {
                let read = texts.iter().map(|text| text.parse::<VersionReq>());
                read.collect::<Result<Vec<_>, _>>()
            };
            let invalid = |error: semver::Error| {
                AdvisoriesError::text(path, first, 1, format!("a range of versions: {error}"))
            };
            let advisory = Advisory {
                patched: requirements(&file.versions.patched).map_err(invalid)?,
                unaffected: requirements(&file.versions.unaffected).map_err(invalid)?,
                patched_text: file.versions.patched.join(" or "),
                id: file.advisory.id,
                informational: file.advisory.informational,
                cvss: file.advisory.cvss,
            };
            let name = file.advisory.package;
            self.by_crate.entry(name).or_default().push(advisory);
        }
        Ok(())
    }
}

/// The TOML in a text, each piece with the number of its first line.
fn blocks(text: &str) -> Vec<(usize, &str)> {
    let mut blocks = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut at = 0_usize;
    for (number, line) in (1_usize..).zip(text.split_inclusive('\n')) {
        let next = at.saturating_add(line.len());
        match start {
            None if line.trim_end() == "```toml" => start = Some((number.saturating_add(1), next)),
            Some((first, from)) if line.trim_end() == "```" => {
                blocks.extend(text.get(from..at).map(|block| (first, block)));
                start = None;
            }
            _ => {}
        }
        at = next;
    }
    if blocks.is_empty() {
        blocks.push((1, text));
    }
    blocks
}

#[derive(Deserialize)]
struct File {
    advisory: Head,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    package: String,
    #[serde(default)]
    informational: Option<String>,
    #[serde(default)]
    cvss: Option<String>,
}

#[derive(Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Advisories could not be read.
#[derive(Debug)]
pub struct AdvisoriesError {
    path: PathBuf,
    /// Line and column, from 1, and what is wrong there.
    place: Option<(usize, usize, String)>,
    source: Option<io::Error>,
}

impl AdvisoriesError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            place: None,
            source: Some(error),
        }
    }

    fn text(path: &Path, line: usize, column: usize, what: String) -> Self {
        Self {
            path: path.to_owned(),
            place: Some((line, column, what)),
            source: None,
        }
    }
}

impl fmt::Display for AdvisoriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = crate::subject::shown(&self.path);
        match &self.place {
            Some((line, column, what)) => {
                let what = plugwright_inspect::Untrusted::from(what.as_str());
                write!(
                    f,
                    "{path}:{line}:{column}: {what}: expected an advisory in RustSec's format"
                )
            }
            None => write!(f, "the advisories in {path} cannot be read"),
        }
    }
}

impl Error for AdvisoriesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|error| error as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2099-0001\"\npackage = \"example\"\ndate = \"2099-01-01\"\n\n[versions]\npatched = [\">= 1.2.3\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# A title\n\nText.\n";

    #[test]
    fn versions_are_told_apart() {
        let all = Advisories::parse(TEXT, Path::new("a.md")).expect("an advisory");
        let check = |version: &str, expected: usize| {
            let version = version.parse().expect("a version");
            assert_eq!(all.of("example", &version).count(), expected, "{version}");
            assert_eq!(all.of("other", &version).count(), 0);
        };
        check("0.9.9", 0);
        check("1.0.0", 1);
        check("1.2.2", 1);
        check("1.2.3", 0);
        assert_eq!((all.len(), all.is_empty()), (1, false));
    }

    #[test]
    fn a_mistake_has_its_place() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = Advisories::parse(text, Path::new("a.md")).expect_err("a mistake");
            assert_eq!(
                error.to_string().split(": ").next(),
                Some(expected),
                "{error}"
            );
        }
        check("intro\n```toml\n[advisory]\nid = 5\n```\n", "a.md:4:6");
        check(
            "[advisory]\nid = \"a\"\npackage = \"p\"\n[versions]\npatched = [\"x.y\"]\n",
            "a.md:1:1",
        );
    }
}
