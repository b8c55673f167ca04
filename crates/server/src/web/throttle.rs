//! How often somebody may try to sign in.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use event::Micros;

/// Wrong keys of one address within [`WINDOW_US`]. A key has 192 random bits; this is for keys that somebody chose.
const MOST_FAILURES: u32 = 10;
const WINDOW_US: u64 = 5 * 60_000_000;
/// Addresses that are remembered; the one whose window began first is forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// The failures of the last minutes.
#[derive(Default)]
pub(crate) struct Throttle {
    failures: Mutex<BTreeMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    since: Micros,
    count: u32,
}

impl Throttle {
    /// Seconds that an address has to wait; `None` if it may try.
    pub(super) fn wait_s(&self, address: IpAddr, now: Micros) -> Option<u64> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.get(&network(address))?;
        let end = known.since.0.saturating_add(WINDOW_US);
        let left = end.checked_sub(now.0).filter(|left| *left > 0)?;
        (known.count >= MOST_FAILURES).then(|| left.div_ceil(1_000_000))
    }

    pub(super) fn failed(&self, address: IpAddr, now: Micros) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Failures {
            since: now,
            count: 0,
        };
        let known = failures.entry(network(address)).or_insert(fresh);
        if now.0 >= known.since.0.saturating_add(WINDOW_US) {
            *known = fresh;
        }
        known.count = known.count.saturating_add(1);
        if failures.len() > MAX_ADDRESSES {
            let first = failures.iter().min_by_key(|(_, known)| known.since);
            if let Some(first) = first.map(|(address, _)| *address) {
                failures.remove(&first);
            }
        }
    }

    pub(super) fn succeeded(&self, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&network(address));
    }
}

/// What one party has: a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_its_failures_and_nobody_else_does() {
        let throttle = Throttle::default();
        let [one, same, other] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
            .map(|address| address.parse::<IpAddr>().unwrap());
        for second in 0..u64::from(MOST_FAILURES) {
            assert_eq!(throttle.wait_s(one, Micros(second)), None);
            throttle.failed(one, Micros(second));
        }
        assert_eq!(throttle.wait_s(same, Micros(1_000_000)), Some(299));
        assert_eq!(throttle.wait_s(other, Micros(0)), None);
        assert_eq!(throttle.wait_s(one, Micros(WINDOW_US)), None);
        throttle.failed(one, Micros(WINDOW_US));
        assert_eq!(throttle.wait_s(one, Micros(WINDOW_US)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for address in 0..=u32::try_from(MAX_ADDRESSES).unwrap() {
            throttle.failed(IpAddr::V4(address.into()), Micros(address.into()));
        }
        assert_eq!(throttle.failures.lock().unwrap().len(), MAX_ADDRESSES);
        throttle.succeeded(IpAddr::V4(5.into()));
        assert_eq!(throttle.failures.lock().unwrap().len(), MAX_ADDRESSES - 1);
    }
}
