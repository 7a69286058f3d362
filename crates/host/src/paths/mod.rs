//! Where plugins are looked for.
//!
//! [`SearchPaths`] is a list of folders with where each comes from, in the order in which they are looked
//! through. The invariant: every folder is absolute, and none stands twice. The current directory is never
//! looked into, whatever a name or a variable says.
//!
//! What the environment says is read where a method says so, and not at all in a program that runs with
//! privileges that its caller does not have; that it was not is a [`PathRemark`].

mod config;
mod conventions;
mod locate;
mod remark;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use plugwright_dylib::is_privileged;

use conventions::Convention;
pub use locate::NotLocated;
pub use remark::{PathRemark, PathRemarkKind};

/// The folders that plugins are looked for in, first to last.
///
/// [`SearchPaths::standard`] is the convention of the system:
///
/// | | from | Linux and other Unix | macOS | Windows |
/// |---|---|---|---|---|
/// | 1 | the variable `APP_PLUGIN_PATH` | folders, `:` between | the same | `;` between |
/// | 2 | a file of the user | `$XDG_CONFIG_HOME/app/plugins.toml` | `~/Library/Application Support/app/plugins.toml` | `%APPDATA%\app\plugins.toml` |
/// | 3 | the program | `plugins` beside it, `../lib/app/plugins` | `../PlugIns` in its bundle, `plugins` | `plugins` |
/// | 4 | the user | `$XDG_DATA_HOME/app/plugins` | `~/Library/Application Support/app/PlugIns` | `%APPDATA%\app\plugins` |
/// | 5 | the system | `/usr/local/lib`, the processor's folder in `/usr/lib`, `/usr/lib`, each with `app/plugins` | `/Library/Application Support/app/PlugIns` | `%PROGRAMDATA%\app\plugins` |
///
/// Of two equal offers the one in an earlier folder is preferred, so what somebody says for one run wins over
/// what is installed, and the user's own over the system's.
///
/// ```
/// use plugwright_host::SearchPaths;
///
/// let mut paths = SearchPaths::standard("press");
/// paths.add("/opt/press/more");
/// assert_eq!(paths.list().next(), Some("/opt/press/more".as_ref()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SearchPaths {
    entries: Vec<SearchPath>,
    remarks: Vec<PathRemark>,
}

/// A folder of [`SearchPaths`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    folder: PathBuf,
    origin: PathOrigin,
}

/// Who named a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathOrigin {
    /// The application.
    Given,
    /// This variable of the environment.
    Environment(String),
    /// This file.
    Config(PathBuf),
    /// It belongs to the program's own files.
    Program,
    /// It is this user's.
    User,
    /// It is for all users.
    System,
}

impl PathOrigin {
    /// Whether somebody named this very folder, so that its absence is worth telling; the folders of a
    /// convention are often not there.
    pub(crate) fn is_explicit(&self) -> bool {
        !matches!(self, Self::Program | Self::User | Self::System)
    }
}

impl fmt::Display for PathOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given by the application"),
            Self::Environment(name) => write!(f, "from {name}"),
            Self::Config(file) => write!(f, "from {file:?}"),
            Self::Program => f.write_str("the program's own"),
            Self::User => f.write_str("the user's"),
            Self::System => f.write_str("the system's"),
        }
    }
}

impl SearchPath {
    /// The folder, absolute. It need not exist.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who named it.
    #[must_use]
    pub fn origin(&self) -> &PathOrigin {
        &self.origin
    }
}

/// What is asked of the process: replaced by the tests.
pub(crate) struct Process<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) program: Option<PathBuf>,
    pub(crate) is_privileged: bool,
}

impl SearchPaths {
    /// No folders.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The folders of an application by the convention of the system: the table above. `app` is the name of
    /// its folders, such as `press`. Reads the environment and the user's file.
    #[must_use]
    pub fn standard(app: &str) -> Self {
        Self::standard_in(app, Convention::here(), &process())
    }

    fn standard_in(app: &str, convention: Convention, process: &Process<'_>) -> Self {
        let mut paths = Self::new();
        paths.read_variable(&conventions::variable(app), process);
        if let Some(file) = paths.private(app, process, |process| convention.config(app, process)) {
            paths.read_config(&file, true);
        }
        for folder in convention.program(app, process) {
            paths.push(folder, PathOrigin::Program);
        }
        if let Some(folder) = paths.private(app, process, |process| convention.user(app, process)) {
            paths.push(folder, PathOrigin::User);
        }
        for folder in convention.system(app, process) {
            paths.push(folder, PathOrigin::System);
        }
        paths
    }

