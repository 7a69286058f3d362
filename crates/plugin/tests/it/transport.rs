//! A connection for tests: two ends in this process, with nothing but bytes between them.
//!
//! Each end has a thread that reads messages; a call runs on a thread of its own, so that it
//! may call back. The order of messages is that of the pipe.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use plugwright_plugin::remote::{Invocation, Link, Object};
use plugwright_plugin::{CallError, Handle, Provides, Shareable};

const CALL: u64 = 0;
const RESULT: u64 = 1;
const FAILED: u64 = 2;
const RETAIN: u64 = 3;
const RELEASE: u64 = 4;

type Answer = Result<Vec<u8>, CallError>;

/// One end of the pipe.
pub(crate) struct End {
    pipe: Mutex<UnixStream>,
    /// This side's objects that the other one has, with the number of its references.
    objects: Mutex<HashMap<u64, (Object, u64)>>,
    waiting: Mutex<HashMap<u64, mpsc::Sender<Answer>>>,
    next: AtomicU64,
    ended: AtomicBool,
}

/// Both ends of a new pipe. They live until one of them is dropped.
pub(crate) fn pipe() -> (Arc<End>, Arc<End>) {
    let (ours, theirs) = UnixStream::pair().expect("a pipe");
    (End::start(ours), End::start(theirs))
}

impl End {
    fn start(pipe: UnixStream) -> Arc<Self> {
        let mut reader = pipe.try_clone().expect("a descriptor");
        let end = Arc::new(Self {
            pipe: Mutex::new(pipe),
            objects: Mutex::default(),
            waiting: Mutex::default(),
            next: AtomicU64::new(1),
            ended: AtomicBool::new(false),
        });
        let this = Arc::downgrade(&end);
        std::thread::spawn(move || {
            while let Some(message) = read(&mut reader) {
                let Some(end) = this.upgrade() else { return };
                end.arrived(message);
            }
            if let Some(end) = this.upgrade() {
                end.ended();
            }
        });
        end
    }

    /// Ends the connection, as when the process at the other end is gone.
    pub(crate) fn cut(&self) {
        let pipe = self.pipe.lock().expect("no panic");
        pipe.shutdown(std::net::Shutdown::Both)
            .expect("it was open");
    }

    /// What [`Link`] says of the end of a connection.
    fn ended(&self) {
        self.ended.store(true, Ordering::SeqCst);
        // Whoever waits sees that nobody will answer.
        let waiting = std::mem::take(&mut *self.waiting.lock().expect("no panic"));
        drop(waiting);
        let objects = std::mem::take(&mut *self.objects.lock().expect("no panic"));
        drop(objects);
    }

    fn send(&self, words: [u64; 5], bytes: &[u8]) {
        let mut message = Vec::new();
        let length = u64::try_from(bytes.len()).expect("small");
        for word in words.into_iter().chain([length]) {
            message.extend_from_slice(&word.to_le_bytes());
        }
        message.extend_from_slice(bytes);
        // The other end may be gone: then nobody is there to be told.
        let _ = self.pipe.lock().expect("no panic").write_all(&message);
    }

    fn arrived(self: Arc<Self>, ([kind, id, object, method, limit], bytes): ([u64; 5], Vec<u8>)) {
        match kind {
            CALL => {
                let found = self.objects.lock().expect("no panic").get(&object).cloned();
                let (target, _) = found.expect("an object that the other side has");
                std::thread::spawn(move || {
                    let limit = (limit != u64::MAX).then(|| Duration::from_nanos(limit));
                    let invocation = Invocation::new()
                        .with_link(Arc::clone(&self) as Arc<dyn Link>)
                        .with_limit(limit);
                    let method = u32::try_from(method).expect("a method");
                    match target.invoke(&invocation, method, &bytes) {
                        Ok(bytes) => self.send([RESULT, id, 0, 0, 0], &bytes),
                        Err(error) => self.send([FAILED, id, 0, 0, 0], &error.to_bytes()),
                    }
                });
            }
            RESULT | FAILED => {
                let waiting = self.waiting.lock().expect("no panic").remove(&id);
                let answer = if kind == RESULT {
                    Ok(bytes)
                } else {
                    Err(CallError::from_bytes(&bytes))
                };
                // A caller that gave up has dropped its end.
                let _ = waiting.expect("somebody asked").send(answer);
            }
            RETAIN => {
                let mut objects = self.objects.lock().expect("no panic");
                objects.get_mut(&object).expect("an object").1 += 1;
            }
            _ => drop(self.let_go(object)),
        }
    }

