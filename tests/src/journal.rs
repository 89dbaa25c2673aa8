//! TAKEN: written by the helper of chaos since 11:17.
