//! Which kinds there are, which of them can run here, and why the others cannot.
//!
//! The manifest is data. Which drivers there are is told by whoever wires the server together
//! ([`Runtimes::with_driver`]), as is the [`Inspector`] that looks into code before it is stored.
//!
//! Source: `rest-api.md` §§1.8, 3.2, 11; `own-api.md` §6; the reasons: `own.tsv`.

use bytes::Bytes;
use futures::future::BoxFuture;
use model::id::Digest;

/// The reason of a kind for which nothing is there.
const NO_DRIVER: &str = "no driver for it is installed";

/// Looks into code before it is stored.
pub trait Inspector: Send + Sync {
    /// Finds the concrete kind of `code` (the text of `exec.code` as it was sent, which will be
    /// blob `digest`) and warms what can be warmed.
    ///
    /// # Errors
    /// The whole text of the 400.
    fn inspect(&self, code: Artefact) -> BoxFuture<'_, Result<Inspected, String>>;

    /// From what instances of a script begin: `image` or `eval`; `None` for other code, and before
    /// it was evaluated for the first time.
    fn begins(&self, kind: &str, code: &Digest, main: Option<&str>) -> Option<&'static str>;
}

/// Code as it was sent with a PUT.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// The kind asked for; `wasm:default` is found out.
    pub kind: String,
    /// Name of the blob that will hold `code`.
    pub digest: Digest,
    /// The text of `exec.code`.
    pub code: Bytes,
    /// What to call.
    pub main: Option<String>,
    /// Memory limit of the action, MB.
    pub memory_mb: u32,
}

/// What inspection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The concrete kind.
    pub kind: String,
}

/// All kinds that the server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtimes {
    kinds: Vec<Kind>,
}

/// One kind of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Such as `nodejs:20`.
    pub kind: String,
    /// The part before the colon.
    pub family: String,
    /// Whether `<family>:default` means it.
    pub default: bool,
    /// Deprecated kinds may be read and deleted only.
    pub deprecated: bool,
    /// Whether `exec.main` must be given.
    pub require_main: bool,
    /// Whether its code is looked into at PUT; the kind of `<family>:default` is then found, not
    /// looked up.
    pub inspected: bool,
    /// What could run it, in order of preference.
    pub drivers: Vec<Driver>,
}

/// A driver, as far as one kind is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// `wasm`, `docker`.
    pub name: String,
    /// Why it cannot run the kind now.
    pub missing: Option<String>,
    /// Whether its sandboxes have no way out but the host's.
    pub guarded: bool,
    /// Container image, or `quirl/<engine>:<version>`.
    pub image: String,
    /// The engine, for drivers that have one.
    pub engine: Option<String>,
    /// What it serves, if not everything of the kind.
    pub serves: Option<String>,
}

impl Runtimes {
    /// The manifest, with nothing that could run any of it.
    #[must_use]
    pub fn manifest() -> Self {
        let row = |kind: &str, image: &str, default: bool, require_main: bool| {
            let family = kind.split_once(':').map_or(kind, |(family, _)| family).to_owned();
            let docker = Driver {
                name: "docker".to_owned(),
                missing: Some(NO_DRIVER.to_owned()),
                guarded: false,
                image: format!("openwhisk/{image}:nightly"),
                engine: None,
                serves: None,
            };
            Kind {
                kind: kind.to_owned(),
                family,
                default,
                deprecated: false,
                require_main,
                inspected: false,
                drivers: vec![docker],
            }
        };
        let mut kinds = vec![
            row("nodejs:20", "action-nodejs-v20", true, false),
            row("nodejs:18", "action-nodejs-v18", false, false),
            row("python:3.10", "action-python-v3.10", true, false),
            row("python:3.11", "action-python-v3.11", false, false),
            row("swift:5.3", "action-swift-v5.3", true, false),
            row("swift:5.7", "action-swift-v5.7", false, false),
            row("java:8", "java8action", true, true),
            row("php:8.1", "action-php-v8.1", true, false),
            row("ruby:2.5", "action-ruby-v2.5", true, false),
            row("go:1.20", "action-golang-v1.20", true, false),
            row("dotnet:3.1", "action-dotnet-v3.1", true, true),
            row("dotnet:6.0", "action-dotnet-v6.0", false, true),
            row("rust:1.34", "action-rust-v1.34", true, false),
        ];
        for kind in ["wasm:command", "wasm:component", "wasm:http"] {
            kinds.push(Kind {
                kind: kind.to_owned(),
                family: "wasm".to_owned(),
                default: kind == "wasm:command",
                deprecated: false,
                require_main: false,
                inspected: true,
                drivers: Vec::new(),
            });
        }
        Self { kinds }
    }

