//! Qt's plugins as the linkers of Windows and macOS made them, read on any machine: what each says of itself has to be
//! what the same plugin's Linux build says.
//!
//! They come inside Python's packages of Qt. pip fetches these and compares their hashes with `xtask/wheels.txt`;
//! nothing in them is executed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use plugwright_inspect::{Code, Format, Group, Links, Loader, QtMetadata, headers, open};

use crate::process::{command, run, say, succeeds};
use crate::{Outcome, workspace};

/// Below the root of the workspace.
const REQUIREMENTS: &str = "xtask/wheels.txt";
const FOLDER: &str = "target/wheels";

/// The wheel whose plugins are the yardstick.
const LINUX: &str = "manylinux_2_28_x86_64";
/// The wheels of other systems, and the format of their libraries.
const OTHERS: [(&str, Format); 3] = [
    ("win_amd64", Format::Pe),
    ("macosx_10_14_x86_64", Format::MachO),
    ("macosx_11_0_arm64", Format::MachO),
];
/// With fewer to compare, something is wrong with the comparison.
const LEAST: usize = 60;

/// What this needs.
pub const MISSING: &str = "needs pip and Python 3, and a package index that it reaches";

/// Whether this machine has what it takes.
#[must_use]
pub fn available() -> bool {
    succeeds(command("python3").args(["-m", "pip", "--version"]))
}

/// Fetches and unpacks the wheels, reads every library, and compares the plugins.
///
/// # Errors
/// If a wheel cannot be had or is not the one that is expected, a library is not read whole, or two builds of a plugin
/// say different things.
pub fn wheels() -> Outcome {
    let linux = Wheel::read(LINUX, Format::Elf)?;
    say(&linux);
    let mut differences = linux.faults.clone();
    for (platform, format) in OTHERS {
        let wheel = Wheel::read(platform, format)?;
        differences.extend(wheel.faults.iter().cloned());
        let mut compared = 0;
        for (name, metadata) in &wheel.plugins {
            let Some(expected) = linux.plugins.get(name) else {
                continue;
            };
            compared += 1;
            for (slice, found) in metadata.iter().enumerate() {
                for (member, expected) in &expected[0].0 {
                    let found = found.0.get(member);
                    if found != Some(expected) {
                        let found = found.map_or("nothing", String::as_str);
                        differences.push(format!(
                            "{platform}: {name}, slice {slice}: {member}: expected {expected}, found {found}"
                        ));
                    }
                }
            }
        }
        say(format_args!(
            "{wheel}; {compared} compared with the same plugin's Linux build"
        ));
        if compared < LEAST {
            differences.push(format!(
                "{platform}: {compared} plugins to compare, at least {LEAST} expected"
            ));
        }
    }
    if differences.is_empty() {
        say("wheels: none differ");
        Ok(())
    } else {
        Err(differences.join("\n"))
    }
}

/// What a plugin says that is the same on every system: all but the level of the processor.
#[derive(Debug)]
struct Metadata(BTreeMap<&'static str, String>);

impl Metadata {
    fn of(qt: &QtMetadata) -> Self {
        let members = ["IID", "className", "MetaData", "version", "debug"];
        let json = qt.json();
        let member = |name: &'static str| Some((name, json.get(name)?.to_string()));
        Self(members.into_iter().filter_map(member).collect())
    }
}

/// A wheel's libraries.
#[derive(Debug)]
struct Wheel {
    platform: &'static str,
    libraries: usize,
    slices: usize,
    /// By their path below Qt's folder, without what systems add to names; of each the metadata of every slice.
    plugins: BTreeMap<String, Vec<Metadata>>,
    /// What is wrong with them, or with how they are read.
    faults: Vec<String>,
}

impl std::fmt::Display for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            platform,
            libraries,
            slices,
            ..
        } = self;
        let plugins = self.plugins.len();
        write!(
            f,
            "{platform}: {libraries} libraries with {slices} images, {plugins} plugins"
        )
    }
}

impl Wheel {
    fn read(platform: &'static str, format: Format) -> Outcome<Self> {
        let folder = unpacked(platform)?;
        let mut wheel = Self {
            platform,
            libraries: 0,
            slices: 0,
            plugins: BTreeMap::new(),
            faults: Vec::new(),
        };
        for path in workspace::files(&folder)? {
            wheel.add(&folder, &path, format)?;
        }
        Ok(wheel)
    }

    /// Reads one file; what is no library of the wheel's system is passed over.
    fn add(&mut self, folder: &Path, path: &Path, format: Format) -> Outcome {
        let shown = path.strip_prefix(folder).unwrap_or(path).display();
        let file = open(path, Links::Refuse).map_err(|error| error.to_string())?;
        let found = headers(&file, path.file_name());
        let of_format =
            |image: &&plugwright_inspect::ImageHeaders| image.image.target.format == format;
        let images: Vec<_> = found.images.iter().filter(of_format).collect();
        if images.is_empty() {
            return Ok(());
        }
        self.libraries += 1;
        self.slices += images.len();
        for problem in &found.problems {
            // One of the libraries holds nothing but data, which is told and is no fault.
            let harmless = problem.code == Code::NoCode || problem.loader == Loader::Accepts;
            if problem.code.group() != Group::Foreign && !harmless {
                self.faults
                    .push(format!("{}: {shown}: {problem}", self.platform));
            }
        }
        let metadata: Vec<_> = images
            .iter()
            .filter_map(|image| image.image.qt.as_ref().map(Metadata::of))
            .collect();
        if metadata.is_empty() {
            return Ok(());
        }
        if metadata.len() != images.len() {
            self.faults.push(format!(
                "{}: {shown}: {} of {} slices have metadata",
                self.platform,
                metadata.len(),
                images.len()
            ));
        }
        self.plugins.insert(name(folder, path), metadata);
        Ok(())
    }
}

/// The path below the folder without the prefix and the ending that systems give libraries, by which builds of one
/// plugin are known.
fn name(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let stem = below.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.strip_prefix("lib").unwrap_or(&stem);
    // In the folder with QML modules, debuggers' files beside the plugins do not count.
    below.with_file_name(stem).to_string_lossy().into_owned()
}

/// Fetches a platform's wheel and unpacks it, each only once. The folder holds Qt.
fn unpacked(platform: &str) -> Outcome<PathBuf> {
    let root = workspace::root();
    let fetched = root.join(FOLDER).join("fetched").join(platform);
    let mut pip = command("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", "--only-binary=:all:", "--require-hashes"])
    .args(["--platform", platform, "--python-version", "3.11"])
    .args(["--requirement", REQUIREMENTS, "--dest"])
    .arg(&fetched);
    run(&format!("the wheel for {platform}"), &mut pip)?;
    let wheels = workspace::files(&fetched)?;
    let [wheel] = wheels.as_slice() else {
        return Err(format!(
            "{}: expected one wheel, found {}; remove the folder",
            fetched.display(),
            wheels.len()
        ));
    };
    let folder = root.join(FOLDER).join("unpacked").join(platform);
    if !folder.is_dir() {
        // Under its name only when it is whole.
        let part = folder.with_extension("part");
        if part.is_dir() {
            fs::remove_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))?;
        }
        let mut unpack = command("python3");
        unpack
            .args(["-m", "zipfile", "--extract"])
            .arg(wheel)
            .arg(&part);
        run(&format!("unpack it for {platform}"), &mut unpack)?;
        fs::rename(&part, &folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(folder.join("PyQt6").join("Qt6"))
}
