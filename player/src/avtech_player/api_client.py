"""Asking the player that runs on this device, as the commands do."""

import http.client
from dataclasses import dataclass
from typing import Any

import orjson

from avtech_player.api_token import read_token
from avtech_player.config import Config
from avtech_schema.errors import EnvironmentFailedError

_SECONDS = 70.0
_MAX_BYTES = 64_000_000


class ApiUnavailableError(EnvironmentFailedError):
    """No player answers on this device, or it refuses."""

    hint = "is it running, and is its api on? `avtech-player doctor` looks"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `body` is at most 64 MB."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ApiUnavailableError: it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ApiUnavailableError("something else than the player answers on its port") from error


class ApiClient:
    """Speaks with the player that a configuration describes."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """Ask, and return the answer.

        Raises:
            ApiUnavailableError: nobody answers, or it is a refusal.
            DiskError: the token cannot be read.
        """
        address = self._config.api
        token = read_token(self._config.state_dir)
        if address is None or token is None:
            raise ApiUnavailableError("the player's api is off, or it never ran")
        connection = http.client.HTTPConnection(address.host, address.port, timeout=_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else orjson.dumps(body), headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.getheader("Content-Type", ""), answer.read(_MAX_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise ApiUnavailableError(f"no player answers on {address.host}:{address.port}: {error}") from error
        finally:
            connection.close()
        if reply.status >= 400:
            detail = reply.json().get("detail", "") if "json" in reply.content_type else ""
            raise ApiUnavailableError(f"the player answers {reply.status}: {str(detail)[:300]}")
        return reply
