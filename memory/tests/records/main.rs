//! Records from end to end: transactions, imports, exports, and what is never written.

mod datasets;
mod imports;
mod memories;
mod processes;
mod secrets;
