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
