//! How we know: specifications that fit on a page, and what compares the product with them.

pub mod fuzz;
pub mod model;
pub mod reference;
pub mod workload;
