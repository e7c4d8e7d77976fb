"""Schemathesis over the whole contract, through the gateway of a running platform, as administrator and as nobody.

    .venv/bin/python chaos/contract_fuzz.py [--quick] [--only admin|nobody]

In both modes: data that the contract allows, NUL among its characters, and data that it does not; stateful too. As each
at least 10,000 cases, or 1,000 with ``--quick``: too few are a failure. An operation that only ever answers 401 fails
the run of the administrator. Schemathesis gets an environment of its own, in ``.venvs/``.
"""

# ruff: noqa: T201 - a script prints

import argparse
import re
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from environments import environment
from running_platform import ADMIN, Account, Platform

REQUIREMENTS = Path(__file__).parent / "schemathesis" / "requirements.txt"
# They would end the session that asks, change its password, have no end, or need what only a mail or a phone has.
LEFT_OUT = (
    "auth_logout", "auth_delete_me", "auth_change_password", "auth_propose_totp", "auth_confirm_totp",
    "auth_remove_totp", "auth_end_session", "auth_end_other_sessions", "auth_end_sessions_of_user", "auth_change_user",
    "rewards_stream_events", "auth_mfa",
)  # fmt: skip
CONFIGURATION = """
[warnings]
fail-on = true

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422, 428, 429, 431]
"""


@dataclass(frozen=True)
class Effort:
    """How much is tried: the examples for each operation, by which ways, and the cases that must come of it.

    And for how long one answer leads to the next request: that has no end of its own, and stops far too early without.
    """

    examples: int
    phases: str
    stateful_seconds: int
    cases: int
    seed: int


FULL = Effort(230, "examples,coverage,fuzzing", 180, 10_000, seed=secrets.randbits(32))
QUICK = Effort(15, "fuzzing", 10, 1_000, seed=1)  # the same each time: it runs beside the tests


def fuzz(url: str, effort: Effort, bearer: str | None, folder: Path) -> bool:
    """Both runs; what they did is shown, and what they found. Returns whether all was well, and enough."""
    arguments = [
        str(environment(REQUIREMENTS) / "schemathesis"), "run", f"{url}/openapi.json", "--no-color",
        "--max-examples", str(effort.examples), "--continue-on-failure",
        "--generation-allow-x00", "true", "--workers", "2", "--seed", str(effort.seed),
        # What a schema can't say is refused by intent: unknown ids, forged cursors, spent links, files that are none.
        # And the gateway refuses a method for a prefix: its `Allow` is wider than that of one address below it.
        "--exclude-checks", "positive_data_acceptance,unsupported_method,allow_header_conformance",
    ]  # fmt: skip
    for operation in LEFT_OUT:
        arguments += ["--exclude-operation-id", operation]
    if bearer:
        arguments += ["--header", f"Authorization: {bearer}"]
    # Only the first run sees every operation, so only there it is known which one always answers 401.
    runs = (
        ["--phases", effort.phases, "--warnings", "missing_auth" if bearer else "off"],
        ["--phases", "stateful", "--warnings", "off", "--max-time", str(effort.stateful_seconds)],
    )
    cases, well = 0, True
    for options in runs:
        done = subprocess.run([*arguments, *options], cwd=folder, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
        well = well and done.returncode == 0
        print(done.stdout if done.returncode else done.stdout.partition("API capabilities:")[2], flush=True)
        cases += sum(int(number) for number in re.findall(r"^ *(\d+) generated", done.stdout, re.MULTILINE))
    print(f"{cases:,} cases, {effort.cases:,} are wanted", flush=True)
    return well and cases >= effort.cases


def main() -> None:
    """The command line. Ends with 1 when something was found, or too little was tried."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("admin", "nobody"))
    asked = parser.parse_args()
    effort = QUICK if asked.quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        platform = Platform(folder / "var").launch()
        try:
            platform.wait_ready()
            (folder / "schemathesis.toml").write_text(CONFIGURATION)
            bearer = str(Account(platform.url).sign_in(*ADMIN).http.headers["Authorization"])
            held = {
                who: fuzz(platform.url, effort, token, folder)
                for who, token in (("admin", bearer), ("nobody", None))
                if asked.only in {None, who}
            }
        finally:
            platform.stop()
    print(", ".join(f"{who}: {'no failure' if well else 'failed'}" for who, well in held.items()))
    sys.exit(0 if all(held.values()) else 1)


if __name__ == "__main__":
    main()
