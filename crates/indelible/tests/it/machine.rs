//! A machine with a data directory, a server on it, and somebody who types commands.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
pub(crate) const KEY: &str = "ik_a-key-for-tests-only";

pub(crate) struct Machine {
    temp: TempDir,
    server: Option<Child>,
    pub(crate) url: String,
    /// Where the next server listens; port 0 for any that is free.
    listen: String,
    /// Settings, if there are some.
    config: Option<PathBuf>,
    /// What the server said before it served.
    greeting: Vec<String>,
}

impl Machine {
    /// Without a server yet.
    pub(crate) fn new() -> Self {
        Self {
            temp: tempfile::tempdir().unwrap(),
            server: None,
            // Nobody listens on the discard port of a test machine.
            url: "http://127.0.0.1:9".to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            config: None,
            greeting: Vec::new(),
        }
    }

    pub(crate) fn serving() -> Self {
        let mut machine = Self::new();
        machine.start();
        machine
    }

    pub(crate) fn home(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    /// `indelible serve`, as a command that was not started yet.
    pub(crate) fn serve(&self, data: &Path) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", "--listen", &self.listen, "--data"])
            .arg(data)
            .current_dir(self.home())
            .env("INDELIBLE_ADMIN_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
    }

    /// Gives the next server settings.
    pub(crate) fn configure(&mut self, text: &str) {
        let path = self.home().join("serve.toml");
        std::fs::write(&path, text).unwrap();
        self.config = Some(path);
    }

    /// Where a surface inside of the server listens.
    pub(crate) fn surface(&self, name: &str) -> String {
        let line = self
            .greeting
            .iter()
            .find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    }

    pub(crate) fn start(&mut self) {
        self.try_start()
            .unwrap_or_else(|said| panic!("the server does not start: {said}"));
    }

    /// Starts the server, or returns what it said when it refused.
    pub(crate) fn try_start(&mut self) -> Result<(), String> {
        let mut child = self.serve(&self.data()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        self.greeting.clear();
        let ready = lines.find_map(|line| {
            let line = line.unwrap();
            let url = line
                .split_once("listening on ")
                .map(|(_, url)| url.to_owned());
            self.greeting.push(line);
            url
        });
        let Some(url) = ready else {
            let status = child.wait().unwrap();
            return Err(format!("{status}: {}", errors.join().unwrap()));
        };
        std::thread::spawn(move || lines.for_each(drop));
        self.url = url;
        self.server = Some(child);
        Ok(())
    }

    /// Asks the server to end and waits for it.
    pub(crate) fn stop(&mut self) {
        let mut child = self.server.take().unwrap();
        signal(&child, Signal::TERM);
        let status = wait(&mut child);
        assert!(status.success(), "the server ended with {status}");
    }

    /// Stops the server and starts another one at the same address.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.listen_again();
    }

    /// Starts another server where the last one was.
    pub(crate) fn listen_again(&mut self) {
        self.listen = self.url.trim_start_matches("http://").to_owned();
        self.start();
    }

    /// What waits in the spool; the lock of who delivers stays.
    pub(crate) fn spooled(&self) -> Vec<PathBuf> {
        let mut found = files(&self.home().join("spool"));
        found.retain(|path| path.extension().is_none_or(|end| end != "lock"));
        found
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.server.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// `indelible` with these arguments, where the server and its key are known.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(args)
            .current_dir(self.home())
            .env("INDELIBLE_URL", &self.url)
            .env("INDELIBLE_KEY", KEY)
            .env("INDELIBLE_SPOOL", self.home().join("spool"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output of a command that must succeed.
    pub(crate) fn out(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// JSON Lines of a command that must succeed.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        self.out(args)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Records events (NDJSON); the receipt.
    pub(crate) fn post(&self, events: &str) -> Value {
        let answer = ureq::post(format!("{}/v1/events", self.url))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/x-ndjson")
            .send(events);
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until a checkpoint covers everything recorded.
    pub(crate) fn wait_signed(&self) {
        let newest = &self.json(&["query", "--limit", "1"])[0];
        self.out(&["get", &newest["seq"].to_string(), "--proof"]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits for a process that must end.
pub(crate) fn wait(child: &mut Child) -> std::process::ExitStatus {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "the process does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files below a directory, sorted.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
