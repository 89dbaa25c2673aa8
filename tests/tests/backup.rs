//! Backups of a server at work, and what is restored of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use api::admin::Admin;
use api::client::{Client, Error, Invoke, Name};
use api::entity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::json::Json;
use quirl_tests::eventually::eventually;
use quirl_tests::platform::{Server, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

fn admin(server: &Server) -> Admin {
    let socket = server.data.join("admin.sock");
    Admin::at_socket(&socket).with_patience(Duration::from_secs(30))
}

fn name(text: &str) -> Result<Name> {
    Ok(Name::parse(text, "_")?)
}

async fn deploy(server: &Server) -> Result<Client> {
    let client = server.client()?;
    let put = entity::Put::code("wasm:default", &STANDARD.encode(server.programs.sample("hello")?));
    client.put_action(&name("hello")?, &put, false).await?;
    Ok(client)
}

/// Accepts an invocation whose payload is too large for a record, every other time.
async fn accept(client: &Client, nth: usize) -> Result<String> {
    let text = "x".repeat(if nth.is_multiple_of(2) { 10 } else { 40_000 });
    let payload = Json::of(&json!({ "name": format!("{nth}{text}") }));
    let accepted = client.invoke(&name("hello")?, &payload, Invoke::default()).await?;
    Ok(accepted.id().context("no id")?.to_owned())
}

async fn refused(admin: &Admin, folder: &str) -> Result<(u16, String)> {
    match admin.start_backup(folder).await {
        Err(Error::Refused(refusal)) => Ok((refusal.status, refusal.text)),
        other => bail!("{folder}: {other:?}"),
    }
}

/// Makes a backup and returns its document.
async fn back_up(admin: &Admin, folder: &Path) -> Result<api::admin::Backup> {
    let begun = admin.start_backup(&folder.to_string_lossy()).await?;
    assert_eq!((begun.state.as_str(), begun.done), ("running", Some(0)));
    loop {
        let backup = admin.backup(&begun.backup).await?;
        if backup.state != "running" {
            return Ok(backup);
        }
        ensure!(backup.done.is_some_and(|done| done < 100), "{backup:?}");
        tokio::task::yield_now().await;
    }
}

fn restore(server: &Server, backup: &Path, data: &Path) -> Result<Output> {
    let mut command = Command::new(&server.programs.quirld);
    let command = command.arg("restore").arg(backup).arg("--data").arg(data);
    command.env_remove("QUIRL_DATA").output().context("run quirld restore")
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

/// Every file of a folder, by its name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.append(&mut files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_ended_before_a_backup_is_in_it_and_nothing_in_it_is_doubled() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Setup::new().start().await?;
    let client = deploy(&server).await?;
    let mut before = BTreeMap::new();
    for nth in 0..40 {
        let id = accept(&client, nth).await?;
        before.insert(id.clone(), eventually(LIMIT, "it ends", || client.activation(&id)).await?);
    }
    // Work goes on while it is made.
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut ids = Vec::new();
                while ids.len() < 300 && !stop.load(Ordering::Relaxed) {
                    ids.push(accept(&client, ids.len()).await?);
                }
                Ok::<_, anyhow::Error>(ids)
            })
        })
        .collect();
    let first = folder.path().join("new/monday");
    let backup = back_up(&admin(&server), &first).await?;
    assert_eq!((backup.state.as_str(), backup.done), ("done", Some(100)), "{backup:?}");
    let second = back_up(&admin(&server), &folder.path().join("tuesday")).await?;
    assert!(second.offset > backup.offset && second.bytes >= backup.bytes, "{second:?}");
    stop.store(true, Ordering::Relaxed);
    let mut during = Vec::new();
    for worker in load {
        during.append(&mut worker.await??);
    }
    let key = server.key()?;
    for path in files(&first)? {
        assert_eq!(path.metadata()?.permissions().mode() & 0o777, 0o600, "{}", path.display());
    }

    let data = folder.path().join("data");
    let restored = restore(&server, &first, &data)?;
    let offset = backup.offset.context("an offset")?;
    let told = text(&restored);
    ensure!(
        restored.status.success() && told.contains(&format!("up to record {offset}")),
        "{told}"
    );
    let setup = Setup::new().data(&data).announce("restored from a backup");
    let mut again = setup.announce("index").start().await?;
    assert_eq!(again.key()?, key);
    let told: Vec<_> = again.log().into_iter().filter(|it| it.contains("restored")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let client = again.client()?;
    for (id, record) in &before {
        let found = eventually(LIMIT, "the index is built", || client.activation(id)).await?;
        assert_eq!(found, *record);
    }
    // Of the others those that were accepted by then: each has ended or ends, once.
    let mut known = 0;
    for id in &during {
        let is_open = |error: &Error| match error {
            Error::Refused(refusal) => refusal.is_open(),
            _ => false,
        };
        match client.activation(id).await {
            Err(error) if !is_open(&error) && error.status() == Some(404) => continue,
            _ => known += 1,
        }
        let record = eventually(LIMIT, "it ends", || client.activation(id)).await?;
        assert!(record.response.success, "{record:?}");
    }
    println!("{known} of {} that were accepted meanwhile are in the backup", during.len());
    accept(&client, 0).await?;
    again.stop().await?;
    let mut again = Setup::new().data(&data).start().await?;
    ensure!(!again.log().iter().any(|line| line.contains("restored")), "it is told once");
    again.stop().await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_take_a_backup_is_refused_with_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Setup::new().start().await?;
    deploy(&server).await?;
    let admin = admin(&server);
    let data = server.data.display().to_string();
    let full = folder.path().join("full");
    fs::create_dir(&full)?;
    fs::write(full.join("x"), "x")?;
    let full = full.display().to_string();
    for (asked, reason) in [
        ("monday", "it is not an absolute path"),
        ("", "it is not an absolute path"),
        (full.as_str(), "it is not empty"),
        (&format!("{full}/x"), "it cannot be written"),
        (&format!("{full}/x/y"), "it cannot be written"),
        ("/proc/quirl", "it cannot be written"),
        (&data, "it lies in the data folder"),
        (&format!("{data}/new/backup"), "it lies in the data folder"),
    ] {
        let text = format!("The folder '{asked}' cannot be used for a backup: {reason}.");
        assert_eq!(refused(&admin, asked).await?, (400, text));
    }
    assert!(!server.data.join("new").exists(), "a refusal leaves nothing");
    for (body, reason) in [
        (r#"{"folder":7}"#, "'folder' must be a string."),
        ("{}", "'folder' must be a string."),
        (r#"{"fodler":"/x"}"#, "unknown field 'fodler'; did you mean 'folder'?"),
        ("[]", "JSON object expected"),
    ] {
        let body = bytes::Bytes::from_static(body.as_bytes());
        let answer = admin.send(http::Method::POST, "/admin/v1/backups", Some(body)).await?;
        let error: api::error::Error = serde_json::from_slice(&answer.body)?;
        let text = format!("The request content was malformed:\n{reason}");
        assert_eq!((answer.status, error.error), (400, text));
    }
    for unknown in ["b1", "b", "7", "b18446744073709551616"] {
        assert_eq!(admin.backup(unknown).await.err().and_then(|it| it.status()), Some(404));
    }
    // A file with no bytes on disk that would not fit on any.
    let large = File::create(server.data.join("blobs").join("large"))?;
    large.set_len(1 << 42)?;
    let target = folder.path().join("monday");
    let (status, text) = refused(&admin, &target.display().to_string()).await?;
    ensure!(status == 400 && text.contains(" bytes free and "), "{text}");
    // One that takes a while: meanwhile there is no other.
    large.set_len(512 << 20)?;
    let begun = admin.start_backup(&target.display().to_string()).await?;
    let (status, text) = refused(&admin, &folder.path().join("other").to_string_lossy()).await?;
    let percent = text.strip_prefix("A backup is already running (");
    let percent = percent.and_then(|rest| rest.strip_suffix(" % done).")).unwrap_or_default();
    ensure!(status == 409 && percent.parse::<u8>().is_ok(), "{text}");
    let done = async || match admin.backup(&begun.backup).await {
        Ok(backup) if backup.state == "done" => Ok(backup),
        other => bail!("{other:?}"),
    };
    eventually(LIMIT, "it is made", done).await?;
    server.stop().await
}

/// Whether anything was written since or not, and whatever became of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn one_backup_follows_another() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Setup::new().start().await?;
    let client = deploy(&server).await?;
    let admin = Admin::at_socket(&server.data.join("admin.sock"));
    let mut last = None;
    for (nth, writes) in [1, 0, 0, 3, 0].into_iter().enumerate() {
        for nth in 0..writes {
            accept(&client, nth).await?;
        }
        let made = back_up(&admin, &folder.path().join(nth.to_string())).await?;
        ensure!(made.offset >= last, "{made:?} is older than {last:?}");
        last = made.offset;
    }
    server.restart().await?;
    let made = back_up(&admin, &folder.path().join("again")).await?;
    ensure!(made.offset > last, "{made:?}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_of_what_is_damaged_or_half() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Setup::new().start().await?;
    let client = deploy(&server).await?;
    for nth in 0..10 {
        accept(&client, nth).await?;
    }
    let backup = folder.path().join("monday");
    let made = server.quirl().arg("backup").arg(&backup).output()?;
    ensure!(made.status.success(), "{}", text(&made));
    ensure!(text(&made).contains("quirld restore"), "{}", text(&made));
    let data = folder.path().join("data");
    let mut judged = 0;
    for path in files(&backup)? {
        let bytes = fs::read(&path)?;
        let changes: [Option<Vec<u8>>; 3] = [
            None,
            Some(bytes[..bytes.len() / 2].to_vec()),
            Some(
                bytes
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| if at == 7 { !byte } else { *byte })
                    .collect(),
            ),
        ];
        for change in changes {
            if path.exists() {
                fs::remove_file(&path)?;
            }
            if let Some(change) = &change {
                fs::write(&path, change)?;
            }
            let tried = restore(&server, &backup, &data)?;
            let told = text(&tried);
            ensure!(!tried.status.success(), "{}: {told}", path.display());
            ensure!(told.contains("Nothing was restored"), "{told}");
            let name = path.file_name().context("a name")?.to_string_lossy();
            ensure!(told.contains(&*name) || told.contains("no backup"), "{told}");
            let left = files(&data).unwrap_or_default();
            ensure!(left.iter().all(|path| path.ends_with("LOCK")), "left: {left:?}");
            judged += 1;
        }
        fs::write(&path, &bytes)?;
    }
    println!("{judged} damaged backups were refused");
    ensure!(judged >= 30, "{judged}");
    fs::create_dir_all(&data)?;
    fs::write(data.join("mine"), "x")?;
    let tried = restore(&server, &backup, &data)?;
    ensure!(text(&tried).contains("is not empty"), "{}", text(&tried));
    fs::remove_file(data.join("mine"))?;
    let restored = restore(&server, &backup, &data)?;
    ensure!(restored.status.success(), "{}", text(&restored));
    let tried = restore(&server, &backup, &server.data)?;
    ensure!(text(&tried).contains("is in use by process"), "{}", text(&tried));
    // Its list is as whole as the rest.
    let file = File::options().write(true).open(backup.join("BACKUP"))?;
    file.write_at(b"9", 22)?;
    let tried = restore(&server, &backup, &folder.path().join("other"))?;
    ensure!(text(&tried).contains("no backup"), "{}", text(&tried));
    server.stop().await
}
