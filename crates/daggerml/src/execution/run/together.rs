//! What several calls write, in one transaction.
//!
//! The disk needs as long to make a large transaction durable as a small one. So what is to be
//! written while another transaction is under way goes into the next one, all of it. Nobody
//! goes on before what he writes is durable.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::store::{Store, WriteTxn};

type Change = dyn FnMut(&mut WriteTxn<'_>) -> Result<()> + Send;

/// Whoever writes through it shares transactions with the others.
#[derive(Default)]
pub(crate) struct Together {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Job>>,
    /// Whether one of those who wait writes for all.
    writing: bool,
}

/// What one of them writes.
struct Job {
    change: Mutex<Box<Change>>,
    ended: Mutex<Option<Result<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Together {
    /// Does what [`Store::write`] does, together with others. When the change of another one
    /// fails, `change` is run again, in a transaction of its own.
    pub fn write<T: Send + 'static>(
        &self,
        store: &Store,
        mut change: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let made = Arc::new(Mutex::new(None));
        let out = Arc::clone(&made);
        self.run(
            store,
            Box::new(move |txn| {
                let made = change(txn)?;
                *lock(&out) = Some(made);
                Ok(())
            }),
        )?;
        let made = lock(&made).take();
        made.ok_or_else(not_run)
    }

    fn run(&self, store: &Store, change: Box<Change>) -> Result<()> {
        let job = Arc::new(Job {
            change: Mutex::new(change),
            ended: Mutex::new(None),
        });
        let mut queue = lock(&self.queue);
        queue.waiting.push(Arc::clone(&job));
        loop {
            if let Some(ended) = lock(&job.ended).take() {
                return ended;
            }
            if queue.writing {
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.writing = true;
            let turn = Turn {
                together: self,
                jobs: std::mem::take(&mut queue.waiting),
            };
            drop(queue);
            write_all(store, &turn.jobs);
            drop(turn);
            queue = lock(&self.queue);
        }
    }
}

/// The right and duty to write for all. Its end wakes them.
struct Turn<'t> {
    together: &'t Together,
    jobs: Vec<Arc<Job>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        for job in &self.jobs {
            lock(&job.ended).get_or_insert_with(|| Err(not_run()));
        }
        lock(&self.together.queue).writing = false;
        self.together.changed.notify_all();
    }
}

fn not_run() -> Box<Error> {
    Error::Invalid {
        message: "the store did not run the transaction".to_owned(),
    }
    .into()
}

fn write_all(store: &Store, jobs: &[Arc<Job>]) {
    let write = |jobs: &[Arc<Job>]| {
        store.write(|txn| {
            jobs.iter()
                .try_for_each(|job| (lock(&job.change))(&mut *txn))
        })
    };
    let end = |job: &Job, ended| *lock(&job.ended) = Some(ended);
    match (write(jobs), jobs) {
        (Ok(()), jobs) => jobs.iter().for_each(|job| end(job, Ok(()))),
        (Err(error), [job]) => end(job, Err(error)),
        (Err(_), jobs) => {
            for job in jobs {
                end(job, write(std::slice::from_ref(job)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::store::{OpenOptions, Table};

    #[test]
    fn each_has_what_it_wrote_and_a_failure_is_of_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = OpenOptions::default().create(folder.path()).unwrap();
        let together = Together::default();
        let begin = Barrier::new(16);
        thread::scope(|scope| {
            for writer in 0..16_u8 {
                let (store, together, begin) = (&store, &together, &begin);
                scope.spawn(move || {
                    begin.wait();
                    for round in 0..20_u8 {
                        let written = together.write(store, move |txn| {
                            txn.put(Table::Refs, &[1, writer, round], &[round])?;
                            if writer % 4 == 3 {
                                return Err(not_run());
                            }
                            Ok((writer, round))
                        });
                        assert_eq!(written.is_err(), writer % 4 == 3);
                        let snapshot = store.snapshot().unwrap();
                        let there = snapshot.get(Table::Refs, &[1, writer, round]).unwrap();
                        assert_eq!(there.is_some(), writer % 4 != 3);
                        if let Ok(made) = written {
                            assert_eq!(made, (writer, round));
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn those_who_wait_are_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = OpenOptions::default().create(folder.path()).unwrap();
        let together = Together::default();
        let number = |store: &Store| store.write(|txn| Ok(txn.number())).unwrap();
        let before = number(&store);
        let (told, ask) = (Barrier::new(2), Barrier::new(2));
        let (told, ask) = (Arc::new(told), Arc::new(ask));
        thread::scope(|scope| {
            let (inside, go_on) = (Arc::clone(&told), Arc::clone(&ask));
            let (store, together) = (&store, &together);
            scope.spawn(move || {
                together.write(store, move |txn| {
                    inside.wait();
                    go_on.wait();
                    txn.put(Table::Refs, b"first", b"")
                })
            });
            told.wait();
            for writer in 0..9_u8 {
                scope.spawn(move || {
                    together.write(store, move |txn| txn.put(Table::Refs, &[2, writer], b""))
                });
            }
            while lock(&together.queue).waiting.len() < 9 {
                thread::yield_now();
            }
            ask.wait();
        });
        assert_eq!(number(&store) - before, 2);
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let store = OpenOptions::default().create(folder.path()).unwrap();
        let together = Together::default();
        let panics = thread::scope(|scope| {
            let panics = || together.write::<()>(&store, |_| panic!("in a change"));
            scope.spawn(panics).join()
        });
        assert!(panics.is_err());
        together
            .write(&store, |txn| txn.put(Table::Refs, b"after", b""))
            .unwrap();
    }
}
