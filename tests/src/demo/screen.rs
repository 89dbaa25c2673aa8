//! What the demo says, and how long it takes.

use std::io::Write as _;
use std::time::Instant;

/// The phases, and when each began.
#[derive(Debug)]
pub struct Screen {
    phases: usize,
    current: usize,
    began: Instant,
    phase_began: Instant,
}

impl Screen {
    /// Before so many phases.
    #[must_use]
    pub fn new(phases: usize) -> Self {
        let now = Instant::now();
        Self { phases, current: 0, began: now, phase_began: now }
    }

    /// What this is about.
    pub fn introduce(&self) {
        say(
            "Two pipelines of actions in WebAssembly and JavaScript on real data. In the middle of it the",
        );
        say("server is ended by kill -9 and started again; then every record is read and counted.");
        say("All of it usually takes 7 s.");
    }

    /// The next phase begins; `usually` is how long it takes as a rule.
    pub fn phase(&mut self, title: &str, usually: &str) {
        self.end_phase();
        self.current += 1;
        self.phase_began = Instant::now();
        say(&format!("\n[{}/{}] {title} (usually {usually})", self.current, self.phases));
    }

    /// The first record has been read.
    pub fn first_record(&self) {
        let seconds = self.began.elapsed().as_secs_f64();
        say(&format!("\n  The first record was there {seconds:.1} s after the start of the demo."));
    }

    /// The last phase is over.
    pub fn end(&mut self) {
        self.end_phase();
        say(&format!("\nAll is well, after {:.1} s.", self.began.elapsed().as_secs_f64()));
    }

    fn end_phase(&self) {
        if self.current > 0 {
            say(&format!("  took {:.1} s", self.phase_began.elapsed().as_secs_f64()));
        }
    }
}

/// Prints a line, or several.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: that is no reason to leave a server half-way.
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}
