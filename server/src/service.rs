//! The service over one folder: shared state, memories and their indexes, opened together.

use crate::decisions;
use crate::engine::{Engine, EngineError, Place};
use crate::feed::Feed;
use crate::learning::{Learning, TrialId};
use crate::observe;
use crate::sessions::{Limits, Sessions};
use consistency::store::{Store, StoreError, System, World};
use memory::budget::Clock;
use memory::embed::Embedder;
use memory::index::{Index, IndexError};
use memory::model::Model;
use memory::{Memories, Tenant};
use router::decision::Decision;
use router::online::Draw;
use router::pareto::Compiled;
use router::policy::Policy;
use router::recall::{Reply, Request, Sources, recall};
use router::weights::{Weights, shipped};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a service is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file of the shared state.
    pub store: PathBuf,
    /// The folder of the indexes, which may always be deleted.
    pub index: PathBuf,
    /// What makes vectors of texts.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// The language model of the high tiers.
    pub model: Option<Arc<dyn Model>>,
    /// The workspace whose rules are served.
    pub workspace: Option<Workspace>,
    /// What chooses how a context is made.
    pub router: Router,
    /// How much is held for clients.
    pub limits: Limits,
}

/// What chooses how a context is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Router {
    /// The value models in place of the shipped ones.
    pub weights: Option<Weights>,
    /// The policy of the module tiers.
    pub policy: Option<Policy>,
    /// The choices of tiers that were compiled from a profile.
    pub choices: Option<Compiled>,
    /// With which probability another way than the usual one is tried, to learn from feedback; nothing where nothing is learnt.
    pub explore: Option<f64>,
}

/// A workspace, and where its user's own rules are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Where it is.
    pub place: Place,
    /// The folder of the user's own rules.
    pub user: Option<PathBuf>,
}

impl Settings {
    /// The store in a file, with the indexes beside it, and without any model.
    pub fn beside(store: &Path) -> Settings {
        let index = store.with_file_name("index");
        Settings {
            store: store.to_owned(),
            index,
            embedder: None,
            model: None,
            workspace: None,
            router: Router::default(),
            limits: Limits::default(),
        }
    }
}

/// Why a service can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The indexes.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The folder.
    #[error("cannot make the folder `{folder}`")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Shared state, memories and their indexes.
#[derive(Debug)]
pub struct Service {
    settings: Settings,
    memories: Memories,
    index: Index,
    clock: Arc<dyn Clock>,
    sessions: Arc<Sessions>,
    feed: Feed,
    /// What values candidates of recall, where it was measured to pay.
    weights: Option<Weights>,
    learning: Option<Learning>,
}

impl Service {
    /// Opens what there is, and makes what there is not.
    ///
    /// # Errors
    /// [`ServiceError`] says what can't be used.
    pub fn open(settings: Settings) -> Result<Service, ServiceError> {
        Service::open_in(settings, Arc::new(System))
    }

    /// The same with the clock that tells when records were made and when they expire.
    ///
    /// # Errors
    /// [`ServiceError`] says what can't be used.
    pub fn open_in(settings: Settings, world: Arc<dyn World>) -> Result<Service, ServiceError> {
        for folder in [settings.store.parent(), Some(settings.index.as_path())].into_iter().flatten() {
            let failed = |source| ServiceError::Folder { folder: folder.to_owned(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let memories = Memories::new(Store::open(&settings.store)?, world);
        let index = Index::open(&settings.index, &memories, settings.embedder.clone())?;
        let (sessions, feed) = (Sessions::new(settings.limits), Feed::of(memories.store().clone()));
        let weights = settings.router.weights.clone().or_else(shipped).filter(Weights::is_on);
        let learning = settings.router.explore.map(|explore| Learning::new(feedback_of(&settings.store), explore));
        Ok(Service { settings, memories, index, clock: clock(), sessions, feed, weights, learning })
    }

    /// What it is made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The shared state.
    pub fn store(&self) -> &Store {
        self.memories.store()
    }

    /// The records.
    pub fn memories(&self) -> &Memories {
        &self.memories
    }

    /// The indexes over the records.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The sessions that are held for clients.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Who waits for commits.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The rules of the workspace, as its files are now; nothing where none is served.
    ///
    /// # Errors
    /// [`EngineError`] when the workspace is not there.
    pub fn engine(&self) -> Option<Result<Engine, EngineError>> {
        let Workspace { place, user } = self.settings.workspace.as_ref()?;
        Some(Engine::open(place, user.as_deref()))
    }

    /// Ends what never ends by itself: whoever watches is told that nothing more comes. For an orderly shutdown.
    pub fn end(&self) {
        self.feed.end();
    }

    /// Recalls what fits a question, within its budget.
    ///
    /// # Errors
    /// [`IndexError`] when nothing could be searched at all.
    pub fn recall(&self, tenant: &Tenant, request: &Request) -> Result<Reply, IndexError> {
        let reply = recall(&self.sources(None), tenant, request)?;
        observe::count_recall(&reply.spending);
        Ok(reply)
    }

    /// The same for somebody who can tell what it was good for: where feedback is learnt from, another way than the usual one may
    /// be tried, and the reply has a name.
    ///
    /// # Errors
    /// [`IndexError`] when nothing could be searched at all.
    pub fn recall_and_learn(&self, tenant: &Tenant, request: &Request) -> Result<(Reply, Option<TrialId>), IndexError> {
        // Whoever asks gets an answer, even where nothing can be noted.
        let told = |error| tracing::warn!(%error, "nothing is learnt from feedback on a recall");
        let drawn = self.learning.as_ref().map(|learning| (learning, learning.draw(tenant).map_err(told)));
        let Some((learning, Ok(draw))) = drawn else { return Ok((self.recall(tenant, request)?, None)) };
        let reply = recall(&self.sources(Some(draw)), tenant, request)?;
        observe::count_recall(&reply.spending);
        let noted = learning.note(tenant, &reply, reply.spending.share(&request.limits)).map_err(told);
        Ok((reply, noted.ok().flatten()))
    }

    fn sources(&self, online: Option<Draw>) -> Sources<'_> {
        let Router { policy, choices, .. } = &self.settings.router;
        Sources {
            model: self.settings.model.clone(),
            weights: self.weights.as_ref(),
            policy: policy.as_ref(),
            choices: choices.as_ref(),
            online,
            ..Sources::new(&self.index, self.clock.clone())
        }
    }

    /// What is learnt from feedback; nothing where that is not wanted.
    pub fn learning(&self) -> Option<&Learning> {
        self.learning.as_ref()
    }

    /// Keeps a decision for whoever asks why.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn keep(&self, decision: &Decision) -> io::Result<()> {
        decisions::keep(&self.settings.index, decision)
    }
}

/// The folder of what is learnt from feedback, beside the store.
pub fn feedback_of(store: &Path) -> PathBuf {
    store.with_file_name("feedback")
}

/// The system's clock that never goes back.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(Monotonic(Instant::now()))
}

#[derive(Debug)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
