//! A streamed answer on its way through the guard: which frames may go out, and which text has to be judged before.
//!
//! Frames go out whole and in order. Each piece of text continues a channel; a frame may go when all of its text lies
//! before its channel's *border*, up to which everything is decided. A window of a channel is judged with the text before
//! it as context, and its last `overlap` characters stay undecided until the next one was judged: what is no longer than
//! that is seen whole by one of them, however the stream is cut into pieces. A finding that reaches over the border
//! moves it back to where it begins, so a word that the stream has not finished is never judged for its beginning.
//!
//! Nothing here waits or reads a clock. [`Window::due`] says what to judge, whoever carries it there brings the answers to
//! [`Window::judged`], and meanwhile frames may go on being pushed. Comments overtake: they are a queue's signs of life.
//!
//! What is held is bounded. At the bound everything is judged that is there, and at twice the bound [`Window::is_full`] says to
//! stop reading.

mod track;

use crate::policy::{Action, Decision, Judged, Policy, Stream, decide, settled};
use crate::reply::Shape;
use crate::texts::{Event, Kind, masked_part, of_event, quoted, replaced, string};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use track::{Part, Track};
use wire::Endpoint;
use wire::sse::Frame;

/// Channels of one answer that are told apart; further ones count as one.
const TRACKS_MAX: usize = 1024;
/// Masked texts that are remembered for the events that repeat them.
const REPEATED_MAX: usize = 10_000;

/// How much is judged at once, and how much is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// New characters that make a window.
    pub characters: usize,
    /// Characters that stay undecided at its end.
    pub overlap: usize,
    /// Text goes out before it was judged; only the end waits.
    pub late: bool,
    /// Bytes beyond which what is held is judged, however little it is.
    pub held_bytes_max: usize,
}

impl Plan {
    /// The plan of a policy.
    #[must_use]
    pub const fn new(stream: Stream, held_bytes_max: usize) -> Self {
        match stream {
            Stream::Window { characters, overlap } => Self { characters, overlap, late: false, held_bytes_max },
            // The overlap counts only where a longer answer than may be held is judged in parts.
            Stream::Full => Self { characters: usize::MAX, overlap: 1000, late: false, held_bytes_max },
            Stream::End => Self { characters: usize::MAX, overlap: 1000, late: true, held_bytes_max },
        }
    }
}

/// Which choices have to be decided before a frame may go.
#[derive(Debug)]
enum Closes {
    Nothing,
    Choices(Vec<u64>),
    Everything,
}

#[derive(Debug)]
struct HeldPiece {
    track: usize,
    /// Where it stands in the channel's text.
    within: Range<usize>,
    /// Where it stands in the frame's data.
    place: Range<usize>,
    /// It repeats the channel's text instead of continuing it.
    repeats: bool,
}

#[derive(Debug)]
struct Held {
    frame: Frame,
    pieces: Vec<HeldPiece>,
    closes: Closes,
    event: Event,
}

/// What is to be judged now: one text for each channel.
#[derive(Debug)]
pub struct Batch {
    parts: Vec<Part>,
}

impl Batch {
    /// The texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.text.as_str())
    }

    /// Numbers of the channels, in the order of the texts; a channel keeps its number to the end of the answer.
    pub fn channels(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.track)
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct Window {
    endpoint: Endpoint,
    plan: Plan,
    policy: Arc<Policy>,
    tracks: Vec<Track>,
    held: VecDeque<Held>,
    held_bytes: usize,
    /// What may go out before everything that is held.
    aside: BytesMut,
    shape: Shape,
    judging: bool,
    ended: bool,
    cut: bool,
    /// The bound was reached at the last look, too.
    tight: bool,
    /// Masked texts and what stands there instead.
    repeated: Vec<(String, String)>,
    decision: Decision,
    own_texts: u64,
    text_out: bool,
}

impl Window {
    /// An empty one.
    #[must_use]
    pub fn new(endpoint: Endpoint, policy: Arc<Policy>, plan: Plan) -> Self {
        Self {
            endpoint,
            plan,
            policy,
            tracks: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            aside: BytesMut::new(),
            shape: Shape::default(),
            judging: false,
            ended: false,
            cut: false,
            tight: false,
            repeated: Vec::new(),
            decision: Decision::default(),
            own_texts: 0,
            text_out: false,
        }
    }