    /// One reference less: the object, when that was found.
    fn let_go(&self, number: u64) -> Option<Object> {
        let mut objects = self.objects.lock().expect("no panic");
        let (object, references) = objects.get_mut(&number)?;
        *references -= 1;
        if *references > 0 {
            return Some(object.clone());
        }
        objects.remove(&number).map(|(object, _)| object)
    }

    /// How many objects the other side has.
    pub(crate) fn exported(&self) -> usize {
        self.objects.lock().expect("no panic").len()
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

fn read(pipe: &mut UnixStream) -> Option<([u64; 5], Vec<u8>)> {
    let mut words = [0; 6];
    for word in &mut words {
        let mut bytes = [0; 8];
        pipe.read_exact(&mut bytes).ok()?;
        *word = u64::from_le_bytes(bytes);
    }
    let [head @ .., length] = words;
    let mut bytes = vec![0; usize::try_from(length).expect("small")];
    pipe.read_exact(&mut bytes).ok()?;
    Some((head, bytes))
}

impl Drop for End {
    fn drop(&mut self) {
        let pipe = self.pipe.get_mut().expect("no panic");
        // It may be closed already: the thread that reads ends either way.
        let _ = pipe.shutdown(std::net::Shutdown::Both);
    }
}

impl Link for End {
    fn call(&self, object: u64, method: u32, input: &[u8], limit: Option<Duration>) -> Answer {
        let (sender, receiver) = mpsc::channel();
        let id = self.number();
        self.waiting.lock().expect("no panic").insert(id, sender);
        // The end that came before this call was waiting did not see it.
        if !self.is_open() {
            self.waiting.lock().expect("no panic").remove(&id);
        }
        let limit = limit.map_or(u64::MAX, |limit| {
            u64::try_from(limit.as_nanos()).expect("short")
        });
        self.send([CALL, id, object, method.into(), limit], input);
        receiver
            .recv()
            .unwrap_or_else(|_| Err(CallError::crashed("the connection ended")))
    }

    fn export(&self, object: Object) -> u64 {
        let number = self.number();
        let mut objects = self.objects.lock().expect("no panic");
        objects.insert(number, (object, 1));
        drop(objects);
        if !self.is_open() {
            drop(self.let_go(number));
        }
        number
    }

    fn import(&self, number: u64) -> Option<Object> {
        self.let_go(number)
    }

    fn retain(&self, object: u64) {
        self.send([RETAIN, 0, object, 0, 0], &[]);
    }

    fn release(&self, object: u64) {
        self.send([RELEASE, 0, object, 0, 0], &[]);
    }

    fn is_open(&self) -> bool {
        !self.ended.load(Ordering::SeqCst)
    }
}

/// The same object, seen from the other end of a new pipe.
pub(crate) fn piped<T>(handle: &Handle<T>) -> (Handle<T>, Arc<End>)
where
    T: ?Sized + Shareable + Provides<plugwright_plugin::remote::Proxy> + Send + Sync,
{
    piped_as(handle)
}

/// The same, for a side that was built with another version of the interface.
pub(crate) fn piped_as<T, S>(handle: &Handle<T>) -> (Handle<S>, Arc<End>)
where
    T: ?Sized + Shareable + Provides<plugwright_plugin::remote::Proxy> + Send + Sync,
    S: ?Sized + Shareable + Provides<plugwright_plugin::remote::Proxy> + Send + Sync,
{
    let (here, there) = pipe();
    let number = there.export(handle.clone().into_object());
    let remote = Handle::remote(here, number).expect("remotable");
    (remote, there)
}
