"""The parts of the attacks on the platform that can be looked at alone: their notes, and their load by the clock."""

import asyncio
import itertools
from pathlib import Path

from open_loop import OpenLoop, percentile, request
from platform_rounds import Round, Rounds

from local_stack.ports import free_ports


def test_a_run_that_was_stopped_while_it_noted_a_round_goes_on_after_the_one_before(tmp_path: Path) -> None:
    kept = Rounds(tmp_path / "rounds.jsonl")
    kept.add(Round.now("kill-rewards", 5, [2.0, 2.5], []))
    kept.add(Round.now("kill-rewards", 5, [3.0], ["harm"]))
    whole = (tmp_path / "rounds.jsonl").read_text()
    (tmp_path / "rounds.jsonl").write_text(whole[:-20])
    again = Rounds(tmp_path / "rounds.jsonl")
    assert (again.trials("kill-rewards"), again.violations) == (5, [])
    again.add(Round.now("kill-rewards", 3, [], ["harm"]))
    assert Rounds(tmp_path / "rounds.jsonl").trials("kill-rewards") == 8


def test_the_table_gives_a_bound_only_for_faults_that_did_no_harm() -> None:
    kept = Rounds(None)
    kept.add(Round.now("good", 60, [1.0, 4.0, 2.0], []))
    kept.add(Round.now("bad", 60, [1.0], ["harm"]))
    good, bad = (line.split() for line in kept.table().splitlines()[1:3])
    assert good == ["good", "60", "0", "5.0", "%", "2.0", "s", "4.0", "s"]
    assert bad == ["bad", "60", "1", "1.0", "s", "1.0", "s"]


class StandsStill(asyncio.Protocol):
    """A server that answers nobody until it is told to, and then everybody."""

    waiting: list[asyncio.Transport]
    going: bool

    @classmethod
    def go(cls) -> None:
        cls.going = True
        for transport in cls.waiting:
            cls._answer(transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        if self.going:
            self._answer(self._transport)
        else:
            self.waiting.append(self._transport)

    @staticmethod
    def _answer(transport: asyncio.Transport) -> None:
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 1\r\n\r\n{}")


async def test_the_time_of_an_answer_counts_from_when_its_request_was_due() -> None:
    """A server that stands still delays all that were due meanwhile."""
    StandsStill.waiting, StandsStill.going = [], False
    (port,) = free_ports(1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(StandsStill, "127.0.0.1", port)
    loop.call_later(0.5, StandsStill.go)
    load = OpenLoop(port)
    answers = await load.run(itertools.repeat(("any", request("GET", "/"))), rate=100, seconds=0.5)
    load.close()
    server.close()
    assert [one.status for one in answers] == [200] * 50
    assert all(one.retry_after for one in answers)
    assert answers[0].seconds > 0.4
    assert percentile(answers, 0.5) > 200
