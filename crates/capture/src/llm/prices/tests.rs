use super::*;

/// 2026-11-01, a day that the built-in table knows.
const AT: Micros = Micros(1_793_491_200_000_000);

fn priced<'a>(provider: &'a str, model: &'a str) -> Priced<'a> {
    Priced {
        provider,
        url: "http://127.0.0.1:9",
        model,
        tier: None,
        at: AT,
    }
}

fn counts(input: u64, output: u64) -> Counts {
    Counts {
        input: Some(input),
        output: Some(output),
        ..Counts::default()
    }
}

#[test]
fn the_version_of_the_built_in_table_is_the_crates() {
    let lock = include_str!("../../../../../Cargo.lock");
    let (_, after) = lock
        .split_once("name = \"genai-prices\"\nversion = \"")
        .unwrap();
    assert_eq!(
        BUILT_IN,
        format!("genai-prices-{}", after.split_once('"').unwrap().0)
    );
}

#[test]
fn well_known_models_have_prices_and_unknown_ones_none() {
    let prices = Prices::built_in();
    // 2.50 and 10 dollars a million.
    let price = prices
        .price(&priced("openai", "gpt-4o-2024-08-06"), &counts(1_000, 100))
        .unwrap();
    assert_eq!((price.nanousd, price.table.as_str()), (3_500_000, BUILT_IN));
    let cached = Counts {
        cache_read: Some(800),
        ..counts(1_000, 100)
    };
    let price = prices.price(&priced("openai", "gpt-4o"), &cached).unwrap();
    assert_eq!(price.nanousd, 200 * 2_500 + 800 * 1_250 + 100 * 10_000);
    for (provider, model) in [("openai", "no-such-model"), ("local", "gpt-4o")] {
        assert_eq!(
            prices.price(&priced(provider, model), &counts(1, 1)),
            None,
            "{provider} {model}"
        );
    }
    let by_url = Priced {
        url: "https://api.openai.com",
        ..priced("mine", "gpt-4o")
    };
    assert!(prices.price(&by_url, &counts(1, 1)).is_some());
    let only_input = Counts {
        output: None,
        ..counts(1, 0)
    };
    assert_eq!(prices.price(&priced("openai", "gpt-4o"), &only_input), None);
}

#[test]
fn writes_for_an_hour_cost_more() {
    let prices = Prices::built_in();
    let write = Counts {
        cache_write: Some(100_000),
        ..counts(100_000, 0)
    };
    let hour = Counts {
        cache_write_1h: Some(100_000),
        ..write.clone()
    };
    let price = |counts: &Counts| {
        let price = prices.price(&priced("anthropic", "claude-sonnet-4-5"), counts);
        price.unwrap().nanousd
    };
    // 3 dollars a million, a quarter more for five minutes, twice as much for an hour.
    assert_eq!((price(&write), price(&hour)), (375_000_000, 600_000_000));

    // The table has no price for an hour of this one: 3.75 dollars a million for five minutes.
    let older = priced("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0");
    let price = |counts: &Counts| prices.price(&older, counts).map(|price| price.nanousd);
    let some = Counts {
        cache_write_1h: Some(40_000),
        ..write.clone()
    };
    let five = price(&write).unwrap();
    assert_eq!(price(&hour), Some(five * 8 / 5));
    assert_eq!(price(&some), Some(five / 5 * 3 + five / 25 * 16));
    // Nobody says what an hour of others costs.
    let other = priced("openai", "gpt-5.6-sol");
    assert!(prices.price(&other, &write).is_some());
    assert_eq!(prices.price(&other, &hour), None);
}

#[test]
fn own_prices_know_an_hour_too() {
    let prices = Prices::with_file(
        "[[price]]\nmodel = 'a'\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 0\ncache_write_usd_per_mtok = 1.25\n\
        [[price]]\nmodel = 'b'\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 0\ncache_write_1h_usd_per_mtok = 1.5\n\
        [[price]]\nmodel = 'c'\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 0\ncache_write_usd_per_mtok = 3",
    )
    .unwrap();
    let hour = Counts {
        cache_write: Some(1_000),
        cache_write_1h: Some(1_000),
        ..counts(1_000, 0)
    };
    for (model, nanousd) in [("a", 2_000_000), ("b", 1_500_000), ("c", 3_000_000)] {
        let price = prices.price(&priced("x", model), &hour).unwrap();
        assert_eq!(price.nanousd, nanousd, "{model}");
    }
}

#[test]
fn own_prices_go_first_in_every_format() {
    let ours = "[[price]]\nmodel = 'gpt-*'\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 2\ncache_read_usd_per_mtok = 0.1\n\
        [[price]]\nprovider = 'local'\nmodel = 'gpt-4o'\ninput_usd_per_mtok = 0\noutput_usd_per_mtok = 0";
    let prices = Prices::with_file(ours).unwrap();
    let price = prices
        .price(&priced("openai", "gpt-4o"), &counts(1_000, 100))
        .unwrap();
    assert_eq!(price.nanousd, 1_200_000);
    assert!(price.table.starts_with("own-"), "{}", price.table);
    let cached = Counts {
        cache_read: Some(999),
        ..counts(1_000, 0)
    };
    assert_eq!(
        prices
            .price(&priced("openai", "gpt-5"), &cached)
            .unwrap()
            .nanousd,
        1_000 + 99_900
    );
    let free = prices
        .price(&priced("local", "gpt-4o"), &counts(5, 5))
        .unwrap();
    assert_eq!(
        free.nanousd, 0,
        "a price of nothing that somebody has set is a price"
    );
    let claude = prices
        .price(&priced("anthropic", "claude-sonnet-4-5"), &counts(1, 1))
        .unwrap();
    assert_eq!(claude.table, BUILT_IN);
    let litellm = r#"{
        "sample_spec": {"max_tokens": "text"},
        "groq/llama-x": {"litellm_provider": "groq", "input_cost_per_token": 5e-08, "output_cost_per_token": 8e-08, "mode": "chat"},
        "dall-e": {"litellm_provider": "openai", "input_cost_per_image": 0.04}
    }"#;
    let prices = Prices::with_file(litellm).unwrap();
    assert_eq!(
        prices
            .price(&priced("groq", "llama-x"), &counts(100, 10))
            .unwrap()
            .nanousd,
        5_800
    );
    let json =
        r#"{"price": [{"model": "m", "input_usd_per_mtok": 0.000001, "output_usd_per_mtok": 0}]}"#;
    let tiny = Prices::with_file(json).unwrap();
    assert_eq!(
        tiny.price(&priced("x", "m"), &counts(1_000, 0))
            .unwrap()
            .nanousd,
        1,
        "rounded from a half up"
    );
}

#[test]
fn a_file_that_is_none_is_refused() {
    for text in [
        "",
        "x",
        "{}",
        "[[price]]\nmodel = 'm'",
        "{\"a\": 1}",
        "[[price]]\nmodel='m'\ninput_usd_per_mtok=-1\noutput_usd_per_mtok=0",
    ] {
        assert!(Prices::with_file(text).is_err(), "{text}");
    }
}
