"""A service that can't do its work says so before it starts."""

from typing import Any

import pytest
from pydantic import ValidationError

from auth_service.settings import Settings
from servicekit.settings import load_settings
from servicekit.testing import TEST_SECRET

GOOD: dict[str, Any] = {
    "environment": "test",
    "database_url": "postgresql://auth@127.0.0.1/auth",
    "cursor_secret": TEST_SECRET,
    "signing_key_secret": TEST_SECRET,
    "mail_dir": "mail",
}


def test_good_settings_are_taken_and_the_address_of_the_pages_loses_its_slash() -> None:
    assert Settings.model_validate({**GOOD, "web_url": "https://pages.test/"}).web_url == "https://pages.test"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mail_dir": None}, "AUTH_SMTP_URL"),
        ({"admin_email": "root@example.com"}, "AUTH_ADMIN_PASSWORD"),
        ({"admin_password": "a long and easy sentence"}, "AUTH_ADMIN_EMAIL"),
        ({"admin_email": "root@example.com", "admin_password": "short"}, "AUTH_ADMIN_PASSWORD: At least 12"),
        ({"admin_email": "root", "admin_password": "a long and easy sentence"}, "not an e-mail address"),
        ({"web_url": "pages.test"}, "http"),
        ({"signing_key_secret": "short"}, "too weak"),
    ],
)
def test_faults_are_named(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({**GOOD, **changes})
    assert word in str(caught.value)


def test_the_environment_is_refused_with_one_line_for_each_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"AUTH_{name.upper()}", value)
    monkeypatch.delenv("AUTH_MAIL_DIR")
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == 78
    line = capsys.readouterr().err
    assert line.startswith("AUTH_MAIL_DIR (a folder) or AUTH_SMTP_URL is needed")
    assert line.count("\n") == 1


def test_the_example_describes_a_service() -> None:
    assert Settings.example().environment == "test"


STRONG = {
    **GOOD,
    "environment": "production",
    "database_url": "postgresql://auth:a8f3c6e19b7d42@db/auth",
    "cursor_secret": "q7Zk2mV9xT4bN8cR1pL6wY3sH5dF0gJe",
}


def test_strong_secrets_start_production() -> None:
    assert Settings.model_validate(STRONG).environment == "production"
    assert Settings.model_validate({**STRONG, "database_url": "postgresql:///auth?host=/run/postgresql"})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cursor_secret": TEST_SECRET}, ["AUTH_SIGNING_KEY_SECRET: it must not be the same"]),
        ({"signing_key_secret": "change-me-0123456789-abcdefghijklmn"}, ["AUTH_SIGNING_KEY_SECRET: this is a placeh"]),
        ({"database_url": "postgresql://auth@db/auth"}, ["AUTH_DATABASE_URL: a password"]),
        ({"database_url": "postgresql://auth:auth@db/auth"}, ["AUTH_DATABASE_URL: a password"]),
        ({"smtp_url": "smtp://user@mail:25"}, ["AUTH_SMTP_URL: there is a user"]),
        (
            {"cursor_secret": "an-example-of-a-secret-0123456789", "database_url": "postgresql://auth@db/auth"},
            ["AUTH_CURSOR_SECRET", "AUTH_DATABASE_URL"],
        ),
    ],
)
def test_production_refuses_weak_secrets_and_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], named: list[str]
) -> None:
    for name, value in {**STRONG, **changes}.items():
        monkeypatch.setenv(f"AUTH_{name.upper()}", value)
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == 78
    told = capsys.readouterr().err
    assert [line.startswith(start) for line, start in zip(told.splitlines(), named, strict=True)] == [True] * len(named)
    assert not [value for value in changes.values() if value in told]


@pytest.mark.parametrize("missing", ["database_url", "cursor_secret", "signing_key_secret"])
def test_a_missing_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    for name, value in STRONG.items():
        if name != missing:
            monkeypatch.setenv(f"AUTH_{name.upper()}", value)
    with pytest.raises(SystemExit):
        load_settings(Settings)
    assert capsys.readouterr().err.startswith(f"AUTH_{missing.upper()}: is not set")
