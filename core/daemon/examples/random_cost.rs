//! What a random id costs: `cargo run --release -p quirl-daemon --example random_cost`.
#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::hint::black_box;

use quirl_daemon::clock::Clock;
use quirl_daemon::random::Random;

const DRAWS: u32 = 20_000_000;

fn main() {
    let clock = Clock::system();
    let random = Random::system().expect("random bytes");
    let time = |what: &str, draw: &dyn Fn()| {
        let before = clock.now();
        (0..DRAWS).for_each(|_| draw());
        let ns = clock.now().since(before).as_secs_f64() * 1e9 / f64::from(DRAWS);
        println!("{what}: {ns:.1} ns");
    };
    time("16 random bytes", &|| {
        black_box(random.bytes::<16>());
    });
    time("moment", &|| {
        black_box(clock.now());
    });
}
