//! Random numbers: from the operating system for a server, from a seed for a test.
//!
//! Both are ChaCha, so both are fit for ids and keys. The real one has a generator per thread,
//! seeded from the operating system and again after every MiB: no lock and no system call on the
//! way of an activation id.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use rand_chacha::{ChaCha12Rng, ChaCha20Rng};

/// After so many bytes a thread's generator is seeded anew.
const RESEED_AFTER: usize = 1 << 20;

/// Draws random numbers. Cheap to clone.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    /// What the generators of the threads are seeded from: one for the process, so that a thread
    /// has one generator however many handles it draws through.
    System(&'static Mutex<ChaCha20Rng>),
    Seeded(Arc<Mutex<ChaCha12Rng>>),
}

/// The operating system gives no random bytes: nothing that needs a key may start.
#[derive(Debug, thiserror::Error)]
#[error("get random bytes from the operating system; without them no id and no key can be made")]
pub struct Unavailable(#[source] getrandom::Error);

/// The generator of one thread.
struct Local {
    left: usize,
    generator: ChaCha12Rng,
}

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

impl Random {
    /// Random numbers that nobody can foresee.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn system() -> Result<Self, Unavailable> {
        static ROOT: OnceLock<Mutex<ChaCha20Rng>> = OnceLock::new();
        let fresh = ChaCha20Rng::from_seed(os_seed().map_err(Unavailable)?);
        Ok(Self(Source::System(ROOT.get_or_init(|| Mutex::new(fresh)))))
    }

    /// The same numbers for the same seed, in the order in which they are drawn from this handle
    /// and its clones: for tests and the simulator.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))))
    }

    /// So many random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number of 64 random bits.
    #[must_use]
    pub fn u64(&self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A number in `0..below`; 0 if `below` is 0. Off by at most `below / 2^64`.
    #[must_use]
    pub fn below(&self, below: u64) -> u64 {
        let wide = u128::from(self.u64()) * u128::from(below);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            // A panic while a number is drawn leaves a generator that draws on.
            Source::Seeded(generator) => {
                generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
            }
            Source::System(root) => LOCAL.with_borrow_mut(|local| {
                let local = match local.as_mut().filter(|local| local.left >= bytes.len()) {
                    Some(local) => local,
                    None => local.insert(Local {
                        left: RESEED_AFTER.max(bytes.len()),
                        generator: new_generator(root),
                    }),
                };
                local.left -= bytes.len();
                local.generator.fill_bytes(bytes);
            }),
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// A seed from the root, which nobody knows, mixed with fresh bytes of the operating system if it
/// has any: it did when the root was made.
fn new_generator(root: &Mutex<ChaCha20Rng>) -> ChaCha12Rng {
    let mut seed = [0; 32];
    root.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut seed);
    if let Ok(fresh) = os_seed() {
        seed.iter_mut().zip(fresh).for_each(|(byte, fresh)| *byte ^= fresh);
    }
    ChaCha12Rng::from_seed(seed)
}

#[expect(clippy::disallowed_methods, reason = "this is the place that draws")]
fn os_seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_another_does_not() {
        let draw = |seed| {
            let random = Random::seeded(seed);
            (random.bytes::<16>(), random.clone().u64(), random.below(10))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn no_two_draws_of_any_thread_or_handle_are_equal() {
        let first = Random::system().unwrap();
        let second = Random::system().unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (first, second) = (first.clone(), second.clone());
                std::thread::spawn(move || {
                    let draws = (0..1_000).flat_map(|_| [first.bytes::<16>(), second.bytes()]);
                    draws.collect::<Vec<_>>()
                })
            })
            .collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 8_000);
    }

    #[test]
    fn more_than_one_seed_gives_at_a_time_can_be_drawn() {
        let mut bytes = vec![0; 3 * RESEED_AFTER];
        Random::system().unwrap().fill(&mut bytes);
        assert!(bytes.chunks(32).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn numbers_below_a_bound_reach_all_of_them_and_no_more() {
        let random = Random::seeded(7);
        let drawn: BTreeSet<_> = (0..1_000).map(|_| random.below(6)).collect();
        assert_eq!(drawn, (0..6).collect());
        assert_eq!(random.below(0), 0);
    }
}
