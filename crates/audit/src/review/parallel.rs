//! Doing many things on several threads, with the results in the order of the things.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::progress::{Progress, Stage};

/// How many things are done between two words about progress.
const STEP: usize = 64;

/// Does `work` for each item, on as many threads as `threads` says or there are processors.
pub(super) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: Option<usize>,
    stage: Stage,
    watch: &(dyn Fn(Progress) + Sync),
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let threads = number(threads).clamp(1, items.len().max(1));
    let watching = Mutex::new(());
    let run = || {
        let mut own = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                break;
            };
            if index.is_multiple_of(STEP) {
                // One word at a time: whoever is told draws.
                let _turn = watching.lock().unwrap_or_else(PoisonError::into_inner);
                watch(Progress {
                    stage,
                    done: index,
                    total: items.len(),
                });
            }
            own.push((index, work(item)));
        }
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.append(&mut own);
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How many threads to use: as many as were asked for, or as there are processors.
pub(super) fn number(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get))
}
