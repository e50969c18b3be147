//! TEMP
use crate::Check;
use rules::{Rule, RuleId};
/// x
#[derive(Debug)]
pub struct Conflict {
    /// x
    pub newer: RuleId,
    /// x
    pub older: RuleId,
    /// x
    pub why: String,
}
/// x
pub fn conflicts(_r: &[(&Rule, &Check)], _n: impl Fn(&RuleId, &RuleId) -> bool) -> Vec<Conflict> {
    Vec::new()
}
