//! Which addresses actions may reach. Pure: names were resolved elsewhere.
//!
//! Public addresses are open. All others (the machine itself, its neighbours, the metadata service
//! of its cloud) are refused unless the operator named them, by host name or by range.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// What the operator allowed, and this server's own address.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    rules: Vec<Rule>,
}

/// One entry of `egress.allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    who: Who,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    /// Exactly this host.
    Name(String),
    /// Every host below this one; begins with a dot.
    Below(String),
    Range(IpNet),
}

/// Why an address is not open to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Private,
    Loopback,
    LinkLocal,
    Metadata,
    Multicast,
    Reserved,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "a private address",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a metadata address",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

impl Policy {
    /// Reads the entries of the operator; `own` is the address of this server's API.
    ///
    /// # Errors
    /// Names the first entry that cannot be understood, what follows, and what to write instead.
    pub(super) fn new(allow: &[String], own: Option<&str>) -> Result<Self, String> {
        let named = allow.iter().map(|entry| rule(entry).ok_or_else(|| bad_entry(entry)));
        let own = own.map(|own| own_rule(own).ok_or_else(|| bad_own(own)));
        let rules = named.chain(own).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Those of `addresses` that may be connected to for `host`.
    ///
    /// # Errors
    /// The text for the action, if there are addresses and all of them are refused.
    pub(super) fn judge(
        &self,
        host: &str,
        port: u16,
        addresses: &[IpAddr],
    ) -> Result<Vec<IpAddr>, String> {
        let refused = |address: &IpAddr| {
            class(*address).filter(|_| !self.allows(host, port, address.to_canonical()))
        };
        let open = addresses.iter().copied().filter(|it| refused(it).is_none());
        let open: Vec<_> = open.collect();
        let first = addresses.iter().find_map(|it| Some((it, refused(it)?)));
        match first {
            Some((address, class)) if open.is_empty() => Err(refusal(host, *address, class)),
            _ => Ok(open),
        }
    }

    fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|only| only == port)
                && match &rule.who {
                    Who::Name(name) => name == host,
                    Who::Below(end) => host.len() > end.len() && host.ends_with(end),
                    Who::Range(range) => range.contains(&address),
                }
        })
    }
}

fn refusal(host: &str, address: IpAddr, class: Class) -> String {
    format!(
        "Requests to {host} are not allowed from actions ({address} is {class}); an operator can \
         name it in egress.allow."
    )
}

fn bad_entry(entry: &str) -> String {
    format!(
        "egress.allow: \"{entry}\" is not a host name, an IP address or a CIDR range, so it is not \
         certain what actions may reach, and the server does not start; write it like \
         \"example.com\", \"*.example.com\", \"10.1.2.3\", \"10.0.0.0/8\" or \"fd00::/8\", with a \
         port behind it if only that is meant (\"example.com:443\", \"[fd00::1]:443\")"
    )
}

fn bad_own(own: &str) -> String {
    format!(
        "\"{own}\" is not an address of this server's API, so actions could not reach it, and the \
         server does not start; write it like \"http://quirl.example.com:3233\""
    )
}

fn rule(entry: &str) -> Option<Rule> {
    let (host, port) = split(entry)?;
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    Some(Rule { who: who(&host)?, port })
}

/// Host and port of `host`, `host:port`, `fd00::1`, `[fd00::1]:port`, `[fd00::]/8:port`.
fn split(entry: &str) -> Option<(String, Option<&str>)> {
    if let Some((inside, behind)) = entry.strip_prefix('[').and_then(|it| it.split_once(']')) {
        let (length, port) = match behind.split_once(':') {
            Some((length, port)) => (length, Some(port)),
            None => (behind, None),
        };
        let is_well_formed = length.is_empty() || length.starts_with('/');
        return is_well_formed.then(|| (format!("{inside}{length}"), port));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host.to_owned(), Some(port))),
        _ => Some((entry.to_owned(), None)),
    }
}

fn who(host: &str) -> Option<Who> {
    if host.contains('/') {
        return host.parse().ok().map(|range| Who::Range(canonical(range)));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Who::Range(address.to_canonical().into()));
    }
    match host.strip_prefix("*.") {
        Some(parent) => Some(Who::Below(format!(".{}", name(parent)?))),
        None => Some(Who::Name(name(host)?)),
    }
}

/// A host name as a URL would have it. An address in an odd spelling (`127.1`) is none.
fn name(text: &str) -> Option<String> {
    match Host::parse(text) {
        Ok(Host::Domain(name)) if !name.contains('*') => {
            Some(name.strip_suffix('.').unwrap_or(&name).to_owned())
        }
        _ => None,
    }
}

