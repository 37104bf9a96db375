"""The JSON IPC against a peer that lies, floods, stays silent or hangs up."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from avtech_player.engine._ipc import MAX_LINE, Event, Ipc, IpcLostError, IpcRefusedError, answered


class Peer:
    """The other end of the connection."""

    def __init__(self, ours: socket.socket) -> None:
        self.socket = ours
        self.events: list[Event] = []

    async def say(self, *lines: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, b"".join(line + b"\n" for line in lines))

    async def hear(self) -> dict[str, object]:
        data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        heard: dict[str, object] = json.loads(data.split(b"\n")[0])
        return heard


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[Ipc, Peer]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    peer = Peer(ours)
    reader, writer = await asyncio.open_unix_connection(sock=theirs, limit=MAX_LINE)
    ipc = Ipc(reader, writer, peer.events.append)
    reading = asyncio.create_task(ipc.run())
    try:
        yield ipc, peer
    finally:
        ipc.close()
        peer.socket.close()
        await reading


def test_answers_find_their_requests_and_events_are_told_after_the_answer_before_them() -> None:
    async def scenario() -> None:
        async with connection() as (ipc, peer):
            order: list[object] = []
            first = ipc.send("loadfile", "a", then=order.append)
            second = ipc.send("get_property", "b")
            assert (await peer.hear())["command"] == ["loadfile", "a"]
            ipc._on_event = order.append
            await peer.say(
                b'{"data":7,"request_id":1,"error":"success"}', b'{"event":"start-file"}', b'{"request_id":2,"error":"nope"}'
            )
            assert await answered(first) == 7
            with pytest.raises(IpcRefusedError, match="nope"):
                await answered(second)
            assert order == [7, {"event": "start-file"}]

    asyncio.run(scenario())


def test_garbage_is_survived() -> None:
    garbage = [
        b"",
        b"null",
        b"[1,2]",
        b"{",
        b"\xff\xfe\x00",
        b'{"event":3}',
        b'{"request_id":"1"}',
        b'{"request_id":99,"error":"success"}',
        b"[" * 50_000,
        b"x" * (2 * MAX_LINE),
    ]

    async def scenario() -> None:
        async with connection() as (ipc, peer):
            answer = ipc.send("get_property", "pid")
            await peer.say(*garbage)
            await peer.say(b'{"request_id":1,"error":"success","data":"here"}')
            assert await answered(answer) == "here"
            assert peer.events == []

    asyncio.run(scenario())


def test_silence_and_hanging_up_are_told_apart_from_a_refusal() -> None:
    async def scenario() -> None:
        async with connection() as (ipc, peer):
            with pytest.raises(IpcLostError, match="did not answer within"):
                await ipc.ask("get_property", "pid", within=0.05)
            waiting = ipc.send("get_property", "pid")
            peer.socket.shutdown(socket.SHUT_RDWR)
            with pytest.raises(IpcLostError, match="hung up"):
                await answered(waiting)
            with pytest.raises(IpcLostError, match="hung up"):
                await ipc.ask("get_property", "pid")

    asyncio.run(scenario())
