//! Packages, triggers, rules, feeds and a watched folder, as a user has them: the real `quirl`
//! against the real server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use model::json::Json;
use quirl_tests::eventually::eventually;
use quirl_tests::platform::{Server, Setup, shown};
use rustix::process::{Pid, Signal, kill_process};

/// So long what must happen may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

const HELLO: &str = "function main({ name, region }) { return { text: `${name} of ${region}` } }";
/// A feed that answers what it was told, and does not take an interval of 0.
const FEED: &str = "\
function main({ lifecycleEvent, triggerName, authKey, minutes }) {
    console.log(lifecycleEvent, triggerName, minutes)
    if (lifecycleEvent === 'CREATE' && minutes === 0) return { error: 'no such interval' }
    return { lifecycleEvent, triggerName, minutes, hasKey: authKey.length > 40 }
}";

/// What a command did.
struct Ran {
    line: String,
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ok(self, out: &str) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.line);
        assert!(self.out.contains(out), "{}: {}", self.line, self.out);
        self.out
    }

    #[track_caller]
    fn fails(self, code: i32, err: &str) {
        assert_eq!(self.code, code, "{}: {}", self.line, self.err);
        assert!(self.err.contains(err), "{}: {}", self.line, self.err);
        assert_eq!(self.err.lines().count(), 3, "{}: {}", self.line, self.err);
    }
}

