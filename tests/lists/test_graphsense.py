"""GraphSense's concepts: the categories that follow from its published tree."""

from app.lists.rules.graphsense import CONFIDENCE, category_of, concepts_of, is_mention
from app.lists.rules.risk import CATEGORIES, weight_of


def category(*words: str) -> str:
    return category_of(concepts_of(words)[0])


def test_concept_has_the_category_of_its_broader_one() -> None:
    for words, ours in {
        ("pyramid_scheme",): "scam",
        ("ponzi_scheme",): "scam",
        ("investment_fraud",): "scam",
        ("phishing",): "scam",
        ("sextortion",): "ransom",
        ("ransomware",): "ransom",
        ("coinjoin",): "mixer",
        ("mixing_service",): "mixer",
        ("mixer",): "mixer",  # INTERPOL's packs call it so
        ("torture",): "illegal_service",
        ("money_laundering",): "illegal_service",
        ("payment_card_fraud",): "illegal_service",
        ("drugs",): "illegal_service",
        ("child_sexual_abuse",): "child_exploitation",
        ("terrorism",): "terrorism_financing",
        ("service_hack",): "stolen_coins",
        ("sanction",): "sanctions",
        ("escrow_wallet",): "wallet",
        ("defi_lending",): "liquidity_pools",
        ("mining_service",): "miner",
        ("exchange",): "other",
        ("collectible",): "other",
    }.items():
        assert category(*words) == ours, words
        assert ours in CATEGORIES


def test_market_is_a_dark_one_only_where_the_tag_says_so() -> None:
    assert category("market") == "marketplace"
    assert category("market", "collectible") == "marketplace"
    assert category("shop") == "marketplace"
    assert category("market", "dark_web") == "dark_market"
    assert category("shop", "dark_web") == "dark_market"
    assert category("darknet market") == "dark_market"
    assert category("hosting", "dark_web") == "dark_service"
    assert category("mixing_service", "dark_web") == "mixer"


def test_gravest_of_several_concepts_counts_and_a_victim_did_nothing() -> None:
    assert category("exchange", "sanction") == "sanctions"
    assert category("donation", "sextortion") == "ransom"
    assert category("gambling", "scam") == "scam"
    assert category("ransomware", "victim") == "other"


def test_mention_is_known_by_its_place_in_the_tree() -> None:
    for concept in ("mention", "website_mention", "forum_mention"):
        assert is_mention([concept])
    assert not is_mention(["dark_web", "market"])


def test_word_that_the_tree_does_not_have_is_told() -> None:
    assert concepts_of(["Pyramid-Scheme", " market ", "", "nft"]) == (
        frozenset({"pyramid_scheme", "market"}),
        frozenset({"nft"}),
    )


def test_two_words_in_one_and_other_forms_of_a_word_are_read() -> None:
    """As in GraphSense's `packs/defi-fraud-masterthesis.yaml`."""
    assert concepts_of(["Phish / Hack"]) == (frozenset({"phishing", "service_hack"}), frozenset())
    assert category("Phish / Hack") == "stolen_coins"
    assert category("Scamming") == category("Phishing") == "scam"


def test_less_sure_tag_weighs_less() -> None:
    by_level = sorted(CONFIDENCE.values())
    weights = [weight_of("scam", level) for level in by_level]
    assert weights == sorted(weights)
    assert [str(weight_of("scam", CONFIDENCE[one])) for one in ("unknown", "web_crawl")] == [
        "0.1",
        "0.4",
    ]
    assert weight_of("scam", CONFIDENCE["ownership"]) == weight_of("scam") == CATEGORIES["scam"]
