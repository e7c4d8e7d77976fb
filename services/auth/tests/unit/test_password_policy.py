"""Which passwords are good enough."""

import pytest

from auth_service.password_policy import fault_of, normal_form


def fault(password: str, *, email: str = "ada@example.com", name: str = "Ada Lovelace") -> str | None:
    found = fault_of(normal_form(password), email=email, name=name)
    return found[0] if found else None


@pytest.mark.parametrize("password", ["longer words", "a" * 256, "            ", "пароль пароль", "🐎" * 12])
def test_any_twelve_to_256_characters_will_do(password: str) -> None:
    assert fault(password) is None


@pytest.mark.parametrize(
    ("length", "code"), [(0, "password-too-short"), (11, "password-too-short"), (257, "password-too-long")]
)
def test_the_length_has_bounds(length: int, code: str) -> None:
    assert fault("a" * length) == code


def test_length_is_counted_in_the_normal_form() -> None:
    decomposed = "e\u0301" * 12  # 24 code points on the wire, 12 in NFC
    assert normal_form(decomposed) == "é" * 12
    assert fault(decomposed) is None
    assert fault("e\u0301" * 11) == "password-too-short"
    assert fault("e\u0301" * 256) is None


@pytest.mark.parametrize("password", ["ADA@Example.com", "ada@example.com"])
def test_the_address_is_no_password(password: str) -> None:
    assert fault(password) == "password-is-name"


def test_the_name_is_no_password() -> None:
    assert fault("ada lovelace") == "password-is-name"
    assert fault("STRASSENBAHN1", name="straßenbahn1") == "password-is-name"


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_what_is_not_text_is_refused(character: str) -> None:
    assert fault("a" * 12 + character) == "password-not-text"
