//! Streams on their way through the guard.
//!
//! A task owns the provider's answer and the window; the client's body is the other end of a channel of one piece. So
//! reading goes on while something is being judged, up to the window's bound, and a slow client still slows the provider
//! down. When the client goes, the channel closes and the task drops the answer, which hangs up on the provider and leaves
//! its record, as without a guard; then it judges what went out unjudged.
//!
//! While text is held and nothing else may go out, comments tell the client that somebody is there.

use super::moderators::Asker;
use super::{Watch, check_of};
use crate::relay::Relay;
use crate::reply::Reply;
use bytes::Bytes;
use guard::policy::{Judged, Stream};
use guard::window::{Batch, Plan, Window};
use guard::{Action, Phase};
use http_body::{Body, Frame};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::sse::Decoder;

/// How long a client hears nothing at most while something is held for it.
const COMMENT_EVERY: Duration = Duration::from_secs(5);
const COMMENT: Bytes = Bytes::from_static(b": being checked\n\n");

/// The client's end of a guarded stream.
#[derive(Debug)]
pub(crate) struct Guarding {
    pieces: mpsc::Receiver<Bytes>,
}

impl Body for Guarding {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.pieces.poll_recv(task).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// How a stream is guarded.
pub(crate) struct Terms {
    /// The client wants to see usage.
    pub wants_usage: bool,
    /// Comments may be sent to it.
    pub comments: bool,
    /// Cancelled when open answers have to end now.
    pub cut: CancellationToken,
}

/// Guards a stream from here on.
pub(crate) fn guard(relay: Relay, watch: Watch, terms: Terms) -> Reply {
    let (sender, pieces) = mpsc::channel(1);
    let plan = Plan::new(watch.policy.stream, watch.plane.config.safety.held_bytes_max);
    let window = Window::new(watch.endpoint, watch.policy.clone(), plan);
    let passage = Passage {
        relay: relay.guarded(),
        window,
        decoder: Decoder::new(),
        sender,
        terms,
        over: false,
        first: None,
        waiting: false,
        ended: None,
        heard: tokio::time::Instant::now(),
    };
    tokio::spawn(passage.run(watch));
    Reply::Guarded(Guarding { pieces })
}

/// A judgement under way.
type Judging<'w> = Pin<Box<dyn Future<Output = (Batch, Vec<Vec<Judged>>)> + Send + 'w>>;

struct Passage {
    relay: Relay,
    window: Window,
    decoder: Decoder,
    sender: mpsc::Sender<Bytes>,
    terms: Terms,
    /// The provider's answer has ended.
    over: bool,
    /// When the first frame came that was not let through at once.
    first: Option<Instant>,
    /// That one is still waiting.
    waiting: bool,
    /// When the provider's answer ended.
    ended: Option<Instant>,
    /// When the client heard something last.
    heard: tokio::time::Instant,
}

/// What happened first.
enum Happened {
    Piece(Option<Bytes>),
    Judged(Batch, Vec<Vec<Judged>>),
    Silence,
    Gone,
}

impl Passage {
    async fn run(mut self, watch: Watch) {
        let mut judging: Option<Judging<'_>> = None;
        loop {
            let ready = self.window.ready();
            if !ready.is_empty() && !self.send(ready, &watch).await {
                return self.left(&watch, judging).await;
            }
            if judging.is_none() {
                judging = self.window.due().map(|batch| judge(&watch, batch));
            }
            if self.window.is_cut() {
                return self.cut_off(&watch).await;
            }
            if self.over && judging.is_none() {
                return self.finish(&watch);
            }
            match self.next(judging.as_mut()).await {
                Happened::Piece(piece) => self.take(piece),
                Happened::Judged(batch, results) => {
                    judging = None;
                    self.window.judged(&batch, &results);
                }
                Happened::Silence => {
                    if !self.send(COMMENT, &watch).await {
                        return self.left(&watch, judging).await;
                    }
                }
                Happened::Gone => return self.left(&watch, judging).await,
            }
        }
    }

