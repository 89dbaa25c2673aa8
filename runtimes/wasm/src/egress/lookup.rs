//! From a host to its addresses, by the system's resolver.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use url::Host;

use super::Error;
use super::hop::Hop;

/// Lookups at a time. Each blocks a thread until the resolver gives up, however long ago whoever
/// asked has left.
const AT_A_TIME: usize = 32;
/// Addresses of one host that are looked at.
const MAX_ADDRESSES: usize = 16;

/// The resolver of the system, a bounded number of times at once.
pub(super) struct Lookups(Arc<Semaphore>);

impl Lookups {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }

    /// The addresses of the hop's host, at least one.
    pub(super) async fn find(&self, hop: &Hop) -> Result<Vec<SocketAddr>, Error> {
        let name = match hop.url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, hop.port()).into()]),
            Some(Host::Ipv6(address)) => {
                // IPv4 written as IPv6 is IPv4 to the system as well.
                return Ok(vec![(IpAddr::V6(address).to_canonical(), hop.port()).into()]);
            }
            Some(Host::Domain(name)) => name.to_owned(),
            None => return Err(failed(hop.host(), "the URL has no host")),
        };
        let found = self.ask(name, hop.port()).await.map_err(|why| failed(hop.host(), &why))?;
        if found.is_empty() { Err(failed(hop.host(), "it has no address")) } else { Ok(found) }
    }

    async fn ask(&self, name: String, port: u16) -> Result<Vec<SocketAddr>, String> {
        let room = Arc::clone(&self.0).acquire_owned().await.map_err(|error| error.to_string())?;
        let asking = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs();
            drop(room);
            found.map(|found| found.take(MAX_ADDRESSES).collect())
        });
        let found = asking.await.map_err(|error| error.to_string())?;
        found.map_err(|error| error.to_string())
    }
}

fn failed(host: &str, why: &str) -> Error {
    Error::Failed(format!("fetch failed: lookup {host}: {why}"))
}
