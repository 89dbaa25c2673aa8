//! How long a frame takes from its append until it is read back, beside a bare `fdatasync`.
//!
//! `cargo run --release -p quirl-log --example latency -- FOLDER [FRAMES]`. Nothing here is
//! asserted: the numbers are for people.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures, and tells")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use model::id::Offset;
use quirl_log::embedded::{Config, Embedded};
use quirl_log::{Item, Log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder")?;
    let frames: u64 = arguments.next().map_or(Ok(20_000), |it| it.parse())?;
    std::fs::create_dir_all(&folder)?;
    bare_sync(&folder)?;
    let begun = Instant::now();
    let mut config = Config::new(&folder, [1; 16]);
    config.now = Arc::new(move || begun.elapsed());
    let log = Embedded::open(config, None)?;
    println!("opened in {:?}: {:?}", begun.elapsed(), log.start());
    let frame = Bytes::from(vec![b'x'; 450]);
    for callers in [1, 16, 64, 256] {
        measure(&log, &frame, callers, frames.min(callers * 5_000)).await?;
    }
    Ok(())
}

/// Keeps so many frames on the way.
async fn measure(
    log: &Embedded,
    frame: &Bytes,
    callers: u64,
    frames: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut stream = log.read(Offset(log.end().0 + 1));
    let mut sent = std::collections::VecDeque::new();
    let mut took = Vec::new();
    let begun = Instant::now();
    for _ in 0..callers {
        sent.push_back(Instant::now());
        log.append(frame.clone())?;
    }
    while (took.len() as u64) < frames {
        let batch = stream.next().await.ok_or("closed")??;
        for item in batch.items {
            if let Item::Frame(..) = item
                && let Some(at) = sent.pop_front()
            {
                took.push(at.elapsed());
                sent.push_back(Instant::now());
                log.append(frame.clone())?;
            }
        }
    }
    let all = begun.elapsed();
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or(Duration::ZERO);
    let rate = took.len() as u128 * 1_000_000_000 / all.as_nanos().max(1);
    println!("{callers:>4} on the way: p50 {:?}, p99 {:?}, {rate} frames/s", at(50), at(99));
    // What is still on the way is not waited for; the next round begins behind it.
    while !sent.is_empty() {
        let batch = stream.next().await.ok_or("closed")??;
        sent.drain(..batch.items.iter().filter(|it| matches!(it, Item::Frame(..))).count());
    }
    Ok(())
}

fn bare_sync(folder: &str) -> Result<(), Box<dyn std::error::Error>> {
    use std::os::unix::fs::FileExt;
    let path = format!("{folder}/bare");
    let file = std::fs::File::create(&path)?;
    file.write_all_at(&vec![0; 8 << 20], 0)?;
    file.sync_all()?;
    let mut took = Vec::new();
    for n in 0..2_000 {
        let begun = Instant::now();
        file.write_all_at(&[b'x'; 490], n * 490)?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    std::fs::remove_file(&path)?;
    took.sort_unstable();
    println!("bare write + fdatasync: p50 {:?}, p99 {:?}", took[1_000], took[1_980]);
    Ok(())
}
