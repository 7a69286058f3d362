//! Measurements of Plugwright beside its peers.
//!
//! Machines differ and are noisy, so every number is given as a ratio to a peer that was
//! measured in the same run, in turns with it: [`race`] lets each contestant run a short
//! round, again and again, and compares the medians. Nothing here asserts on a time.
//!
//! ```sh
//! cargo bench -p plugwright-benches
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One contestant: a name, and what to do in a round, which returns how often it did it.
pub struct Contestant<'a> {
    /// What is printed.
    pub name: &'a str,
    /// Runs one round and returns the number of operations.
    pub round: Box<dyn FnMut() -> u64 + 'a>,
}

/// How many calls a round of [`Contestant::chain`] makes.
const CALLS: u64 = 200_000;

impl<'a> Contestant<'a> {
    /// Calls with a number again and again, each time with what the call before gave, so that no two overlap.
    #[must_use]
    pub fn chain(name: &'a str, call: impl Fn(u64) -> u64 + 'a) -> Self {
        let round = Box::new(move || {
            let mut number = 0;
            for _ in 0..CALLS {
                number = call(number);
            }
            black_box(number);
            CALLS
        });
        Self { name, round }
    }

    /// Does something so many times, and drops what it gave.
    #[must_use]
    pub fn repeated<T: 'a>(name: &'a str, count: u64, call: impl Fn() -> T + 'a) -> Self {
        let round = Box::new(move || {
            for _ in 0..count {
                black_box(call());
            }
            count
        });
        Self { name, round }
    }

    /// Does something once that consists of so many operations.
    #[must_use]
    pub fn whole<T: 'a>(name: &'a str, count: u64, call: impl Fn() -> T + 'a) -> Self {
        let round = Box::new(move || {
            black_box(call());
            count
        });
        Self { name, round }
    }
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contestant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A contestant's result.
#[derive(Clone, Debug)]
pub struct Result {
    /// Its name.
    pub name: String,
    /// The median time of one operation, in nanoseconds.
    pub median: f64,
    /// The least and the greatest round, in nanoseconds for one operation.
    pub range: (f64, f64),
    /// The median over all rounds of the ratio to the first contestant *in that round*: what slows a whole round down, slows
    /// both.
    pub ratio: f64,
}

/// Lets the contestants run `rounds` rounds in turns.
///
/// # Panics
/// When there is no contestant or no round.
#[must_use]
pub fn race(mut contestants: Vec<Contestant<'_>>, rounds: usize) -> Vec<Result> {
    assert!(
        rounds > 0 && !contestants.is_empty(),
        "something to measure"
    );
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contestants.len()];
    for round in 0..=rounds {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let start = Instant::now();
            let operations = black_box((contestant.round)());
            let elapsed = start.elapsed();
            // The first round only warms up.
            if round > 0 {
                times.push(nanoseconds(elapsed) / as_float(operations));
            }
        }
    }
    let names = contestants.iter().map(|contestant| contestant.name);
    results(names.zip(times))
}

/// What follows from each contestant's times, in nanoseconds for one operation, round by round; the first is the yardstick.
///
/// # Panics
/// When there is no contestant or no round.
#[must_use]
pub fn results<'a>(times: impl Iterator<Item = (&'a str, Vec<f64>)>) -> Vec<Result> {
    let mut yardstick = Vec::new();
    times
        .map(|(name, mut times)| {
            if yardstick.is_empty() {
                yardstick.clone_from(&times);
            }
            let mut ratios: Vec<f64> = times.iter().zip(&yardstick).map(|(a, b)| a / b).collect();
            ratios.sort_by(f64::total_cmp);
            times.sort_by(f64::total_cmp);
            Result {
                name: name.to_owned(),
                median: times[times.len() / 2],
                range: (times[0], times[times.len() - 1]),
                ratio: ratios[ratios.len() / 2],
            }
        })
        .collect()
}

/// In how many processes [`over_processes`] measures.
const PROCESSES: usize = 5;

/// Tells a process that it is one of those.
const PART: &str = "PLUGWRIGHT_BENCH_PART";

