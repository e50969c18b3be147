//! Tenants: whose memories and state these are. Every key of a cell is made here, from a tenant, so that no code path can
//! name another tenant's cell.

use crate::record::{ContentHash, RecordId};
use consistency::range::Range;
use consistency::{Key, Malformed, Millis};
use std::fmt;

/// What keys of our own begin with; state that agents share never does.
pub const RESERVED: &str = "@";
/// The longest name of a tenant, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Whose cells are meant; made from a credential, never from what a request says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// The tenant of who needs no key: this machine's user.
    pub const LOCAL: &str = "local";

    /// The tenant of that name: 1 to 64 of `a`–`z`, `0`–`9`, `-` and `_`.
    ///
    /// # Errors
    /// The name, where it is none.
    pub fn new(name: &str) -> Result<Tenant, BadTenant> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(fits) {
            return Err(BadTenant(name.to_owned()));
        }
        Ok(Tenant(name.to_owned()))
    }

    /// This machine's user.
    pub fn local() -> Tenant {
        Tenant(Tenant::LOCAL.to_owned())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Tells whether this is this machine's user.
    pub fn is_local(&self) -> bool {
        self.0 == Tenant::LOCAL
    }

    /// What the keys of the records begin with.
    pub fn records(&self) -> String {
        format!("@memory/{}/record/", self.0)
    }

    /// The key of a record's cell.
    pub fn record(&self, id: RecordId) -> String {
        format!("@memory/{}/record/{id}", self.0)
    }

    /// The key of the cell that says which record has some content in some scope.
    pub(crate) fn content(&self, hash: &ContentHash) -> String {
        format!("@memory/{}/content/{hash}", self.0)
    }

    /// The key of the cell that holds what happened to a record.
    pub(crate) fn past(&self, id: RecordId) -> String {
        format!("@memory/{}/past/{id}", self.0)
    }

    /// What the keys begin with of the cells that hold what happened to records.
    pub(crate) fn pasts(&self) -> String {
        format!("@memory/{}/past/", self.0)
    }

    /// The key of the cell that says what ends at a moment; the zeros make the order of keys that of time.
    pub(crate) fn due(&self, moment: Millis, name: &str) -> String {
        format!("@memory/{}/due/{moment:020}/{name}", self.0)
    }

    /// What the keys begin with of the cells that say which records rest on one.
    pub(crate) fn resting(&self, input: RecordId) -> String {
        format!("@memory/{}/rests/{input}/", self.0)
    }

    /// The key of the cell that says that a record rests on another.
    pub(crate) fn rests(&self, input: RecordId, record: RecordId) -> String {
        format!("@memory/{}/rests/{input}/{record}", self.0)
    }

    /// What the keys of all cells of the memories begin with.
    pub fn memories(&self) -> String {
        format!("@memory/{}/", self.0)
    }

    /// The tenant and the record that a key of a record's cell is of.
    pub fn of_record(key: &str) -> Option<(Tenant, RecordId)> {
        let (name, id) = key.strip_prefix("@memory/")?.split_once("/record/")?;
        Some((Tenant::new(name).ok()?, id.parse().ok()?))
    }

    /// The key of a cell of files, as agents that work with a memory folder see them.
    ///
    /// # Errors
    /// [`Malformed`] when the path is too long or holds a control character.
    pub fn file(&self, path: &str) -> Result<Key, Malformed> {
        Key::new(&format!("@tenant/{}/file/{path}", self.0))
    }

    /// The key that stands for a cell of shared state. The local tenant's are the store's own, as `trace state` names them.
    ///
    /// # Errors
    /// [`Malformed`] when the text is no key, or begins with [`RESERVED`].
    pub fn state(&self, key: &str) -> Result<Key, Malformed> {
        let key = Key::new(key)?;
        if !self.is_local() {
            return Key::new(&format!("@tenant/{}/state/{key}", self.0));
        }
        if key.as_str().starts_with(RESERVED) {
            return Err(Malformed::Reserved(key.to_string()));
        }
        Ok(key)
    }

    /// The intervals of keys that a search for a prefix looks at.
    pub fn states(&self, prefix: &str) -> Vec<Range> {
        if !self.is_local() {
            return vec![Range::prefix(&format!("@tenant/{}/state/{prefix}", self.0))];
        }
        if prefix.starts_with(RESERVED) {
            return Vec::new();
        }
        if !prefix.is_empty() {
            return vec![Range::prefix(prefix)];
        }
        let after = Range::prefix(RESERVED).to.unwrap_or_default();
        vec![Range { from: String::new(), to: Some(RESERVED.to_owned()) }, Range { from: after, to: None }]
    }

    /// The name by which the tenant knows a cell of shared state; nothing for a cell that is not the tenant's.
    pub fn shown<'k>(&self, key: &'k Key) -> Option<&'k str> {
        if self.is_local() {
            return (!key.as_str().starts_with(RESERVED)).then_some(key.as_str());
        }
        key.as_str().strip_prefix("@tenant/")?.strip_prefix(self.name())?.strip_prefix("/state/")
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not the name of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a tenant: write 1 to 64 of `a`–`z`, `0`–`9`, `-` and `_`")]
pub struct BadTenant(pub String);
