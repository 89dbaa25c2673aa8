//! What happened and what follows from it: every record, and the pure fold over them.

pub mod record;