    /// The same with a driver for a kind; it takes the place of one of its name, else it comes
    /// before those that are known.
    #[must_use]
    pub fn with_driver(mut self, kind: &str, driver: Driver) -> Self {
        if let Some(kind) = self.kinds.iter_mut().find(|known| known.kind == kind) {
            match kind.drivers.iter_mut().find(|known| known.name == driver.name) {
                Some(known) => *known = driver,
                None => kind.drivers.insert(0, driver),
            }
        }
        self
    }

    /// All kinds in the order of the manifest.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.iter().find(|known| known.kind == kind)
    }

    /// The kind that was asked for by its name or as `<family>:default`.
    #[must_use]
    pub fn resolve(&self, asked: &str) -> Option<&Kind> {
        match asked.strip_suffix(":default") {
            Some(family) => self.kinds.iter().find(|known| known.family == family && known.default),
            None => self.get(asked),
        }
    }

    /// Whether actions of this kind can run here now, by the driver that the action names if it
    /// names one.
    ///
    /// # Errors
    /// The reason why not.
    pub fn available(&self, kind: &str, driver: Option<&str>) -> Result<&Driver, String> {
        let drivers = self.get(kind).map_or(&[][..], |kind| &kind.drivers);
        let named = |known: &&Driver| driver.is_none_or(|driver| known.name == driver);
        let mut candidates = drivers.iter().filter(named).peekable();
        if let (Some(driver), None) = (driver, candidates.peek())
            && !drivers.is_empty()
        {
            return Err(format!(
                "its annotation 'driver' says '{driver}', which does not run this kind"
            ));
        }
        let mut reason = None;
        for candidate in candidates {
            match &candidate.missing {
                None => return Ok(candidate),
                Some(missing) => reason = reason.or(Some(missing)),
            }
        }
        Err(reason.map_or_else(|| NO_DRIVER.to_owned(), Clone::clone))
    }

    /// The text for whoever asks for a kind that is not known.
    #[must_use]
    pub fn unknown(&self, kind: &str) -> String {
        let known = self.kinds.iter().map(|known| known.kind.as_str());
        let all: Vec<String> =
            known.chain(["blackbox", "sequence"]).map(|kind| format!("'{kind}'")).collect();
        format!(
            "The specified runtime '{kind}' is not supported by this platform. Valid values are: \
             {}.",
            all.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wasm() -> Driver {
        Driver {
            name: "wasm".to_owned(),
            missing: None,
            guarded: true,
            image: "quirl/wasmtime:48".to_owned(),
            engine: None,
            serves: None,
        }
    }

    #[test]
    fn a_kind_runs_if_a_driver_for_it_is_there() {
        let runtimes = Runtimes::manifest().with_driver("wasm:command", wasm());
        for (kind, driver, reason) in [
            ("wasm:command", None, None),
            ("wasm:command", Some("wasm"), None),
            (
                "wasm:command",
                Some("docker"),
                Some("its annotation 'driver' says 'docker', which does not run this kind"),
            ),
            ("nodejs:20", None, Some(NO_DRIVER)),
            ("nodejs:20", Some("docker"), Some(NO_DRIVER)),
            (
                "nodejs:20",
                Some("wasm"),
                Some("its annotation 'driver' says 'wasm', which does not run this kind"),
            ),
            ("blackbox", Some("docker"), Some(NO_DRIVER)),
        ] {
            let found = runtimes.available(kind, driver).err();
            assert_eq!(found.as_deref(), reason, "{kind} {driver:?}");
        }
    }

    #[test]
    fn the_default_of_a_family_is_that_of_the_manifest() {
        let runtimes = Runtimes::manifest();
        for (asked, kind) in [
            ("nodejs:default", Some("nodejs:20")),
            ("dotnet:default", Some("dotnet:3.1")),
            ("nodejs", None),
            ("cobol:default", None),
            ("java:8", Some("java:8")),
        ] {
            assert_eq!(runtimes.resolve(asked).map(|kind| kind.kind.as_str()), kind, "{asked}");
        }
        let text = runtimes.unknown("x:1");
        assert!(text.starts_with(
            "The specified runtime 'x:1' is not supported by this platform. Valid values are: \
             'nodejs:20', 'nodejs:18', "
        ));
        assert!(
            text.ends_with(
                "'wasm:command', 'wasm:component', 'wasm:http', 'blackbox', 'sequence'."
            )
        );
    }
}
