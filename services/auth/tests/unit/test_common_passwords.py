"""The bundled list of passwords that are guessed first."""

from importlib.resources import files

import pytest

from auth_service import common_passwords
from auth_service.common_passwords import is_common
from auth_service.common_passwords.generate import content
from auth_service.password_policy import MAX_LENGTH, MIN_LENGTH, fault_of

LIST = files(common_passwords).joinpath("list.txt").read_text(encoding="utf-8")


def test_there_are_more_than_ten_thousand_and_each_would_fit_the_policy_otherwise() -> None:
    entries = LIST.splitlines()
    assert len(entries) >= 10_000
    assert all(MIN_LENGTH <= len(entry) <= MAX_LENGTH for entry in entries)
    assert len(set(entries)) == len(entries)


def test_the_list_is_the_one_that_the_generator_writes() -> None:
    assert content() == LIST


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password1234", "PASSWORD2024!", "123456789012", "qwertyuiop123", "aaaaaaaaaaaa",
        "1qaz2wsx3edc", "abcdefghijkl", "administrator1", "iloveyou2023", "p@$$w0rd1234", " passwordpassword ",
    ],
)  # fmt: skip
def test_well_known_ones_are_refused_in_any_case(password: str) -> None:
    found = fault_of(password, email="ada@example.com", name="Ada")
    assert found is not None
    assert found[0] == "password-too-common"


@pytest.mark.parametrize("password", ["a long and easy sentence", "correct horse battery staple", "пароль пароль"])
def test_sentences_pass(password: str) -> None:
    assert not is_common(password)
