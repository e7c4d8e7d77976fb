"""Schemathesis over the whole contract, through the gateway of a running platform, as administrator and as nobody.

    .venv/bin/python chaos/contract_fuzz.py [--examples 60]

In both modes: data that the contract allows, NUL among its characters, and data that it does not. An operation that
only ever answers 401 fails the run of the administrator. Schemathesis gets an environment of its own, in ``.venvs/``.
"""

# ruff: noqa: T201 - a script prints

import argparse
import subprocess
import sys
import tempfile
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


def fuzz(url: str, examples: int, bearer: str | None, folder: Path) -> int:
    """One run. Returns the exit code."""
    arguments = [
        str(environment(REQUIREMENTS) / "schemathesis"), "run", f"{url}/openapi.json",
        "--max-examples", str(examples), "--continue-on-failure", "--generation-allow-x00", "true", "--no-color",
        # What a schema can't say is refused by intent: unknown ids, forged cursors, spent links, files that are none.
        # And the gateway refuses a method for a prefix: its `Allow` is wider than that of one address below it.
        "--exclude-checks", "positive_data_acceptance,unsupported_method,allow_header_conformance",
    ]  # fmt: skip
    for operation in LEFT_OUT:
        arguments += ["--exclude-operation-id", operation]
    arguments += (
        ["--warnings", "missing_auth", "--header", f"Authorization: {bearer}"] if bearer else ["--warnings", "off"]
    )
    return subprocess.run(arguments, cwd=folder, check=False).returncode  # noqa: S603 - our own command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=60)
    examples = parser.parse_args().examples
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        platform = Platform(folder / "var").launch()
        try:
            platform.wait_ready()
            (folder / "schemathesis.toml").write_text(CONFIGURATION)
            bearer = str(Account(platform.url).sign_in(*ADMIN).http.headers["Authorization"])
            codes = {
                who: fuzz(platform.url, examples, token, folder) for who, token in (("admin", bearer), ("nobody", None))
            }
        finally:
            platform.stop()
    print(", ".join(f"{who}: {'failures' if code else 'no failure'}" for who, code in codes.items()))
    sys.exit(max(codes.values()))


if __name__ == "__main__":
    main()
