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
    "text",
    [
        "", "ada", "ada@", "@example.com", "ada@localhost", "ada@@example.com", "a da@example.com", "ada@example..com",
        "Ada <ada@example.com>", "ada@[127.0.0.1]", '"a b"@example.com', "ådå@example.com", "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com", "ada\0@example.com", "a" * 65 + "@example.com",
        "ada@" + "a" * 250 + ".com", "\ud800@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an e-mail address$"):
        normalise_email(text)
