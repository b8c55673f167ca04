//! A server on a directory, for as long as a test wants it.

use std::{net::SocketAddr, path::Path, sync::Arc, thread::JoinHandle};

use indelible_server::{Config, Node};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};

use crate::client::{Call, Reply};

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// A server on a new directory.
    pub(crate) fn fresh() -> (TempDir, Self) {
        let dir = TempDir::new().unwrap();
        let running = Self::on(dir.path());
        (dir, running)
    }

    pub(crate) fn on(dir: &Path) -> Self {
        Self::with(Config {
            data: dir.to_owned(),
            ..Config::default()
        })
    }

    pub(crate) fn with(config: Config) -> Self {
        let dir = config.data.clone();
        let node = Node::open(config, None).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                indelible_server::serve(Arc::new(node), listener, stopped)
                    .await
                    .unwrap();
            });
        });
        let admin = std::fs::read_to_string(dir.join("admin.key")).unwrap();
        Self {
            address: told.recv().unwrap(),
            admin: admin.trim().to_owned(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Stops gracefully and waits for it.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub(crate) fn send(&self, call: &Call) -> Reply {
        call.send(self.address)
    }

    /// Sends with the admin key.
    pub(crate) fn admin(&self, call: Call) -> Reply {
        call.key(&self.admin).send(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.admin(Call::get(path))
    }

    /// Records events with the admin key; the answer.
    #[track_caller]
    pub(crate) fn record(&self, events: &Value) -> Value {
        self.admin(Call::json("/v1/events", events)).ok()
    }

    /// Records and waits until a checkpoint covers it.
    #[track_caller]
    pub(crate) fn integrate(&self, events: &Value) -> Value {
        self.admin(Call::json("/v1/events?ack=integrated", events))
            .ok()
    }

    /// Makes a key of the default trail; its answer.
    #[track_caller]
    pub(crate) fn make_key(&self, by: &str, body: &Value) -> Value {
        let call = Call::json("/v1/keys", body).key(by);
        self.send(&call).ok()
    }

    /// Text of a new key with these scopes.
    #[track_caller]
    pub(crate) fn key_with(&self, scopes: &[&str]) -> String {
        let key = self.make_key(&self.admin, &json!({ "name": "test", "scopes": scopes }));
        key["key"].as_str().unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// A small event.
pub(crate) fn event(action: &str) -> Value {
    json!({ "actor": { "id": "agent-7" }, "action": action })
}
