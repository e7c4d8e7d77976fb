"""``make upgrade-drill``: a release is put in and taken out again under load, and its schema stays.

The newer release is this one with one migration more for each database, as a release brings it: a column with a
default, a table, an index. Its images are made from those of this one, so nothing else differs. In this order, each
test going on where the one before it stopped.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from composed import URLS, Composed
from constant_load import Load, constant_load
from running_platform import ADMIN, REVIEWER, Account

ROOT = Path(__file__).parents[2]
OLD, NEW = "drill-old", "drill-new"
SERVICES = ("auth", "catalog", "rewards", "isin", "web", "rewards-worker", "isin-worker", "gateway")
IMAGES = ("auth", "catalog", "rewards", "isin-worker", "web", "gateway")
TABLES = {"auth": "account", "catalog": "app", "rewards": "task", "isin-worker": "run"}  # that get the column
BOOKING = "/api/v1/points/adjustments"

MIGRATION = '''"""What a release adds: nothing that the release before it would miss."""

from alembic import op

revision, down_revision, branch_labels, depends_on = "9000", "{head}", None, None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE {table} ADD COLUMN drill text NOT NULL DEFAULT 'untouched'")
    op.execute("CREATE TABLE drill (id uuid PRIMARY KEY DEFAULT uuidv7(), note text NOT NULL)")
    op.execute("CREATE INDEX ix_{table}_drill ON {table} (drill)")
'''
DOCKERFILE = """FROM appraise/{image}:drill-old
USER root
COPY 9000_drill.py /
RUN cp /9000_drill.py /opt/venv/lib/python3*/site-packages/*/migrations/versions/
USER 10001:10001
"""

pytestmark = pytest.mark.e2e


class Drill:
    """The stack, and what was answered to whoever asked for points: a booking that was lost or doubled would show."""

    def __init__(self, stack: Composed) -> None:
        self.stack = stack
        self.booked = 0
        reviewer = Account(URLS[0]).sign_in(*REVIEWER)
        self.reviewer_id = str(reviewer.get("/api/v1/users/me").json()["id"])

    def under_load(self, what: str, work: Callable[[], object]) -> Load:
        """Do it in another thread while the load goes on."""
        booking = ("POST", BOOKING, {"user_id": self.reviewer_id, "points": 1, "reason": "A point of the drill"})

        async def run() -> Load:
            async with constant_load(URLS, ADMIN, more=[booking]) as load:
                await asyncio.to_thread(work)
            return load

        began = time.monotonic()
        load = asyncio.run(run())
        say(f"{what}: {time.monotonic() - began:.0f} s, {load.total} requests, {len(load.failures)} failed, "
            f"slowest {load.slowest:.2f} s")  # fmt: skip
        self.booked += load.answers[f"POST {BOOKING}"]
        return load

    def points(self) -> int:
        """Of the one who gets them."""
        return int(Account(URLS[0]).sign_in(*REVIEWER).get("/api/v1/points").json()["balance"])

    def versions(self) -> set[str]:
        """The tags of the images that run."""
        containers = [one for service in SERVICES for one in self.stack.containers(service)]
        names = self.stack.run("docker", "inspect", "--format", "{{.Config.Image}}", *containers).split()
        return {name.rpartition(":")[2] for name in names}

    def asked(self, database: str, query: str) -> str:
        """What Postgres answers."""
        psql = f'PGPASSWORD="$(cat /run/secrets/postgres_password)" psql -At -h 127.0.0.1 -U postgres -d {database}'
        return self.stack.compose("exec", "-T", "postgres", "sh", "-c", f'{psql} --command "{query}"').strip()


def say(text: str) -> None:
    """A figure for whoever reads the log."""
    sys.stderr.write(f"upgrade-drill: {text}\n")


def make_newer_images(stack: Composed, folder: Path) -> None:
    """Those of the drill's newer release."""
    for image in IMAGES:
        if image not in TABLES:
            stack.run("docker", "tag", f"appraise/{image}:{OLD}", f"appraise/{image}:{NEW}")
            continue
        context = folder / image
        context.mkdir(parents=True)
        (versions,) = (ROOT / "services" / image / "src").glob("*/migrations/versions")
        head = max(path.name[:4] for path in versions.glob("*.py"))
        (context / "Dockerfile").write_text(DOCKERFILE.format(image=image))
        (context / "9000_drill.py").write_text(MIGRATION.format(head=head, table=TABLES[image]))
        stack.run("docker", "build", "--quiet", "--tag", f"appraise/{image}:{NEW}", str(context))


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    stack = Composed(tmp_path_factory.mktemp("upgraded"))
    stack.env["APPRAISE_VERSION"] = OLD
    stack.build()
    make_newer_images(stack, stack.folder / "newer")
    try:
        say(f"the older release is healthy after {stack.up():.0f} s")
        stack.make_reviewer()
        yield Drill(stack)
    finally:
        stack.down()


def migrate(stack: Composed) -> None:
    """The newer release's step, beside the older one that serves."""
    for name in TABLES:
        stack.compose("run", "--rm", "--no-deps", f"migrate-{name.removesuffix('-worker')}")


def test_the_newer_schema_is_put_under_the_older_release_while_it_serves(drill: Drill) -> None:
    drill.stack.env["APPRAISE_VERSION"] = NEW
    load = drill.under_load("migrations", lambda: migrate(drill.stack))
    assert load.failures == []
    for name, table in TABLES.items():
        database = name.removesuffix("-worker")
        assert drill.asked(database, "SELECT version_num FROM alembic_version") == "9000"
        untouched = f"SELECT count(*) FROM {table} WHERE drill <> 'untouched'"  # noqa: S608 - a table of ours
        assert drill.asked(database, untouched) == "0"
    assert drill.versions() == {OLD}


@pytest.mark.parametrize("version", [NEW, OLD], ids=["forward", "back"])
def test_every_container_is_replaced_without_one_failed_request(drill: Drill, version: str) -> None:
    drill.stack.env["APPRAISE_VERSION"] = version
    load = drill.under_load(f"all to {version}", lambda: say(f"\n{drill.stack.roll(version=version)}"))
    say("\n".join(load.failures))
    assert load.failures == []
    assert min(load.answers.values()) > 0
    assert drill.versions() == {version}


def test_afterwards_the_older_release_knows_that_its_schema_is_newer_and_nothing_is_lost(drill: Drill) -> None:
    for service in ("auth", "catalog", "rewards", "isin"):
        assert "schema.newer" in drill.stack.compose("logs", "--no-color", service)
    assert drill.booked > 0
    assert drill.points() == drill.booked
    drill.stack.compose("exec", "-T", "rewards", "service", "seal")
    found = drill.stack.ledger()
    assert found["transactions"] == drill.booked
    say(f"{drill.booked} bookings were answered and are in the ledger, which holds")
    migrate(drill.stack)  # of the older release: it leaves the schema alone
    assert {
        drill.asked(name.removesuffix("-worker"), "SELECT version_num FROM alembic_version") for name in TABLES
    } == {"9000"}