    /// Takes the next frame of the stream.
    pub fn push(&mut self, frame: Frame) {
        if self.cut {
            return;
        }
        let Some(data) = frame.data() else {
            self.aside.extend_from_slice(&frame.raw);
            return;
        };
        let mut event = of_event(self.endpoint, data);
        if event.unread {
            // Nobody knows what it says, so nobody has judged it.
            self.failed("malformed");
        }
        let mut repeats = false;
        let mut pieces = Vec::with_capacity(event.said.len());
        for said in std::mem::take(&mut event.said) {
            let piece = if said.channel.kind == Kind::Echo {
                repeats = true;
                self.repeat(&said.piece.text, said.piece.place)
            } else {
                let track = self.track(said.channel);
                let within = self.grow(track, &said.piece.text);
                HeldPiece { track, within, place: said.piece.place, repeats: false }
            };
            pieces.push(piece);
        }
        for track in &mut self.tracks {
            track.finished |= event.finished.contains(&track.channel.choice);
        }
        self.ended |= event.end;
        let closes = match () {
            () if event.end => Closes::Everything,
            () if !event.finished.is_empty() => Closes::Choices(event.finished.clone()),
            () if repeats => Closes::Choices(Vec::new()),
            () => Closes::Nothing,
        };
        self.held_bytes += frame.raw.len();
        self.held.push_back(Held { frame, pieces, closes, event });
    }

    /// The stream is over.
    pub fn end(&mut self) {
        self.ended = true;
    }

    fn failed(&mut self, what: &'static str) {
        let backends = self.policy.response.iter().map(|backend| (Arc::clone(backend), what));
        self.decision.failed.extend(backends);
        if self.policy.blocks_failures() {
            self.decision.action = Action::Blocked;
        }
    }

    fn track(&mut self, channel: crate::texts::Channel) -> usize {
        if let Some(found) = self.tracks.iter().position(|track| track.channel == channel) {
            return found;
        }
        if self.tracks.len() < TRACKS_MAX {
            self.tracks.push(Track::new(channel));
        }
        self.tracks.len() - 1
    }

    fn grow(&mut self, track: usize, text: &str) -> Range<usize> {
        let digests = self.endpoint == Endpoint::Responses;
        self.tracks.get_mut(track).map_or(0..0, |track| track.grow(text, digests))
    }

    /// A text that was told before has been judged with its channel; one that was not is judged for itself.
    fn repeat(&mut self, text: &str, place: Range<usize>) -> HeldPiece {
        let found = self.tracks.iter().position(|track| track.says(text));
        let track = found.unwrap_or_else(|| {
            self.own_texts += 1;
            let channel = crate::texts::Channel { choice: u64::MAX, kind: Kind::Echo, part: self.own_texts };
            self.track(channel)
        });
        if found.is_none() {
            let within = self.grow(track, text);
            if let Some(track) = self.tracks.get_mut(track) {
                track.finished = true;
            }
            return HeldPiece { track, within, place, repeats: false };
        }
        let end = self.tracks.get_mut(track).map_or(0, |track| {
            track.finished = true;
            track.end()
        });
        HeldPiece { track, within: end..end, place, repeats: true }
    }

    fn pressure(&self) -> usize {
        let undecided: usize = self.tracks.iter().map(|track| track.end() - track.border).sum();
        self.held_bytes.max(undecided)
    }

