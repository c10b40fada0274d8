//! A spoken answer: its transcript, and bytes that stand for sound.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::envelope::Envelope;
use crate::sse;
use crate::timeline::{Pace, pieces};

/// How long the provider keeps a spoken answer for later turns, seconds.
const KEPT_S: u64 = 3600;
/// Bytes of sound for each character of the transcript; silence, and no more than a test wants to carry.
const BYTES_PER_CHARACTER: usize = 8;

/// The member `audio` of a whole message.
pub(super) fn whole(envelope: &Envelope, transcript: &str) -> Value {
    json!({"id": id(envelope), "data": sound(transcript), "expires_at": envelope.created + KEPT_S,
           "transcript": transcript})
}

/// The deltas of a streamed one: id, transcript in pieces, sound, expiry.
pub(super) fn stream(
    envelope: &Envelope,
    transcript: &str,
    count: u64,
    pace: &mut Pace,
    mut due: impl FnMut(&mut Pace) -> u64,
    mut write: impl FnMut(u64, &str),
) {
    write(due(pace), &format!("{{\"audio\":{{\"id\":\"{}\"}}}}", id(envelope)));
    for piece in pieces(transcript, count) {
        write(due(pace), &format!("{{\"audio\":{{\"transcript\":{}}}}}", sse::to_quoted(piece)));
    }
    write(due(pace), &format!("{{\"audio\":{{\"data\":\"{}\"}}}}", sound(transcript)));
    write(due(pace), &format!("{{\"audio\":{{\"expires_at\":{}}}}}", envelope.created + KEPT_S));
}

fn id(envelope: &Envelope) -> String {
    format!("audio_{}", envelope.call_stem)
}

fn sound(transcript: &str) -> String {
    STANDARD.encode(vec![0_u8; transcript.chars().count() * BYTES_PER_CHARACTER])
}
