//! The history: what its hashes are made of, and that it tells exactly what the tables hold,
//! whatever was done, in whatever order and however often it arrived.
//!
//! `PUNCTAJ_PROPTEST_CASES` sets how many cases each property test tries, `PUNCTAJ_PROPTEST_SEED`
//! which ones.

mod canonical;
mod chain;
mod explore;
mod late;
mod order;
mod sequences;
mod vectors;
