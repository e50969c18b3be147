//! Lists and counts of records.

use super::{Entity, Index, IndexError, Listed};
use crate::filter::{Field, Filter, Test};
use crate::memories::Stored;
use crate::record::{RecordId, Scope};
use crate::tenant::Tenant;
use serde_json::Value;

/// How many records are read at once.
const READ: usize = 256;
/// How often a page is made again because something on it was forgotten meanwhile.
const TRIES: usize = 4;

impl Index {
    /// The records that pass a filter, the newest first; `skip` of them left out, and at most `limit`. Where the filter asks for
    /// more than scopes, all records of the scope are read.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn list(&self, tenant: &Tenant, filter: &Filter, skip: usize, limit: usize) -> Result<Listed, IndexError> {
        let scope = filter.scope();
        let mut listed = Listed { total: 0, page: Vec::new() };
        for _ in 0..TRIES {
            self.follow()?;
            let now = self.memories.now();
            let ids = match self.state.read().rosters.get(tenant) {
                Some(roster) => roster.newest_first(&roster.within(&scope), now),
                None => Vec::new(),
            };
            if !says_no_more(filter, &scope) {
                return self.filtered(tenant, filter, &ids, skip, limit);
            }
            let page: Vec<RecordId> = ids.iter().copied().skip(skip).take(limit).collect();
            let stored: Vec<Stored> = self.read(tenant, filter, &page)?;
            let is_whole = stored.len() == page.len();
            listed = Listed { total: ids.len(), page: stored };
            if is_whole {
                break;
            }
        }
        Ok(listed)
    }

    fn filtered(
        &self,
        tenant: &Tenant,
        filter: &Filter,
        ids: &[RecordId],
        skip: usize,
        limit: usize,
    ) -> Result<Listed, IndexError> {
        let mut listed = Listed { total: 0, page: Vec::new() };
        for ids in ids.chunks(READ) {
            for stored in self.read(tenant, filter, ids)? {
                if listed.total >= skip && listed.page.len() < limit {
                    listed.page.push(stored);
                }
                listed.total += 1;
            }
        }
        Ok(listed)
    }

    /// Those of some records that are there and pass.
    fn read(&self, tenant: &Tenant, filter: &Filter, ids: &[RecordId]) -> Result<Vec<Stored>, IndexError> {
        let now = self.memories.now();
        let passes = |stored: &Stored| stored.record.is_live(now) && filter.matches(&stored.record);
        Ok(self.memories.newest(tenant, ids)?.into_iter().flatten().filter(passes).collect())
    }

    /// The parts of scopes that records have.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn entities(&self, tenant: &Tenant) -> Result<Vec<Entity>, IndexError> {
        self.follow()?;
        let now = self.memories.now();
        Ok(self.state.read().rosters.get(tenant).map(|roster| roster.entities(now)).unwrap_or_default())
    }
}

/// Tells whether a filter asks for nothing but a scope.
fn says_no_more(filter: &Filter, scope: &Scope) -> bool {
    let is = |part: &Option<String>, name: &Value| part.is_some() && part.as_deref() == name.as_str();
    match filter {
        Filter::All(all) => all.iter().all(|filter| says_no_more(filter, scope)),
        Filter::Is(Field::User, Test::Equals(name)) => is(&scope.user, name),
        Filter::Is(Field::Agent, Test::Equals(name)) => is(&scope.agent, name),
        Filter::Is(Field::App, Test::Equals(name)) => is(&scope.app, name),
        Filter::Is(Field::Run, Test::Equals(name)) => is(&scope.run, name),
        _ => false,
    }
}