    /// What is found through the user's environment, unless that may not decide.
    fn private(
        &mut self,
        app: &str,
        process: &Process<'_>,
        find: impl Fn(&Process<'_>) -> Option<PathBuf>,
    ) -> Option<PathBuf> {
        if process.is_privileged {
            let subject = format!("the user's folders of {app}");
            self.remark(subject, PathRemarkKind::Privileged);
            return None;
        }
        find(process)
    }

    /// Adds the folders that the variable `name` of the environment lists, in its order, behind those that are
    /// there. Read now; later changes are not seen. Relative folders are passed over with a remark, empty
    /// entries without one. In a program with privileges that its caller does not have, the variable is
    /// ignored, and that is remarked.
    #[must_use]
    pub fn with_environment(mut self, name: &str) -> Self {
        self.read_variable(name, &process());
        self
    }

    fn read_variable(&mut self, name: &str, process: &Process<'_>) {
        let Some(value) = (process.variable)(name).filter(|value| !value.is_empty()) else {
            return;
        };
        if process.is_privileged {
            return self.remark(name.to_owned(), PathRemarkKind::Privileged);
        }
        for folder in env::split_paths(&value) {
            if folder.is_absolute() {
                self.push(folder, PathOrigin::Environment(name.to_owned()));
            } else if !folder.as_os_str().is_empty() {
                self.remark(name.to_owned(), PathRemarkKind::Relative(folder));
            }
        }
    }

    /// Adds the folders that a file lists, behind those that are there. It is TOML with one entry,
    /// `folders = ["plugins", "/opt/press/plugins"]`; relative folders are below the file's own. A file that
    /// cannot be used is remarked.
    #[must_use]
    pub fn with_config(mut self, file: impl AsRef<Path>) -> Self {
        self.read_config(file.as_ref(), false);
        self
    }

    fn read_config(&mut self, file: &Path, is_optional: bool) {
        match config::folders(file) {
            Ok(folders) => {
                for folder in folders {
                    self.push(folder, PathOrigin::Config(file.to_owned()));
                }
            }
            Err(config::Fault::Missing) if is_optional => {}
            Err(fault) => {
                let kind = PathRemarkKind::Config(fault.to_string());
                self.remark(format!("{file:?}"), kind);
            }
        }
    }

    /// Adds `folder` below the folder of the running program, behind those that are there, as `plugins` for an
    /// application that is unpacked anywhere. Links to the program are resolved first.
    #[must_use]
    pub fn with_program_folder(mut self, folder: &str) -> Self {
        if let Some(folder) = conventions::beside(&process(), folder) {
            self.push(folder, PathOrigin::Program);
        }
        self
    }

    /// Adds a folder behind those that are there. A relative one is passed over with a remark.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.append(folder.into());
        self
    }

    pub(crate) fn append(&mut self, folder: PathBuf) {
        if folder.is_absolute() {
            self.push(folder, PathOrigin::Given);
        } else {
            self.remark(
                "the application".to_owned(),
                PathRemarkKind::Relative(folder),
            );
        }
    }

    /// Adds a folder in front of all others. It is moved there if it is one of them. A relative one is passed
    /// over with a remark.
    pub fn add(&mut self, folder: impl Into<PathBuf>) {
        let folder = folder.into();
        if !folder.is_absolute() {
            return self.remark(
                "the application".to_owned(),
                PathRemarkKind::Relative(folder),
            );
        }
        let folder = canonical(folder);
        self.entries.retain(|entry| entry.folder != folder);
        let origin = PathOrigin::Given;
        self.entries.insert(0, SearchPath { folder, origin });
    }

    /// Removes a folder, and says whether it was there.
    pub fn remove(&mut self, folder: impl Into<PathBuf>) -> bool {
        let folder = canonical(folder.into());
        let before = self.entries.len();
        self.entries.retain(|entry| entry.folder != folder);
        self.entries.len() < before
    }

    /// Replaces all folders by these.
    pub fn set<T: Into<PathBuf>>(&mut self, folders: impl IntoIterator<Item = T>) {
        self.entries.clear();
        for folder in folders {
            self.append(folder.into());
        }
    }

    /// The folders, first to last.
    pub fn list(&self) -> impl Iterator<Item = &Path> {
        self.entries.iter().map(SearchPath::folder)
    }

    /// The folders with who named each, first to last.
    #[must_use]
    pub fn entries(&self) -> &[SearchPath] {
        &self.entries
    }

    /// What was passed over, and why.
    #[must_use]
    pub fn remarks(&self) -> &[PathRemark] {
        &self.remarks
    }

    /// Every folder with `below` joined to it.
    pub(crate) fn below(&self, below: &Path) -> Self {
        let mut paths = Self {
            entries: Vec::new(),
            remarks: self.remarks.clone(),
        };
        for SearchPath { folder, origin } in &self.entries {
            // Joining nothing would end the path with a slash.
            let folder = if below.as_os_str().is_empty() {
                folder.clone()
            } else {
                folder.join(below)
            };
            paths.push(folder, origin.clone());
        }
        paths
    }

    fn push(&mut self, folder: PathBuf, origin: PathOrigin) {
        let folder = canonical(folder);
        if !self.entries.iter().any(|entry| entry.folder == folder) {
            self.entries.push(SearchPath { folder, origin });
        }
    }

    fn remark(&mut self, subject: String, kind: PathRemarkKind) {
        let remark = PathRemark::new(subject, kind);
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

/// The one path of a folder: without links if it exists, and else as it is named.
fn canonical(folder: PathBuf) -> PathBuf {
    if folder.is_absolute() {
        folder.canonicalize().unwrap_or(folder)
    } else {
        folder
    }
}

fn process() -> Process<'static> {
    Process {
        variable: &|name| env::var_os(name),
        program: env::current_exe().ok(),
        is_privileged: is_privileged(),
    }
}

#[cfg(test)]
mod tests;
