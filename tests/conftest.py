"""One platform for all journeys and attacks; the tests of the platform itself start their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_platform import ADMIN, REVIEWER, Account, Platform, PlatformElsewhere, free_port


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if address := os.environ.get("APPRAISE_E2E_URL"):
        yield PlatformElsewhere(Path(os.environ["APPRAISE_E2E_VAR"]), address=address)
        return
    # On a machine of any speed there is time to take a decision back; signing out ends the wait.
    settings = {"WEB_UNDO_SECONDS": "20", "GATEWAY_METRICS_PORT": str(free_port())}
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
