"""Opens an `s3://` address: one set of settings and credentials for both of its clients."""

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, unquote

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.httpsession import get_cert_path

from avtech_controller.stores._keys import check_prefix
from avtech_controller.stores._port import StoreConfigurationError
from avtech_controller.stores._s3 import READ_SECONDS, S3Store
from avtech_schema.store_address import BUCKET_SPELLING, check_bucket, check_endpoint

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from avtech_controller.stores._fast import FastClient

_CONNECTIONS = 32
_ATTEMPTS = 4
_CONNECT_SECONDS = 5
_SETTINGS = {"endpoint", "region"}


def open_s3(parts: SplitResult) -> "S3Store":
    """Open `s3://bucket/prefix?endpoint=…&region=…`; credentials and what is missing come from the standard AWS variables.

    Raises:
        StoreConfigurationError: the address or a setting is wrong.
    """
    query = dict(parse_qsl(parts.query))
    if unknown := query.keys() - _SETTINGS:
        raise StoreConfigurationError(f"an s3:// address has no setting {min(unknown)!r}", hint="endpoint and region are known")
    if not parts.netloc or "@" in parts.netloc or parts.fragment:
        raise StoreConfigurationError(
            "an s3:// address names a bucket and holds no credentials",
            hint="put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    prefix = unquote(parts.path).strip("/")
    if prefix:
        check_prefix(prefix + "/")
    try:
        check_bucket(parts.netloc)
    except ValueError as error:
        raise StoreConfigurationError(str(error), hint=BUCKET_SPELLING) from error
    endpoint = query.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = query.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    _check_endpoint(endpoint)
    session = botocore.session.get_session()
    try:
        client = boto3.session.Session(botocore_session=session).client(
            "s3", endpoint_url=endpoint, region_name=region, config=_config(endpoint)
        )
    except (BotoCoreError, ValueError) as error:
        raise StoreConfigurationError(f"the S3 client cannot be set up: {error}") from error
    if client.meta.endpoint_url.startswith("https://"):
        _check_bundle(_bundle(session))

    def connect() -> "FastClient":
        return _fast(session, client, parts.netloc, path_style=bool(endpoint) or "." in parts.netloc)

    return S3Store(client, parts.netloc, f"{prefix}/" if prefix else "", connect)


def _check_endpoint(endpoint: str | None) -> None:
    if not endpoint:
        return
    try:
        check_endpoint(endpoint)
    except ValueError as error:
        hint = "credentials go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if "@" in endpoint else ""
        raise StoreConfigurationError(str(error), hint=hint) from error


def _fast(session: botocore.session.Session, client: "S3Client", bucket: str, *, path_style: bool) -> "FastClient":
    """The client for many objects, which goes where boto3's goes, with its credentials.

    Raises:
        BotoCoreError, OSError: there are no credentials, or the certificates cannot be read.
    """
    from avtech_controller.stores._fast import FastClient, Place

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    endpoint = client.meta.endpoint_url
    authorities = b""
    if endpoint.startswith("https://"):
        authorities = Path(_bundle(session) or str(get_cert_path(verify=True))).read_bytes()

    def provide() -> tuple[str, str, str | None]:
        found = credentials.get_frozen_credentials()
        return found.access_key or "", found.secret_key or "", found.token

    return FastClient(Place(bucket, endpoint, client.meta.region_name, path_style, authorities), provide)


def _bundle(session: botocore.session.Session) -> str:
    """The file of the authorities that boto3 was told to trust; empty if it was told nothing."""
    return str(session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or "")


def _check_bundle(file: str) -> None:
    """Refuse a file that holds no authorities before a request fails by it.

    Raises:
        StoreConfigurationError: it cannot be read, or holds none.
    """
    if not file:
        return
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:  # an SSLError, too
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror or "it cannot be read"
        raise StoreConfigurationError(
            f"the authorities to be trusted cannot be read from {file}: {reason}",
            hint="set AWS_CA_BUNDLE to a file of certificates in PEM, or to nothing",
        ) from error


def _config(endpoint: str | None) -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_CONNECTIONS,
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
        user_agent_extra="avtech",
    )