/// Ranges of IPv4 written as IPv6 become ranges of IPv4, as the addresses do that are compared.
fn canonical(range: IpNet) -> IpNet {
    match range {
        IpNet::V4(_) => range,
        IpNet::V6(wide) => {
            let mapped = wide.addr().to_ipv4_mapped().zip(wide.prefix_len().checked_sub(96));
            mapped
                .and_then(|(address, length)| Ipv4Net::new(address, length).ok())
                .map_or(range, IpNet::V4)
        }
    }
}

/// The rule for this server's own API: that host and that port.
fn own_rule(own: &str) -> Option<Rule> {
    let is_url = own.contains("://");
    let url = if is_url { Url::parse(own) } else { Url::parse(&format!("http://{own}")) };
    let url = url.ok()?;
    let who = match url.host()? {
        Host::Domain(name) => Who::Name(name.strip_suffix('.').unwrap_or(name).to_owned()),
        Host::Ipv4(address) => Who::Range(IpAddr::V4(address).into()),
        Host::Ipv6(address) => Who::Range(IpAddr::V6(address).to_canonical().into()),
    };
    Some(Rule { who, port: Some(url.port_or_known_default()?) })
}

/// Services of clouds that hand out credentials of the machine to whoever asks from it.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), // nearly everybody
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),   // tasks of ECS
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),  // pods of EKS
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),    // Tencent
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), // Alibaba
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),   // Azure; looks public
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),     // Oracle
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), // Google
];

/// Ranges of IPv4 that are not public. Source: IANA's registry of special-purpose addresses.
const V4: &[(Ipv4Net, Class)] = &[
    (v4(0, 0, 0, 8), Class::Reserved), // "this host": reaches the machine itself
    (v4(10, 0, 0, 8), Class::Private),
    (v4(100, 64, 0, 10), Class::Private), // shared by customers of a carrier, and by clusters
    (v4(127, 0, 0, 8), Class::Loopback),
    (v4(169, 254, 0, 16), Class::LinkLocal),
    (v4(172, 16, 0, 12), Class::Private),
    (v4(192, 0, 0, 24), Class::Reserved),
    (v4(192, 0, 2, 24), Class::Reserved), // documentation
    (v4(192, 88, 99, 24), Class::Reserved),
    (v4(192, 168, 0, 16), Class::Private),
    (v4(198, 18, 0, 15), Class::Reserved), // benchmarks
    (v4(198, 51, 100, 24), Class::Reserved),
    (v4(203, 0, 113, 24), Class::Reserved),
    (v4(224, 0, 0, 4), Class::Multicast),
    (v4(240, 0, 0, 4), Class::Reserved), // and broadcast
];

/// Ranges of IPv6 that are not public, where the first that matches counts.
const V6: &[(Ipv6Net, Class)] = &[
    (v6(0xfc00, 0, 7), Class::Private),
    (v6(0xfe80, 0, 10), Class::LinkLocal),
    (v6(0xfec0, 0, 10), Class::Private), // site-local, deprecated
    (v6(0xff00, 0, 8), Class::Multicast),
    (v6(0x2001, 0, 23), Class::Reserved), // protocols; Teredo is taken out before
    (v6(0x2001, 0xdb8, 32), Class::Reserved), // documentation
    (v6(0x3fff, 0, 20), Class::Reserved), // documentation
];

