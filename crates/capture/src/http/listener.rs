//! Accepting connections until the gateway stops.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use super::{Body, ClientState, client_io::ClientIo};
use crate::recorder::Recorder;

/// Connections of one listener at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: u32 = 10_000;
/// Largest head of a request, bytes.
const HEAD_BYTES: usize = 128 << 10;
/// Read and write buffer of a connection, bytes. A tap may hold on to a buffer until the recorder has seen it.
const BUFFER_BYTES: usize = 256 << 10;
/// How long a client may take for a request's head, or keep an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_mins(2);
/// Pause after a failed accept: most often the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound address that requests come to.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// Who sends a request.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its address.
    pub address: SocketAddr,
    /// Its connection.
    pub state: Arc<ClientState>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The cause.
    pub source: std::io::Error,
}

impl Listener {
    /// Takes an address.
    ///
    /// # Errors
    /// [`ListenError`] if it is taken, or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let refused = |source| ListenError { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, address })
    }

    /// Where clients find it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` turns true, and then those that are under way, for at most `patience`. They begin when
    /// `recorder` has room for them.
    pub async fn serve<H, F>(
        self,
        recorder: &Recorder,
        handle: H,
        mut stop: watch::Receiver<bool>,
        patience: Duration,
    ) where
        H: Fn(Request<Incoming>, Client) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
        let stopping = stop.clone();
        tokio::select! {
            () = accept(&self.socket, recorder, &handle, &slots, &stopping) => {}
            () = stopped(&mut stop) => {}
        }
        drop(self.socket);
        let all_are_over = slots.acquire_many(MAX_CONNECTIONS);
        if timeout(patience, all_are_over).await.is_err() {
            tracing::warn!(address = %self.address, "requests were still under way when the gateway stopped");
        }
    }
}

async fn accept<H, F>(
    socket: &TcpListener,
    recorder: &Recorder,
    handle: &H,
    slots: &Arc<Semaphore>,
    stop: &watch::Receiver<bool>,
) where
    H: Fn(Request<Incoming>, Client) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES);
    while let Ok(slot) = Arc::clone(slots).acquire_owned().await {
        let (stream, address) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let state = Arc::new(ClientState::default());
        let Ok(io) = ClientIo::new(stream, address, Arc::clone(&state)) else {
            continue;
        };
        let (handle, recorder) = (handle.clone(), recorder.clone());
        let service = service_fn(move |request| {
            state.wait();
            let client = Client {
                address,
                state: Arc::clone(&state),
            };
            let state = Arc::clone(&state);
            let (handle, recorder) = (handle.clone(), recorder.clone());
            async move {
                recorder.room().await;
                Ok::<_, Infallible>(last_on(&state, handle(request, client).await))
            }
        });
        let connection = http.serve_connection(TokioIo::new(io), service);
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection.with_upgrades());
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopped(&mut stop) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a client's connection broke");
            }
            drop(slot);
        });
    }
}

/// An error means that whoever could stop us has gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// A client that sends nothing any more cannot send another request.
fn last_on(state: &ClientState, mut answer: Response<Body>) -> Response<Body> {
    if state.is_half_closed() {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
    }
    answer
}
