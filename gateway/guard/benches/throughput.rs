//! How fast texts are read.
//!
//! ```text
//! cargo bench -p guard --bench throughput
//! ```
//!
//! The bundled lists over harmless English and Chinese, beside one pass of aho-corasick with the same words
//! and nothing else: no folding, no way back, no rules. Printed are the best of 301 rounds of 50 KB each, in MB/s, and the ratio.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and fails by panicking")]

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use guard::normalise::Folded;
use guard::{ListSource, Lists, Personal};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Short enough to be read between two interruptions by other work on the machine.
const BYTES: usize = 50_000;
const ROUNDS: usize = 301;

const ENGLISH: &str = "The library opens at nine and closes at six, except on Sundays. Please return the books that you have \
    borrowed to the desk by the door, where somebody will check them in and tell you which of them can be kept for longer. \
    New members need a proof of address. Could you write a short letter that thanks the members for their patience?\n";
const CHINESE: &str = "图书馆早上九点开门，下午六点关门，星期日除外。请把借来的书还到门口的服务台，工作人员会登记，并告诉您哪些书可以续借。\
    新读者需要出示住址证明。请帮我写一封简短的信，感谢读者们的耐心等待，并说明新的开放时间。\n";
const MIXED: &str = "Version 2.0 of the API returns HTTP 404 (see §4) for `GET /v1/users/{id}`, e.g. user_id=42; 请参考 README.md 的第3节。\n";

fn main() {
    let sources: Vec<ListSource<'_>> = ["en", "zh"].iter().filter_map(|name| ListSource::bundled(name)).collect();
    let started = Instant::now();
    let lists = Lists::compile(&sources).unwrap();
    println!("bundled lists compiled in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let plain = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(words(&sources)).unwrap();
    for (name, text) in [("English", ENGLISH), ("Chinese", CHINESE), ("mixed, with numbers", MIXED)] {
        let text = text.repeat(BYTES / text.len());
        let reference = report(&format!("{name}: aho-corasick alone"), &text, None, |text| {
            plain.find_overlapping_iter(text).count()
        });
        let reference = Some(reference);
        report(&format!("{name}: folding alone"), &text, reference, |text| Folded::of(text).text().len());
        report(&format!("{name}: bundled lists"), &text, reference, |text| lists.check(text).findings.len());
        let personal = Personal::default();
        report(&format!("{name}: personal data"), &text, reference, |text| personal.check(text).findings.len());
    }
    let short: String = ENGLISH.chars().take(200).collect();
    let time = best(|| (0..1000).map(|_| lists.check(black_box(&short)).findings.len()).sum());
    println!("{:<36} {:>9.1} us each", "200 characters of English", time.as_secs_f64() * 1e3);
}

/// The words of the lists, as near as one gets without reading the format.
fn words(sources: &[ListSource<'_>]) -> Vec<String> {
    let fields = sources.iter().flat_map(|source| source.text.split([',', '"', '\'', '\n']));
    let words = fields.map(|word| word.trim().trim_matches('*').to_lowercase());
    words.filter(|word| !word.is_empty() && !word.contains(['[', '=', '#', '@'])).collect()
}

fn report(name: &str, text: &str, reference: Option<Duration>, work: impl Fn(&str) -> usize) -> Duration {
    let time = best(|| work(black_box(text)));
    let rate = text.len() as f64 / 1e6 / time.as_secs_f64();
    let ratio = reference.map_or(1.0, |reference| time.as_secs_f64() / reference.as_secs_f64());
    println!("{name:<36} {rate:>9.1} MB/s {ratio:>7.2} times the time");
    time
}

fn best(work: impl Fn() -> usize) -> Duration {
    let round = || {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..ROUNDS).map(|_| round()).min().unwrap()
}
