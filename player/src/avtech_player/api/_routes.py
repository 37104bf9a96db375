"""The local API's paths: who may ask what, and what is answered."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from avtech_player.api import _metrics
from avtech_player.api._http import Request, RequestError, Response, Server, json_response, problem
from avtech_player.api._openapi import openapi
from avtech_player.api._surface import Surface
from avtech_schema.errors import AvtechError

_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class _Route:
    """What answers a path: by method; `secret` asks for the token."""

    methods: dict[str, Callable[[Request], Awaitable[Response]]]
    secret: bool = True


class Api:
    """The local API of one running player; `token` opens it."""

    def __init__(self, surface: Surface, token: str) -> None:
        self._surface = surface
        self._token = token.encode()
        self._server = Server(self.answer)
        self._routes = {
            "/healthz": _Route({"GET": self._health}, secret=False),
            "/metrics": _Route({"GET": self._metrics}, secret=False),
            "/openapi.json": _Route({"GET": self._openapi}, secret=False),
            "/v1/status": _Route({"GET": self._status}),
            "/v1/status/sync": _Route({"POST": self._sync}),
            "/v1/status/reconcile": _Route({"POST": self._reconcile}),
            "/v1/assets/status": _Route({"GET": self._assets}),
            "/v1/assets/cleanup": _Route({"POST": self._cleanup}),
            "/v1/now": _Route({"GET": self._now}),
            "/v1/screenshot": _Route({"GET": self._screenshot}),
        }

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port.

        Raises:
            OSError: the port is taken.
        """
        return await self._server.start(host, port)

    async def stop(self) -> None:
        """Listen no more."""
        self._surface.close()
        await self._server.stop()

    async def answer(self, request: Request) -> Response:
        """Answer one request; a failure of the disk or the engine is an answer too."""
        try:
            _check_host(request)
            route = self._routes.get(request.path)
            if route is None:
                raise RequestError(404, "there is nothing here; /openapi.json says what there is")
            if route.secret:
                self._check_token(request)
            handler = route.methods.get(request.method)
            if handler is None:
                allowed = ", ".join(sorted(route.methods))
                raise RequestError(405, f"{request.path} takes {allowed}", {"Allow": allowed})
            return await handler(request)
        except RequestError as error:
            return problem(error)
        except AvtechError as error:
            return problem(RequestError(503, str(error)))

    def _check_token(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            raise RequestError(401, "the token in the player's state directory opens this", {"WWW-Authenticate": "Bearer"})

    async def _health(self, _: Request) -> Response:
        return json_response({"healthy": True, "state": self._surface.player.updater.sync_state.value})

    async def _metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(lambda: _metrics.render(_metrics.measure(self._surface)))
        return Response(200, text, _metrics.CONTENT_TYPE)

    async def _openapi(self, _: Request) -> Response:
        return json_response(openapi())

    async def _status(self, _: Request) -> Response:
        return json_response(await self._surface.status())

    async def _assets(self, _: Request) -> Response:
        return json_response(await self._surface.assets())

    async def _now(self, _: Request) -> Response:
        return json_response(await self._surface.now())

    async def _sync(self, _: Request) -> Response:
        return json_response(self._surface.sync(), 202)

    async def _reconcile(self, _: Request) -> Response:
        return json_response(self._surface.reconcile(), 202)

    async def _cleanup(self, request: Request) -> Response:
        days, only_tell = _cleanup_wish(request)
        return json_response(await self._surface.cleanup(days=days, only_tell=only_tell))

    async def _screenshot(self, _: Request) -> Response:
        return Response(200, await self._surface.screenshot(), "image/png")


def _check_host(request: Request) -> None:
    """Refuse what a browser was led here to ask by a name that somebody else owns."""
    host = request.headers.get("host", "").lower()
    name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    name, port = (name, port) if name else (host, "")
    if name not in _HOSTS or (port and not (port.isascii() and port.isdigit())):
        raise RequestError(421, "this is for 127.0.0.1 and localhost alone")
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise RequestError(403, "web pages may not ask")


def _cleanup_wish(request: Request) -> tuple[float, bool]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError(415, "the body is application/json")
    try:
        wish: Any = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "the body is not JSON") from error
    if not isinstance(wish, dict) or wish.keys() - {"daysOld", "dryRun"}:
        raise RequestError(400, "the body is an object of daysOld and dryRun")
    days, only_tell = wish.get("daysOld"), wish.get("dryRun", False)
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= _MAX_DAYS:
        raise RequestError(400, f"daysOld is a number from 0 to {_MAX_DAYS}")
    if not isinstance(only_tell, bool):
        raise RequestError(400, "dryRun is true or false")
    return float(days), only_tell