    async fn next(&mut self, judging: Option<&mut Judging<'_>>) -> Happened {
        let reads = !self.over && !self.window.is_full();
        let comments = self.terms.comments && self.window.holds();
        let judged = async {
            match judging {
                Some(judging) => judging.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.sender.closed() => Happened::Gone,
            (batch, results) = judged => Happened::Judged(batch, results),
            piece = self.relay.frame(), if reads => {
                // A guarded stream has frames of data only; an error ends it.
                Happened::Piece(piece.and_then(Result::ok).and_then(|frame| frame.into_data().ok()))
            }
            () = tokio::time::sleep_until(self.heard + COMMENT_EVERY), if comments => Happened::Silence,
        }
    }

    fn take(&mut self, piece: Option<Bytes>) {
        match piece {
            Some(bytes) => {
                self.decoder.push(bytes);
                while let Some(frame) = self.decoder.next_frame() {
                    self.window.push(frame);
                }
            }
            None => {
                if let Some(frame) = self.decoder.finish() {
                    self.window.push(frame);
                }
                self.window.end();
                self.over = true;
                self.ended = Some(Instant::now());
            }
        }
        if self.first.is_none() && self.window.holds_text() {
            (self.first, self.waiting) = (Some(Instant::now()), true);
        }
    }

    /// Hands a piece to the client, however slow it is. `false` once it is gone, or everything has to end now.
    async fn send(&mut self, bytes: Bytes, watch: &Watch) -> bool {
        if let Some(first) = self.first.filter(|_| self.waiting && self.window.has_let_text_out()) {
            self.waiting = false;
            watch.counters.waited_first(first.elapsed());
        }
        self.heard = tokio::time::Instant::now();
        tokio::select! {
            sent = self.sender.send(bytes) => sent.is_ok(),
            () = self.terms.cut.cancelled() => false,
        }
    }

    /// Everything has gone out.
    fn finish(mut self, watch: &Watch) {
        if let Some(ended) = self.ended {
            watch.counters.waited_end(ended.elapsed());
        }
        let decision = self.window.decision();
        watch.tell(Phase::Response, decision);
        // What was judged in parts is judged once more as a whole: the other arm's answer is, too.
        let check = self.window.was_judged_whole().then(|| check_of(decision));
        let done = decision.action;
        self.relay.settle(check, done);
    }

    /// The client has gone. What went out to it is judged and told all the same: leaving early is no way round the guard.
    async fn left(self, watch: &Watch, judging: Option<Judging<'_>>) {
        let Self { relay, mut window, .. } = self;
        // Hangs up on the provider and leaves its record.
        drop(relay);
        let mut judging = judging;
        // Only there has text gone out that nobody has judged yet.
        if watch.policy.stream == Stream::End {
            window.end();
        }
        loop {
            if judging.is_none() && watch.policy.stream == Stream::End {
                judging = window.due().map(|batch| judge(watch, batch));
            }
            let Some(under_way) = judging.take() else { break };
            let (batch, results) = under_way.await;
            window.judged(&batch, &results);
        }
        watch.tell(Phase::Response, window.decision());
    }

    /// A violation: what is held is dropped, the provider is hung up on, and the client gets a proper end.
    async fn cut_off(mut self, watch: &Watch) {
        let decision = self.window.decision().clone();
        watch.tell(Phase::Response, &decision);
        let end = watch.refusing(&decision, |refusal| refusal.stream(self.window.shape(), self.terms.wants_usage));
        self.relay.settle(Some(check_of(&decision)), Action::Blocked);
        drop(self.relay);
        tokio::select! {
            // A client that is gone needs no end.
            sent = self.sender.send(end.into()) => drop(sent),
            () = self.terms.cut.cancelled() => {}
        }
    }
}

fn judge(watch: &Watch, batch: Batch) -> Judging<'_> {
    Box::pin(async move {
        let texts: Vec<&str> = batch.texts().collect();
        let sessions: Vec<String> = batch.channels().map(|channel| format!("{}.{channel}", watch.pair)).collect();
        let results = watch.judge_parts(Phase::Response, &texts, &sessions, Asker::Client).await;
        (batch, results)
    })
}
