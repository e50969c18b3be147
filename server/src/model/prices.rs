//! What models cost: a table of public list prices, and how a model is found in it.

use super::settings::Provider;
use memory::model::Price;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table, as it was compiled in.
const TABLE: &str = include_str!("prices.toml");

/// US dollars per million tokens: of the question, and of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate(pub f64, pub f64);

impl Rate {
    /// The price of a token; nothing where a number is negative, or not one.
    pub fn price(self) -> Option<Price> {
        let nano = |usd: f64| {
            let nano = (usd * 1000.0).ceil();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within range")]
            (0.0..1e12).contains(&nano).then_some(nano as u64)
        };
        Some(Price { input: nano(self.0)?, output: nano(self.1)? })
    }
}

/// The list price of a model; nothing for one that is not in the table.
pub fn listed(provider: Provider, model: &str) -> Option<Rate> {
    let table: BTreeMap<String, toml::Table> = toml::from_str(TABLE).ok()?;
    let prices = table.get(provider.name())?;
    let of = |name: &str| prices.get(name)?.clone().try_into().ok();
    // "gpt-4o-2024-08-06" is "gpt-4o", but "gpt-4o-audio" is not.
    let ends: Vec<usize> = model.match_indices('-').map(|(at, _)| at).collect();
    of(model).or_else(|| {
        ends.into_iter().rev().find_map(|at| {
            let (name, date) = model.split_at_checked(at)?;
            let is_date = date.chars().all(|c| c.is_ascii_digit() || c == '-') && date.len() >= 9;
            is_date.then(|| of(name)).flatten()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Provider, Rate, TABLE, listed};

    #[test]
    fn models_are_found_by_name_and_by_name_with_a_date() {
        let cases: &[(Provider, &str, Option<Rate>)] = &[
            (Provider::OpenAi, "gpt-4o", Some(Rate(2.5, 10.0))),
            (Provider::OpenAi, "gpt-4o-2024-08-06", Some(Rate(2.5, 10.0))),
            (Provider::OpenAi, "gpt-4o-mini-2024-07-18", Some(Rate(0.15, 0.6))),
            (Provider::OpenAi, "gpt-4o-audio", None),
            (Provider::Anthropic, "claude-sonnet-4-5-20250929", Some(Rate(3.0, 15.0))),
            (Provider::Anthropic, "gpt-4o", None),
            (Provider::Anthropic, "source", None),
            (Provider::Ollama, "llama3", None),
        ];
        for (provider, model, rate) in cases {
            assert_eq!(listed(*provider, model), *rate, "{model}");
        }
    }

    #[test]
    fn each_listed_price_is_one_and_has_a_source_and_a_date() {
        let table: std::collections::BTreeMap<String, toml::Table> = toml::from_str(TABLE).unwrap();
        for (provider, prices) in table {
            assert!(prices["source"].is_str() && prices["as_of"].is_str(), "{provider}");
            for (model, rate) in prices.into_iter().filter(|(name, _)| !matches!(name.as_str(), "source" | "as_of")) {
                let rate: Rate = rate.try_into().unwrap();
                let price = rate.price().unwrap();
                assert!(price.input > 0 && price.output > price.input, "{model}");
            }
        }
        assert_eq!(Rate(-1.0, 1.0).price(), None);
        assert_eq!(Rate(f64::NAN, 1.0).price(), None);
    }
}
