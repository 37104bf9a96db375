"""A network between programs on this machine: passes connections on to a port, every byte late by half a round trip:
`python benchmarks/delay.py PORT MILLISECONDS`. It prints the port that it listens on, and ends with its standard input.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 1 << 16


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass bytes on, in order, each of them late."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(_CHUNK):
        loop.call_later(seconds, _quietly, writer.write, data)
    loop.call_later(seconds, _quietly, writer.close)


def _quietly(act: Callable[..., None], *arguments: bytes) -> None:
    with suppress(OSError, RuntimeError):
        act(*arguments)


async def serve(port: int, seconds: float) -> None:
    """Listen, and pass on, until standard input ends."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, back, seconds), pump(there, writer, seconds))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 2000))
