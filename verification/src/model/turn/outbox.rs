//! The outbox and the world: who sends an effect, what it does there, and what is told of it.

use super::Turn;
use crate::model::action::{End, lane};
use crate::model::oracle::Dispatcher;
use crate::model::promise::{Event, Promise};
use consistency::Level;
use consistency::decide::{EffectEnd, Order, Refusal, Reply, Wait};
use consistency::ledger::{DropCause, Effect, Repeat, Stage};
use consistency::state::Output;

impl Turn<'_> {
    pub(super) fn claim(&mut self, number: u8) -> Output {
        self.happens(Event::Claim);
        self.now.oracle.spent.claims += 1;
        let (now, until) = (self.millis(), self.millis() + 1);
        let output = self.order(Order::Claim { lane: lane(number), now, until });
        match &output {
            Output::Reply(Reply::Claimed { effect, token, ask }) => self.claimed(effect, *token, *ask),
            Output::Reply(Reply::Idle { blocked }) => self.happens(match blocked {
                None => Event::Idle,
                Some((_, Wait::NotFinal)) => Event::NotFinal,
                Some((_, Wait::Sending)) => Event::Sending,
                Some((_, Wait::Later)) => Event::Later,
                Some((_, Wait::InDoubt)) => Event::InDoubt,
            }),
            _ => {}
        }
        let dropped = |effect: &Effect| effect.stage == Stage::Dropped(DropCause::ToolChanged);
        if self.now.core.ledger.effects().any(dropped) {
            self.happens(Event::Dropped);
        }
        output
    }

    /// An effect leaves.
    fn claimed(&mut self, effect: &Effect, token: u64, ask: bool) {
        let moment = self.now.oracle.now;
        let truth = &mut self.now.oracle.truth;
        let Some(place) = truth.effects.iter().position(|sent| sent.id == effect.id) else { return };
        let Some(sent) = truth.effects.get_mut(place) else { return };
        let (again, pin, log_place) = (std::mem::replace(&mut sent.left, true), sent.pin, usize::from(sent.place));
        let Some(entry) = truth.log.get(log_place) else { return };
        let (level, ready) = (entry.level, entry.is_final && entry.retracted.is_none());
        let rotten = entry.retracted.is_some() || truth.entries(entry.from).any(|earlier| earlier.retracted.is_some());
        let (tool, grown) = (truth.tool, token > truth.token);
        truth.token = truth.token.max(token);
        let place = u8::try_from(place).unwrap_or(u8::MAX);
        let sending = |dispatcher: &Dispatcher| dispatcher.effect == place && dispatcher.until > moment;
        let alone = !self.now.oracle.dispatchers.values().any(sending);
        self.happens(if again { Event::ClaimedAgain } else { Event::Claimed });
        if ask {
            self.happens(Event::Ask);
        }
        if level >= Level::L2 {
            self.judge(Promise::Released, ready);
        }
        if self.asks(Promise::CausalCascade, level) {
            self.judge(Promise::CausalCascade, !rotten);
        }
        if self.asks(Promise::PhantomTool, level) && pin.is_some() {
            self.judge(Promise::PhantomTool, pin == tool);
        }
        self.judge(Promise::Tokens, grown);
        self.judge(Promise::OneDispatcher, alone);
        let free = (1..u8::MAX).find(|number| !self.now.oracle.dispatchers.contains_key(number)).unwrap_or(u8::MAX);
        let dispatcher = Dispatcher { effect: place, token, until: moment + 1, ask, called: None };
        self.now.oracle.dispatchers.insert(free, dispatcher);
    }

    /// The call reaches the tool: it acts, unless it knows the key already; who has to ask first asks.
    pub(super) fn call(&mut self, number: u8, works: bool) -> Option<Output> {
        self.happens(if works { Event::Call } else { Event::CallFails });
        let dispatcher = self.now.oracle.dispatchers.get_mut(&number)?;
        let (ask, effect) = (dispatcher.ask, usize::from(dispatcher.effect));
        let truth = &mut self.now.oracle.truth;
        let sent = truth.effects.get_mut(effect)?;
        if sent.acts > 0 && (ask || self.setup.tool == Some(Repeat::Keyed)) {
            dispatcher.called = Some(true);
            self.happens(Event::Asked);
            return None;
        }
        dispatcher.called = Some(works);
        if !works {
            return None;
        }
        sent.acts += 1;
        let (acts, lane, level) = (sent.acts, sent.lane, truth.log.get(usize::from(sent.place))?.level);
        let acted = truth.effects.iter().skip(effect + 1).filter(|later| later.lane == lane && later.acts > 0);
        let mut levels = acted.filter_map(|later| Some(truth.log.get(usize::from(later.place))?.level));
        // Only who asked for an order is kept in it; an effect of a lower level may overtake.
        let late = levels.any(|level| self.setup.strict || level >= Level::L3);
        self.happens(Event::Acted);
        self.judge(Promise::ActsOnce, acts == 1);
        if self.asks(Promise::EffectOrder, level) {
            self.judge(Promise::EffectOrder, !late);
        }
        None
    }

    pub(super) fn settle(&mut self, number: u8, end: End) -> Option<Output> {
        self.happens(Event::Settle);
        let dispatcher = self.now.oracle.dispatchers.remove(&number)?;
        if end == End::Unknown {
            self.doubts(dispatcher.effect);
        }
        self.tell(dispatcher.effect, Some(dispatcher.token), end)
    }

    pub(super) fn lose(&mut self, number: u8) -> Option<Output> {
        self.happens(Event::Lose);
        let dispatcher = self.now.oracle.dispatchers.remove(&number)?;
        self.doubts(dispatcher.effect);
        None
    }

    pub(super) fn decide(&mut self, effect: u8, end: End) -> Option<Output> {
        self.happens(Event::Decide);
        self.tell(effect, None, end)
    }

    fn tell(&mut self, effect: u8, token: Option<u64>, end: End) -> Option<Output> {
        let id = self.now.oracle.truth.effects.get(usize::from(effect))?.id;
        let end = match end {
            End::Done => EffectEnd::Done,
            End::Retry => EffectEnd::Retry { after: self.millis() + 1 },
            End::Failed => EffectEnd::Failed,
            End::Unknown => EffectEnd::Unknown,
        };
        let output = self.order(Order::Settle { id, token, end });
        if matches!(output, Output::Reply(Reply::Refused(Refusal::NotClaimed(_)))) {
            self.happens(Event::NotClaimed);
        }
        Some(output)
    }
}
