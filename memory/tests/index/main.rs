//! The indexes against short references over the store, along random histories and with faults.

mod faults;
mod finding;
mod histories;
mod scale;
mod setup;
