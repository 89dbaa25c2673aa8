//! Why a command failed, told in three lines: what, why, what next.

use std::path::PathBuf;

use api::client::{self, Settled};

use crate::args::pairs;
use crate::command::{server, watch};
use crate::{archive, profile};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The server could not be asked, or said no.
    Call {
        /// In the words of `wsk`.
        what: String,
        /// What it was about: decides the hint.
        about: About,
        /// What came.
        source: Box<client::Error>,
    },
    /// The command line makes no sense.
    Usage {
        /// What cannot be done.
        what: String,
        /// Why not.
        why: String,
        /// What to write instead.
        next: String,
    },
    /// No server to go to.
    Profile(profile::Error),
    /// Parameters or annotations cannot be read.
    Pairs(pairs::Error),
    /// The artefact cannot be read.
    Archive(archive::Error),
    /// Code cannot be saved.
    Save {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The server has no such thing.
    Absent {
        /// What cannot be done.
        what: String,
        /// Why not.
        why: String,
        /// What to do instead.
        next: String,
        /// The exit code.
        code: u8,
    },
    /// The feed of a trigger did not take what it was told.
    Feed {
        /// In the words of `wsk`.
        what: String,
        /// What came instead.
        why: String,
        /// Its activation, if there is one.
        id: Option<String>,
        /// The exit code.
        code: u8,
    },
    /// The folder cannot be watched.
    Watch(watch::Error),
    /// The server here could not be started or stopped.
    Server(server::Error),
    /// This process cannot even begin.
    Runtime(std::io::Error),
}

/// What a call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Creating an entity of this name.
    Create(Kind, String),
    /// Another thing with an entity of this name.
    Entity(Kind, String),
    /// The activation with this id.
    Activation(String),
    /// A user of this name, for the administrator.
    User(String),
    /// A copy of everything, for the administrator.
    Backup,
    /// Anything else for the administrator.
    Admin,
    /// Anything else.
    Other,
}

/// The kinds of entities, by the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `action`.
    Action,
    /// `package`.
    Package,
    /// `trigger`.
    Trigger,
    /// `rule`.
    Rule,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Action => "action",
            Self::Package => "package",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
        })
    }
}

/// The three lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What could not be done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What can be done about it.
    pub next: String,
}

impl About {
    fn is_for_the_administrator(&self) -> bool {
        matches!(self, Self::User(_) | Self::Backup | Self::Admin)
    }
}

impl Error {
    /// A call that brought nothing.
    pub(crate) fn call(what: impl Into<String>, about: About, source: client::Error) -> Self {
        Self::Call { what: what.into(), about, source: Box::new(source) }
    }

    /// Something wrong with the command line.
    pub(crate) fn usage(what: &str, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Usage { what: what.to_owned(), why: why.into(), next: next.into() }
    }

    /// The exit code, as of `wsk`: status less 256 for what the server refused, 2 for a wrong
    /// command line, 3 for no answer, 1 for all else.
    ///
    /// Source: `rest-api.md` §10.1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Call { source, .. } => match source.as_ref() {
                client::Error::Refused(refusal) => code_of(refusal.status),
                client::Error::Unexpected { status, .. } if *status >= 300 => code_of(*status),
                client::Error::Unreachable { .. }
                | client::Error::Broken { .. }
                | client::Error::Late { .. } => 3,
                client::Error::Unexpected { .. } | client::Error::Path(_) => 1,
            },
            Self::Usage { .. } => 2,
            Self::Absent { code, .. } | Self::Feed { code, .. } => *code,
            Self::Profile(_)
            | Self::Pairs(_)
            | Self::Archive(_)
            | Self::Save { .. }
            | Self::Watch(_)
            | Self::Server(_)
            | Self::Runtime(_) => 1,
        }
    }

    /// The three lines.
    pub(crate) fn told(&self) -> Told {
        let lines = |what: &str, why: &dyn std::error::Error, next: &str| Told {
            what: what.to_owned(),
            why: chain(why),
            next: next.to_owned(),
        };
        match self {
            Self::Call { what, about, source } => {
                Told { what: what.clone(), why: chain(source.as_ref()), next: hint(about, source) }
            }
            Self::Usage { what, why, next } | Self::Absent { what, why, next, .. } => {
                Told { what: what.clone(), why: why.clone(), next: next.clone() }
            }
            Self::Profile(error) => lines(
                "Unable to tell which server is meant",
                error,
                match error {
                    profile::Error::Props(_) => {
                        "check the file, or name another in WSK_CONFIG_FILE"
                    }
                    profile::Error::Version(_) => "quirl property unset --apiversion",
                    profile::Error::Unusable(_) => {
                        "give another with --apihost, or for good: quirl property set --apihost HOST"
                    }
                },
            ),
            Self::Pairs(error) => lines(
                "Unable to read parameters or annotations",
                error,
                "a file holds one JSON object: {\"name\": \"Ann\"}",
            ),
            Self::Archive(error) => {
                lines("Unable to read the code", error, "check the path and its permissions")
            }
            Self::Save { path, source } => lines(
                &format!("Unable to save the code in '{}'", path.display()),
                source,
                "name another file with --save-as",
            ),
            Self::Feed { what, why, id, .. } => Told {
                what: what.clone(),
                why: why.clone(),
                next: match id {
                    Some(id) => format!("see what it printed: quirl activation logs {id}"),
                    None => "see what the feed takes: quirl action get FEED --summary".to_owned(),
                },
            },
            Self::Watch(error) => {
                lines("Unable to watch the folder", error, "check the path and its permissions")
            }
            Self::Server(error) => lines(error.what(), error, &error.hint()),
            Self::Runtime(error) => {
                lines("Unable to begin", error, "check the limits of this process with ulimit -a")
            }
        }
    }
}