/// Measures in several processes, one after the other, since where the system lays a process out is a part of what is measured,
/// and gives the tables of all together: medians of their medians and ratios, and their least and greatest rounds.
///
/// `measure` calls what it is given with each race's title and results, the same in each process.
///
/// # Panics
/// When a process fails.
pub fn over_processes(measure: impl FnOnce(&dyn Fn(&str, &[Result])), print: impl Fn(&str)) {
    if std::env::var_os(PART).is_some() {
        measure(&|title, results| {
            for Result {
                name,
                median,
                range,
                ratio,
            } in results
            {
                let (least, greatest) = range;
                print(
                    &[
                        title,
                        name,
                        &format!("{median}\t{least}\t{greatest}\t{ratio}"),
                    ]
                    .join("\t"),
                );
            }
        });
        return;
    }
    let mut tables: Vec<(String, Vec<Vec<Result>>)> = Vec::new();
    for _ in 0..PROCESSES {
        for (title, result) in part() {
            let table = match tables.iter_mut().find(|(known, _)| *known == title) {
                Some((_, table)) => table,
                None => {
                    tables.push((title, Vec::new()));
                    &mut tables.last_mut().expect("pushed just now").1
                }
            };
            match table.iter_mut().find(|all| all[0].name == result.name) {
                Some(all) => all.push(result),
                None => table.push(vec![result]),
            }
        }
    }
    for (title, table) in tables {
        let together: Vec<Result> = table.iter().map(|all| together(all)).collect();
        print(&markdown(&title, &together));
    }
}

/// What one process measured.
#[expect(clippy::disallowed_methods, reason = "a bench starts itself")]
fn part() -> Vec<(String, Result)> {
    let program = std::env::current_exe().expect("a bench has a path");
    let mut part = std::process::Command::new(program);
    part.env(PART, "1").stderr(std::process::Stdio::inherit());
    let output = part.output().expect("a bench starts");
    assert!(output.status.success(), "a process of the bench failed");
    let said = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |index: usize| fields[index].parse::<f64>().expect("a number");
        let result = Result {
            name: fields[1].to_owned(),
            median: number(2),
            range: (number(3), number(4)),
            ratio: number(5),
        };
        (fields[0].to_owned(), result)
    };
    said.lines().map(line).collect()
}

/// The results of one contestant in several processes as one.
fn together(all: &[Result]) -> Result {
    let sorted = |of: fn(&Result) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let least = sorted(|result| result.range.0)[0];
    let greatest = sorted(|result| result.range.1)[all.len() - 1];
    Result {
        name: all[0].name.clone(),
        median: sorted(|result| result.median)[all.len() / 2],
        range: (least, greatest),
        ratio: sorted(|result| result.ratio)[all.len() / 2],
    }
}

/// A race's results as lines: the first contestant is the yardstick.
#[must_use]
pub fn table(title: &str, results: &[Result]) -> String {
    let mut text = format!("{title}\n");
    let yardstick = results.first().map_or(1.0, |result| result.median);
    for result in results {
        let line = format!(
            "  {:<44} {:>12} {:>7.2}x   ({} .. {})\n",
            result.name,
            human(result.median),
            result.median / yardstick,
            human(result.range.0),
            human(result.range.1),
        );
        text.push_str(&line);
    }
    text
}

/// A race's results as a table in Markdown: the first contestant is the yardstick.
#[must_use]
pub fn markdown(title: &str, results: &[Result]) -> String {
    let mut text = format!("| {title} | median | ratio | range |\n|---|---|---|---|\n");
    for result in results {
        let line = format!(
            "| {} | {} | {:.2} | {} to {} |\n",
            result.name,
            human(result.median),
            result.ratio,
            human(result.range.0),
            human(result.range.1),
        );
        text.push_str(&line);
    }
    text
}

/// A race's results as a table in Markdown that says how many times as fast as the first contestant each is.
#[must_use]
pub fn speeds(title: &str, results: &[Result]) -> String {
    let mut text = format!("| {title} | median | times as fast | range |\n|---|---|---|---|\n");
    for result in results {
        let line = format!(
            "| {} | {} | {:.1} | {} to {} |\n",
            result.name,
            human(result.median),
            1.0 / result.ratio,
            human(result.range.0),
            human(result.range.1),
        );
        text.push_str(&line);
    }
    text
}

/// A time in the unit that fits it.
#[must_use]
pub fn human(nanoseconds: f64) -> String {
    if nanoseconds < 1_000.0 {
        format!("{nanoseconds:.2} ns")
    } else if nanoseconds < 1_000_000.0 {
        format!("{:.2} us", nanoseconds / 1_000.0)
    } else {
        format!("{:.2} ms", nanoseconds / 1_000_000.0)
    }
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

fn as_float(operations: u64) -> f64 {
    // Rounds are far below 2^32 operations.
    u32::try_from(operations).map_or(f64::MAX, f64::from)
}
