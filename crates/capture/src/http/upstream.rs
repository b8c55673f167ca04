//! The pooled client: HTTP/1.1 and HTTP/2, with TLS.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper::{Request, Response, Version, body::Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::Body;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: less than the minute after which most servers close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Unused connections for each upstream.
const MAX_IDLE: usize = 256;
/// A connection of HTTP/2 that is silent for so long is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Read buffer of a connection, bytes: what a tap may hold on to.
const BUFFER_BYTES: usize = 256 << 10;

/// Connections to upstreams; cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream {
    any: Client<HttpsConnector<HttpConnector>, Body>,
    /// For connections that are upgraded.
    first: Client<HttpsConnector<HttpConnector>, Body>,
}

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// A connection, and no answer.
    #[error("no answer: {0}")]
    Answer(String),
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates cannot be read.
    #[error("{} is no file of certificates: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The library refuses its own defaults.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// TLS as a client: Mozilla's roots, those in the file that `SSL_CERT_FILE` names, and those given.
///
/// # Errors
/// [`TlsError`] if a file holds no certificates.
pub fn tls_config(
    ssl_cert_file: Option<&Path>,
    more: &[PathBuf],
) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for path in ssl_cert_file
        .into_iter()
        .chain(more.iter().map(PathBuf::as_path))
    {
        let failed = |reason: String| TlsError::Certificates {
            path: path.to_owned(),
            reason,
        };
        let found =
            CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
        let found: Result<Vec<_>, _> = found.collect();
        let found = found.map_err(|error| failed(error.to_string()))?;
        let (added, _) = roots.add_parsable_certificates(found);
        if added == 0 {
            return Err(failed("it holds none".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

impl Upstream {
    /// A client with these TLS settings and no connections yet.
    #[must_use]
    pub fn new(config: &ClientConfig) -> Self {
        let tls = || {
            hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(config.clone())
                .https_or_http()
        };
        let tcp = || {
            let mut tcp = HttpConnector::new();
            tcp.enforce_http(false);
            tcp.set_nodelay(true);
            tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
            tcp.set_keepalive(Some(PING_EVERY));
            tcp
        };
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_max_buf_size(BUFFER_BYTES)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_adaptive_window(true);
        Self {
            any: builder.build(tls().enable_all_versions().wrap_connector(tcp())),
            first: builder.build(tls().enable_http1().wrap_connector(tcp())),
        }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`UpstreamError`]; whether the request arrived is not known then.
    pub async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        // What the client speaks says nothing of the upstream, whose connection may as well be one of HTTP/2.
        *request.version_mut() = Version::HTTP_11;
        answer(self.any.request(request).await)
    }

    /// The same over a connection that can be upgraded.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_for_upgrade(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        *request.version_mut() = Version::HTTP_11;
        answer(self.first.request(request).await)
    }
}

fn answer(
    answer: Result<Response<Incoming>, hyper_util::client::legacy::Error>,
) -> Result<Response<Incoming>, UpstreamError> {
    answer.map_err(|error| {
        let text = with_causes(&error);
        if error.is_connect() {
            UpstreamError::Connect(text)
        } else {
            UpstreamError::Answer(text)
        }
    })
}

/// The innermost cause says what happened, the others only where.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