/// An exit code made of a status: `status − 256`, which the system takes modulo 256.
pub(crate) fn code_of(status: u16) -> u8 {
    status.to_le_bytes()[0]
}

/// An error and all its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.ends_with(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        cause = error.source();
    }
    told
}

/// What the caller can do now.
fn hint(about: &About, error: &client::Error) -> String {
    match error {
        client::Error::Unreachable { .. } if about.is_for_the_administrator() => {
            "start the server with `quirl up -d`, name its folder with --data, or reach it with \
             --admin-host and --token; only the user of the server may open the socket"
                .to_owned()
        }
        client::Error::Unreachable { .. } => {
            "start one with `quirl up -d`, or say where it is with --apihost".to_owned()
        }
        client::Error::Broken { .. } | client::Error::Late { .. } => match about {
            About::Create(kind @ (Kind::Package | Kind::Rule), name)
            | About::Entity(kind @ (Kind::Package | Kind::Rule), name) => {
                format!("it may have been done: see `quirl {kind} get {name}`")
            }
            About::Create(kind, name) | About::Entity(kind, name) => format!(
                "it may have been done: see `quirl {kind} get {name}` and `quirl activation list`"
            ),
            About::Activation(id) => format!("try again, or see `quirl activation history {id}`"),
            About::User(name) => {
                format!("it may have been done: see `quirl admin user get {name}`")
            }
            About::Backup | About::Admin | About::Other => "try again".to_owned(),
        },
        client::Error::Unexpected { .. } | client::Error::Path(_) => {
            "check that the address is that of a server: quirl property get".to_owned()
        }
        client::Error::Refused(refusal) => of_refusal(about, refusal),
    }
}

fn of_refusal(about: &About, refusal: &client::Refusal) -> String {
    match (refusal.status, about) {
        (401, about) if about.is_for_the_administrator() => {
            "name the file secrets/admin.token of that server with --token".to_owned()
        }
        (404, About::User(_) | About::Admin) => {
            "see what there is: quirl admin user list".to_owned()
        }
        (400, About::Backup) => {
            "name an absolute path that is absent or empty, outside of the data folder, \
                                 on a disk with room"
                .to_owned()
        }
        (409, About::Backup) => "wait until that one has ended".to_owned(),
        (409, About::User(_)) if refusal.text.contains("force=true") => {
            "add --force to delete what is in it".to_owned()
        }
        (409, About::User(_)) => "see what there is: quirl admin user list".to_owned(),
        (401, _) => "give a key with --auth; that of a server here is in secrets/guest.auth of \
                     its data folder"
            .to_owned(),
        (403, _) => "a key opens only its own namespace: quirl namespace list".to_owned(),
        (404, About::Activation(id)) if refusal.is_open() => {
            format!("it still runs: quirl activation history {id}")
        }
        (404, About::Activation(_)) => "see what there is: quirl activation list".to_owned(),
        (404, About::Entity(Kind::Rule, name)) if refusal.text.starts_with("Only rules with") => {
            format!("its trigger is gone: quirl rule update {name} TRIGGER ACTION")
        }
        (400, About::Create(Kind::Rule, _) | About::Entity(Kind::Rule, _)) => {
            "see what there is: quirl trigger list, quirl action list".to_owned()
        }
        (404, About::Entity(kind, _) | About::Create(kind, _)) => {
            format!("see what there is: quirl {kind} list")
        }
        (409, About::Create(_, _)) if refusal.text.starts_with("Resource by this name") => {
            "choose another name: actions, packages, triggers and rules share theirs".to_owned()
        }
        (409, About::Create(kind, name)) => {
            format!("change it with `quirl {kind} update {name}`, or choose another name")
        }
        (409, About::Entity(Kind::Package, name)) if refusal.text.contains("not empty") => {
            format!("with all that is in it: quirl package delete {name} --force")
        }
        (413, _) => "send less; for code, leave out what it does not need".to_owned(),
        (429, _) => match refusal.retry_after() {
            Some(seconds) => format!("try again in {seconds} s"),
            None => "try again in a minute".to_owned(),
        },
        (503, _) => match (refusal.settled(), refusal.activation_id()) {
            (Some(Settled::Unknown), Some(id)) => {
                format!("it may have been accepted: quirl activation history {id}")
            }
            (Some(Settled::Unknown), None) => {
                "it may have been done: look before you try again".to_owned()
            }
            (Some(Settled::No) | None, _) => "nothing was done: try again soon".to_owned(),
        },
        (500.., _) => "see the server's log; the code above is in it".to_owned(),
        _ => "see the forms: add --help".to_owned(),
    }
}

impl From<profile::Error> for Error {
    fn from(error: profile::Error) -> Self {
        Self::Profile(error)
    }
}

impl From<pairs::Error> for Error {
    fn from(error: pairs::Error) -> Self {
        Self::Pairs(error)
    }
}

impl From<archive::Error> for Error {
    fn from(error: archive::Error) -> Self {
        Self::Archive(error)
    }
}

impl From<watch::Error> for Error {
    fn from(error: watch::Error) -> Self {
        Self::Watch(error)
    }
}

impl From<server::Error> for Error {
    fn from(error: server::Error) -> Self {
        Self::Server(error)
    }
}

impl From<api::client::BadName> for Error {
    fn from(error: api::client::BadName) -> Self {
        Self::usage("Unable to tell which entity is meant", error.to_string(), "see --help")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_wsk() {
        for (status, code) in [
            (400, 144),
            (401, 145),
            (403, 147),
            (404, 148),
            (409, 153),
            (413, 157),
            (429, 173),
            (502, 246),
            (202, 202),
        ] {
            assert_eq!(code_of(status), code, "{status}");
        }
    }
}
