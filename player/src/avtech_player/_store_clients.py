"""The clients behind a store's address: where they connect to, as whom, and how long they wait."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from obstore.store import HTTPStore, LocalStore, S3Store

from avtech_player._transfer import Patience
from avtech_player._values import check_s3
from avtech_schema.errors import ConfigurationError
from avtech_schema.store_address import check_endpoint, check_host, check_region

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_SETTINGS = ("endpoint", "region")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def check_address(url: str, environment: Mapping[str, str]) -> None:
    """Refuse an address that no client can be made for, or with settings that a store does not have.

    Raises:
        ConfigurationError: it, or what the AWS variables add to it, is wrong.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "s3":
            check_s3(parts.netloc, _s3_settings(url))
        elif parts.query or parts.fragment:
            raise ConfigurationError(f"{url[:200]}: only an s3:// address has settings")
        else:
            check_host(parts)
    except ValueError as error:
        raise ConfigurationError(f"the store's address: {error}") from error
    if parts.scheme == "s3":
        _check_variables(_s3_settings(url), environment)


def _check_variables(settings: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """What an address leaves open comes from a variable, which is checked alike."""
    for key, names, check in (("endpoint", _ENDPOINT_VARIABLES, check_endpoint), ("region", _REGION_VARIABLES, check_region)):
        name = next((name for name in names if environment.get(name)), None)
        if name is None or settings.get(key):
            continue
        try:
            check(environment[name])
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}") from error


def proxy_words(url: str, environment: Mapping[str, str]) -> str:
    """What to add to a failure where a variable may have led it through a proxy; empty where none does."""
    scheme = urlsplit(_s3_endpoint(url, environment) or "https://" if url.startswith("s3:") else url).scheme
    if scheme == "file":
        return ""
    names = (f"{scheme}_proxy".upper(), f"{scheme}_proxy", "ALL_PROXY", "all_proxy")
    name = next((name for name in names if environment.get(name)), None)
    return f" (a proxy is set in {name})" if name else ""


def connect(url: str, environment: Mapping[str, str], patience: Patience, *, long: bool) -> LocalStore | S3Store | HTTPStore:
    """A client for a store; `long` for objects that may take longer than a small one."""
    parts = urlsplit(url)
    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=patience.connect),
        "read_timeout": timedelta(seconds=patience.stall),
        "timeout": timedelta(seconds=patience.longest if long else patience.small),
        "user_agent": "avtech-player",
    }
    retry: RetryConfig = {"max_retries": 0, "retry_timeout": timedelta(seconds=10)}
    match parts.scheme:
        case "file":
            return LocalStore(Path(unquote(parts.path)))
        case "s3":
            client["allow_http"] = (_s3_endpoint(url, environment) or "").startswith("http:")
            prefix = unquote(parts.path).strip("/")
            return S3Store(
                parts.netloc,
                prefix=prefix or None,
                config=_s3_config(_s3_settings(url), environment),
                client_options=client,
                retry_config=retry,
            )
        case _:
            client["allow_http"] = parts.scheme == "http"
            return HTTPStore(url.rstrip("/"), client_options=client, retry_config=retry)


def _s3_settings(url: str) -> dict[str, str]:
    query = dict(parse_qsl(urlsplit(url).query))
    if unknown := sorted(query.keys() - set(_SETTINGS)):
        raise ConfigurationError(f"an s3:// address has no setting {unknown[0]!r:.80}", hint=f"it has {', '.join(_SETTINGS)}")
    return query


def _s3_config(query: Mapping[str, str], environment: Mapping[str, str]) -> "S3Config":
    """Credentials and what is missing come from the standard AWS variables; without credentials requests are anonymous."""
    endpoint = query.get("endpoint") or _first(environment, _ENDPOINT_VARIABLES)
    region = query.get("region") or _first(environment, _REGION_VARIABLES) or "us-east-1"
    config: S3Config = {"region": region}
    if endpoint:
        config["endpoint"] = endpoint
        config["virtual_hosted_style_request"] = False
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        config["access_key_id"], config["secret_access_key"] = key, secret
        if token := environment.get("AWS_SESSION_TOKEN"):
            config["session_token"] = token
    else:
        config["skip_signature"] = True
    return config


def _s3_endpoint(url: str, environment: Mapping[str, str]) -> str | None:
    return dict(parse_qsl(urlsplit(url).query)).get("endpoint") or _first(environment, _ENDPOINT_VARIABLES)


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := environment.get(name))), None)
