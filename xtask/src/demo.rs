//! README's first command: the example application with its plugins, end to end, on a real file.
//!
//! Every claim is checked and not only shown: bytes after a round trip are compared here, outside of the program that
//! made them, and the refused plugin's constructor would have left a file.

use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, TargetKind};

use crate::process::{cargo, command, run, say};
use crate::{Outcome, workspace};

/// Each codec's package and the key under which the program asks for it.
const CODECS: [(&str, &str); 4] = [
    ("press-brotli", "brotli"),
    ("press-gzip", "gzip"),
    ("press-lz4", "lz4"),
    ("press-zstd", "zstd"),
];
const PROGRAM: &str = "press";
const INCOMPATIBLE: &str = "fixture-next-codec";
const INCOMPATIBLE_KEY: &str = "next";
/// The variable that tells the incompatible plugin's constructor where to leave its mark.
const MARK: &str = "PRESS_FIXTURE_MARK";
/// How much of the compiler goes into the sample, besides this repository's own text.
const MACHINE_CODE: u64 = 4 * 1024 * 1024;

/// Builds the example, lists its plugins, sends a real file through each, and shows one being refused.
///
/// # Errors
/// If a step fails, or what is claimed turns out untrue.
pub fn demo() -> Outcome {
    let built = build()?;
    let folder = built.program.with_file_name("demo");
    fresh(&folder)?;
    let plugins = folder.join("plugins");
    fresh(&plugins)?;
    for library in &built.codecs {
        copy_into(library, &plugins)?;
    }
    let sample = folder.join("sample");
    write_sample(&sample)?;
    let press = |arguments: &[&str]| {
        let mut command = command(&built.program);
        command.arg("--plugins").arg(&plugins).args(arguments);
        command
    };

    run(
        "1. the codecs in the folder, found without running them",
        &mut press(&["list"]),
    )?;
    let shown = sample
        .to_str()
        .ok_or("the target folder's path is not UTF-8")?;
    run(
        "2. a real file through every codec",
        &mut press(&["compare", shown]),
    )?;
    say("\n=== 3. the same with files, compared from outside");
    for (_, key) in CODECS {
        round_trip(key, &sample, &press)?;
    }

    say("\n=== 4. a plugin that was built against another version of the interface");
    copy_into(&built.incompatible, &plugins)?;
    refusal(
        &folder.join("mark"),
        &mut press(&["list"]),
        &mut press(&["compress", shown, "--codec", INCOMPATIBLE_KEY]),
    )?;
    mark_is_no_empty_threat(&built.incompatible, &folder.join("mark"))?;
    fs::remove_file(plugins.join(name_of(&built.incompatible)?))
        .map_err(|error| format!("the incompatible plugin: {error}"))?;
    tampered(&built, &folder, shown)?;
    say("\n=== demo: all held");
    Ok(())
}

/// Signs and locks the codecs, uses one under a policy that demands both, changes one byte of it, and shows the refusal.
fn tampered(built: &Built, folder: &Path, sample: &str) -> Outcome {
    say("\n=== 5. the same codecs, signed and locked");
    // Other runs left theirs.
    for name in [
        "release.key",
        "release.pub",
        "plugwright.keys",
        "plugwright.lock",
    ] {
        drop(fs::remove_file(folder.join(name)));
    }
    let plugwright = |line: &str| {
        let mut command = command(&built.tool);
        command.current_dir(folder).args(line.split(' '));
        command
    };
    for line in [
        "key new release --without-passphrase",
        "key trust release.pub --name release --ids org.plugwright.press.*",
        "sign --key release.key plugins",
        "lock --keys plugwright.keys plugins",
    ] {
        run(&format!("$ plugwright {line}"), &mut plugwright(line))?;
    }
    let failed = |error: std::io::Error| format!("the demo's policy: {error}");
    let keys = fs::read_to_string(folder.join("plugwright.keys")).map_err(failed)?;
    let keys = keys.replacen("version = 1\n", "", 1);
    let rules =
        "version = 1\npreset = \"developer\"\nsignatures = \"required\"\nunlocked = \"refused\"\n";
    fs::write(folder.join("press.policy"), format!("{rules}{keys}")).map_err(failed)?;
    let verify = "verify --policy press.policy --lock plugwright.lock --explain plugins";
    run(&format!("$ plugwright {verify}"), &mut plugwright(verify))?;
    let press = |arguments: &[&str]| {
        let mut command = command(&built.program);
        command.current_dir(folder);
        command.args([
            "--plugins",
            "plugins",
            "--policy",
            "press.policy",
            "--lock",
            "plugwright.lock",
        ]);
        command.args(arguments);
        command
    };
    let packed = folder.join("signed.zst");
    let output = packed
        .to_str()
        .ok_or("the target folder's path is not UTF-8")?;
    drop(fs::remove_file(&packed));
    quiet(&mut press(&[
        "compress", sample, "--codec", "zstd", "--output", output,
    ]))?;
    say("press uses them under that policy");

    say("\n=== 6. one of them tampered with");
    let (_, victim) = CODECS
        .iter()
        .zip(&built.codecs)
        .find(|((_, key), _)| *key == "zstd")
        .ok_or("there is no codec zstd")?;
    let victim = folder.join("plugins").join(name_of(victim)?);
    let mut bytes = fs::read(&victim).map_err(failed)?;
    let last = bytes.last_mut().ok_or("an empty codec")?;
    *last ^= 1;
    fs::write(&victim, bytes).map_err(failed)?;
    for (name, mut command) in [
        (format!("plugwright {verify}"), plugwright(verify)),
        (
            "press compress sample --codec zstd".to_owned(),
            press(&["compress", sample, "--codec", "zstd", "--output", output]),
        ),
        (
            "plugwright lock --keys plugwright.keys --check plugins".to_owned(),
            plugwright("lock --keys plugwright.keys --check plugins"),
        ),
    ] {
        let output = command
            .output()
            .map_err(|error| format!("{name}: {error}"))?;
        say(format_args!(
            "$ {name}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr).trim_end()
        ));
        if output.status.success() {
            return Err(format!("{name} accepted a codec that was tampered with"));
        }
    }
    Ok(())
}

