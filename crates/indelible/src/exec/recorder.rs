//! Where the events of one command go: to the server, or onto the disk for whoever reaches it later.

use std::{
    fs::DirBuilder,
    io::IsTerminal,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result};
use capture::{
    Env,
    config::Mode,
    draft::{Draft, Source},
    redact::{Redaction, Redactor, Secret, Secrets},
    shell::Writer,
    sink::{Remote, Sink, SinkError, commands_redaction_key},
    spool::{Begun, SharedSpool, deliver_own_spools},
};

use super::{Options, state_dir, warn};

/// Longest time that recording may keep the caller waiting after the command has ended.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long events of earlier runs may keep the caller waiting; the next command goes on.
const LEFTOVERS_PATIENCE: Duration = Duration::from_millis(500);
/// A server that took longer than this to say nothing is left alone for a while.
const SLOW: Duration = Duration::from_secs(1);
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// Its time says since when the server is left alone.
const AWAY_FILE: &str = "away";

/// Sends events, or keeps them on disk. Says so when it can do neither; never fails the command.
pub(crate) struct Recorder {
    env: Env,
    remote: Result<Remote>,
    spool: Result<SharedSpool>,
    redactor: Redactor,
    secrets: Vec<Secret>,
    producer: String,
    writer: Mutex<Writer>,
    /// The intent, until the server has it.
    intent: Mutex<Option<Vec<u8>>>,
    is_announced: AtomicBool,
    /// Whether a gateway on this machine delivers.
    is_handed_on: bool,
    mode: Mode,
}

/// The command must not run: it could not be recorded first.
#[derive(Debug, thiserror::Error)]
#[error("refused by rule mode.strict: the command could not be recorded first: {0:#}")]
pub(crate) struct Refused(anyhow::Error);

impl Recorder {
    /// `secrets` are known beforehand.
    pub(crate) fn new(options: &Options, secrets: Vec<Secret>) -> Result<Self> {
        let env = Env::system();
        let spool = options.spool.clone().map_or_else(state_dir, Ok).map(|dir| {
            let spool = SharedSpool::new(Arc::clone(&env.fs), &dir);
            match options.spool_limit_bytes {
                Some(limit) => spool.limited(limit),
                None => spool,
            }
        });
        let spool = spool.and_then(|spool| make(spool).context("the spool cannot be used"));
        let (remote, key) = remote(options, &env, spool.as_ref().ok());
        let producer = format!("exec-{}", env.new_id());
        Ok(Self {
            redactor: Redactor::new(None, &[], &key)?,
            remote,
            spool,
            secrets,
            writer: Mutex::new(Writer::new(producer.clone())),
            producer,
            intent: Mutex::new(None),
            is_announced: AtomicBool::new(false),
            is_handed_on: options.remote.server.is_empty(),
            mode: options.mode,
            env,
        })
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    /// Takes secrets out of what is recorded.
    pub(crate) fn with(&self) -> Redaction<'_> {
        let secrets: &Secrets = &self.secrets;
        self.redactor.with(secrets)
    }

    /// More of them.
    pub(crate) fn learn(&mut self, secrets: Vec<Secret>) {
        self.secrets.extend(secrets);
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.mode == Mode::Strict
    }

