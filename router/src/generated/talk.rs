//! One conversation in the making.

use super::{Detail, Lines, Topic};
use crate::random::Random;
use memory::import::conversation::{Conversation, Question, Utterance};
use memory::record::Trust;

/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// 2022-01-03, 12:00 UTC.
const BEGIN_MS: u64 = 1_641_211_200_000;
/// How many questions are asked about a conversation.
const QUESTIONS: usize = 120;

/// An event that was told.
#[derive(Debug)]
struct Event<'l> {
    topic: &'l Topic,
    item: &'l str,
    teller: usize,
    told: String,
}

/// A conversation in the making.
#[derive(Debug)]
pub(super) struct Talk<'l> {
    lines: &'l Lines,
    random: Random,
    names: [&'l str; 2],
    all: Conversation,
    session: u32,
    place: u32,
    now: u64,
    events: Vec<Event<'l>>,
}

impl<'l> Talk<'l> {
    pub(super) fn new(lines: &'l Lines, mut random: Random) -> Talk<'l> {
        let names = &lines.chat.names;
        let first = random.below(names.len());
        let second = (first + 1 + random.below(names.len() - 1)) % names.len();
        let name = |at: usize| names.get(at).map(String::as_str).unwrap_or_default();
        let now = BEGIN_MS + DAY_MS * random.below(400) as u64;
        let names = [name(first), name(second)];
        Talk { lines, random, names, all: Conversation::default(), session: 0, place: 0, now, events: Vec::new() }
    }

    pub(super) fn conversation(mut self, number: usize) -> Conversation {
        self.all.name = format!("generated-{}", number + 1);
        for _ in 0..14 + self.random.below(12) {
            self.session();
        }
        self.ask_for_all();
        self.random.shuffle(&mut self.all.questions);
        self.all.questions.truncate(QUESTIONS);
        self.all
    }

    fn session(&mut self) {
        (self.session, self.place) = (self.session + 1, 0);
        self.now += DAY_MS * (3 + self.random.below(18) as u64);
        let chat = &self.lines.chat;
        let first = self.random.below(2);
        self.say(first, &chat.hello, &[]);
        self.say(1 - first, &chat.reply, &[]);
        for _ in 0..2 + self.random.below(3) {
            let teller = self.random.below(2);
            self.event(teller);
            self.small_talk(1 - teller);
        }
        self.say(first, &chat.bye, &[]);
        self.say(1 - first, &chat.bye, &[]);
    }

    /// Somebody tells an event, and more of it when asked.
    fn event(&mut self, teller: usize) {
        let Some(topic) = self.random.pick(&self.lines.topics) else { return };
        let Some(item) = self.random.pick(&topic.items) else { return };
        if self.events.iter().any(|event| event.item == item && event.teller == teller) {
            return;
        }
        let when = self.random.pick(&self.lines.chat.whens).map(String::as_str).unwrap_or_default();
        let told = self.say(teller, &topic.tell, &[("{item}", item), ("{when}", when)]);
        if self.random.below(5) == 0
            && let Some(turn) = self.all.turns.last_mut()
        {
            turn.image = Some(format!("a photo of {}", item.trim_start_matches("my ")));
        }
        let is_heard = self.random.below(4) > 0;
        if self.random.below(2) == 0 {
            self.go_on(&self.lines.chat.nothing, &[]);
        }
        if is_heard {
            self.say(1 - teller, &topic.react, &[("{item}", item)]);
        }
        for detail in &topic.detail {
            if self.random.below(3) > 0 {
                self.detail(teller, topic, item, detail);
            }
        }
        let month = memory::filter::shown(self.now).chars().take(7).collect::<String>();
        self.question(&topic.when, teller, item, "time", vec![told.clone()], &month);
        if !self.events.iter().any(|event| event.topic.kind == topic.kind && event.teller == teller)
            && self.random.below(2) == 0
        {
            self.question(&topic.what, teller, item, "event", vec![told.clone()], item);
        }
        self.events.push(Event { topic, item, teller, told });
    }

    fn detail(&mut self, teller: usize, topic: &'l Topic, item: &'l str, detail: &'l Detail) {
        let Some(value) = self.random.pick(&detail.values) else { return };
        self.say(1 - teller, &topic.react, &[("{item}", item)]);
        self.go_on(&detail.prompt, &[("{item}", item)]);
        let answered = self.say(teller, &detail.answer, &[("{value}", value)]);
        if self.random.below(3) > 0 {
            self.go_on(&self.lines.chat.again, &[("{item}", item)]);
        }
        if self.random.below(3) == 0 {
            self.say(1 - teller, &topic.react, &[("{item}", item)]);
        }
        self.question(&detail.ask, teller, item, "detail", vec![answered], value);
    }

    /// What nobody asks about: nothing in particular, or an earlier event again.
    fn small_talk(&mut self, first: usize) {
        let mut speaker = first;
        for _ in 0..self.random.below(4) {
            let earlier = self.random.below(self.events.len().max(1));
            let again = self
                .events
                .get(earlier)
                .filter(|_| self.place.is_multiple_of(3))
                .map(|event| (event.topic, event.item));
            match again {
                Some((topic, item)) => self.say(speaker, &topic.later, &[("{item}", item)]),
                None => self.say(speaker, &self.lines.chat.nothing, &[]),
            };
            if self.random.below(2) == 0 {
                self.go_on(&self.lines.chat.nothing, &[]);
            }
            speaker = 1 - speaker;
        }
    }

    /// Questions that take several turns: all events of a kind, and everything of a kind that both did.
    fn ask_for_all(&mut self) {
        let lines = self.lines;
        for topic in &lines.topics {
            for teller in 0..2 {
                let of = |event: &&Event<'_>| event.topic.kind == topic.kind && event.teller == teller;
                let told: Vec<String> = self.events.iter().filter(of).map(|event| event.told.clone()).collect();
                let items: Vec<&str> = self.events.iter().filter(of).map(|event| event.item).collect();
                let answer = items.join(", ");
                if told.len() > 1 {
                    for _ in 0..2 {
                        self.question(&topic.all, teller, "", "several", told.clone(), &answer);
                    }
                }
            }
        }
    }

    fn question(
        &mut self,
        forms: &[String],
        teller: usize,
        item: &str,
        kind: &str,
        evidence: Vec<String>,
        answer: &str,
    ) {
        let name = self.names.get(teller).copied().unwrap_or_default();
        let Some(form) = self.random.pick(forms) else { return };
        let of = item.replacen("my ", &format!("{name}'s "), 1);
        let text = form.replace("{item_of}", &of).replace("{item}", item).replace("{name}", name);
        let (answer, category) = (Some(answer.to_owned()), kind.to_owned());
        self.all.questions.push(Question { text, answer, evidence, category });
    }

    /// Adds a sentence to the last turn.
    fn go_on(&mut self, forms: &[String], slots: &[(&str, &str)]) {
        let mut text = self.random.pick(forms).cloned().unwrap_or_default();
        for (slot, with) in slots {
            text = text.replace(slot, with);
        }
        if let Some(turn) = self.all.turns.last_mut() {
            turn.text = format!("{} {text}", turn.text);
        }
    }

    /// Adds a turn; gives back its id.
    fn say(&mut self, speaker: usize, forms: &[String], slots: &[(&str, &str)]) -> String {
        let name = |at: usize| self.names.get(at).copied().unwrap_or_default().to_owned();
        let (speaker, other) = (name(speaker), name(1 - speaker));
        let mut text = self.random.pick(forms).cloned().unwrap_or_default().replace("{other}", &other);
        for (slot, with) in slots {
            text = text.replace(slot, with);
        }
        let mut letters = text.chars();
        let text: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        self.place += 1;
        let id = format!("S{}:{}", self.session, self.place);
        self.all.turns.push(Utterance {
            id: id.clone(),
            speaker,
            text,
            image: None,
            session: format!("session_{}", self.session),
            place: self.place - 1,
            said_at: Some(self.now),
            date: Some(memory::filter::shown(self.now)),
            trust: Trust::User,
            marked: false,
        });
        id
    }
}
