//! Pictures. Each chart is a pure function from data to a [`scene::Scene`]: lines, areas and texts in named inks.
//! Two thin drawers turn the same scene into inline SVG for the page and into PNG for everything else, so that a
//! chart cannot say one thing on the page and another in a chat window.
//!
//! Charts know nothing of a [`judge::verdict::Verdict`]; [`inputs`] prepares what they show.

pub(crate) mod bars;
pub(crate) mod bitmap;
pub(crate) mod course;
pub(crate) mod curves;
pub(crate) mod fan;
pub(crate) mod font;
pub(crate) mod forest;
pub(crate) mod hours;
pub(crate) mod inputs;
pub(crate) mod kinds;
pub(crate) mod quantiles;
pub(crate) mod rates;
pub(crate) mod scale;
pub(crate) mod scene;
pub(crate) mod story;
pub(crate) mod svg;
