//! `quirl admin …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `admin`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  quirl admin user create ann-lee                        a user, a namespace and a key
  quirl admin namespace add ann-lee ann-test             another namespace, with a key of its own
  quirl admin key add ann-lee                            a second key, to replace the first
  quirl admin key revoke ann-lee 5f3c0e7a-…              no longer accepted from now on
  quirl admin limits set ann-lee --concurrent-invocations 100
  quirl admin user block ann-lee                         its keys are refused until unblock

It talks to the socket admin.sock in the data folder of the server on this machine, which only the
user of the server may open. From elsewhere, where [admin] listen is configured:
  quirl admin --admin-host http://HOST:PORT --token FILE …"
)]
pub(crate) struct Admin {
    /// How to reach the server.
    #[command(flatten)]
    pub door: Door,
    /// What to work with.
    #[command(subcommand)]
    pub noun: Noun,
}

/// `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  quirl backup /backup/monday              everything up to now, while the server works
  quirl backup monday --data /srv/quirl    of the server with this data folder

The folder must be absent or empty. To make a data folder of it: quirld restore /backup/monday")]
pub(crate) struct Backup {
    /// Folder on the machine of the server
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Begin it and do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// How to reach the server
    #[command(flatten)]
    pub door: Door,
}

/// How to reach the server as its administrator.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Door {
    /// Data folder of the server on this machine [default: as `quirl up` has it]
    #[arg(long, value_name = "FOLDER", global = true, conflicts_with = "admin_host")]
    pub data: Option<PathBuf>,
    /// Address of its admin API, such as http://127.0.0.1:3234
    #[arg(long, value_name = "ADDRESS", global = true, requires = "token")]
    pub admin_host: Option<String>,
    /// File with the token: secrets/admin.token of its data folder
    #[arg(long, value_name = "FILE", global = true, requires = "admin_host")]
    pub token: Option<PathBuf>,
}

/// What to work with.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Users: who may log in
    #[command(subcommand)]
    User(User),
    /// Keys of a user's namespaces
    #[command(subcommand)]
    Key(Key),
    /// Namespaces of a user
    #[command(subcommand)]
    Namespace(Namespace),
    /// What a namespace may use
    #[command(subcommand)]
    Limits(Limits),
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make a user with a namespace of the same name and a key
    #[command(after_help = "\
Examples:
  quirl admin user create ann-lee
  quirl admin user create ann-lee --key 5f3c0e7a-…:Zk3v…

