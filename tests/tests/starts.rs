//! Starting and stopping: killed at any moment, on damaged folders, with work open; and what a
//! start must refuse. The table is that of `exactly-once.md` §11.
#![expect(clippy::disallowed_methods, reason = "a suite waits between two looks at a server")]

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use api::client::{Client, Error, Filter, Invocation, Invoke, Name, Page};
use api::entity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use log::embedded::Point;
use model::json::Json;
use quirl_tests::cases::matches;
use quirl_tests::eventually::eventually;
use quirl_tests::ledger_dump;
use quirl_tests::platform::{Server, Setup, was_killed};
use quirl_tests::wire::{Request, send};
use sha2::{Digest as _, Sha256};

const LIMIT: Duration = Duration::from_secs(40);

fn put(module: &[u8]) -> entity::Put {
    entity::Put::code("wasm:default", &STANDARD.encode(module))
}

fn name(text: &str) -> Result<Name> {
    Ok(Name::parse(text, "_")?)
}

fn json(text: &str) -> Result<Json> {
    Ok(Json::parse(text.as_bytes())?)
}

async fn deploy(server: &Server, samples: &[&str]) -> Result<Client> {
    let client = server.client()?;
    for sample in samples {
        client.put_action(&name(sample)?, &put(&server.programs.sample(sample)?), true).await?;
    }
    Ok(client)
}

/// Invokes and waits; the status with the result.
async fn run(client: &Client, action: &str, payload: &str) -> Result<(u16, String)> {
    let how = Invoke { blocking: true, result: true, timeout_ms: None };
    match client.invoke(&name(action)?, &json(payload)?, how).await? {
        Invocation::Ended { status, body, .. } => Ok((status, body.as_str().to_owned())),
        accepted @ Invocation::Accepted { .. } => bail!("still open: {accepted:?}"),
    }
}

async fn accept(client: &Client, action: &str, payload: &str) -> Result<String> {
    let accepted = client.invoke(&name(action)?, &json(payload)?, Invoke::default()).await?;
    Ok(accepted.id().context("no id")?.to_owned())
}

async fn ended(client: &Client, id: &str) -> Result<api::activation::Record> {
    eventually(LIMIT, "it has ended", || client.activation(id)).await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn blob(data: &Path, content: &[u8]) -> PathBuf {
    let digest = Sha256::digest(content);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    data.join("blobs").join(&hex[..2]).join(hex)
}

/// Turns one bit over.
fn flip(path: &Path, at: u64) -> Result<()> {
    let file = fs::File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&[byte[0] ^ 0x10], at)?;
    Ok(())
}

/// Where the zeros begin with which a segment ends.
fn end_of_data(path: &Path) -> Result<u64> {
    let bytes = fs::read(path)?;
    let last = bytes.iter().rposition(|byte| *byte != 0).context("all zeros")?;
    Ok(last as u64 + 1)
}

/// Starts on `data`, which must be refused with all of `words` in what is said.
async fn check_refused(data: &Path, words: &[&str]) -> Result<()> {
    let mut setup = Setup::new().data(data);
    setup.announced = words.iter().map(|word| (*word).to_owned()).collect();
    let mut server = setup.launch()?;
    let status = server.end(Duration::from_secs(30)).await?;
    tokio::time::sleep(Duration::from_millis(50)).await; // its last words are read by a thread
    let said = server.log().join("\n");
    server.judge()?;
    ensure!(!status.success() && !was_killed(status), "it ended with {status}: {said}");
    for word in words {
        ensure!(said.contains(word), "'{word}' is missing in: {said}");
    }
    Ok(())
}

/// A folder with records of 12 runs in several segments, its server killed; and their ids.
async fn used(config: &str) -> Result<(Server, Vec<String>)> {
    let mut server = Setup::new().config(config).start().await?;
    let mut ids = Vec::new();
    for round in 0..3 {
        let client = deploy(&server, &["hello"]).await?;
        for at in 0..4 {
            let payload = format!("{{\"name\":\"{round}-{at}\"}}");
            let id = accept(&client, "hello", &payload).await?;
            ended(&client, &id).await?;
            ids.push(id);
        }
        server.restart().await?;
    }
    server.kill()?;
    Ok((server, ids))
}