fn name_of(library: &Path) -> Outcome<&std::ffi::OsStr> {
    let name = library.file_name();
    name.ok_or_else(|| format!("{}: has no name", library.display()))
}

/// What cargo built.
struct Built {
    program: PathBuf,
    /// The program `plugwright`.
    tool: PathBuf,
    codecs: Vec<PathBuf>,
    incompatible: PathBuf,
}

fn build() -> Outcome<Built> {
    let mut command = cargo();
    command.args([
        "build",
        "--release",
        "--message-format",
        "json-render-diagnostics",
        "--package",
        PROGRAM,
        "--package",
        "plugwright-cli",
    ]);
    for package in CODECS
        .map(|(package, _)| package)
        .into_iter()
        .chain([INCOMPATIBLE])
    {
        command.args(["--package", package]);
    }
    say("=== 0. building the program and its plugins");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    let messages = child.stdout.take().ok_or("cargo gave no output")?;
    let (mut program, mut tool) = (None, None);
    let mut libraries = Vec::new();
    for message in Message::parse_stream(BufReader::new(messages)) {
        let Message::CompilerArtifact(artifact) =
            message.map_err(|error| format!("cargo's messages: {error}"))?
        else {
            continue;
        };
        let package = artifact.target.name.replace('_', "-");
        if package == PROGRAM {
            program = artifact.executable.map(PathBuf::from).or(program);
        } else if package == "plugwright" && artifact.executable.is_some() {
            tool = artifact.executable.map(PathBuf::from);
        } else if artifact.target.kind.contains(&TargetKind::CDyLib) {
            libraries.extend(
                artifact
                    .filenames
                    .first()
                    .map(|file| (package, PathBuf::from(file))),
            );
        }
    }
    let status = child.wait().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the example does not build ({status})"));
    }
    let library = |name: &str| {
        let found = libraries
            .iter()
            .find(|(package, _)| package == name)
            .map(|(_, file)| file.clone());
        found.ok_or_else(|| format!("cargo built no library for {name}"))
    };
    Ok(Built {
        program: program.ok_or("cargo built no program press")?,
        tool: tool.ok_or("cargo built no program plugwright")?,
        codecs: CODECS
            .iter()
            .map(|(package, _)| library(package))
            .collect::<Outcome<_>>()?,
        incompatible: library(INCOMPATIBLE)?,
    })
}

