//! `press`: a file compressor whose codecs are plugins.
//!
//! This is the example to copy from. [`codecs`] is all that an application needs for its plugins; the rest of the
//! program uses a codec like any other value of the trait [`press_codec::Codec`].
#![deny(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with one small output"
)]

mod codecs;
mod compare;

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
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
    /// The folder with the codecs [default: `plugins` beside the program]
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the codecs without running any of them
    List,
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
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("press: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let folder = match arguments.plugins {
        Some(folder) => folder,
        None => std::env::current_exe()?.with_file_name("plugins"),
    };
    let codecs = Codecs::find(&folder)?;
    match arguments.command {
        Command::List => codecs.list(),
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
        Command::Compare { file } => compare::print(&codecs, &read(&file)?)?,
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a new file; one that exists is left alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// `a.txt` with the ending `gz` is `a.txt.gz`.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}
