//! Where the server is and what key it takes: flags over environment over properties file over
//! the data folder of a server on this machine.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::args::Connection;

pub(crate) mod folder;
pub(crate) mod props;

use self::folder::Folder;
use self::props::Props;

/// Where a server on this machine listens unless it is told otherwise.
pub(crate) const DEFAULT_ADDRESS: &str = "http://127.0.0.1:3233";
/// The namespace of the key, whichever that is.
pub(crate) const DEFAULT_NAMESPACE: &str = "_";

/// What the process was given besides its arguments. Read once; tests make their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<std::ffi::OsString>,
    /// `QUIRL_DATA`.
    pub data: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub xdg_data: Option<PathBuf>,
    /// `WSK_CONFIG_FILE`.
    pub props: Option<PathBuf>,
    /// `__OW_API_HOST`, as inside an action; else `WHISK_APIHOST`.
    pub address: Option<String>,
    /// `__OW_API_KEY`, as inside an action.
    pub key: Option<String>,
    /// `WHISK_NAMESPACE`.
    pub namespace: Option<String>,
    /// Whether this is root.
    pub is_root: bool,
    /// The time zone of people here; UTC if absent.
    pub zone: Option<TimeZone>,
}

/// Where to go, and as whom.
#[derive(Clone)]
pub(crate) struct Profile {
    /// Address of the server.
    pub address: String,
    /// Who said so.
    pub address_from: Origin,
    /// Key, `uuid:secret`.
    pub key: Option<String>,
    /// Who said so.
    pub key_from: Origin,
    /// Namespace to work in.
    pub namespace: String,
    /// Who said so.
    pub namespace_from: Origin,
}

/// Who said what a property is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The properties file.
    Props,
    /// The data folder.
    Folder,
    /// Nobody.
    Default,
}

impl Origin {
    /// Where to look for it, in words.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Flag => "command line",
            Self::Environment => "environment",
            Self::Props => "properties file",
            Self::Folder => "data folder",
            Self::Default => "default",
        }
    }
}

/// Why no profile can be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The properties file.
    #[error(transparent)]
    Props(#[from] props::Error),
    /// Another version of the API than ours.
    #[error("version '{0}' of the API is not known, only v1")]
    Version(String),
    /// The address or the key cannot be used.
    #[error(transparent)]
    Unusable(#[from] api::client::Unusable),
}

impl Environment {
    /// That of the process.
    pub(crate) fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the place where the CLI reads it, once")]
        let get = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = |name: &str| get(name).map(PathBuf::from);
        let text = |name: &str| get(name).and_then(|value| value.into_string().ok());
        Self {
            home: path("HOME"),
            path: get("PATH"),
            data: path("QUIRL_DATA"),
            xdg_data: path("XDG_DATA_HOME"),
            props: path("WSK_CONFIG_FILE"),
            address: text("__OW_API_HOST").or_else(|| text("WHISK_APIHOST")),
            key: text("__OW_API_KEY"),
            namespace: text("WHISK_NAMESPACE"),
            is_root: rustix::process::geteuid().is_root(),
            zone: Some(TimeZone::system()),
        }
    }

    /// The properties file, whether it exists or not.
    pub(crate) fn props_path(&self) -> PathBuf {
        let default = || self.home.clone().unwrap_or_default().join(".wskprops");
        self.props.clone().unwrap_or_else(default)
    }
}

impl Profile {
    /// Puts together what flags, environment, properties and data folder say.
    ///
    /// # Errors
    /// [`Error::Props`], [`Error::Version`].
    pub(crate) fn find(connection: &Connection, environment: &Environment) -> Result<Self, Error> {
        let props = Props::read(&environment.props_path())?;
        let version = connection.apiversion.as_deref().or_else(|| props.get("APIVERSION"));
        if let Some(version) = version.filter(|version| *version != "v1") {
            return Err(Error::Version(version.to_owned()));
        }
        let folder = Folder::default_of(environment);
        let (address, address_from) = first(
            [
                (connection.apihost.clone(), Origin::Flag),
                (environment.address.clone(), Origin::Environment),
                (props.get("APIHOST").map(str::to_owned), Origin::Props),
                (folder.address(), Origin::Folder),
            ],
            DEFAULT_ADDRESS,
        );
        // The key of a server on this machine is for that server alone.
        let here = folder.address();
        let is_here = same(here.as_deref().unwrap_or(DEFAULT_ADDRESS), &address);
        let (key, key_from) = first(
            [
                (connection.auth.clone(), Origin::Flag),
                (environment.key.clone(), Origin::Environment),
                (props.get("AUTH").map(str::to_owned), Origin::Props),
                (is_here.then(|| folder.key()).flatten(), Origin::Folder),
            ],
            "",
        );
        let (namespace, namespace_from) = first(
            [
                (environment.namespace.clone(), Origin::Environment),
                (props.get("NAMESPACE").map(str::to_owned), Origin::Props),
            ],
            DEFAULT_NAMESPACE,
        );
        let key = Some(key).filter(|key| !key.is_empty());
        Ok(Self { address, address_from, key, key_from, namespace, namespace_from })
    }

