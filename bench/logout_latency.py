"""How long a token still works after its session was ended: at the gateway, and in the service behind it.

    .venv/bin/python bench/logout_latency.py [--sessions 40]

Both are asked again and again with the token from the moment in which the sign-out is answered. The contract says
within a second.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import ADMIN, Account, Platform

PATH = "/api/v1/points"


async def until_refused(url: str, authorization: str, began: float) -> float:
    """Seconds from ``began`` until the token is refused there."""
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": authorization}) as client:
        while (await client.get(PATH)).status_code != 401:  # noqa: ASYNC110 - another process changes, which tells nobody
            await asyncio.sleep(0.005)
    return loop.time() - began


async def one(platform: Platform, service: str) -> list[float]:
    """One session, ended."""
    signed_in = await asyncio.to_thread(lambda: Account(platform.url).sign_in(*ADMIN))
    authorization = str(signed_in.http.headers["Authorization"])
    urls = (platform.url, service)
    async with httpx.AsyncClient(headers={"Authorization": authorization}) as client:
        for url in urls:
            (await client.get(f"{url}{PATH}")).raise_for_status()
        (await client.post(f"{platform.url}/api/v1/auth/logout")).raise_for_status()
    began = asyncio.get_running_loop().time()
    return await asyncio.gather(*(until_refused(url, authorization, began) for url in urls))


async def run(platform: Platform, sessions: int) -> None:
    """All of them, one after the other, and how long it took."""
    service = platform.environment_of("gateway")["GATEWAY_REWARDS_URL"]
    seconds = [await one(platform, service) for _ in range(sessions)]
    for place, found in zip(("at the gateway", "in the service"), zip(*seconds, strict=True), strict=True):
        print(f"{place}: {sessions} sign-outs, median {statistics.median(found):.2f} s, at most {max(found):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=40)
    sessions = parser.parse_args().sessions
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "var").launch()
        try:
            asyncio.run(run(platform.wait_ready(), sessions))
        finally:
            platform.stop()


if __name__ == "__main__":
    main()
