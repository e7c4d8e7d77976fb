"""Passes bytes between two parts of the platform, and does to them what networks do."""

import asyncio
from contextlib import suppress

PIECE = 64 * 1024


class FaultProxy:
    """One link, on a port of its own. Its faults reach the connections that are open, and those that come."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answers_lost = 0
        self._server: asyncio.Server | None = None

    async def serve(self) -> None:
        """Listen on the loopback."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Stop listening, and end what is open."""
        if self._server is None:
            return
        self._server.close()
        self.resume()
        self.reset()
        await self._server.wait_closed()

    def reset(self) -> None:
        """Every open connection ends with a reset."""
        for writer in self._open:
            writer.transport.abort()

    def stall(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._flowing.clear()

    def resume(self) -> None:
        """Everything passes again."""
        self._flowing.set()

    def lose_answers(self, count: int) -> None:
        """The next answers are lost with their connections: the work was done, and nobody hears of it."""
        self._answers_lost = count

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, back}
        self._open |= ends
        both = [
            asyncio.ensure_future(self._copy(reader, back)),
            asyncio.ensure_future(self._copy(there, writer, back=True)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            self._open -= ends
            for end in ends:
                end.close()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, back: bool = False) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE):
                await self._flowing.wait()
                if back and self._answers_lost:
                    self._answers_lost -= 1
                    sink.transport.abort()
                    return
                sink.write(piece)
                await sink.drain()
