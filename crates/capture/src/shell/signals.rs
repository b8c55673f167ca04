//! Passing signals on to the command.

use std::{collections::BTreeSet, thread::JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{
        SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGWINCH, SIGXCPU,
    },
    iterator::{Handle, SignalsInfo, exfiltrator::WithOrigin},
    low_level::siginfo::Origin,
};

/// Signals that are told of in the record.
const MAX_TOLD: usize = 32;

/// Those that end a process that does not expect them. `SIGPIPE` is left out: we write to pipes ourselves.
const FORWARDED: [i32; 11] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO,
];
/// Timers run on over an exec: whoever set one before it became us meant the command.
const TIMERS: [i32; 3] = [SIGALRM, SIGVTALRM, SIGPROF];

/// Holds back the signals that came before there is a command to pass them to.
pub struct Caught(SignalsInfo<WithOrigin>);

/// Passes signals on until it is dropped.
pub struct Forwarding {
    handle: Handle,
    thread: Option<JoinHandle<Vec<i32>>>,
}

impl Caught {
    /// Takes over every forwarded signal that is not ignored: `nohup` stays in force.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn new() -> std::io::Result<Self> {
        Self::with(&[])
    }

    /// The same for a command that has a terminal of its own: its size may change.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_terminal() -> std::io::Result<Self> {
        Self::with(&[SIGWINCH])
    }

    fn with(more: &[i32]) -> std::io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let wanted = FORWARDED.iter().filter(|signal| !ignored.contains(signal));
        Ok(Self(SignalsInfo::new(wanted.chain(more))?))
    }

    /// Passes what came and what will come on to a process.
    #[must_use]
    pub fn forward(self, pid: u32) -> Forwarding {
        self.forward_each(pid, to_pass_on)
    }

    /// The same for a command in a session of its own, which no signal of our terminal reaches. `resized` is called when our
    /// terminal has another size.
    #[must_use]
    pub fn forward_to_session(
        self,
        pid: u32,
        mut resized: impl FnMut() + Send + 'static,
    ) -> Forwarding {
        self.forward_each(pid, move |origin| {
            if origin.signal == SIGWINCH {
                resized();
            }
            named(origin.signal)
        })
    }

    fn forward_each(
        mut self,
        pid: u32,
        mut choose: impl FnMut(&Origin) -> Option<Signal> + Send + 'static,
    ) -> Forwarding {
        let handle = self.0.handle();
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let thread = std::thread::spawn(move || {
            let mut passed = Vec::new();
            for origin in self.0.forever() {
                if let (Some(pid), Some(signal)) = (pid, choose(&origin)) {
                    // Fails if the command is gone, which ends the matter.
                    let _ = kill_process(pid, signal);
                    if passed.len() < MAX_TOLD {
                        passed.push(origin.signal);
                    }
                }
            }
            passed
        });
        Forwarding {
            handle,
            thread: Some(thread),
        }
    }
}

impl Forwarding {
    /// Stops, and tells which signals were passed on, in order.
    #[must_use]
    pub fn stop(mut self) -> Vec<i32> {
        self.end()
    }

    fn end(&mut self) -> Vec<i32> {
        self.handle.close();
        let thread = self.thread.take();
        thread
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.end();
    }
}

/// A signal that a process sent. One from the terminal goes to the whole process group: the command has it already.
fn to_pass_on(origin: &Origin) -> Option<Signal> {
    if !TIMERS.contains(&origin.signal) {
        origin.process.as_ref()?;
    }
    named(origin.signal)
}

fn named(signal: i32) -> Option<Signal> {
    match signal {
        SIGHUP => Some(Signal::HUP),
        SIGINT => Some(Signal::INT),
        SIGQUIT => Some(Signal::QUIT),
        SIGTERM => Some(Signal::TERM),
        SIGUSR1 => Some(Signal::USR1),
        SIGUSR2 => Some(Signal::USR2),
        SIGALRM => Some(Signal::ALARM),
        SIGVTALRM => Some(Signal::VTALARM),
        SIGPROF => Some(Signal::PROF),
        SIGXCPU => Some(Signal::XCPU),
        SIGIO => Some(Signal::IO),
        _ => None,
    }
}

/// The ignored signals of a process, from its `/proc/PID/status` (proc(5)); none where there is no such file.
fn ignored(status: &str) -> BTreeSet<i32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let mask = mask.unwrap_or(0);
    (1..=64)
        .filter(|signal| mask >> (signal - 1) & 1 == 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let status = "Name:\tx\nSigBlk:\t0000000000000007\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), BTreeSet::from([SIGHUP, 13]));
        assert_eq!(ignored(""), BTreeSet::new());
    }
}
