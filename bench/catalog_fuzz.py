"""Schemathesis over the catalogue's own document, as an administrator and as anybody, on a throwaway Postgres.

    .venv/bin/python bench/catalog_fuzz.py --schemathesis PATH [--examples 70] [-- more arguments]

It needs an environment of its own, for instance ``python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install schemathesis``.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile

from catalog_server import served, token

import catalog_service
from local_stack.embedded.for_tests import throwaway_servers
from servicekit import testing


def fuzz(url: str, schemathesis: str, examples: int, more: list[str], bearer: str | None) -> int:
    """One run over every operation. Returns the exit code."""
    arguments = [
        schemathesis, "run", f"{url}/openapi.json", "--max-examples", str(examples),
        "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
        # What a schema can't say is refused by intent: packages that are there, unknown categories, forged cursors.
        "--exclude-checks", "positive_data_acceptance",
        *(["--header", f"Authorization: Bearer {bearer}"] if bearer else []), *more,
    ]  # fmt: skip
    return subprocess.run(arguments, cwd=tempfile.gettempdir(), check=False).returncode  # noqa: S603 - as was asked for


def main() -> int:
    """Read the command line; run as an administrator, then as nobody."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--examples", type=int, default=70)
    parser.add_argument("more", nargs="*")
    chosen = parser.parse_args()
    with throwaway_servers() as servers:
        os.environ["APPRAISE_TEST_POSTGRES_URL"] = servers.postgres_url
        database_url = asyncio.run(testing.create_database(str(catalog_service.__file__), "fuzz"))
        codes = []
        for bearer in (token("admin"), None):
            with served(database_url) as catalog:
                codes.append(fuzz(catalog.url, chosen.schemathesis, chosen.examples, chosen.more, bearer))
        return max(codes)


if __name__ == "__main__":
    sys.exit(main())