A name has at least 5 characters. The key is shown once; the server keeps only its hash.")]
    Create {
        /// Name of the user, and of its first namespace
        name: String,
        /// Take this key, UUID:SECRET with 64 characters, instead of a new one
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Show a user with its namespaces and the user parts of its keys
    Get {
        /// Name of the user
        name: String,
    },
    /// Delete a user with its namespaces and keys
    Delete {
        /// Name of the user
        name: String,
        /// Also what is in its namespaces
        #[arg(long)]
        force: bool,
    },
    /// List users by name
    List {
        /// At most so many; 0 means 200
        #[arg(short, long, default_value_t = 30)]
        limit: u32,
        /// Leave out so many
        #[arg(short, long, default_value_t = 0)]
        skip: u32,
    },
    /// Refuse the keys of a user; what of it waits to run is ended
    Block {
        /// Name of the user
        name: String,
    },
    /// Accept the keys of a user again
    Unblock {
        /// Name of the user
        name: String,
    },
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Add a key; the others stay valid
    Add {
        /// Name of the user
        user: String,
        /// The namespace it opens [default: that of the user's name]
        #[arg(long)]
        namespace: Option<String>,
        /// Take this key, UUID:SECRET with 64 characters, instead of a new one
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Revoke a key at once
    Revoke {
        /// Name of the user
        user: String,
        /// User part of the key, as `user get` shows it
        uuid: String,
        /// The namespace it opens [default: that of the user's name]
        #[arg(long)]
        namespace: Option<String>,
    },
}

/// What to do with namespaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Namespace {
    /// Give a user another namespace, with a key of its own
    Add {
        /// Name of the user
        user: String,
        /// Name of the namespace
        namespace: String,
        /// Take this key, UUID:SECRET with 64 characters, instead of a new one
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Show a namespace with the user parts of its keys
    Get {
        /// Name of the user
        user: String,
        /// Name of the namespace
        namespace: String,
    },
    /// Delete a namespace with its keys
    Delete {
        /// Name of the user
        user: String,
        /// Name of the namespace
        namespace: String,
        /// Also what is in it
        #[arg(long)]
        force: bool,
    },
}

/// What to do with limits.
#[derive(Debug, Subcommand)]
pub(crate) enum Limits {
    /// Set limits; those that are not named stay as they are
    #[command(after_help = "\
Examples:
  quirl admin limits set ann-lee --invocations-per-minute 600 --concurrent-invocations 100
  quirl admin limits set ann-lee --allowed-kinds nodejs:20,wasm:command
  quirl admin limits set ann-lee --max-action-memory 256

The first three may be more than the server's defaults; limits of actions beyond the bounds of the
server are kept, and its bounds apply.")]
    Set(Box<SetLimits>),
    /// Show what is set; all else is as the server has it
    Get {
        /// Name of the namespace
        namespace: String,
    },
    /// Take back all that is set
    Delete {
        /// Name of the namespace
        namespace: String,
    },
}

/// `limits set`.
#[derive(Debug, Args)]
pub(crate) struct SetLimits {
    /// Name of the namespace
    pub namespace: String,
    /// The limits.
    #[command(flatten)]
    pub limits: NewLimits,
}

/// Limits as flags.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct NewLimits {
    /// Invocations per minute
    #[arg(long, value_name = "NUMBER")]
    pub invocations_per_minute: Option<u64>,
    /// Fires of triggers per minute
    #[arg(long, value_name = "NUMBER")]
    pub fires_per_minute: Option<u64>,
    /// Invocations open at a time
    #[arg(long, value_name = "NUMBER")]
    pub concurrent_invocations: Option<u64>,
    /// Kinds that may be stored, with commas between
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub allowed_kinds: Option<Vec<String>>,
    /// Keep records of activations
    #[arg(long, value_name = "true|false")]
    pub store_activations: Option<bool>,
    /// Least memory of an action
    #[arg(long, value_name = "MB")]
    pub min_action_memory: Option<u64>,
    /// Most memory of an action
    #[arg(long, value_name = "MB")]
    pub max_action_memory: Option<u64>,
    /// Least log output of an action
    #[arg(long, value_name = "MB")]
    pub min_action_logs: Option<u64>,
    /// Most log output of an action
    #[arg(long, value_name = "MB")]
    pub max_action_logs: Option<u64>,
    /// Shortest time limit of an action
    #[arg(long, value_name = "MS")]
    pub min_action_timeout: Option<u64>,
    /// Longest time limit of an action
    #[arg(long, value_name = "MS")]
    pub max_action_timeout: Option<u64>,
    /// Fewest runs per container at a time
    #[arg(long, value_name = "NUMBER")]
    pub min_action_concurrency: Option<u64>,
    /// Most runs per container at a time
    #[arg(long, value_name = "NUMBER")]
    pub max_action_concurrency: Option<u64>,
    /// Largest parameters of an action
    #[arg(long, value_name = "BYTES")]
    pub max_parameter_size: Option<u64>,
    /// Largest payload of an invocation
    #[arg(long, value_name = "BYTES")]
    pub max_payload_size: Option<u64>,
    /// How much is shown of a result that is too long
    #[arg(long, value_name = "BYTES")]
    pub truncation_size: Option<u64>,
}

impl From<&NewLimits> for api::admin::Limits {
    fn from(set: &NewLimits) -> Self {
        Self {
            allowed_kinds: set.allowed_kinds.clone(),
            concurrent_invocations: set.concurrent_invocations,
            fires_per_minute: set.fires_per_minute,
            invocations_per_minute: set.invocations_per_minute,
            max_action_concurrency: set.max_action_concurrency,
            max_action_logs: set.max_action_logs,
            max_action_memory: set.max_action_memory,
            max_action_timeout: set.max_action_timeout,
            max_parameter_size: set.max_parameter_size,
            max_payload_size: set.max_payload_size,
            min_action_concurrency: set.min_action_concurrency,
            min_action_logs: set.min_action_logs,
            min_action_memory: set.min_action_memory,
            min_action_timeout: set.min_action_timeout,
            store_activations: set.store_activations,
            truncation_size: set.truncation_size,
        }
    }
}
