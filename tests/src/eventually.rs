//! Waiting for a state, with a limit and the value that was seen last.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until `look` brings a value; what it says meanwhile is told if it does
/// not come to that within `limit`.
///
/// # Errors
/// `what` was not so within `limit`.
pub async fn eventually<T, E, F>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<T>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let start = Instant::now();
    loop {
        match look().await {
            Ok(value) => return Ok(value),
            Err(seen) if start.elapsed() > limit => {
                bail!("{what}: not within {:.1} s; last seen: {seen}", limit.as_secs_f64())
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_thing_seen_is_told() {
        let mut looks = 0;
        let found = eventually(Duration::from_secs(5), "three looks", || {
            looks += 1;
            let looks = looks;
            async move { if looks == 3 { Ok(looks) } else { Err(looks) } }
        });
        assert_eq!(found.await.unwrap(), 3);
        let never = || async { Err::<(), _>("nothing") };
        let told = eventually(Duration::ZERO, "a wonder", never).await.unwrap_err();
        assert_eq!(told.to_string(), "a wonder: not within 0.0 s; last seen: nothing");
    }
}
