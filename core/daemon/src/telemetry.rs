//! Logs: lines for people or JSON for machines, on standard error, and how many were warnings.
//!
//! [`init`] is called once, by `main`. Tests build a [`subscriber`] of their own over any writer.
//! Events have a fixed message and fields; who writes them need not know about this module.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// What is written to the log, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// `error`, `warn`, `info`, `debug` or `trace`; also per module: `info,invoker=debug`.
    pub level: String,
    /// One line of text or one JSON object per event.
    pub format: Format,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one object per line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Text }
    }
}

/// How many warnings and errors were told since the start. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<[AtomicU64; 2]>);

impl Counts {
    /// Events of level `warn`.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Events of level `error`.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operator corrects `log.level`.
    #[error(
        "log.level: \"{level}\" is no level; say error, warn, info, debug or trace, or module=level,…"
    )]
    BadLevel {
        /// As it was written.
        level: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else in this process has taken the logs already.
    #[error("set up the logs: they were set up before in this process")]
    Twice,
}

/// Sends the logs of this process to standard error from now on.
///
/// # Errors
/// [`Error::BadLevel`], [`Error::Twice`].
pub fn init(config: &Config) -> Result<Counts, Error> {
    let counts = Counts::default();
    let dispatch = subscriber(config, &counts, std::io::stderr, std::io::stderr().is_terminal())?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| Error::Twice)?;
    Ok(counts)
}

/// What [`init`] sets up, over any writer.
///
/// # Errors
/// [`Error::BadLevel`].
pub fn subscriber<W>(
    config: &Config,
    counts: &Counts,
    writer: W,
    colours: bool,
) -> Result<Dispatch, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The database of the index says at `info` what we say ourselves.
    let quiet: [Directive; 2] = ["fjall=warn", "lsm_tree=warn"]
        .map(|it| it.parse().expect("a fixed directive of one module and one level parses"));
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(&config.level)
        .map_err(|source| Error::BadLevel { level: config.level.clone(), source })?;
    let says = |module: &str| config.level.contains(module);
    let filter =
        quiet.into_iter().zip(["fjall", "lsm_tree"]).fold(filter, |filter, (it, module)| {
            if says(module) { filter } else { filter.add_directive(it) }
        });
    let lines = fmt::layer().with_writer(writer).with_ansi(colours);
    let lines = match config.format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let told = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(Counter(counts.clone()));
    Ok(Dispatch::new(told))
}

/// Counts warnings and errors, whatever the filter lets through.
struct Counter(Counts);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let which = match *event.metadata().level() {
            Level::WARN => 0,
            Level::ERROR => 1,
            _ => return,
        };
        self.0.0[which].fetch_add(1, Ordering::Relaxed);
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(config: &Config) -> (String, Counts) {
        let (lines, counts) = (Lines::default(), Counts::default());
        let writer = lines.clone();
        let dispatch = subscriber(config, &counts, move || writer.clone(), false).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::debug!("not told");
            tracing::info!(invoker = 7, "activation started cold");
            tracing::warn!("disk is nearly full");
            tracing::error!("segment is damaged");
            tracing::error!("segment is damaged");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        (text, counts)
    }

    #[test]
    fn lines_are_text_or_json_and_warnings_are_counted() {
        let (text, counts) = told(&Config::default());
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("INFO activation started cold invoker=7"), "{text}");
        assert_eq!((counts.warnings(), counts.errors()), (1, 2));

        let (text, _) = told(&Config { format: Format::Json, ..Config::default() });
        let first = text.lines().next().unwrap();
        assert!(first.starts_with('{') && first.contains(r#""invoker":7"#), "{text}");
    }

    #[test]
    fn warnings_are_counted_even_if_they_are_not_shown() {
        let (text, counts) = told(&Config { level: "error".to_owned(), ..Config::default() });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert_eq!((counts.warnings(), counts.errors()), (1, 2));
    }

    #[test]
    fn a_level_that_is_none_is_refused_by_name() {
        let config = Config { level: "a=b=c".to_owned(), ..Config::default() };
        let error = subscriber(&config, &Counts::default(), io::sink, false).unwrap_err();
        assert!(error.to_string().starts_with("log.level: \"a=b=c\" is no level"), "{error}");
    }
}
