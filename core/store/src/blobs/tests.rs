//! What blobs promise, on a temporary folder.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

fn open() -> (TempDir, Blobs) {
    let folder = TempDir::new().unwrap();
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    (folder, blobs)
}

/// As if nobody had touched the blob since that second.
fn touched_at(blobs: &Blobs, digest: Digest, second: u64) {
    let file = File::options().write(true).open(blobs.path(digest)).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(second)).unwrap();
}

fn touched(blobs: &Blobs, digest: Digest) -> WallTime {
    wall_time(fs::metadata(blobs.path(digest)).unwrap().modified().unwrap())
}

#[test]
fn what_was_put_is_there_under_its_hash_also_after_a_restart() {
    let (folder, blobs) = open();
    for bytes in [&b""[..], b"hello", &[7; 300_000]] {
        let digest = blobs.put(bytes).unwrap();
        assert_eq!(digest, digest_of(bytes));
        assert!(blobs.exists(digest).unwrap());
        let again = Blobs::open(&folder.path().join("blobs")).unwrap();
        assert_eq!(again.get(digest).unwrap(), bytes);
    }
    let hello = digest_of(b"hello").to_string();
    assert_eq!(hello, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert!(folder.path().join("blobs/2c").join(hello).is_file());
}

#[test]
fn f104_a_missing_blob_is_told() {
    let (_folder, blobs) = open();
    let digest = digest_of(b"never put");
    assert!(!blobs.exists(digest).unwrap());
    assert!(matches!(blobs.get(digest), Err(Error::Missing { digest: it }) if it == digest));
    assert!(matches!(blobs.touch(digest), Err(Error::Missing { .. })));
    assert!(!blobs.get(digest).unwrap_err().is_transient());
}

#[test]
fn i31_a_damaged_blob_is_told_and_the_next_put_heals_it() {
    let (_folder, blobs) = open();
    let bytes = vec![1_u8; 5_000];
    let digest = blobs.put(&bytes).unwrap();
    let path = blobs.path(digest);
    let flipped = {
        let mut flipped = bytes.clone();
        flipped[2_500] ^= 1;
        flipped
    };
    for harm in [&flipped[..], &bytes[..4_999], &[], &[bytes.clone(), vec![1]].concat()] {
        fs::write(&path, harm).unwrap();
        assert!(matches!(blobs.get(digest), Err(Error::Damaged { .. })));
        assert_eq!(blobs.put(&bytes).unwrap(), digest);
        assert_eq!(blobs.get(digest).unwrap(), bytes);
    }
    fs::remove_file(&path).unwrap();
    blobs.put(&bytes).unwrap();
    assert_eq!(blobs.get(digest).unwrap(), bytes);
}

#[test]
fn i31_the_collector_spares_what_is_named_or_was_touched() {
    let (_folder, blobs) = open();
    let contents = [&b"named"[..], b"touched", b"put again", b"new", b"forgotten"];
    let [named, touched, again, new, forgotten] = contents.map(|it| blobs.put(it).unwrap());
    for old in [named, touched, again, forgotten] {
        touched_at(&blobs, old, 1_000);
    }
    blobs.touch(touched).unwrap();
    blobs.put(b"put again").unwrap();
    let stranger = blobs.path(new).with_file_name("README");
    fs::write(&stranger, "not ours").unwrap();

    let collected = blobs.remove_untouched(&|it| it == named, WallTime(1_000_001)).unwrap();
    let expected = Collected { seen: 5, removed: 1, freed: ByteSize::bytes(9) };
    assert_eq!(collected, expected);
    for kept in [named, touched, again, new] {
        assert!(blobs.exists(kept).unwrap());
    }
    assert!(!blobs.exists(forgotten).unwrap());
    assert!(stranger.exists());
}

#[test]
fn the_time_before_which_blobs_go_is_not_itself_before() {
    let (_folder, blobs) = open();
    let digest = blobs.put(b"old").unwrap();
    touched_at(&blobs, digest, 1_000);
    assert_eq!(touched(&blobs, digest), WallTime(1_000_000));
    let collect = |ms| blobs.remove_untouched(&|_| false, WallTime(ms)).unwrap().removed;
    assert_eq!((collect(1_000_000), collect(1_000_001)), (0, 1));
}

#[test]
fn f158_a_blob_that_is_put_while_it_is_collected_is_there_afterwards() {
    let (_folder, blobs) = open();
    let bytes = b"put and collected";
    for _ in 0..50 {
        let digest = blobs.put(bytes).unwrap();
        touched_at(&blobs, digest, 1_000);
        let collector = std::thread::spawn({
            let blobs = blobs.clone();
            move || blobs.remove_untouched(&|_| false, WallTime(1_000_001)).unwrap()
        });
        blobs.put(bytes).unwrap();
        collector.join().unwrap();
        assert_eq!(blobs.get(digest).unwrap(), &bytes[..]);
    }
}

#[test]
fn many_may_put_the_same_and_different_bytes_at_once() {
    let (folder, blobs) = open();
    let threads: Vec<_> = (0..4_u8)
        .map(|thread| {
            let blobs = blobs.clone();
            std::thread::spawn(move || {
                (0..20).map(|n| blobs.put(&[n % 10 + thread / 2; 1_000]).unwrap()).collect()
            })
        })
        .collect();
    let digests: BTreeSet<Digest> =
        threads.into_iter().flat_map(|it| -> Vec<Digest> { it.join().unwrap() }).collect();
    assert_eq!(digests.len(), 11);
    for digest in digests {
        assert_eq!(digest_of(&blobs.get(digest).unwrap()), digest);
    }
    let left = fs::read_dir(folder.path().join("blobs/new")).unwrap().count();
    assert_eq!(left, 0, "nothing half-written is left behind");
}

#[test]
fn what_a_crash_left_half_written_is_removed_and_never_read() {
    let (folder, blobs) = open();
    let half = folder.path().join("blobs/new/0");
    fs::write(&half, "half a bl").unwrap();
    drop(blobs);
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    assert!(!half.exists());
    assert_eq!(blobs.remove_untouched(&|_| false, WallTime(i64::MAX)).unwrap().seen, 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_its_path() {
    let (folder, blobs) = open();
    // Stands where a folder should be made.
    let digest = digest_of(b"x");
    fs::write(folder.path().join("blobs").join(hex(digest.0[0])), "").unwrap();
    let error = blobs.put(b"x").unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("blobs"), "{error}");
}

#[tokio::test]
async fn handlers_do_not_block() {
    let (_folder, blobs) = open();
    let digest = blobs.put_async(Bytes::from_static(b"async")).await.unwrap();
    assert!(blobs.exists_async(digest).await.unwrap());
    blobs.touch_async(digest).await.unwrap();
    assert_eq!(blobs.get_async(digest).await.unwrap(), &b"async"[..]);
}
