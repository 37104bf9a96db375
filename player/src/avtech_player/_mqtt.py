"""One connection to an MQTT broker: it listens to one topic, reads no message, and takes no more than it must."""

import logging
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from avtech_player._wake_settings import Wake
from avtech_schema.errors import EnvironmentFailedError

_log = logging.getLogger("avtech.player.wake")
_MAX_PACKET_BYTES = 65_536
_CONNECT_SECONDS = 10.0
_KEEPALIVE_SECONDS = 60
_LOOP_SECONDS = 20.0
_VOUCH = "wake.caFile names the certificate of whoever vouches for a broker of your own"
_FLOOD = 200
_FLOOD_SECONDS = 10.0


class BrokerError(EnvironmentFailedError):
    """The broker is gone, refuses, or misbehaves; the player polls as ever."""


class _BoundedClient(Client):
    """Refuses what is larger than anything that a broker has to say to a player, and leaves no connection that failed open."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > _MAX_PACKET_BYTES:
            raise OSError(f"the broker sends {bufsize} bytes at once")
        return super()._sock_recv(bufsize)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        if self._ssl_context is None:
            raise BrokerError("it is not spoken to by TLS")
        wrapped = self._ssl_context.wrap_socket(tcp_sock, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            wrapped.settimeout(_CONNECT_SECONDS)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped


class Connection:
    """A connection to a broker; blocking, for a thread of its own. `woken` is called for each message, in that thread.

    Raises:
        BrokerError: those who may vouch for the broker cannot be read.
    """

    def __init__(self, wake: Wake, name: str, password: str | None, woken: Callable[[], None]) -> None:
        self._wake = wake
        self._woken = woken
        self._refusal = ""
        self.was_listening = False
        """Whether the broker let us listen: a connection that did is not a failed one."""
        self._counted = 0
        self._since = time.monotonic()
        client = self._client = _BoundedClient(CallbackAPIVersion.VERSION2, client_id=f"{name}-{secrets.token_hex(4)}")
        client.connect_timeout = _CONNECT_SECONDS
        if wake.username or password:
            client.username_pw_set(wake.username, password)
        if wake.tls:
            client.tls_set_context(_trusting(wake))
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._message

    def listen(self, going_on: Callable[[], bool], *, look: float = _LOOP_SECONDS) -> None:
        """Connect and listen while `going_on` says so, which is asked at least every `look` seconds.

        Raises:
            BrokerError: the broker is gone, refuses, or floods.
        """
        try:
            self._client.connect(self._wake.host, self._wake.port, keepalive=_KEEPALIVE_SECONDS)
            while going_on():
                code = self._client.loop(look)
                if self._refusal:
                    raise BrokerError(self._refusal)
                if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    raise BrokerError(f"the connection is lost ({code.name.removeprefix('MQTT_ERR_').lower()})")
        except ssl.SSLCertVerificationError as error:
            raise BrokerError(f"its certificate does not hold: {error.verify_message.rstrip('.')}", hint=_VOUCH) from error
        except (OSError, ValueError) as error:
            raise BrokerError(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
        finally:
            self._client.disconnect()

    def _connected(self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _more: Properties | None) -> None:
        if code.is_failure:
            self._refusal = f"it refuses the connection: {code}"
        else:
            client.subscribe(self._wake.topic, qos=0)

    def _subscribed(self, _client: Client, _data: Any, _id: int, codes: list[ReasonCode], _more: Properties | None) -> None:
        if any(code.is_failure for code in codes):
            self._refusal = f"it does not let this player listen to {self._wake.topic}"
            return
        self.was_listening = True
        _log.info("listening to %s at %s", self._wake.topic, self._wake.host)

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _more: Properties | None
    ) -> None:
        if code.is_failure and not self._refusal:
            self._refusal = f"the connection is lost: {code}"

    def _message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        """A message says that there may be something new, whatever it says; one that was retained says so of the past."""
        if self._is_flood(time.monotonic()):
            self._refusal = f"it sends more than {_FLOOD} messages in {_FLOOD_SECONDS:.0f} s"
        if not message.retain:
            self._woken()

    def _is_flood(self, now: float) -> bool:
        if now - self._since > _FLOOD_SECONDS:
            self._since, self._counted = now, 0
        self._counted += 1
        return self._counted > _FLOOD


def _trusting(wake: Wake) -> ssl.SSLContext:
    """Whom to believe that the broker is itself: those of the system, or the one that is named, and nobody else.

    Raises:
        BrokerError: the file that names them is not there, or is none.
    """
    try:
        return ssl.create_default_context(cafile=wake.ca_file)
    except ssl.SSLError as error:
        raise BrokerError(f"{wake.ca_file} holds no certificate") from error
    except OSError as error:
        raise BrokerError(f"{wake.ca_file} cannot be read: {error.strerror or error}") from error
