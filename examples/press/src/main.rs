//! `press`: a file compressor whose codecs are plugins.
//!
//! This is the example to copy from. [`codecs`] is all that an application needs for its plugins; the rest of the
//! program uses a codec like any other value of the trait [`press_codec::Codec`].
#![deny(unsafe_code)]

mod codecs;
mod compare;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use press_codec::Codec;

use codecs::Codecs;

/// A decompressed file may have at most this many bytes: a small file can claim to be a huge one.
const MOST_BYTES: u64 = 4 << 30;

/// Compresses files with codecs that are plugins
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The only folder with codecs [default: those of the user and of the system, and `plugins` beside the program]
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,

    /// The policy that says which codecs may run [default: what this user built]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The lock file with the codecs that belong to the program
    #[arg(long, value_name = "FILE", requires = "policy")]
    lock: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the codecs without running any of them
    List,
    /// Say why there is a codec with this key, or none, and where codecs are looked for
    Find { key: String },
    /// Compress FILE with the codec that has this key
    Compress {
        file: PathBuf,
        #[arg(long, value_name = "KEY")]
        codec: String,
        /// 1 (fast) to 9 (small)
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=9))]
        level: Option<u32>,
        /// Where to write [default: FILE with the codec's ending]
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Decompress FILE with the codec that its ending names
    Decompress {
        file: PathBuf,
        #[arg(long, value_name = "KEY")]
        codec: Option<String>,
        /// Where to write [default: FILE without its ending]
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Send FILE through every codec and back, and print how small and how fast
    Compare { file: PathBuf },
}

fn main() -> ExitCode {
    match run(Arguments::parse(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closes the pipe has seen enough: `press list | head -1` is a success.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails, too.
            let _nobody_listens = writeln!(io::stderr(), "press: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(arguments: Arguments, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let codecs = Codecs::find(
        arguments.plugins.as_deref(),
        arguments.policy.as_deref(),
        arguments.lock.as_deref(),
    )?;
    match arguments.command {
        Command::List => codecs.list(out)?,
        Command::Find { key } => writeln!(out, "{}", codecs.explain(&key))?,
        Command::Compress {
            file,
            codec,
            level,
            output,
        } => {
            let codec = codecs.get(&codec)?;
            let packed = codec.compress(&read(&file)?, level)?;
            let output = output.unwrap_or_else(|| with_ending(&file, &codec.extension()));
            write(&output, &packed)?;
        }
        Command::Decompress {
            file,
            codec,
            output,
        } => {
            let ending = file.extension().and_then(|ending| ending.to_str());
            let key = codec
                .as_deref()
                .or(ending)
                .ok_or("the file has no ending: name its codec with --codec")?;
            let unpacked = codecs.get(key)?.decompress(&read(&file)?, MOST_BYTES)?;
            write(
                &output.unwrap_or_else(|| file.with_extension("")),
                &unpacked,
            )?;
        }
        Command::Compare { file } => compare::print(&codecs, &read(&file)?, out)?,
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a new file; one that exists is left alone. The name appears when the file is whole: a full disk or an
/// interruption leaves nothing under it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    write_whole(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".press-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // what the user's umask leaves of it
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist_noclobber(path)
        .map(drop)
        .map_err(|error| error.error)
}

/// `a.txt` with the ending `gz` is `a.txt.gz`.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}
