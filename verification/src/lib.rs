//! How we know: specifications that fit on a page, and what compares the product with them.

pub mod fuzz;
pub mod reference;
pub mod workload;
