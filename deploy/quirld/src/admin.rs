//! Where administrators come in: a socket in the data folder, and an address if one is configured.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use controller::Controller;
use controller::admin::{Access, Server};
use daemon::clock::Clock;
use daemon::shutdown::Part;
use model::size::ByteSize;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::secrets;

/// The name of the socket in the data folder.
const SOCKET: &str = "admin.sock";
/// So many administrators at a time.
const CONNECTIONS: u32 = 16;
/// The largest body of one of their requests.
const BODY: ByteSize = ByteSize::mib(1);

/// Everything that listens for administrators. The file of the socket goes when this does.
#[derive(Default)]
pub(crate) struct Doors {
    socket: Option<(UnixListener, File)>,
    tcp: Option<std::net::TcpListener>,
}

/// The file of a socket; removed on drop.
pub(crate) struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "the socket of administrators was gone already");
        }
    }
}

impl Doors {
    /// Opens them. Whoever holds the lock of the folder replaces a socket that is there: nobody
    /// listens behind it.
    pub(crate) fn open(config: &Config, data: &Path) -> Result<Self> {
        let socket = match socket(data) {
            Ok(opened) => Some(opened),
            Err(error) => {
                // Such as a path that is longer than a socket's may be.
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    "there is no socket for administrators; [admin] listen opens another way in"
                );
                None
            }
        };
        let wanted = config.admin.listen.as_str();
        let tcp = match wanted {
            "" => None,
            wanted => {
                Some(crate::serve::bind("admin.listen", wanted, config).with_context(|| {
                    format!(
                        "listen for administrators on {wanted}: choose another in [admin] listen"
                    )
                })?)
            }
        };
        Ok(Self { socket, tcp })
    }

    /// Serves until the part is stopped. What is returned is kept until then.
    pub(crate) fn serve(
        self,
        controller: &Arc<Controller>,
        config: &gateway::Config,
        secrets: &Path,
        clock: &Clock,
        edge: &Part,
    ) -> Result<Option<File>> {
        let config =
            gateway::Config { connections: CONNECTIONS, body_bytes: BODY, ..config.clone() };
        if let Some(listener) = self.tcp {
            let listener = TcpListener::from_std(listener).context("use the admin address")?;
            let access = Access::Token(secrets::token(secrets)?);
            let server = Server::new(Arc::clone(controller), access);
            let serve =
                gateway::serve(listener, server, config.clone(), clock.clone(), edge.token());
            edge.spawn("admin address", serve);
        }
        let Some((listener, file)) = self.socket else { return Ok(None) };
        let listener = tokio::net::UnixListener::from_std(listener).context("use the socket")?;
        let server = Server::new(Arc::clone(controller), Access::Connected);
        let serve = gateway::serve(listener, server, config, clock.clone(), edge.token());
        edge.spawn("admin socket", serve);
        Ok(Some(file))
    }
}

/// Made in the folder of secrets, which nobody else may enter, and moved when only its owner may use
/// it: at no moment it is open to others.
fn socket(data: &Path) -> Result<(UnixListener, File)> {
    let made = data.join("secrets").join(SOCKET);
    let path = data.join(SOCKET);
    let _none_was_left = fs::remove_file(&made);
    let listener =
        UnixListener::bind(&made).with_context(|| format!("make the socket {}", made.display()))?;
    let moved = fs::set_permissions(&made, fs::Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&made, &path));
    moved.with_context(|| format!("make the socket {}", path.display()))?;
    listener.set_nonblocking(true).context("prepare the socket")?;
    Ok((listener, File(path)))
}