/// Runs a command line of words without spaces inside.
fn quirl(server: &Server, words: &str) -> Result<Ran> {
    let mut command = server.quirl();
    command.args(words.split_whitespace());
    let output = command.output()?;
    Ok(Ran {
        line: shown(&command),
        code: output.status.code().context("killed")?,
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

fn action(server: &Server, folder: &Path, name: &str, source: &str) -> Result<()> {
    let path = folder.join(format!("{}.js", name.replace('/', "-")));
    std::fs::write(&path, source)?;
    let ran = quirl(server, &format!("action create {name} {}", path.display()))?;
    ran.ok(&format!("ok: created action {name}\n"));
    Ok(())
}

/// Waits until so many activations of an action are listed; returns their results, oldest first.
async fn results(server: &Server, action: &str, count: usize) -> Result<Vec<Json>> {
    let client = server.client()?;
    let name = Some(action.to_owned());
    let page = api::client::Page { limit: 0, skip: 0 };
    let filter = api::client::Filter { name, page, ..Default::default() };
    let found = eventually(LIMIT, "the activations are listed", || async {
        match client.records(&filter).await {
            Ok(found) if found.len() >= count => Ok(found),
            Ok(found) => Err(format!("{} of {count}", found.len())),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?;
    ensure!(found.len() == count, "{} activations of {action}, not {count}", found.len());
    let result = |record: api::activation::Record| record.response.result;
    Ok(found.into_iter().rev().map(|record| result(record).unwrap_or_else(Json::null)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_a_trigger_and_a_rule_from_first_to_last() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Setup::new().start().await?;
    let on = |words: &str| quirl(&server, words);
    on("package create utils -p region eu -a description helpers")?
        .ok("ok: created package utils\n");
    action(&server, folder.path(), "utils/hello", HELLO)?;
    on("package bind utils mine -p region us")?.ok("ok: created binding mine\n");
    on("action invoke mine/hello -r -p name Ann")?.ok("\"text\": \"Ann of us\"");
    on("package get utils -s")?.ok(
        "package /guest/utils: helpers\n   (parameters: *region)\n action /guest/utils/hello\n",
    );
    on("package get mine parameters")?.ok("\"value\": \"us\"");
    on("package update utils --shared yes")?.ok("ok: updated package utils\n");
    let line = |name: &str, scope: &str| format!("{name:<70} {scope}\n");
    let (mine, utils) = (line("/guest/mine", "private"), line("/guest/utils", "shared"));
    let listed = on("package list -n")?.ok("");
    assert_eq!(listed, format!("packages\n{mine}{utils}"));

    on("trigger create arrivals -p name Bo")?.ok("ok: created trigger arrivals\n");
    let idle = on("trigger fire arrivals")?;
    assert_eq!((idle.code, idle.out.as_str()), (0, "ok: triggered /_/arrivals with id \n"));
    on("rule create greet arrivals nothing")?.fails(144, "action /guest/nothing does not exist");
    on("rule create greet arrivals mine/hello")?.ok("ok: created rule greet\n");
    on("rule create greet arrivals mine/hello")?.fails(153, "quirl rule update greet");
    on("rule status greet")?.ok("ok: rule greet is active\n");
    let fired = on("trigger fire arrivals --idempotency-key one")?.ok("with id ");
    let again = on("trigger fire arrivals --idempotency-key one")?.ok("with id ");
    assert_eq!(fired, again);
    on("trigger fire arrivals -p name Cy")?.ok("ok: triggered /_/arrivals with id ");
    let mut texts: Vec<_> = results(&server, "mine/hello", 3).await?;
    texts.sort_by_key(|text| text.as_str().to_owned());
    let texts: Vec<_> = texts.iter().map(Json::as_str).collect();
    let expected = ["Ann of us", "Bo of us", "Cy of us"].map(|it| format!(r#"{{"text":"{it}"}}"#));
    assert_eq!(texts, expected);
    let listed = on("activation list arrivals")?.ok("guest/arrivals:");
    assert_eq!(listed.lines().count(), 3, "{listed}");

    on("rule disable greet")?.ok("ok: disabled rule greet\n");
    on("rule get greet -s")?.ok("rule /guest/greet\n   (status: inactive)\n");
    let idle = on("trigger fire arrivals")?;
    assert_eq!((idle.code, idle.out.as_str()), (0, "ok: triggered /_/arrivals with id \n"));
    let all = on("list")?.ok("Entities in namespace: default\n");
    for part in [&mine, &line("/guest/arrivals", "private"), "private              inactive\n"] {
        assert!(all.contains(part), "{all}");
    }

    // In the wrong order: each says what is in the way, or leaves what it must.
    on("package delete utils")?.fails(153, "quirl package delete utils --force");
    on("trigger create utils")?.fails(153, "choose another name");
    on("trigger delete arrivals")?.ok("ok: deleted trigger arrivals\n");
    on("rule enable greet")?.fails(148, "its trigger is gone");
    on("rule status greet")?.ok("ok: rule greet is inactive\n");
    on("rule delete greet --disable")?.ok("ok: deleted rule greet\n");
    on("package delete utils --force")?.ok("ok: deleted package utils\n");
    on("action get utils/hello")?.fails(148, "quirl action list");
    on("package get mine")?.fails(148, "quirl package list");
    on("package delete mine")?.ok("ok: deleted package mine\n");
    on("package refresh")?.fails(148, "bindings follow their package by themselves");
    let all = on("list")?.ok("");
    assert_eq!(all, "Entities in namespace: default\npackages\nactions\ntriggers\nrules\n");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_hears_of_its_trigger() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Setup::new().start().await?;
    let on = |words: &str| quirl(&server, words);
    on("package create alarms")?.ok("");
    action(&server, folder.path(), "alarms/interval", FEED)?;
    on("action update alarms/interval -a feed true")?.ok("");
    on("package get alarms -s")?.ok(" feed   /guest/alarms/interval\n");

    on("trigger create tick --feed alarms/interval -p minutes 0")?
        .fails(246, "did not take CREATE: no such interval");
    on("trigger get tick")?.fails(148, "Unable to get trigger 'tick'");
    on("trigger create tick --feed alarms/nothing")?.fails(148, "could not be told CREATE");
    on("trigger get tick")?.fails(148, "Unable to get trigger 'tick'");
    let made = on("trigger create tick --feed /guest/alarms/interval -p minutes 5")?
        .ok("ok: created trigger tick\n");
    assert!(made.contains("\"hasKey\": true"), "{made}");
    on("trigger get tick annotations")?.ok("\"value\": \"/guest/alarms/interval\"");
    on("trigger get tick parameters")?.ok("[]\n");
    on("trigger get tick")?.ok("\"lifecycleEvent\": \"READ\"");
    on("trigger update tick -p minutes 9")?.ok("\"minutes\": 9");
    on("trigger delete tick")?.ok("ok: deleted trigger tick\n");

    let told = results(&server, "alarms/interval", 6).await?;
    let text = |of: &Json, name: &str| of.member(name).map(|it| it.as_str().to_owned());
    let one = |it| (text(it, "lifecycleEvent").unwrap_or_default(), text(it, "triggerName"));
    let told: Vec<_> = told.iter().map(one).collect();
    let tick = Some("\"/_/tick\"".to_owned());
    let event = |event: &str| (format!("\"{event}\""), tick.clone());
    // The first was refused, so its result is an error; its end was told all the same.
    let expected = [
        (String::new(), None),
        event("DELETE"),
        event("CREATE"),
        event("READ"),
        event("UPDATE"),
        event("DELETE"),
    ];
    assert_eq!(told, expected);
    Ok(())
}

/// A watch in the background; killed when it is dropped.
struct Watching {
    child: Child,
    out: Receiver<String>,
}

impl Watching {
    fn begin(server: &Server, folder: &Path, flags: &[&str]) -> Result<Self> {
        let mut command = server.quirl();
        command.arg("watch").arg(folder).args(["--fire", "arrivals", "--pattern", "*.csv"]);
        command.args(["--apihost", &server.address, "--auth", &server.key()?]);
        command.args(flags).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, out) = sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, out })
    }

    fn line(&self) -> Result<String> {
        self.out.recv_timeout(LIMIT).context("the watch says nothing")
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Restarts the server so that it dies when it has synced one more record, before it is told.
async fn dying_after_the_next_sync(server: &mut Server) -> Result<()> {
    let plain = server.setup();
    for nth in 1..20 {
        // A start syncs a few records of its own: the first number that it survives is ours.
        let dying = plain.clone().kill_at("after-sync", nth);
        if server.restart_as(dying).await.is_ok() {
            return Ok(());
        }
    }
    bail!("the server does not outlive its start");
}

fn arrive(folder: &Path, name: &str, content: &str) -> Result<()> {
    let passing = folder.join(format!("{name}.tmp"));
    std::fs::write(&passing, content)?;
    Ok(std::fs::rename(passing, folder.join(name))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_file_is_fired_once_over_a_kill_of_the_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inbox = folder.path().join("inbox");
    std::fs::create_dir(&inbox)?;
    let mut server = Setup::new().start().await?;
    let source = "function main({ name, size, content }) { return { name, size, content } }";
    action(&server, folder.path(), "read", source)?;
    quirl(&server, "trigger create arrivals")?.ok("");
    quirl(&server, "rule create r arrivals read")?.ok("");
    arrive(&inbox, "0.csv", "zero")?;
    arrive(&inbox, "0.txt", "left out")?;

    let mut watching =
        Watching::begin(&server, &inbox, &["--existing", "--content", "--once", "9"])?;
    let mut lines = vec![watching.line()?];
    std::fs::write(inbox.join("1.csv"), "one")?;
    lines.push(watching.line()?);
    for number in 2..8 {
        arrive(&inbox, &format!("{number}.csv"), "x")?;
        match number {
            // Between an accepted fire and its answer, or before it, or after it: it is not known.
            2 | 4 => drop(server.kill()?),
            3 | 5 => server.restart().await?,
            _ => {}
        }
    }
    while lines.len() < 8 {
        lines.push(watching.line()?);
    }
    // Accepted for good, and nobody was told. Nothing else is written meanwhile.
    results(&server, "read", 8).await?;
    let plain = server.setup();
    dying_after_the_next_sync(&mut server).await?;
    arrive(&inbox, "8.csv", "x")?;
    server.end(LIMIT).await?;
    server.restart_as(plain).await?;
    let line = watching.line()?;
    ensure!(line.ends_with(" for 8.csv, as before"), "{line}");
    lines.push(line);
    ensure!(watching.child.wait()?.success(), "{lines:?}");
    for number in 0..9 {
        let name = format!(" for {number}.csv");
        let count = lines.iter().filter(|line| line.contains(&name)).count();
        assert_eq!(count, 1, "{name}: {lines:?}");
    }
    let found = results(&server, "read", 9).await?;
    let mut found: Vec<_> = found.iter().map(|it| it.as_str().to_owned()).collect();
    found.sort();
    let mut expected = vec![
        r#"{"name":"0.csv","size":4,"content":"zero"}"#.to_owned(),
        r#"{"name":"1.csv","size":3,"content":"one"}"#.to_owned(),
    ];
    let one = |number| format!(r#"{{"name":"{number}.csv","size":1,"content":"x"}}"#);
    expected.extend((2..9).map(one));
    assert_eq!(found, expected);

    // A second watch of the same folder is answered from what was fired before.
    let mut again = Watching::begin(&server, &inbox, &["--existing", "--content"])?;
    for _ in 0..9 {
        let line = again.line()?;
        assert!(line.ends_with(", as before"), "{line}");
    }
    let pid = i32::try_from(again.child.id()).ok().and_then(Pid::from_raw).context("no pid")?;
    kill_process(pid, Signal::INT)?;
    ensure!(again.child.wait()?.success(), "Ctrl-C is no failure");
    results(&server, "read", 9).await?;
    Ok(())
}