/// The sample: the sources of this repository, then machine code from the toolchain. The same for the same checkout and
/// toolchain, and of two kinds that codecs treat differently.
fn write_sample(path: &Path) -> Outcome {
    let mut bytes = Vec::new();
    let is_text = |file: &&PathBuf| {
        file.extension().is_some_and(|ending| {
            ["rs", "md", "toml", "lock"]
                .iter()
                .any(|text| ending == *text)
        })
    };
    for file in workspace::files(workspace::root())?.iter().filter(is_text) {
        bytes.extend(fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    let compiler = compiler_library()?;
    let file =
        fs::File::open(&compiler).map_err(|error| format!("{}: {error}", compiler.display()))?;
    file.take(MACHINE_CODE)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{}: {error}", compiler.display()))?;
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The largest library of the toolchain in use.
fn compiler_library() -> Outcome<PathBuf> {
    let output = command("rustc")
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let folder = if cfg!(windows) {
        sysroot.join("bin")
    } else {
        sysroot.join("lib")
    };
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries
        .filter_map(|entry| Some((entry.as_ref().ok()?.metadata().ok()?, entry.ok()?.path())));
    let largest = files
        .filter(|(metadata, _)| metadata.is_file())
        .max_by_key(|(metadata, _)| metadata.len());
    largest
        .map(|(_, path)| path)
        .ok_or_else(|| format!("{}: no file in there", folder.display()))
}

/// Compresses and decompresses `sample` with the codec `key`, and compares.
fn round_trip(key: &str, sample: &Path, press: &impl Fn(&[&str]) -> Command) -> Outcome {
    let text = |path: &Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or("the target folder's path is not UTF-8")
    };
    let (packed, unpacked) = (
        sample.with_file_name(format!("packed.{key}")),
        sample.with_file_name(format!("unpacked.{key}")),
    );
    quiet(&mut press(&[
        "compress",
        &text(sample)?,
        "--codec",
        key,
        "--output",
        &text(&packed)?,
    ]))?;
    quiet(&mut press(&[
        "decompress",
        &text(&packed)?,
        "--codec",
        key,
        "--output",
        &text(&unpacked)?,
    ]))?;
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (before, between, after) = (read(sample)?, read(&packed)?, read(&unpacked)?);
    if before != after {
        return Err(format!(
            "{key}: the bytes after the round trip are not those before it"
        ));
    }
    say(format_args!(
        "{key}: {} bytes, packed {}, unpacked the same {} bytes",
        before.len(),
        between.len(),
        after.len()
    ));
    Ok(())
}

/// Lists and asks for the incompatible codec; both must leave no mark, and the request must fail with both sides named.
fn refusal(mark: &Path, list: &mut Command, request: &mut Command) -> Outcome {
    let listed = list
        .env(MARK, mark)
        .output()
        .map_err(|error| format!("press list: {error}"))?;
    say(String::from_utf8_lossy(&listed.stdout).trim_end());
    let asked = request
        .env(MARK, mark)
        .output()
        .map_err(|error| format!("press compress: {error}"))?;
    let told = String::from_utf8_lossy(&asked.stderr).trim_end().to_owned();
    say(format_args!(
        "\n$ press compress sample --codec {INCOMPATIBLE_KEY}\n{told}"
    ));
    if asked.status.success() {
        return Err("the incompatible plugin was not refused".to_owned());
    }
    if !(told.contains("1.0") && told.contains("2.0")) {
        return Err("the refusal does not name both versions, 1.0 and 2.0".to_owned());
    }
    match mark.try_exists() {
        Ok(false) => {
            say("\nits constructor did not run: it would have left a mark, and there is none");
            Ok(())
        }
        Ok(true) => Err("the refused plugin's constructor RAN: it left its mark".to_owned()),
        Err(error) => Err(format!("{}: {error}", mark.display())),
    }
}

/// Loads the incompatible library the way any program could, by the system's loader: there its constructor does run.
/// Without this, a fixture whose constructor never works would make the demo pass.
fn mark_is_no_empty_threat(library: &Path, mark: &Path) -> Outcome {
    if !cfg!(target_os = "linux") {
        say("SKIPPED: the counter-check that the constructor works at all (needs LD_PRELOAD)");
        return Ok(());
    }
    quiet(command("true").env("LD_PRELOAD", library).env(MARK, mark))?;
    if mark.is_file() {
        say("counter-check: preloaded into another program, the same library does leave its mark");
        Ok(())
    } else {
        Err("the fixture's constructor leaves no mark even when it is loaded: the demo would prove nothing".to_owned())
    }
}

fn quiet(command: &mut Command) -> Outcome {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "{command:?} failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

/// An empty folder at `path`, whatever was there before.
fn fresh(path: &Path) -> Outcome {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", path.display()));
        }
        _ => {}
    }
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy_into(file: &Path, folder: &Path) -> Outcome {
    let name = file
        .file_name()
        .ok_or_else(|| format!("{}: has no name", file.display()))?;
    fs::copy(file, folder.join(name))
        .map(drop)
        .map_err(|error| format!("{}: {error}", file.display()))
}
