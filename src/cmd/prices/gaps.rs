//! What an own price leaves open beside the bundled one whose place it takes: told before the first bill has a hole.

use super::show::instant;
use wire::price::{Row, Tariffs};

/// A sentence for each gap. `all` are the bundled prices with the own ones over them.
pub(super) fn of(row: &Row, all: &Tariffs, bundled: &Tariffs) -> Vec<String> {
    let Row { provider, model, .. } = row;
    let mut gaps = Vec::new();
    if let Some(before) = bundled.find(provider, model, row.valid_from_us) {
        let (old, new) = (&before.tiers, &row.tiers);
        let lost: Vec<&str> = [
            ("batch", old.batch, new.batch),
            ("flex", old.flex, new.flex),
            ("priority", old.priority, new.priority),
            ("ultrafast", old.ultrafast, new.ultrafast),
        ]
        .into_iter()
        .filter(|(_, old, new)| old.is_some() && new.is_none())
        .map(|(name, ..)| name)
        .collect();
        if let Some(first) = lost.first() {
            gaps.push(format!(
                "{model} at {provider} has bundled prices in the tiers {}, and the own price has none: calls in them have \
                 no price. Add them to its row, such as tiers = {{ {first} = \"0.5\" }}.",
                lost.join(", ")
            ));
        }
        if let Some(long) = before.long_context.filter(|_| row.long_context.is_none()) {
            gaps.push(format!(
                "{model} at {provider} is dearer in the bundled table for prompts above {} tokens, and the own price is \
                 not: add long_context to its row if it is.",
                long.above_tokens
            ));
        }
    }
    if let Some(until_us) = row.valid_until_us {
        let until = instant(until_us);
        match all.find(provider, model, until_us) {
            None => gaps.push(format!(
                "No price of {model} at {provider} follows on {until}: calls from then on have none. The bundled one does \
                 not come back; write the next with --from {until}."
            )),
            Some(next) if next.valid_until_us.is_some_and(|end_us| end_us <= until_us) => gaps.push(format!(
                "No price of {model} at {provider} follows on {until}: this one goes on, marked as doubtful. The bundled \
                 one does not come back; write the next with --from {until}."
            )),
            Some(_) => {}
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(rows: &str) -> Vec<String> {
        let text = format!("schema = \"weighbridge.tariffs/1\"\ncurrency = \"USD\"\nchecked = 2026-11-20\n{rows}");
        let own = Tariffs::parse(&text).unwrap();
        let bundled = Tariffs::embedded().unwrap();
        let all = bundled.clone().overlaid_by(own.clone());
        of(&own.rows()[0], &all, &bundled)
    }

    fn row(model: &str, from: &str, more: &str) -> String {
        format!(
            "[[prices]]\nprovider = \"openai\"\nmodel = \"{model}\"\nvalid_from = {from}\ninput = \"1\"\noutput = \
             \"2\"\nsource = \"us\"\n{more}\n"
        )
    }

    #[test]
    fn tiers_that_get_lost_are_named() {
        let told = gaps(&row("gpt-4o", "2026-11-01", ""));
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert!(one.contains("batch") && one.contains("tiers = {"), "{one}");
        assert_eq!(gaps(&row("of-our-own", "2026-11-01", "")), Vec::<String>::new());
        let fewer = gaps(&row("gpt-4o", "2026-11-01", "tiers = { batch = \"0.5\" }"));
        assert!(!fewer.concat().contains("batch"), "{fewer:?}");
    }

    #[test]
    fn a_promotion_that_nothing_follows_is_told_before_it_ends() {
        let until = "valid_until = 2026-12-24";
        let told = gaps(&row("of-our-own", "2026-12-01", until));
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert!(one.contains("follows on 2026-12-24"), "{one}");
        let next = row("of-our-own", "2026-12-24", "");
        assert_eq!(gaps(&(row("of-our-own", "2026-12-01", until) + &next)), Vec::<String>::new());
    }
}
