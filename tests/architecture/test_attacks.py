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


async def test_the_time_of_an_answer_counts_from_when_its_request_was_due() -> None:
    """A server that stands still delays all that were due meanwhile, those as well that nobody could send."""
    going = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            await going.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 1\r\n\r\n{}")
        writer.close()

    (port,) = free_ports(1)
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        load = OpenLoop(port)
        asyncio.get_running_loop().call_later(0.5, going.set)
        answers = await load.run(itertools.repeat(("any", request("GET", "/"))), rate=100, seconds=0.5)
        load.close()
    assert [one.status for one in answers] == [200] * 50
    assert all(one.retry_after for one in answers)
    assert percentile(answers, 0.5) > 200
    assert answers[0].seconds > answers[-1].seconds
