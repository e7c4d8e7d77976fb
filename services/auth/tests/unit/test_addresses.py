"""One address, one account."""

import pytest

from auth_service.addresses import normalise_email


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@shop.test", "ada@shop.test"),
    ],
)
def test_spellings_of_one_address_become_one(typed: str, kept: str) -> None:
    assert normalise_email(typed) == kept
    assert normalise_email(kept) == kept


@pytest.mark.parametrize(
    ("typed", "like"),
    [
        ("ada@ex\N{CYRILLIC SMALL LETTER A}mple.com", "ada@example.com"),
        ("ada@g\N{LATIN SMALL LETTER SCRIPT G}.example", "ada@gg.example"),
        ("ada@exampl\N{GREEK SMALL LETTER EPSILON}.com", "ada@example.com"),
    ],
)
def test_a_domain_that_only_looks_like_another_is_another(typed: str, like: str) -> None:
    try:
        kept = normalise_email(typed)
    except ValueError:
        return
    assert kept.startswith("ada@xn--")
    assert kept != normalise_email(like)


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@example.com", "ada@localhost", "ada@@example.com", "a da@example.com", "ada@example..com",
        "Ada <ada@example.com>", "ada@[127.0.0.1]", '"a b"@example.com', "ådå@example.com", "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com", "ada\0@example.com", "a" * 65 + "@example.com",
        "ada@" + "a" * 250 + ".com", "\ud800@example.com",
        # These look like "ada", "mike" or "sid", or become it when letters are folded.
        "\N{CYRILLIC SMALL LETTER A}da@example.com", "\N{FULLWIDTH LATIN SMALL LETTER A}da@example.com",
        "m\N{LATIN SMALL LETTER DOTLESS I}ke@example.com", "mi\N{KELVIN SIGN}e@example.com",
        "\N{LATIN SMALL LETTER LONG S}id@example.com", "a\N{ZERO WIDTH JOINER}da@example.com",
        "a\N{SOFT HYPHEN}da@example.com", "ada@exam\N{RIGHT-TO-LEFT OVERRIDE}ple.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an e-mail address$"):
        normalise_email(text)
