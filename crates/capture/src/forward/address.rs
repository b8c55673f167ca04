//! Which addresses a proxy does not connect to.
//!
//! A rule on a name says nothing of where the name leads; so it is the address that is checked, and that address is dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The internet.
    Public,
    /// This machine or a network of its own.
    Private,
    /// Where clouds hand out credentials of the machine.
    Metadata,
}

/// Metadata services outside of 169.254.0.0/16: Alibaba, Azure's host agent, Oracle.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// AWS: instances, EKS pods; GCP.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => {
                embedded(address).map_or_else(|| Self::of_v6(address), Self::of_v4)
            }
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        // All of the link-local block: clouds keep adding to it, and nothing else of use lives there.
        if address.is_link_local() || METADATA_V4.contains(&address) {
            return Self::Metadata;
        }
        let [a, b, c, _] = address.octets();
        let is_special = address.is_private()
            || address.is_loopback()
            || address.is_broadcast()
            || address.is_multicast()
            || address.is_documentation()
            // "This network", carriers' NAT, protocol assignments, benchmarks, reserved.
            || a == 0
            || (a == 100 && (b & 0xc0) == 64)
            || (a, b, c) == (192, 0, 0)
            || (a == 198 && (b & 0xfe) == 18)
            || a >= 240;
        if is_special {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if METADATA_V6.contains(&address) {
            return Self::Metadata;
        }
        let [first, second, ..] = address.segments();
        // Global unicast is 2000::/3; of it only documentation is not reachable.
        let is_global = first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8);
        if is_global {
            Self::Public
        } else {
            Self::Private
        }
    }
}

/// The address that a gateway of the network would make of one that carries another: NAT64, 6to4, IPv4-compatible.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(joined(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) != (0, 0) && (high, low) != (0, 1) => {
            Some(joined(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_is_told_from_the_outside_in_every_spelling() {
        for (address, reach) in [
            ("93.184.216.34", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.128.0.1", Reach::Public),
            ("2606:2800:220:1::1", Reach::Public),
            ("64:ff9b::5db8:d822", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("127.9.9.9", Reach::Private),
            ("0.0.0.0", Reach::Private),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("224.0.0.1", Reach::Private),
            ("255.255.255.255", Reach::Private),
            ("::1", Reach::Private),
            ("::", Reach::Private),
            ("::ffff:127.0.0.1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("::127.0.0.1", Reach::Private),
            ("64:ff9b::7f00:1", Reach::Private),
            ("2002:7f00:1::", Reach::Private),
            ("fe80::1", Reach::Private),
            ("fc00::1", Reach::Private),
            ("ff02::1", Reach::Private),
            ("169.254.169.254", Reach::Metadata),
            ("169.254.170.2", Reach::Metadata),
            ("::ffff:169.254.169.254", Reach::Metadata),
            ("64:ff9b::a9fe:a9fe", Reach::Metadata),
            ("2002:a9fe:a9fe::", Reach::Metadata),
            ("100.100.100.200", Reach::Metadata),
            ("168.63.129.16", Reach::Metadata),
            ("fd00:ec2::254", Reach::Metadata),
            ("fd20:ce::254", Reach::Metadata),
        ] {
            assert_eq!(Reach::of(address.parse().unwrap()), reach, "{address}");
        }
    }
}