/// All that is public in IPv6.
const GLOBAL: Ipv6Net = v6(0x2000, 0, 3);

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// Why `address` is not open to everybody; `None` if it is public.
pub(super) fn class(address: IpAddr) -> Option<Class> {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Some(Class::Metadata);
    }
    match address {
        IpAddr::V4(address) => {
            V4.iter().find(|(range, _)| range.contains(&address)).map(|(_, class)| *class)
        }
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v6(address: Ipv6Addr) -> Option<Class> {
    if address.is_loopback() {
        return Some(Class::Loopback);
    }
    let embedded = embedded(address);
    if !embedded.is_empty() {
        return embedded.into_iter().find_map(|inside| class(IpAddr::V4(inside)));
    }
    let known = V6.iter().find(|(range, _)| range.contains(&address)).map(|(_, class)| *class);
    known.or_else(|| (!GLOBAL.contains(&address)).then_some(Class::Reserved))
}

/// The addresses of IPv4 that packets to `address` end at or pass: NAT64, 6to4 and Teredo. (Those
/// that are merely mapped were made IPv4 before.)
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bits = address.to_bits();
    let at = |shift: u32| {
        let [.., a, b, c, d] = (bits >> shift).to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => vec![at(0)],
        [0x2002, ..] => vec![at(80)],
        // The relay, and the client, whose bits are inverted.
        [0x2001, 0, ..] => vec![at(64), Ipv4Addr::from_bits(!at(0).to_bits())],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    fn policy(allow: &[&str], own: Option<&str>) -> Policy {
        let allow: Vec<_> = allow.iter().map(|entry| (*entry).to_owned()).collect();
        Policy::new(&allow, own).unwrap()
    }

    #[test]
    fn every_range_has_its_class() {
        let table: &[(Option<Class>, &[&str])] = &[
            (
                None,
                &[
                    "1.1.1.1",
                    "9.255.255.255",
                    "11.0.0.0",
                    "100.63.255.255",
                    "100.128.0.0",
                    "172.15.255.255",
                    "172.32.0.0",
                    "192.167.255.255",
                    "192.169.0.0",
                    "198.17.255.255",
                    "198.20.0.0",
                    "223.255.255.255",
                    "2606:4700:4700::1111",
                    "2001:4860:4860::8888",
                    "::ffff:8.8.8.8",
                    "64:ff9b::8.8.8.8",
                    "2002:0808:0808::1",
                    "2001:0:0808:0808::f7f7:f7f7",
                ],
            ),
            (
                Some(Class::Private),
                &[
                    "10.0.0.0",
                    "10.255.255.255",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "fc00::1",
                    "fdff::1",
                    "fec0::1",
                    "::ffff:10.0.0.1",
                    "64:ff9b::192.168.0.1",
                    "2002:0a00:0001::",
                    "2001:0:0a00:1::f7f7:f7f7",    // the relay
                    "2001:0:0808:0808::f5ff:fffe", // the client, inverted
                ],
            ),
            (
                Some(Class::Loopback),
                &[
                    "127.0.0.1",
                    "127.255.255.254",
                    "::1",
                    "::ffff:127.0.0.1",
                    "64:ff9b::7f00:1",
                    "2002:7f00:1::",
                ],
            ),
            (Some(Class::LinkLocal), &["169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.1.1"]),
            (
                Some(Class::Metadata),
                &[
                    "169.254.169.254",
                    "169.254.170.2",
                    "100.100.100.200",
                    "168.63.129.16",
                    "fd00:ec2::254",
                    "::ffff:169.254.169.254",
                    "64:ff9b::169.254.169.254",
                    "2002:a9fe:a9fe::",
                ],
            ),
            (Some(Class::Multicast), &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            (
                Some(Class::Reserved),
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "192.0.0.1",
                    "192.0.2.1",
                    "198.18.0.1",
                    "198.51.100.1",
                    "203.0.113.1",
                    "240.0.0.1",
                    "255.255.255.255",
                    "::",
                    "::127.0.0.1",         // compatible with IPv4, deprecated
                    "::ffff:0:127.0.0.1",  // translated
                    "64:ff9b:1::10.0.0.1", // NAT64 of one site
                    "100::1",
                    "2001:db8::1",
                    "2001:2::1",
                    "3fff::1",
                    "4000::1",
                    "5f00::1",
                ],
            ),
        ];
        for (expected, addresses) in table {
            for address in *addresses {
                assert_eq!(class(ip(address)), *expected, "{address}");
            }
        }
    }

    #[test]
    fn entries_allow_what_they_say() {
        // entry, host, port, address, allowed
        let table: &[(&str, &str, u16, &str, bool)] = &[
            ("db.example.com", "db.example.com", 80, "10.0.0.1", true),
            ("DB.Example.com.", "db.example.com", 80, "10.0.0.1", true),
            ("db.example.com", "db.example.com.", 80, "10.0.0.1", true),
            ("bücher.example", "xn--bcher-kva.example", 80, "10.0.0.1", true),
            ("db.example.com", "xdb.example.com", 80, "10.0.0.1", false),
            ("db.example.com", "a.db.example.com", 80, "10.0.0.1", false),
            ("db.example.com:443", "db.example.com", 443, "10.0.0.1", true),
            ("db.example.com:443", "db.example.com", 80, "10.0.0.1", false),
            ("*.example.com", "db.example.com", 80, "10.0.0.1", true),
            ("*.example.com", "a.b.example.com", 80, "10.0.0.1", true),
            ("*.example.com", "example.com", 80, "10.0.0.1", false),
            ("*.example.com", "badexample.com", 80, "10.0.0.1", false),
            ("*.example.com:8080", "db.example.com", 8080, "127.0.0.1", true),
            ("*.example.com:8080", "db.example.com", 8081, "127.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", 80, "10.1.2.3", true),
            ("10.1.2.3", "x.example", 80, "10.1.2.3", true),
            ("10.1.2.3", "[::ffff:a01:203]", 80, "::ffff:10.1.2.3", true),
            ("10.1.2.3", "x.example", 80, "10.1.2.4", false),
            ("10.1.2.3:80", "x.example", 81, "10.1.2.3", false),
            ("10.0.0.0/8", "x.example", 81, "10.200.1.1", true),
            ("10.0.0.0/8:81", "x.example", 81, "10.200.1.1", true),
            ("10.0.0.0/8:81", "x.example", 82, "10.200.1.1", false),
            ("::ffff:10.0.0.0/104", "x.example", 82, "10.200.1.1", true),
            ("10.0.0.0/8", "x.example", 81, "192.168.1.1", false),
            ("::1", "[::1]", 80, "::1", true),
            ("[::1]:80", "[::1]", 80, "::1", true),
            ("[::1]:80", "[::1]", 81, "::1", false),
            ("fd00::/8", "x.example", 80, "fd12::1", true),
            ("[fd00::]/8:80", "x.example", 80, "fd12::1", true),
            ("[fd00::]/8:80", "x.example", 81, "fd12::1", false),
            ("0.0.0.0/0", "x.example", 80, "169.254.169.254", true),
            ("169.254.169.254", "metadata.google.internal", 80, "169.254.169.254", true),
            ("0.0.0.0/0", "x.example", 80, "::1", false),
        ];
        for (entry, host, port, address, expected) in table {
            let judged = policy(&[entry], None).judge(host, *port, &[ip(address)]);
            assert_eq!(judged.is_ok(), *expected, "{entry} {host}:{port} {address}: {judged:?}");
        }
    }

    #[test]
    fn a_bad_entry_is_an_error() {
        for entry in [
            "",
            ":80",
            "*",
            "a.*.com",
            "*.",
            "*.10.0.0.1",
            "127.1",
            "10.0.0.0/33",
            "example.com/24",
            "example.com:",
            "example.com:0",
            "example.com:99999",
            "example.com:http",
            "http://example.com",
            "exa mple.com",
            "user@example.com",
            "[::1",
            "[::1]x",
            "::1::2",
        ] {
            let told = Policy::new(&[entry.to_owned()], None).expect_err(entry);
            assert!(told.starts_with(&format!("egress.allow: \"{entry}\" is not ")), "{told}");
        }
    }

    #[test]
    fn this_servers_own_api_is_allowed() {
        for (own, host, port, address, expected) in [
            ("127.0.0.1:3233", "127.0.0.1", 3233, "127.0.0.1", true),
            ("http://127.0.0.1:3233", "127.0.0.1", 3233, "127.0.0.1", true),
            ("http://127.0.0.1:3233/", "127.0.0.1", 80, "127.0.0.1", false),
            ("http://[::1]:3233", "[::1]", 3233, "::1", true),
            ("https://quirl.example", "quirl.example", 443, "10.0.0.1", true),
            ("https://quirl.example", "quirl.example", 80, "10.0.0.1", false),
            ("quirl.example:10001", "quirl.example", 10001, "10.0.0.1", true),
        ] {
            let judged = policy(&[], Some(own)).judge(host, port, &[ip(address)]);
            assert_eq!(judged.is_ok(), expected, "{own} {host}:{port}");
        }
        assert!(Policy::new(&[], Some("http://")).is_err());
    }

    #[test]
    fn refused_addresses_are_skipped_and_the_first_is_told_if_all_are() {
        let policy = policy(&[], None);
        let judged = policy.judge("x.example", 80, &[ip("10.0.0.1"), ip("1.1.1.1"), ip("::1")]);
        assert_eq!(judged, Ok(vec![ip("1.1.1.1")]));
        let judged = policy.judge("x.example", 80, &[ip("::1"), ip("10.0.0.1")]);
        let told = "Requests to x.example are not allowed from actions (::1 is a loopback \
                    address); an operator can name it in egress.allow.";
        assert_eq!(judged, Err(told.to_owned()));
        assert_eq!(policy.judge("x.example", 80, &[]), Ok(Vec::new()));
    }
}
