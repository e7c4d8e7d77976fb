"""One platform for all journeys and attacks; the tests of the platform itself start their own."""

from collections.abc import Iterator

import pytest
from running_platform import ADMIN, REVIEWER, Account, Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    # On a machine of any speed there is time to take a decision back; signing out ends the wait.
    settings = {"WEB_UNDO_SECONDS": "20"}
    running = Platform(tmp_path_factory.mktemp("platform") / "var", extra_env=settings).launch()
    try:
        yield running.wait_ready()
    finally:
        assert running.stop() == 0


@pytest.fixture
def anyone(platform: Platform) -> Account:
    return Account(platform.url)


@pytest.fixture
def admin(platform: Platform) -> Account:
    return Account(platform.url).sign_in(*ADMIN)


@pytest.fixture
def reviewer(platform: Platform) -> Account:
    return Account(platform.url).sign_in(*REVIEWER)