async fn all_there(server: &Server, ids: &[String]) -> Result<()> {
    let client = server.client()?;
    for (at, id) in ids.iter().enumerate() {
        let record = eventually(LIMIT, "the record is there", || client.activation(id)).await?;
        let expected = format!("{{\"greeting\":\"Hello, {}-{}!\"}}", at / 4, at % 4);
        let result = record.response.result.context("no result")?;
        ensure!(result.as_str() == expected, "{id}: {result:?} instead of {expected}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn f151_a_kill_at_any_point_of_a_start_loses_nothing() -> Result<()> {
    let (mut server, ids) = used("").await?;
    let plain = server.setup();
    let mut killed = 0;
    for point in Point::ALL {
        let mut setup = plain.clone().kill_at(point.name(), 1);
        setup.data = Some(server.data.clone());
        setup.port = server.port()?;
        let mut dying = setup.launch()?;
        // Some points are only reached when something is written.
        let start = Instant::now();
        while dying.ended()?.is_none() && start.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        killed += u32::from(dying.ended()?.is_some_and(was_killed));
        dying.kill()?;
        drop(dying);
    }
    server.restart_as(plain).await?;
    all_there(&server, &ids).await?;
    println!("killed at {killed} of {} points during the start", Point::ALL.len());
    assert!(killed >= 8, "only {killed} points were reached");
    server.stop().await?;
    let dump = ledger_dump::read(&server.data)?;
    assert_eq!(dump.ledger.counts().waiting + dump.ledger.counts().running, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_anywhere_is_begun_again() -> Result<()> {
    let mut killed = 0;
    for point in Point::ALL {
        for nth in [1, 2] {
            let folder = tempfile::tempdir()?;
            let data = folder.path().join("data");
            let mut dying = Setup::new().data(&data).kill_at(point.name(), nth).launch()?;
            let start = Instant::now();
            while dying.ended()?.is_none() && start.elapsed() < Duration::from_millis(700) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let Some(status) = dying.ended()? else { continue };
            killed += u32::from(was_killed(status));
            drop(dying);
            let mut server = Setup::new().data(&data).start().await?;
            let client = deploy(&server, &["hello"]).await?;
            let told = run(&client, "hello", "{}").await?;
            assert_eq!(told, (200, "{\"greeting\":\"Hello, stranger!\"}".to_owned()));
            server.kill()?;
        }
    }
    println!("a first start was killed {killed} times");
    assert!(killed >= 8, "only {killed} kills");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_of_a_start_lose_nothing() -> Result<()> {
    let (mut server, ids) = used("").await?;
    for wait in (0..24_u64).map(|at| at * 9) {
        let mut setup = server.setup();
        setup.data = Some(server.data.clone());
        setup.port = server.port()?;
        let mut dying = setup.launch()?;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        dying.kill()?;
    }
    server.restart().await?;
    all_there(&server, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f118_a_second_process_is_refused_and_told_who_holds_the_folder() -> Result<()> {
    let server = Setup::new().start().await?;
    let pid = server.pid().to_string();
    check_refused(&server.data, &["is in use by process", &pid, &server.address]).await?;
    fs::remove_file(server.data.join("LOCK"))?;
    check_refused(&server.data, &["is in use by process", &pid]).await?;
    let client = deploy(&server, &["hello"]).await?;
    assert_eq!(run(&client, "hello", "{}").await?.0, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn f115_a_flip_in_what_was_synced_is_refused_and_named() -> Result<()> {
    let (server, _) = used("").await?;
    let ledger = server.data.join("ledger/00");
    let segments = files(&ledger, ".seg")?;
    ensure!(segments.len() >= 3, "{segments:?}");
    // Of the newest nothing may say what was synced: there a flip may be a torn tail (f114).
    for segment in &segments[..segments.len() - 1] {
        let end = end_of_data(segment)?;
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        copy(&server.data, &data)?;
        let target = data.join("ledger/00").join(segment.file_name().context("a name")?);
        // In the middle of its data: behind the head, before frames that say it was synced.
        flip(&target, end / 2)?;
        // By the judgement of the end, or by the replay; twice, because a refusal changes nothing.
        for _ in 0..2 {
            let refused = check_refused(&data, &["damaged", "frame", "Restore a backup"]).await;
            refused.with_context(|| format!("bit at {} of {}", end / 2, target.display()))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn f114_a_torn_tail_is_cut_and_told() -> Result<()> {
    let (mut server, ids) = used("").await?;
    let ledger = server.data.join("ledger/00");
    let newest = files(&ledger, ".seg")?.pop().context("no segment")?;
    let end = end_of_data(&newest)?.next_multiple_of(8);
    let file = fs::File::options().write(true).open(&newest)?;
    file.write_all_at(&[0xab; 40], end)?;
    drop(file);
    let setup = server.setup().announce("torn");
    server.restart_as(setup).await?;
    assert!(server.log().iter().any(|line| line.contains("torn")), "{:?}", server.log());
    all_there(&server, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f116_a_damaged_snapshot_is_passed_over_and_companions_are_made_anew() -> Result<()> {
    let config = "[controller]\nsnapshot-bytes = \"16 KiB\"\n[ledger]\nsegment = \"64 KiB\"\n\
                  balloon = \"1 MiB\"\ndisk-floor = \"64 MiB\"";
    let mut server = Setup::new().config(config).start().await?;
    let client = deploy(&server, &["echo"]).await?;
    let payload = format!("{{\"weight\":\"{}\"}}", "x".repeat(4000));
    let ledger = server.data.join("ledger/00");
    let mut count = 0;
    let start = Instant::now();
    while files(&ledger, ".snap")?.len() < 2 {
        ensure!(start.elapsed() < LIMIT, "{count} runs, and less than two snapshots");
        let all = (0..8).map(|_| run(&client, "echo", &payload));
        for told in futures::future::try_join_all(all).await? {
            assert_eq!(told.0, 200);
            count += 1;
        }
    }
    server.kill()?;
    let newest = files(&ledger, ".snap")?.pop().context("no snapshot")?;
    flip(&newest, fs::metadata(&newest)?.len() / 2)?;
    let setup = server.setup().announce("snapshot");
    server.restart_as(setup).await?;
    assert!(server.log().iter().any(|line| line.contains("snapshot") && line.contains("WARN")));
    let client = server.client()?;
    let listed = async || {
        let answer = client
            .send(http::Method::GET, "/namespaces/_/activations?count=true", None)
            .await
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if text == format!("{{\"activations\":{count}}}") { Ok(()) } else { Err(text) }
    };
    eventually(LIMIT, "all are listed", listed).await?;
    server.kill()?;

    for companion in files(&ledger, ".rows")? {
        fs::remove_file(companion)?;
    }
    fs::remove_dir_all(server.data.join("index"))?;
    let setup = server.setup().announce("snapshot").announce("rows").announce("index");
    server.restart_as(setup.announce("companion")).await?;
    let client = server.client()?;
    let newest = Filter::default();
    eventually(LIMIT, "lists answer", || client.activations(&newest)).await?;
    assert_eq!(run(&client, "echo", "{}").await?.0, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_index_is_built_again() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["hello"]).await?;
    let keyed = client.clone().with_header("Idempotency-Key", "kept")?;
    let first = run(&keyed, "hello", "{}").await?;
    for _ in 0..300 {
        run(&client, "hello", "{}").await?;
    }
    let all = Filter { page: Page { limit: 0, skip: 0 }, ..Filter::default() };
    let before = client.records(&all).await?;
    server.kill()?;
    fs::remove_dir_all(server.data.join("index"))?;
    let setup = server.setup().announce("index");
    server.relaunch(setup)?;
    // Reads say how far it is or are right; invoking works as soon as the server takes work.
    let mut progress = 0;
    let start = Instant::now();
    let after = loop {
        ensure!(start.elapsed() < LIMIT, "the index is not built");
        match client.records(&all).await {
            Ok(after) => break after,
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.status, 503, "{refusal}");
                let is_index = matches(
                    "The index is being built (<int> % done); invoking works, try this again in a moment.",
                    &refusal.text,
                );
                let is_start = matches(
                    "The server is starting (<int> % of the ledger read); try again in a moment.",
                    &refusal.text,
                );
                assert!(is_index || is_start, "{refusal}");
                assert!(refusal.retry_after().is_some());
                progress += u32::from(is_index);
                if is_index {
                    match keyed
                        .invoke(
                            &name("hello")?,
                            &json("{}")?,
                            Invoke { blocking: true, result: true, timeout_ms: None },
                        )
                        .await?
                    {
                        Invocation::Accepted { replayed, .. }
                        | Invocation::Ended { replayed, .. } => assert!(replayed),
                    }
                }
            }
            Err(Error::Unreachable { .. } | Error::Broken { .. }) => {}
            Err(error) => bail!(error),
        }
    };
    println!("{progress} reads were told that the index is being built");
    assert_eq!(before, after, "the same records as before");
    assert_eq!(run(&keyed, "hello", "{}").await?, first);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_made_anew_is() -> Result<()> {
    let (mut server, ids) = used("").await?;
    let _ = fs::remove_dir_all(server.data.join("cache"));
    for file in ["LOCK", "ledger/00/balloon", "ledger/00/spare"] {
        let _ = fs::remove_file(server.data.join(file));
    }
    server.restart().await?;
    all_there(&server, &ids).await?;
    let client = server.client()?;
    assert_eq!(run(&client, "hello", "{}").await?.0, 200);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_without_what_matters_are_refused() -> Result<()> {
    let (server, _) = used("").await?;
    for (gone, words) in [
        ("FORMAT", &["FORMAT", "Nothing was changed"][..]),
        ("secrets", &["secrets/", "Restore it from a backup"][..]),
    ] {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        copy(&server.data, &data)?;
        let path = data.join(gone);
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
        check_refused(&data, words).await?;
    }
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    copy(&server.data, &data)?;
    fs::write(data.join("FORMAT"), "quirl-data 2\n")?;
    check_refused(&data, &["holds data of format 2", "knows formats up to 1"]).await?;
    let file = folder.path().join("file");
    fs::write(&file, "x")?;
    check_refused(&file, &["is not a folder"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f55_open_activations_run_again_after_a_kill_and_keep_their_answers() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["sleep", "hello"]).await?;
    let sequence = entity::Put::sequence(&["/_/sleep", "/_/hello"]);
    client.put_action(&name("seq")?, &sequence, false).await?;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push((accept(&client, "sleep", "{\"ms\":900}").await?, "{\"slept_ms\":900}"));
        ids.push((
            accept(&client, "seq", "{\"ms\":900}").await?,
            "{\"greeting\":\"Hello, stranger!\"}",
        ));
    }
    server.kill()?;
    server.restart().await?;
    let client = server.client()?;
    for (id, expected) in &ids {
        let record = ended(&client, id).await?;
        assert_eq!(record.response.result.context("no result")?.as_str(), *expected);
    }
    let history = client.history(&ids[0].0).await?;
    let words: Vec<&str> = history.events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(words, ["accepted", "assigned", "attemptLost", "assigned", "finished"]);
    assert_eq!(history.attempts, 2);
    let reason = "the server ended while it ran; nothing had left the sandbox";
    assert_eq!(history.events[2].reason.as_deref(), Some(reason));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_cut_three_times_is_lost() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["sleep"]).await?;
    let id = accept(&client, "sleep", "{\"ms\":20000}").await?;
    for attempt in 1..=3 {
        let client = server.client()?;
        eventually(LIMIT, "it runs", || async {
            match client.history(&id).await {
                Ok(history) if history.attempts == attempt => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await?;
        server.kill()?;
        server.restart().await?;
    }
    let client = server.client()?;
    let record = ended(&client, &id).await?;
    assert_eq!(record.response.status, "whisk internal error");
    let result = record.response.result.context("no result")?;
    assert_eq!(result.as_str(), "{\"error\":\"The outcome of the activation is unknown.\"}");
    let outcome = api::activation::read::annotation(&record.annotations, "outcome");
    assert_eq!(outcome.map(Json::as_str), Some("\"lost\""));
    let history = client.history(&id).await?;
    let last = history.events.last().context("no events")?;
    assert_eq!((last.event.as_str(), last.reason.as_deref()), ("expired", Some("lost")));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn f143_a_key_finds_its_answer_after_a_kill() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["echo", "sleep"]).await?;
    let ended = client.clone().with_header("Idempotency-Key", "ended")?;
    assert_eq!(run(&ended, "echo", "{\"n\":1}").await?, (200, "{\"n\":1}".to_owned()));
    let open = client.with_header("Idempotency-Key", "open")?;
    let payload = json("{\"ms\":1500}")?;
    let how = Invoke { blocking: true, result: true, timeout_ms: Some(50) };
    let first = open.invoke(&name("sleep")?, &payload, how).await?;
    server.kill()?;
    server.restart().await?;
    let how_long = Invoke { blocking: true, result: true, timeout_ms: None };
    let again = ended.invoke(&name("echo")?, &json("{\"n\":1}")?, how_long).await?;
    let Invocation::Ended { replayed: true, status: 200, body, .. } = again else {
        bail!("{again:?}")
    };
    assert_eq!(body.as_str(), "{\"n\":1}");
    // The same request is the same query too.
    let again = eventually(LIMIT, "it ended", || async {
        match open.invoke(&name("sleep").map_err(|e| e.to_string())?, &payload, how).await {
            Ok(ended @ Invocation::Ended { .. }) => Ok(ended),
            other => Err(format!("{other:?}")),
        }
    })
    .await?;
    assert_eq!(again.id(), first.id());
    let Invocation::Ended { replayed: true, body, .. } = again else { bail!("{again:?}") };
    assert_eq!(body.as_str(), "{\"slept_ms\":1500}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starting_server_says_how_far_it_is() -> Result<()> {
    let (mut server, _) = used("").await?;
    let setup = server.setup();
    server.relaunch(setup)?;
    let (mut starting, mut unready) = (0, 0);
    let get = |target: &str| Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        ..Request::default()
    };
    let start = Instant::now();
    loop {
        ensure!(start.elapsed() < LIMIT, "it does not become ready");
        assert_eq!(send(&server.address, get("/ping")).await?.status, 200);
        let ready = send(&server.address, get("/ready")).await?;
        let info = send(&server.address, get("/api/v1")).await?;
        match info.status {
            200 => {}
            503 => {
                starting += 1;
                assert_eq!(info.header("x-openwhisk-accepted"), Some("no"));
                assert!(info.header("retry-after").is_some());
                let text = "{\"code\":\"<word>\",\"error\":\"The server is starting (<int> % of the ledger read); try again in a moment.\"}";
                assert!(matches(text, &info.text()), "{}", info.text());
            }
            other => bail!("/api/v1 answers {other}: {}", info.text()),
        }
        match ready.status {
            200 => break,
            503 => {
                unready += 1;
                assert!(ready.header("retry-after").is_some());
                let text = "{\"ready\":false,\"checks\":{\"ledger\":\"<any>\",\"index\":\"<any>\",\"disk\":\"<any>\",\"sandboxes\":\"<any>\"}}";
                assert!(matches(text, &ready.text()), "{}", ready.text());
            }
            other => bail!("/ready answers {other}: {}", ready.text()),
        }
    }
    println!("{starting} requests met a starting server, {unready} one that was not ready");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_refuses_and_finishes() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["sleep"]).await?;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { run(&client, "sleep", "{\"ms\":1500}").await }
    });
    eventually(LIMIT, "it runs", || async {
        let running = server.metric("quirl_activations_open{state=\"running\"}").await;
        match running.map_err(|error| error.to_string())? {
            1.0 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await?;
    server.terminate()?;
    let mut refused = 0;
    while refused == 0 {
        let put = put(&server.programs.sample("hello")?);
        match client.put_action(&name("late")?, &put, true).await {
            Ok(_) => {} // before the signal was noticed
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.status, 503);
                assert_eq!(refusal.text, "The server is stopping; try again in a moment.");
                assert_eq!(refusal.settled(), Some(api::client::Settled::No));
                let closes = refusal.headers.get("connection").map(|value| value.as_bytes());
                assert_eq!(closes, Some(&b"close"[..]));
                assert!(refusal.retry_after().is_some());
                refused += 1;
            }
            Err(Error::Unreachable { .. }) => bail!("nobody says that the server is stopping"),
            Err(error) => bail!(error),
        }
    }
    assert_eq!(waiting.await??, (200, "{\"slept_ms\":1500}".to_owned()));
    let status = server.end(LIMIT).await?;
    assert!(status.success(), "{status}");
    server.judge()?;
    let dump = ledger_dump::read(&server.data)?;
    assert_eq!(dump.ledger.counts().running, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_blob_is_told_and_the_next_put_heals_it() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, &["echo"]).await?;
    let big = format!("{{\"big\":\"{}\"}}", "x".repeat(60_000));
    let how = Invoke { blocking: true, result: false, timeout_ms: None };
    let big_run = client.invoke(&name("echo")?, &json(&big)?, how).await?;
    let id = big_run.id().context("no id")?.to_owned();
    let code = STANDARD.encode(server.programs.sample("echo")?);
    let mut wide = put(&server.programs.sample("echo")?);
    let weight = Json::string(&"y".repeat(9000));
    wide.parameters = Some(vec![entity::Parameter::new("weight", weight)]);
    client.put_action(&name("wide")?, &wide, false).await?;
    server.kill()?;
    for folder in fs::read_dir(server.data.join("blobs"))? {
        let folder = folder?.path();
        for file in if folder.is_dir() { files(&folder, "")? } else { Vec::new() } {
            flip(&file, fs::metadata(&file)?.len() / 2)?;
        }
    }
    let setup = server.setup().announce("blob").announce("damaged");
    server.restart_as(setup).await?;
    let corrupted = "Resource is corrupted and cannot be read.";
    let client = server.client()?;
    let told = |error: Option<Error>| error.map(|it| (it.status(), it.to_string()));
    let check = |error: Option<Error>, what: &str| {
        let told = told(error);
        let right = told
            .as_ref()
            .is_some_and(|(status, text)| *status == Some(500) && text.starts_with(corrupted));
        if right { Ok(()) } else { Err(anyhow::anyhow!("{what}: {told:?}")) }
    };
    check(client.activation(&id).await.err(), "the record")?;
    check(client.result(&id).await.err(), "its result")?;
    check(client.action(&name("echo")?, true).await.err(), "an action with its code")?;
    check(client.action(&name("wide")?, false).await.err(), "a document in a blob")?;
    assert!(blob(&server.data, code.as_bytes()).is_file());
    client.put_action(&name("echo")?, &put(&server.programs.sample("echo")?), true).await?;
    assert_eq!(client.action(&name("echo")?, true).await?.version, "0.0.2");
    assert_eq!(run(&client, "echo", "{}").await?, (200, "{}".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_gone_is_told() -> Result<()> {
    let mut server = Setup::new().start().await?;
    deploy(&server, &["hello"]).await?;
    server.kill()?;
    let code = STANDARD.encode(server.programs.sample("hello")?);
    fs::remove_file(blob(&server.data, code.as_bytes()))?;
    let _ = fs::remove_dir_all(server.data.join("cache"));
    let setup = server.setup().announce("blob").announce("code");
    server.restart_as(setup).await?;
    let client = server.client()?;
    let text = "{\"error\":\"Action could not be fetched.\"}";
    assert_eq!(run(&client, "hello", "{}").await?, (500, text.to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_gone_are_told() -> Result<()> {
    let config = "[controller]\nslots = 1";
    let mut server = Setup::new().config(config).start().await?;
    let client = deploy(&server, &["sleep", "echo"]).await?;
    accept(&client, "sleep", "{\"ms\":1500}").await?;
    let payload = format!("{{\"big\":\"{}\"}}", "x".repeat(60_000));
    let id = accept(&client, "echo", &payload).await?;
    server.kill()?;
    fs::remove_file(blob(&server.data, payload.as_bytes()))?;
    let setup = server.setup().announce("blob").announce("parameters");
    server.restart_as(setup).await?;
    let client = server.client()?;
    let record = ended(&client, &id).await?;
    assert_eq!(record.response.status, "whisk internal error");
    let result = record.response.result.context("no result")?;
    let text = "{\"error\":\"The parameters of the activation could not be read.\"}";
    assert_eq!(result.as_str(), text);
    Ok(())
}

/// The path that `ARCHITECTURE.md` lists is the one that an invocation takes: each file of it that
/// touches the world says so at level `trace`, in that order. Files that only decide say nothing.
#[tokio::test]
async fn an_invocation_takes_the_path_that_architecture_lists() -> Result<()> {
    let crates = ["gateway", "controller", "log", "invoker", "wasm"];
    let levels: Vec<_> = crates.iter().map(|it| format!("quirl_{it}=trace")).collect();
    let config = format!("[log]\nlevel = \"info,{}\"\nformat = \"json\"\n", levels.join(","));
    let server = Setup::new().config(&config).start().await?;
    let client = deploy(&server, &["hello"]).await?;
    for _ in 0..2 {
        run(&client, "hello", "{}").await?;
    }
    let (first, last) = ("quirl_gateway::listen", "quirl_controller::http::respond");
    let mut taken = eventually(LIMIT, "two answers are in the log", || {
        let told: Vec<_> = server.log().iter().filter_map(|it| target_of(it)).collect();
        let answers = told.iter().filter(|it| *it == last).count();
        let taken = told.iter().rposition(|it| it == first).map(|at| told[at..].to_vec());
        async move { taken.filter(|_| answers == 2).ok_or_else(|| told.join(" ")) }
    })
    .await?;
    taken.dedup();
    let listed = listed_path()?;
    ensure!(listed.len() > 15, "{listed:?}");
    assert_eq!(taken, listed);
    Ok(())
}

fn target_of(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    (line["level"] == "TRACE").then(|| line["target"].as_str().map(str::to_owned))?
}

/// Modules of the table in `ARCHITECTURE.md`, in its order, without those that only decide.
fn listed_path() -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let text = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let rows = text.lines().skip_while(|line| !line.starts_with("| | file | function"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    let mut path = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (number, files) = (cells[1], cells[2]);
        if number.is_empty() {
            let again = files.split_whitespace().filter(|it| it.parse::<u32>().is_ok());
            for number in again {
                let row =
                    known.iter().find(|(it, _)| it == number).context("a row of the table")?;
                path.extend(row.1.clone());
            }
            continue;
        }
        let modules = files.split('`').filter(|it| it.ends_with(".rs")).filter_map(module_of);
        let modules: Vec<_> = modules.collect();
        path.extend(modules.clone());
        known.push((number.to_owned(), modules));
    }
    path.dedup();
    Ok(path)
}

/// `quirl_controller::http` of `controller/src/http/mod.rs`; nothing of what is pure.
fn module_of(file: &str) -> Option<String> {
    if file.contains("/step") || file.starts_with("core/ledger") {
        return None;
    }
    let (package, module) = file.strip_suffix(".rs")?.split_once("/src/")?;
    let package = package.rsplit('/').next()?;
    let module = module.strip_suffix("/mod").unwrap_or(module).replace('/', "::");
    Some(format!("quirl_{package}::{module}"))
}
