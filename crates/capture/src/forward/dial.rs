//! Finding, checking and reaching a destination.
//!
//! A name is resolved once: the addresses that were checked are those that are dialled, then and for every further
//! connection of the same tunnel. A second answer of the name service changes nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, sleep, timeout_at},
};

use super::{address::Reach, keepalive, target::Target};

/// Longest wait for a connection, with the name service's answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// After so long the next address is tried besides (RFC 8305, section 8).
const NEXT_AFTER: Duration = Duration::from_millis(250);
/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 8;

/// What may be dialled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) allow_private: bool,
    /// Where we listen: a proxy that dials itself does so for ever.
    pub(super) own: SocketAddr,
}

/// Addresses of a target, checked; never empty.
#[derive(Clone, Debug)]
pub(super) struct Pinned(Vec<SocketAddr>);

/// Why a destination is not connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// All its addresses are refused.
    #[error("{0}")]
    Refused(Barrier),
    /// Its name has no address.
    #[error("cannot find the host: {0}")]
    NotFound(io::Error),
    /// Nobody is there.
    #[error("cannot connect: {0}")]
    Unreachable(io::Error),
    /// Nobody answers.
    #[error("no connection within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// Why an address is not dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Barrier {
    /// This machine, or a private network.
    #[error("the host is on this machine or on a private network; allow_private permits that")]
    Private,
    /// Credentials of the machine.
    #[error("the host is a metadata service, which hands out the machine's credentials")]
    Metadata,
    /// Ourselves.
    #[error("the host is this proxy")]
    Loop,
}

impl Barrier {
    /// The rule's name.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Private => "forward_proxy.allow_private",
            Self::Metadata => "forward_proxy.metadata",
            Self::Loop => "forward_proxy.loop",
        }
    }
}

impl Policy {
    /// Why this address is not dialled, if it is not.
    fn barrier(&self, address: SocketAddr) -> Option<Barrier> {
        let ip = address.ip().to_canonical();
        let own = self.own.ip().to_canonical();
        let is_own_ip =
            ip == own || (own.is_unspecified() && (ip.is_loopback() || ip.is_unspecified()));
        // An unspecified address is this machine.
        if address.port() == self.own.port()
            && (is_own_ip || (ip.is_unspecified() && own.is_loopback()))
        {
            return Some(Barrier::Loop);
        }
        match Reach::of(ip) {
            Reach::Metadata => Some(Barrier::Metadata),
            Reach::Private if !self.allow_private => Some(Barrier::Private),
            Reach::Private | Reach::Public => None,
        }
    }

    /// The addresses that may be dialled.
    fn check(&self, found: impl IntoIterator<Item = SocketAddr>) -> Result<Pinned, DialError> {
        let (mut allowed, mut barrier) = (Vec::new(), None);
        for address in found {
            match self.barrier(address) {
                Some(found) => barrier = Some(found),
                None if allowed.len() < MAX_ADDRESSES && !allowed.contains(&address) => {
                    allowed.push(address);
                }
                None => {}
            }
        }
        match (allowed.is_empty(), barrier) {
            (false, _) => Ok(Pinned(alternating(allowed))),
            (true, Some(barrier)) => Err(DialError::Refused(barrier)),
            (true, None) => Err(DialError::NotFound(io::Error::from(
                io::ErrorKind::NotFound,
            ))),
        }
    }

    /// Asks the name service, once.
    pub(super) async fn resolve(&self, target: &Target) -> Result<Pinned, DialError> {
        if let Some(ip) = target.address() {
            return self.check([SocketAddr::new(ip, target.port)]);
        }
        let deadline = Instant::now() + TIMEOUT;
        let found = timeout_at(deadline, lookup_host((target.host.as_str(), target.port))).await;
        let found = found
            .map_err(|_| DialError::Timeout)?
            .map_err(DialError::NotFound)?;
        self.check(found)
    }

    /// Connects to the first address that answers.
    pub(super) async fn dial(&self, pinned: &Pinned) -> Result<TcpStream, DialError> {
        let deadline = Instant::now() + TIMEOUT;
        let stream = timeout_at(deadline, first_of(&pinned.0)).await;
        let stream =
            stream
                .map_err(|_| DialError::Timeout)?
                .map_err(|error| match error.kind() {
                    io::ErrorKind::TimedOut => DialError::Timeout,
                    _ => DialError::Unreachable(error),
                })?;
        if self.is_ourselves(&stream) {
            return Err(DialError::Refused(Barrier::Loop));
        }
        // Neither is needed for the connection to work.
        let _ = stream.set_nodelay(true);
        let _ = keepalive(&stream);
        Ok(stream)
    }

