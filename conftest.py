"""One Postgres and one Valkey for the whole test run, shared by all its workers through the environment."""

import os
from contextlib import ExitStack

import pytest
import structlog
from hypothesis import HealthCheck, settings

# Imported before any test: pytest names tests by their folders, and would take `gateway/` and `web/` for the packages.
import gateway  # noqa: F401 - see above
import web  # noqa: F401

POSTGRES_URL = "APPRAISE_TEST_POSTGRES_URL"  # the superuser's
VALKEY_URL = "APPRAISE_TEST_VALKEY_URL"

# A crash that a test provokes is logged. The default form of a traceback takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A busy machine is no fault of a test: what CI has anyway.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_servers = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_servers] = ExitStack()
    # With workers the controller collects nothing, so it cannot know whether a test will need a server. A worker is
    # started with the environment of the controller and never starts servers itself.
    if config.getoption("numprocesses", None) and "not integration" not in config.getoption("markexpr"):
        _start(config)


@pytest.hookimpl(trylast=True)  # after the deselection by -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Playwright keeps an event loop running in the worker that has opened the browser: no other test can begin its own.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    if any(item.get_closest_marker("integration") for item in items):
        _start(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_servers].close()


def _start(config: pytest.Config) -> None:
    if POSTGRES_URL in os.environ and VALKEY_URL in os.environ:  # the caller's own servers
        return
    from local_stack.embedded.for_tests import throwaway_servers  # unit tests never pay for it

    addresses = config.stash[_servers].enter_context(throwaway_servers(config.getoption("numprocesses", None) or 1))
    os.environ[POSTGRES_URL] = addresses.postgres_url
    os.environ[VALKEY_URL] = addresses.valkey_url
