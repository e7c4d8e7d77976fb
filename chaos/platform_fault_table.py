"""The faults: what is done to the platform, and how often in a run."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import asyncpg
import redis.asyncio as redis
from platform_clock import RIGHT
from platform_lane import PARTS, Lane

STALL_SECONDS = (0.5, 4.0)
JUMP_SECONDS = 60
"""Each service looks five times a second how far its clock is to be off; a busy machine takes longer."""
TOGETHER = 4
"""Links that are reset or stalled at the same time, of about twenty."""
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Fault:
    """One kind of harm. It returns when the harm is over; recovery begins then."""

    name: str
    do: Callable[[Lane, Random], Awaitable[None]]
    share: int = 1
    """How many times as many trials as of the others."""
    needs_own_disk: bool = False
    needs_clock: bool = False

    async def __call__(self, lane: Lane, random: Random) -> None:
        """Do it."""
        await self.do(lane, random)

    def lacks(self, lane: Lane) -> str | None:
        """What this machine has not, and the fault needs."""
        return "it needs the right to mount a file system" if self.needs_own_disk and not lane.own_disk else None

    def trials(self, each: int) -> int:
        """How many, when a run has this number of each."""
        return each * self.share


def _killed(part: str, how: signal.Signals = signal.SIGKILL) -> Callable[[Lane, Random], Awaitable[None]]:
    async def kill(lane: Lane, _: Random) -> None:
        await lane.parts[part].send(how)

    return kill


async def _postgres_stops_at_once(lane: Lane, _: Random) -> None:
    await lane.parts["postgres"].send(signal.SIGQUIT)  # without a checkpoint: it recovers from its log


async def _sessions_ended(lane: Lane, _: Random) -> None:
    connection = await asyncpg.connect(lane.database_url)
    await connection.execute(_END_SESSIONS)
    await connection.close()


async def _valkey_emptied(lane: Lane, _: Random) -> None:
    async with redis.from_url(lane.valkey.url()) as client:
        await client.flushall()


async def _resets(lane: Lane, random: Random) -> None:
    for _ in range(3):
        for link in random.sample(list(lane.links.values()), TOGETHER):
            link.reset()
        await asyncio.sleep(0.1)


async def _a_stall(lane: Lane, random: Random) -> None:
    links = random.sample(list(lane.links.values()), TOGETHER)
    for link in links:
        link.stall()
    await asyncio.sleep(random.uniform(*STALL_SECONDS))
    for link in links:
        link.resume()


async def _lost_answers(lane: Lane, random: Random) -> None:
    links = [link for name, link in lane.links.items() if "rewards" in name or name.startswith("people")]
    random.choice(links).lose_answers(5)
    await asyncio.sleep(0.5)


async def _a_full_disk(lane: Lane, _: Random) -> None:
    filler = lane.var / "blobs" / "filler"
    try:
        await asyncio.to_thread(_fill, filler)
        await asyncio.sleep(1)
    finally:
        filler.unlink()


async def _the_clock_jumps(lane: Lane, random: Random) -> None:
    assert lane.clock is not None  # noqa: S101 - without it this fault is left out
    for seconds in (random.choice(["+70", "-70"]), RIGHT):
        lane.clock.off_by(seconds)
        async with asyncio.timeout(JUMP_SECONDS):
            while abs(await lane.seconds_off() - int(seconds)) > 5:  # noqa: ASYNC110 - other processes look at it
                await asyncio.sleep(0.2)
        await asyncio.sleep(1.5)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            return


FAULTS = (
    Fault("kill-rewards", _killed("rewards"), share=5),
    *(Fault(f"kill-{part}", _killed(part)) for part in PARTS if part != "rewards"),
    Fault("term-rewards", _killed("rewards", signal.SIGTERM)),
    Fault("kill-postgres", _killed("postgres")),
    Fault("postgres-immediate", _postgres_stops_at_once),
    Fault("sessions-ended", _sessions_ended),
    Fault("kill-valkey", _killed("valkey")),
    Fault("valkey-emptied", _valkey_emptied),
    Fault("resets", _resets),
    Fault("stall", _a_stall),
    Fault("lost-answers", _lost_answers),
    Fault("full-disk", _a_full_disk, needs_own_disk=True),
    Fault("clock-jump", _the_clock_jumps, needs_clock=True),
)
