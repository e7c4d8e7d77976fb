"""A process with weak or missing settings ends with one line for each, and never says a secret."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from servicekit.settings import EXIT_CONFIG, ApiSettings, load_settings

GOOD = "0123456789-abcdefghij-ABCDEFGHIJ"


class Settings(ApiSettings):
    """Of a service that does not exist."""

    model_config = SettingsConfigDict(env_prefix="THINGS_")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APPRAISE_VAR", str(tmp_path))
    monkeypatch.setenv("THINGS_DATABASE_URL", "postgresql://things@127.0.0.1/things")
    monkeypatch.setenv("THINGS_CURSOR_SECRET", GOOD)


def refusal(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == EXIT_CONFIG == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_good_settings_are_read_with_the_service_s_own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://other@127.0.0.1/other")
    monkeypatch.setenv("OTHER_LOG_LEVEL", "debug")
    settings = load_settings(Settings)
    assert settings.database_url.get_secret_value() == "postgresql://things@127.0.0.1/things"
    assert (settings.environment, settings.log_level) == ("production", "info")


def test_a_printed_setting_shows_no_secret() -> None:
    assert GOOD not in repr(load_settings(Settings))
    assert "things@" not in str(load_settings(Settings))


@pytest.mark.parametrize("weak", ["", "short", "a" * 64, "abcabcabc" * 10, GOOD[:31]])
def test_a_weak_secret_is_refused_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], weak: str
) -> None:
    monkeypatch.setenv("THINGS_CURSOR_SECRET", weak)
    lines = refusal(capsys)
    assert lines == ["THINGS_CURSOR_SECRET: too weak: at least 32 random characters are needed"]


@pytest.mark.parametrize(
    "url",
    ["", "things", "mysql://things@db/things", "postgresql://things:se/cret@db/things", "postgresql://db:70000/x"],
)
def test_an_address_of_no_database_is_refused_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("THINGS_DATABASE_URL", url)
    assert refusal(capsys) == ["THINGS_DATABASE_URL: is not postgresql://role:password@host:port/database"]


def test_each_fault_has_its_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("THINGS_DATABASE_URL")
    monkeypatch.delenv("THINGS_CURSOR_SECRET")
    monkeypatch.setenv("THINGS_LOG_LEVEL", "loud")
    monkeypatch.setenv("THINGS_DATABASE_POOL_SIZE", "0")
    lines = refusal(capsys)
    assert [line.partition(":")[0] for line in lines] == [
        "THINGS_LOG_LEVEL",
        "THINGS_DATABASE_URL",
        "THINGS_DATABASE_POOL_SIZE",
        "THINGS_CURSOR_SECRET",
    ]
    assert all(line.partition(": ")[2] for line in lines)


def test_settings_do_not_change_while_the_process_lives() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(Settings).log_level = "debug"  # type: ignore[misc]  # which mypy sees too


def test_an_example_needs_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THINGS_DATABASE_URL")
    monkeypatch.delenv("THINGS_CURSOR_SECRET")
    assert Settings.example().environment == "test"


def test_a_secret_may_be_a_file_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    monkeypatch.setenv("APPRAISE_SECRETS", str(mounted))
    (mounted / "things_cursor_secret").write_text(f"{GOOD[::-1]}\n")
    (mounted / "things_database_url").write_text("postgresql://file@127.0.0.1/things\n")
    monkeypatch.delenv("THINGS_CURSOR_SECRET")
    settings = load_settings(Settings)
    assert settings.cursor_secret.get_secret_value() == GOOD[::-1]
    assert settings.database_url.get_secret_value() == "postgresql://things@127.0.0.1/things"


def test_a_weak_secret_in_a_file_is_refused_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APPRAISE_SECRETS", str(tmp_path))
    monkeypatch.delenv("THINGS_CURSOR_SECRET")
    (tmp_path / "things_cursor_secret").write_text("changeme")
    assert refusal(capsys) == ["THINGS_CURSOR_SECRET: too weak: at least 32 random characters are needed"]


def test_an_empty_address_of_a_collector_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINGS_TRACES_URL", "")
    assert load_settings(Settings).traces_url is None
