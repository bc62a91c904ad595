//! A range of network addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address (RFC 4632, RFC 4291 2.3).

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

/// Those addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u32,
}

impl AddressRange {
    /// Is this one of them? An IPv4 address in an IPv6 one (`::ffff:192.0.2.1`) is that IPv4 address.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let ignored = 32 - self.bits;
                let bits = |address: u32| address.checked_shr(ignored).unwrap_or_default();
                bits(first.to_bits()) == bits(address.to_bits())
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let ignored = 128 - self.bits;
                let bits = |address: u128| address.checked_shr(ignored).unwrap_or_default();
                bits(first.to_bits()) == bits(address.to_bits())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is no range of addresses, such as 192.0.2.0/24 or 2001:db8::/32";
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| WRONG)?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| WRONG)?
            }
            Some(_) => return Err(WRONG),
            None => most,
        };
        if bits > most {
            return Err(WRONG);
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Whose address a request is from: that of the connection, unless that is a proxy of ours, which says whom it speaks for
/// at the end of `X-Forwarded-For`. The last that no proxy of ours is, counts: whatever stands before it, anybody could
/// have written.
#[must_use]
pub fn sender(peer: IpAddr, forwarded: &[&str], proxies: &[AddressRange]) -> IpAddr {
    let is_ours = |address: IpAddr| proxies.iter().any(|range| range.has(address));
    let mut from = peer.to_canonical();
    let hops = forwarded.iter().flat_map(|line| line.split(','));
    for hop in hops.collect::<Vec<_>>().into_iter().rev() {
        if !is_ours(from) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => from = address.to_canonical(),
            Err(_) => break,
        }
    }
    from
}

/// Who counts as one: an IPv4 address by itself, an IPv6 one with all of its network (/64), which one person has as a rule.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_has_what_begins_as_it_does() {
        let check = |text: &str, has: &[&str], lacks: &[&str]| {
            for one in has {
                assert!(range(text).has(address(one)), "{text} {one}");
            }
            for one in lacks {
                assert!(!range(text).has(address(one)), "{text} {one}");
            }
        };
        check(
            "192.30.252.0/22",
            &["192.30.252.0", "192.30.255.255", "::ffff:192.30.253.1"],
            &["192.30.251.255", "193.0.0.1", "::1"],
        );
        check("10.0.0.7", &["10.0.0.7"], &["10.0.0.6"]);
        check("0.0.0.0/0", &["1.2.3.4"], &["::1"]);
        check(
            "2a0a:a440::/29",
            &["2a0a:a447::1"],
            &["2a0a:a448::1", "10.0.0.1"],
        );
        check("::/0", &["::1"], &["10.0.0.1"]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for wrong in [
            "",
            "/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "example.com",
            "10.0.0.0/8/8",
        ] {
            assert!(wrong.parse::<AddressRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_proxy_of_ours_says_for_whom_it_speaks() {
        let proxies = [range("10.0.0.0/8")];
        let check = |peer: &str, forwarded: &[&str], expect: &str| {
            assert_eq!(sender(address(peer), forwarded, &proxies), address(expect));
        };
        check("203.0.113.9", &["192.30.252.1"], "203.0.113.9");
        check("10.0.0.1", &["192.30.252.1"], "192.30.252.1");
        check("10.0.0.1", &["192.30.252.1, 203.0.113.9"], "203.0.113.9");
        check(
            "10.0.0.1",
            &["192.30.252.1", "203.0.113.9, 10.0.0.2"],
            "203.0.113.9",
        );
        check("10.0.0.1", &["nonsense"], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn an_ipv6_address_counts_with_its_network() {
        let check = |text: &str, expect: &str| assert_eq!(network(address(text)), address(expect));
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("::1", "::");
    }
}
