//! Reading many files on several threads, with the answers in the files' order.
//!
//! Thread number `k` of `n` reads the chunks `k`, `k + n`, `k + 2n`, …, and hands each over through a queue of its own,
//! which holds few: nobody gets far ahead of who takes the answers, so that memory does not grow with the number of
//! files, and the order of the answers is that of the files whatever the threads do.

use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Files that are read before their answers are handed over together.
const CHUNK: usize = 32;
/// Chunks that a thread may be ahead.
const AHEAD: usize = 4;

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It is read at one of the lower depths.
    Reading,
    /// All that it needs is looked for, too.
    Closure,
}

impl Work {
    /// Starting a thread costs about as much as so many files.
    fn worth_a_thread(self) -> usize {
        match self {
            Self::Reading => 128,
            Self::Closure => CHUNK,
        }
    }
}

/// How many threads are worth their start for `count` files: at most one for each processor.
pub(crate) fn threads_for(count: usize, work: Work) -> usize {
    let worth = count / work.worth_a_thread();
    if worth < 2 {
        // How many processors there are costs as much to ask as ten files: the standard library reads cgroups.
        return 1;
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors.min(worth)
}

/// Calls `read` with every number below `count`, on `threads` threads, and `take` on this one with the answers, a chunk
/// of them at a time, in order.
pub(crate) fn in_order<T: Send>(
    count: usize,
    threads: usize,
    read: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(Vec<T>) -> io::Result<()>,
) -> io::Result<()> {
    let chunk = |number: usize| -> Vec<T> {
        let start = number * CHUNK;
        let places: Range<usize> = start..count.min(start + CHUNK);
        places.map(&read).collect()
    };
    let chunks = count.div_ceil(CHUNK);
    thread::scope(|scope| {
        let mut queues: Vec<Receiver<Vec<T>>> = Vec::new();
        let threads = if threads > 1 { threads.min(chunks) } else { 0 };
        for first in 0..threads {
            let (sender, receiver): (SyncSender<Vec<T>>, _) = sync_channel(AHEAD);
            let chunk = &chunk;
            let work = move || {
                // Nobody takes answers any more once writing them has failed.
                let mut numbers = (first..chunks).step_by(threads);
                numbers.all(|number| sender.send(chunk(number)).is_ok());
            };
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                // Where the system gives no further thread, this one does it all: those begun end when their queues
                // are gone.
                queues.clear();
                break;
            }
            queues.push(receiver);
        }
        for number in 0..chunks {
            let answers = match queues.get(number % threads.max(1)) {
                Some(queue) => match queue.recv() {
                    Ok(answers) => answers,
                    // The thread panicked, which leaving the scope passes on.
                    Err(_) => return Ok(()),
                },
                None => chunk(number),
            };
            take(answers)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: usize, threads: usize) {
        let mut taken = Vec::new();
        let result = in_order(
            count,
            threads,
            |number| number,
            |answers| {
                taken.extend(answers);
                Ok(())
            },
        );
        assert!(result.is_ok());
        assert_eq!(taken, (0..count).collect::<Vec<_>>(), "{threads} threads");
    }

    #[test]
    fn answers_come_in_order_on_any_number_of_threads() {
        for count in [0, 1, 31, 32, 33, 1000, 10_007] {
            for threads in [0, 1, 2, 3, 8, 100] {
                check(count, threads);
            }
        }
    }

    #[test]
    fn nobody_reads_far_ahead_and_a_failure_ends_it() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let read = AtomicUsize::new(0);
        let result = in_order(
            1_000_000,
            4,
            |_| read.fetch_add(1, Ordering::Relaxed),
            |_| Err(io::ErrorKind::BrokenPipe.into()),
        );
        assert_eq!(
            result.map_err(|error| error.kind()),
            Err(io::ErrorKind::BrokenPipe)
        );
        let read = read.into_inner();
        // Each has a full queue, one chunk that waits for it and one that was taken.
        assert!(read <= 4 * (AHEAD + 2) * CHUNK, "{read}");
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_passed_on() {
        let read = |number| assert!(number != 500, "a file that makes it panic");
        let _never = in_order(1000, 2, read, |_| Ok(()));
    }
}