    /// Whether we listen on all addresses and this is one of them.
    fn is_ourselves(&self, stream: &TcpStream) -> bool {
        let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
            return false;
        };
        self.own.ip().is_unspecified() && peer.port() == self.own.port() && local.ip() == peer.ip()
    }
}

impl DialError {
    /// The same once more: errors of the operating system cannot be copied, their texts can.
    pub(super) fn copied(&self) -> Self {
        let io = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
        match self {
            Self::Refused(barrier) => Self::Refused(*barrier),
            Self::NotFound(error) => Self::NotFound(io(error)),
            Self::Unreachable(error) => Self::Unreachable(io(error)),
            Self::Timeout => Self::Timeout,
        }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Refused(_) => 403,
            Self::NotFound(_) | Self::Unreachable(_) => 502,
            Self::Timeout => 504,
        }
    }
}

/// Each family in turn, so that one without a way out costs one attempt (RFC 8305, section 4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut out = Vec::new();
    for address in first {
        out.push(address);
        out.extend(second.next());
    }
    out.extend(second);
    out
}

async fn first_of(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    loop {
        let more = waiting.next();
        attempts.extend(more.map(|address| TcpStream::connect(*address)));
        let has_more = waiting.len() > 0;
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failed = error,
                None if !has_more => return Err(failed),
                None => {}
            },
            () = sleep(NEXT_AFTER), if has_more => {}
        }
    }
}

/// The address that a stream leads to.
pub(super) fn peer(stream: &TcpStream) -> Option<IpAddr> {
    Some(stream.peer_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow_private: bool, own: &str) -> Policy {
        Policy {
            allow_private,
            own: own.parse().unwrap(),
        }
    }

    fn checked(policy: Policy, addresses: &[&str]) -> Result<Vec<String>, Option<Barrier>> {
        match policy.check(addresses.iter().map(|address| address.parse().unwrap())) {
            Ok(pinned) => Ok(pinned.0.iter().map(SocketAddr::to_string).collect()),
            Err(DialError::Refused(barrier)) => Err(Some(barrier)),
            Err(_) => Err(None),
        }
    }

    #[test]
    fn only_what_is_allowed_is_dialled() {
        let closed = policy(false, "127.0.0.1:7412");
        let open = policy(true, "127.0.0.1:7412");
        assert_eq!(
            checked(closed, &["10.0.0.1:443", "93.184.216.34:443"]),
            Ok(vec!["93.184.216.34:443".to_owned()])
        );
        assert_eq!(
            checked(closed, &["10.0.0.1:443"]),
            Err(Some(Barrier::Private))
        );
        assert_eq!(
            checked(open, &["10.0.0.1:443"]),
            Ok(vec!["10.0.0.1:443".to_owned()])
        );
        for policy in [closed, open] {
            assert_eq!(
                checked(policy, &["169.254.169.254:80"]),
                Err(Some(Barrier::Metadata))
            );
            assert_eq!(checked(policy, &[]), Err(None));
        }
        let everywhere = policy(true, "0.0.0.0:7412");
        for (policy, address) in [
            (open, "127.0.0.1:7412"),
            (open, "[::ffff:127.0.0.1]:7412"),
            (open, "0.0.0.0:7412"),
            (everywhere, "127.0.0.9:7412"),
            (everywhere, "[::1]:7412"),
        ] {
            assert_eq!(
                checked(policy, &[address]),
                Err(Some(Barrier::Loop)),
                "{address}"
            );
        }
        assert!(checked(open, &["127.0.0.1:7411"]).is_ok());
    }

    #[test]
    fn families_take_turns() {
        let addresses = [
            "[2606::1]:1",
            "[2606::2]:1",
            "93.184.216.34:1",
            "93.184.216.35:1",
            "93.184.216.36:1",
        ];
        let pinned = checked(policy(false, "127.0.0.1:1"), &addresses).unwrap();
        assert_eq!(
            pinned,
            [
                "[2606::1]:1",
                "93.184.216.34:1",
                "[2606::2]:1",
                "93.184.216.35:1",
                "93.184.216.36:1"
            ]
        );
    }
}
