//! Which parts, joined how: adapters between crates that may not name one another. No decision.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use controller::dispatch;
use controller::owner::memo::Memo;
use controller::owner::step::AttemptVerdict;
use controller::runtimes::{self, Runtimes};
use daemon::clock::Clock;
use daemon::random::Random;
use futures::future::BoxFuture;
use invoker::driver::{Artefact, Codes, Driver};
use invoker::run::{Input, Spool};
use invoker::step::{Order, Verdict};
use invoker::{Invoker, Outlet};
use ledger::hint::Run;
use ledger::record::{Attempt, Body, Record};
use log::Log;
use model::id::Digest;
use store::blobs::Blobs;

use crate::failpoint::{self, Failpoint};

/// The clock of this process: one, so that its moments mean the same to everybody.
pub(crate) static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::system);

/// What the Wasm driver may ask of the outside.
pub(crate) fn outside() -> wasm::Outside {
    static RANDOM: LazyLock<Option<Random>> = LazyLock::new(|| Random::system().ok());
    wasm::Outside {
        now_mono: || -> Duration { CLOCK.now().since_start() },
        now_wall_ns: || CLOCK.wall_ns(),
        fill_random: |bytes| {
            if let Some(random) = RANDOM.as_ref() {
                random.fill(bytes);
            }
        },
    }
}

/// The invoker, as the controller sees it.
pub(crate) struct Here {
    pub(crate) invoker: Invoker,
    pub(crate) api_host: Option<String>,
    pub(crate) failpoint: Failpoint,
}

impl dispatch::Invoker for Here {
    fn run(&self, run: Run, input: dispatch::Input, rerunnable: bool) {
        let order = Order {
            of: run.of,
            epoch: run.epoch,
            dseq: run.dseq,
            pos: run.pos,
            start_before: run.start_before,
            rerunnable,
            guarded: run.guarded,
            touched: run.touched,
        };
        let input = Input {
            namespace: run.tree.caller.namespace.clone(),
            path: run.step.path.clone(),
            version: run.step.version.clone(),
            transaction: run.tree.caller.transaction.clone(),
            kind: run.step.kind.clone(),
            code: input.code,
            main: input.main,
            words: input.words,
            parameters: input.parameters,
            payload: input.payload,
            limits: run.step.limits,
            result: run.result,
            api_host: self.api_host.clone(),
            api_key: input.api_key,
        };
        self.invoker.run(order, input);
    }

    fn verdict(&self, of: Attempt, verdict: AttemptVerdict) {
        let is_let_out = verdict == AttemptVerdict::Touched;
        if is_let_out {
            self.failpoint.reached(failpoint::APPLIED);
        }
        let verdict = match verdict {
            AttemptVerdict::Over => Verdict::Over,
            AttemptVerdict::StillAssigned => Verdict::StillAssigned,
            AttemptVerdict::Touched => Verdict::Touched,
            AttemptVerdict::NotTouched => Verdict::NotTouched,
            AttemptVerdict::Aborted => Verdict::Aborted,
        };
        self.invoker.verdict(of, verdict);
        if is_let_out {
            self.failpoint.reached(failpoint::LET_OUT);
        }
    }
}

/// Where the invoker's records go.
pub(crate) struct ToLog {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) memo: Arc<Memo>,
    pub(crate) clock: Clock,
    pub(crate) failpoint: Failpoint,
}

impl Outlet for ToLog {
    fn append(&self, body: Body) -> Result<(), String> {
        self.failpoint.hands_over(&body);
        let record = Record { at: self.clock.wall(), body };
        let handed = self.memo.hand_over(record, |frame| self.log.append_reserved(frame));
        handed.map_err(|refused| refused.to_string())
    }
}

/// Blobs, as the invoker and the drivers see them.
pub(crate) struct FromBlobs(pub(crate) Blobs);

impl Spool for FromBlobs {
    fn put(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest, String>> {
        Box::pin(async move {
            self.0.put_async(bytes).await.map_err(|error| daemon::shutdown::chain(&error))
        })
    }
}

impl Codes for FromBlobs {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async move {
            self.0.get_async(digest).await.map_err(|error| daemon::shutdown::chain(&error))
        })
    }
}

/// The drivers, as the controller's PUT sees them.
pub(crate) struct Inspector(pub(crate) Arc<dyn Driver>);

impl runtimes::Inspector for Inspector {
    fn inspect(
        &self,
        code: runtimes::Artefact,
    ) -> BoxFuture<'_, Result<runtimes::Inspected, String>> {
        let runtimes::Artefact { kind, digest, code, main, memory_mb } = code;
        let artefact = Artefact { kind, digest, code, main, memory_mb };
        Box::pin(async move {
            let inspected = self.0.inspect(artefact).await.map_err(|refused| refused.0)?;
            Ok(runtimes::Inspected { kind: inspected.kind })
        })
    }

    fn begins(&self, kind: &str, code: &Digest, main: Option<&str>) -> Option<&'static str> {
        self.0.begins(kind, code, main)
    }
}

/// Which driver runs which kind.
pub(crate) fn drivers(driver: &Arc<dyn Driver>) -> Vec<(String, Arc<dyn Driver>)> {
    let can_run = wasm::kinds().into_iter().filter(|known| known.lacking.is_none());
    can_run.map(|known| (known.kind.to_owned(), Arc::clone(driver))).collect()
}

/// The manifest, with the drivers that this server has.
pub(crate) fn runtimes() -> Runtimes {
    let mut runtimes = Runtimes::manifest();
    for known in wasm::kinds() {
        runtimes = runtimes.with_driver(
            known.kind,
            runtimes::Driver {
                name: "wasm".to_owned(),
                missing: known.lacking.map(str::to_owned),
                guarded: true,
                image: known.image.to_owned(),
                engine: Some(known.engine.to_owned()),
                serves: known.serves.map(str::to_owned),
            },
        );
    }
    runtimes
}
