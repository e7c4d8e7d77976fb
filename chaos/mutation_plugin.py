"""A pytest plugin for the tests of a mutant: each begins with an empty memory, and with a database that is a copy.

Migrations take most of a second, a copy of a database a tenth; and what a function remembers would hide from mutmut
which tests depend on it. ``MUTATED_MODULES`` names the modules that may remember something. What a fixture of many
tests has called, an application's constructors say, counts for each of these tests, not for the first alone.

The quickest tests come first, as one that fails is enough, and property tests last. These try the same examples for
each mutant, however slow the machine is, or a mutant would be killed by chance; and they look for no smaller example.
"""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator

import asyncpg
import pytest
from hypothesis import Phase, settings
from mutmut.state import state  # type: ignore[import-not-found]  # it has an environment of its own

from servicekit import testing

LONGEST_TEST_SECONDS = 60
"""A mutant that never comes to an end is told by this, long before the time for all its tests is up. Property tests may
take longer than this on a machine with other work."""

_migrated = testing.create_database
_called: dict[str, set[str]] = {}  # by fixture


def pytest_configure() -> None:
    """What was there before the fork is no garbage: to look for some in it took half a second of each mutant."""
    gc.freeze()


async def _copied(package_file: str, name: str) -> str:
    """In the place of ``servicekit.testing.create_database``."""
    admin = await asyncpg.connect(os.environ["APPRAISE_TEST_POSTGRES_URL"])
    template, copy = f"{name}_template", f"{name}_main_{os.getpid()}"
    try:
        await admin.execute("SELECT pg_advisory_lock(hashtext($1))", template)
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", template):
            await _migrated(package_file, name)
            await admin.execute(f'ALTER DATABASE "{copy}" RENAME TO "{template}"')
        await admin.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    finally:
        await admin.close()
    return testing._database_url(copy)  # noqa: SLF001 - it names the database of a test, as here


testing.create_database = _copied
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """As far as mutmut has clocked them."""
    clocked = state().duration_by_test
    items.sort(key=lambda item: (_of_properties(item), clocked.get(item.nodeid, 0)))


def _of_properties(item: pytest.Item) -> bool:
    return item.get_closest_marker("hypothesis") is not None


@pytest.fixture(autouse=True)
def _limited(request: pytest.FixtureRequest) -> Iterator[None]:
    signal.alarm(0 if _of_properties(request.node) else LONGEST_TEST_SECONDS)
    yield
    signal.alarm(0)


@pytest.fixture(autouse=True)
def _forgetting() -> None:
    for name in os.environ["MUTATED_MODULES"].split():
        for value in vars(sys.modules[name]).values() if name in sys.modules else ():
            getattr(value, "cache_clear", int)()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    """Note which functions a fixture of many tests calls."""
    before = set(state()._stats)  # noqa: SLF001 - mutmut has no other door
    made = yield
    if fixturedef.scope != "function":
        _called[fixturedef.argname] = state()._stats - before  # noqa: SLF001 - as above
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Before mutmut writes down what this test has called."""
    for fixture in getattr(item, "fixturenames", ()):
        state()._stats.update(_called.get(fixture, ()))  # noqa: SLF001 - as above