    /// A client for it.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub(crate) fn client(&self) -> Result<api::Client, Error> {
        let client = api::Client::new(&self.address)?;
        Ok(match &self.key {
            Some(key) => client.with_key(key)?,
            None => client,
        })
    }
}

fn first<const N: usize>(said: [(Option<String>, Origin); N], default: &str) -> (String, Origin) {
    let mut said = said.into_iter().filter_map(|(value, origin)| Some((value?, origin)));
    said.find(|(value, _)| !value.is_empty())
        .unwrap_or_else(|| (default.to_owned(), Origin::Default))
}

/// Whether two addresses are one: without scheme and last slash.
fn same(one: &str, other: &str) -> bool {
    let bare = |address: &str| {
        let address = address.strip_prefix("http://").unwrap_or(address);
        address.trim_end_matches('/').replace("localhost", "127.0.0.1")
    };
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(apihost: Option<&str>, auth: Option<&str>) -> Connection {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Connection { apihost: owned(apihost), auth: owned(auth), ..Connection::default() }
    }

    /// A home with a data folder; the server in it listens at port 4000.
    fn home() -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join(".local/share/quirl");
        std::fs::create_dir_all(data.join("secrets")).unwrap();
        std::fs::write(data.join("LOCK"), "pid=1\naddress=http://127.0.0.1:4000\n").unwrap();
        std::fs::write(data.join("secrets/guest.auth"), "local:key\n").unwrap();
        let environment =
            Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        (home, environment)
    }

    #[test]
    fn each_source_wins_over_those_behind_it() {
        let (home, mut environment) = home();
        let find = |connection: &Connection, environment: &Environment| {
            let found = Profile::find(connection, environment).unwrap();
            (found.address, found.key.unwrap_or_default(), found.namespace)
        };
        let expect = |address: &str, key: &str, namespace: &str| {
            (address.to_owned(), key.to_owned(), namespace.to_owned())
        };
        let none = flags(None, None);
        let here = "http://127.0.0.1:4000";
        assert_eq!(find(&none, &environment), expect(here, "local:key", "_"));

        let props = "# mine\nAPIHOST=http://props\nAUTH=props:key\nNAMESPACE=ann\n";
        std::fs::write(home.path().join(".wskprops"), props).unwrap();
        assert_eq!(find(&none, &environment), expect("http://props", "props:key", "ann"));

        environment.address = Some("http://env".to_owned());
        environment.key = Some("env:key".to_owned());
        assert_eq!(find(&none, &environment), expect("http://env", "env:key", "ann"));

        let all = flags(Some("http://flag"), Some("flag:key"));
        assert_eq!(find(&all, &environment), expect("http://flag", "flag:key", "ann"));

        environment.props = Some(home.path().join("none"));
        environment.address = None;
        assert_eq!(find(&none, &environment), expect(here, "env:key", "_"));
    }

    #[test]
    fn the_local_key_goes_to_the_local_server_only() {
        let (_home, environment) = home();
        let key = |host: &str| Profile::find(&flags(Some(host), None), &environment).unwrap().key;
        assert_eq!(key("http://example.com"), None);
        assert_eq!(key("http://127.0.0.1:4001"), None);
        assert_eq!(key("localhost:4000").as_deref(), Some("local:key"));
        assert_eq!(key(DEFAULT_ADDRESS), None);
    }

    #[test]
    fn another_version_of_the_api_is_refused() {
        let connection = Connection { apiversion: Some("v2".to_owned()), ..flags(None, None) };
        let found = Profile::find(&connection, &Environment::default());
        assert!(matches!(found, Err(Error::Version(_))));
    }
}