    /// Leaves the intent on disk, so that whatever becomes of this process, the command is known of.
    pub(crate) fn begin(&self, intent: &Draft) -> Result<Option<Begun>, Refused> {
        let event = self.write(intent);
        let begun = self
            .spool
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))
            .and_then(|spool| {
                if self.is_strict() {
                    spool.check_room()?;
                }
                Ok(spool.begin(&self.producer, &event)?)
            });
        *self.intent.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
        match begun {
            Ok(mut begun) if self.is_strict() => match begun.sync() {
                Ok(()) => Ok(Some(begun)),
                Err(error) => {
                    begun.remove();
                    Err(Refused(error.into()))
                }
            },
            Ok(begun) => Ok(Some(begun)),
            Err(error) if self.is_strict() => Err(Refused(error)),
            // It is tried again with the outcome, which says what fails.
            Err(_) => Ok(None),
        }
    }

    /// Sends the intent of a command that takes long. If that fails it goes with the outcome.
    pub(crate) fn announce(&self) {
        let intent = self.intent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(intent) = intent.as_ref()
            && self.send(intent).is_ok()
        {
            self.is_announced.store(true, Ordering::Relaxed);
        }
    }

    /// An event in between: to the server, or onto the disk.
    pub(crate) fn tell(&self, draft: &Draft) {
        let event = self.write(draft);
        if let Err(error) = self.send(&event) {
            self.put(&event, &error);
        }
    }

    /// The command has ended. `has_intent`: its outcome is an event of its own.
    pub(crate) fn end(&self, begun: Option<Begun>, outcome: &Draft, has_intent: bool) {
        let event = if has_intent {
            self.write(outcome)
        } else {
            // The only event of this producer.
            let mut writer = Writer::new(self.producer.clone());
            writer.write(outcome, &self.env.new_id(), &self.with())
        };
        let mut begun = begun;
        if let Some(file) = &mut begun
            && file.add(&event, !has_intent).is_err()
        {
            // The disk is full. What is in the file is true, but for the end.
            begun = None;
        }
        let mut events = vec![event];
        if has_intent && !self.is_announced.load(Ordering::Relaxed) {
            let intent = self.intent.lock().unwrap_or_else(PoisonError::into_inner);
            events.splice(0..0, intent.clone());
        }
        match self.send(&events.join(&b'\n')) {
            Ok(()) => self.send_spooled(),
            Err(error) => events.iter().for_each(|event| self.put(event, &error)),
        }
        if let Some(begun) = begun {
            begun.remove();
        }
    }

    fn write(&self, draft: &Draft) -> Vec<u8> {
        let id = self.env.new_id();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write(draft, &id, &self.with())
    }

    fn put(&self, event: &[u8], why: &anyhow::Error) {
        let kept = self.spool().and_then(|spool| Ok(spool.put(event)?));
        match kept {
            Ok(()) => self.say_waits(why),
            Err(error) => {
                // Told when there is room again.
                let _ = self
                    .spool()
                    .and_then(|spool| Ok(spool.count_lost(Source::Shell)?));
                warn(&format!("THE COMMAND IS NOT RECORDED: {error:#}: {why:#}"));
            }
        }
    }

    /// Nothing is lost, and whoever reads the command's stderr shall find the command's bytes and no others. A server that
    /// is there and refuses will not change its mind by itself.
    fn say_waits(&self, why: &anyhow::Error) {
        if self.is_handed_on {
            return;
        }
        let will_be_back = !matches!(why.downcast_ref(), Some(SinkError::Refused { .. }));
        if will_be_back && !std::io::stderr().is_terminal() {
            return;
        }
        if let Ok(spool) = &self.spool {
            warn(&format!(
                "{why:#}\nThe event waits in {} and goes out with the next command that reaches a server.",
                spool.dir().display()
            ));
        }
    }

    fn spool(&self) -> Result<&SharedSpool> {
        self.spool
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    fn send(&self, events: &[u8]) -> Result<()> {
        let remote = self
            .remote
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let spool = self.spool.as_ref().ok();
        if spool.is_some_and(is_left_alone) {
            return Err(SinkError::Busy { retry_after: None }.into());
        }
        let begin = Instant::now();
        let sent = remote.send(events);
        if let (Err(SinkError::Unreachable { .. }), Some(spool)) = (&sent, spool)
            && begin.elapsed() > SLOW
        {
            leave_alone(spool);
        }
        for rejected in sent?.rejected {
            warn(&format!("the server rejected an event: {}", rejected.code));
        }
        Ok(())
    }

    /// What earlier commands could not send.
    fn send_spooled(&self) {
        let Ok(spool) = &self.spool else {
            return;
        };
        if let Err(error) = spool.adopt(Source::Shell) {
            warn(&format!("waiting events were not taken over: {error}"));
        }
        // Or another process is just delivering.
        if let Ok(remote) = &self.remote
            && let Err(error) = spool.deliver(remote)
        {
            warn(&format!("waiting events were not sent: {error}"));
        }
        // What ended runs left has a next command, too; one whose run goes on is left alone.
        let until = Some(Instant::now() + LEFTOVERS_PATIENCE);
        if let Ok(remote) = &self.remote
            && let Err(error) = deliver_own_spools(&self.env.fs, spool.dir(), remote, until)
        {
            warn(&format!("events of earlier runs were not sent: {error}"));
        }
    }
}

/// The server, and the key for the hashes of redactions.
fn remote(options: &Options, env: &Env, spool: Option<&SharedSpool>) -> (Result<Remote>, [u8; 32]) {
    let address = options.remote.address();
    let address = address.and_then(|address| address.context("events go to a gateway"));
    let remote = address
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{error:#}"))
        .and_then(|address| Ok(Remote::with_patience(address.clone(), SEND_TIMEOUT)?));
    let key = spool.and_then(|spool| {
        let known = match (&remote, &address) {
            (Ok(remote), Ok(address)) if !is_left_alone(spool) => Some((remote, address)),
            _ => None,
        };
        let begin = Instant::now();
        let key = commands_redaction_key(env, spool.dir(), known);
        if begin.elapsed() > SLOW {
            leave_alone(spool);
        }
        key.ok()
    });
    let key = key.unwrap_or_else(|| {
        let mut key = [0; 32];
        // Marks of this one command are then comparable with each other only.
        let _ = (env.random)(&mut key);
        key
    });
    (remote, key)
}

/// Its directory, which is nobody else's to read: it holds output of commands.
fn make(spool: SharedSpool) -> Result<SharedSpool> {
    if !spool.dir().exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(spool.dir())
            .with_context(|| format!("cannot create {}", spool.dir().display()))?;
    }
    Ok(spool)
}

fn is_left_alone(spool: &SharedSpool) -> bool {
    let since = away_file(spool)
        .metadata()
        .and_then(|metadata| metadata.modified());
    since.is_ok_and(|since| {
        SystemTime::now()
            .duration_since(since)
            .is_ok_and(|age| age < LEFT_ALONE)
    })
}

fn leave_alone(spool: &SharedSpool) {
    // Without it the next command waits as long, and that is all.
    let _ = std::fs::write(away_file(spool), b"");
}

fn away_file(spool: &SharedSpool) -> PathBuf {
    spool.dir().join(AWAY_FILE)
}