    /// Whether more is held than should be: nothing is to be pushed until something was judged.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.judging && self.pressure() >= self.plan.held_bytes_max.saturating_mul(2)
    }

    /// Whether something is held back.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether text is held back, and not only what follows it.
    #[must_use]
    pub fn holds_text(&self) -> bool {
        self.held.iter().any(|held| !held.pieces.is_empty())
    }

    /// Whether any text has gone out.
    #[must_use]
    pub const fn has_let_text_out(&self) -> bool {
        self.text_out
    }

    /// The answer is cut: nothing of it goes out any more.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// What has to be judged now; nothing while something is being judged.
    pub fn due(&mut self) -> Option<Batch> {
        if self.judging || self.cut {
            return None;
        }
        if self.decision.is_blocked() {
            self.cut_off();
            return None;
        }
        let tight = self.pressure() >= self.plan.held_bytes_max;
        let is_last = |track: &Track| self.ended || track.finished;
        let is_due =
            |track: &Track| track.is_open() && (tight || is_last(track)) || track.fresh >= self.plan.characters;
        if !self.tracks.iter().any(is_due) {
            return None;
        }
        let at_once = tight && self.tight;
        let parts = self.tracks.iter().enumerate().filter(|(_, track)| track.is_open());
        let parts = parts.filter(|(_, track)| tight || is_last(track) || track.fresh > 0);
        let parts = parts.map(|(number, track)| {
            track.part(number, if is_last(track) || at_once { 0 } else { self.plan.overlap }, is_last(track))
        });
        let batch = Batch { parts: parts.collect() };
        self.tight = tight;
        self.judging = true;
        Some(batch)
    }

    /// Takes what the back ends said of a batch's texts, in their order.
    pub fn judged(&mut self, batch: &Batch, results: &[Vec<Judged>]) {
        self.judging = false;
        for (part, results) in batch.parts.iter().zip(results) {
            let end = settled(&self.policy, results, &part.text, part.begin, part.tail);
            let decision = decide(&self.policy, results, &part.text, part.begin, end);
            self.decision.merge(&decision);
            let Some(track) = self.tracks.get_mut(part.track) else { continue };
            for mask in &decision.masks {
                let said = part.text.get(mask.span.clone()).unwrap_or_default();
                if self.endpoint == Endpoint::Responses {
                    self.repeated.push((said.to_owned(), mask.instead.clone()));
                }
            }
            track.decided(part, end, decision.masks, self.plan.overlap);
        }
        // What has gone out already cannot be masked any more, only told.
        let too_late = self.plan.late && self.decision.action == Action::Masked;
        // What can no longer be masked in the events that repeat it must not go out in them.
        if self.decision.is_blocked() || too_late || self.repeated.len() > REPEATED_MAX {
            self.decision.action = Action::Blocked;
            self.cut_off();
        }
    }

    fn cut_off(&mut self) {
        self.cut = true;
        self.held.clear();
        self.held_bytes = 0;
    }

    /// What may go out now.
    pub fn ready(&mut self) -> Bytes {
        let mut out = std::mem::take(&mut self.aside);
        // A block that `due` has not seen yet holds back what came with it, too.
        while !self.decision.is_blocked() && self.held.front().is_some_and(|held| self.may_go(held)) {
            let Some(held) = self.held.pop_front() else { break };
            self.held_bytes = self.held_bytes.saturating_sub(held.frame.raw.len());
            self.shape.sees(&held.event);
            self.text_out |= !held.pieces.is_empty();
            match self.masked(&held) {
                Some(bytes) => out.extend_from_slice(&bytes),
                None if out.is_empty() && self.held.is_empty() => return held.frame.raw,
                None => out.extend_from_slice(&held.frame.raw),
            }
        }
        if self.held.is_empty() {
            self.tracks.iter_mut().for_each(|track| track.masks.clear());
        }
        out.freeze()
    }

    fn may_go(&self, held: &Held) -> bool {
        let is_decided =
            |piece: &HeldPiece| self.tracks.get(piece.track).is_none_or(|track| piece.within.end <= track.border);
        let closed = match &held.closes {
            Closes::Nothing if self.plan.late => return true,
            Closes::Nothing => true,
            Closes::Choices(choices) => {
                self.tracks.iter().all(|track| !choices.contains(&track.channel.choice) || !track.is_open())
            }
            Closes::Everything => self.tracks.iter().all(|track| !track.is_open()),
        };
        closed && held.pieces.iter().all(is_decided)
    }

    /// The frame's bytes with masked texts; `None` if no mask touches it.
    fn masked(&self, held: &Held) -> Option<Vec<u8>> {
        let data = held.frame.data()?;
        let mut changes = Vec::new();
        for piece in &held.pieces {
            let json = data.get(piece.place.clone()).unwrap_or_default();
            let text = || string(json).unwrap_or_default();
            let changed = if piece.repeats {
                let before = text();
                let after =
                    self.repeated.iter().fold(before.clone(), |text, (said, instead)| text.replace(said, instead));
                (after != before).then_some(after)
            } else {
                let masks = self.tracks.get(piece.track).map_or(&[][..], |track| &track.masks);
                if masks.is_empty() { None } else { masked_part(&text(), piece.within.clone(), masks) }
            };
            changes.extend(changed.map(|text| (piece.place.clone(), quoted(&text))));
        }
        if changes.is_empty() {
            return None;
        }
        // Tokens would tell letter by letter what was taken out.
        let nothing = if self.endpoint == Endpoint::Responses { "[]" } else { "null" };
        changes.extend(held.event.tokens.iter().map(|place| (place.clone(), nothing.to_owned())));
        let mut out = Vec::with_capacity(held.frame.raw.len());
        held.frame.replace_data(&mut out, &[replaced(data, changes)]);
        Some(out)
    }

    /// All that was decided so far.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Whether each text was judged as a whole, and not in parts.
    #[must_use]
    pub fn was_judged_whole(&self) -> bool {
        self.tracks.iter().all(Track::was_judged_whole)
    }

    /// What the client has seen of the answer's form.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }
}

#[cfg(test)]
mod tests;
