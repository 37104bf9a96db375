"""What a store's address names: bucket, endpoint, region, host. A `ValueError` says what is wrong, without secrets."""

import ipaddress
import re
from urllib.parse import SplitResult

BUCKET_SPELLING = (
    "3 to 63 letters, digits, hyphens and dots, a letter or digit first and last; for example s3://acme-signage/prod"
)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_ENDPOINT = re.compile(
    r"https?://(?P<host>\[[^\]]*\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:/[A-Za-z0-9._~%+:=,/-]*)?",
    re.IGNORECASE,
)
_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NO_HOST = re.compile(r"[\x00-\x20\x7f\"%<>\\^`{|}]|\s")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_LAST_PORT = 65_535


def check_bucket(name: str) -> None:
    """Refuse what cannot be the name of a bucket.

    Raises:
        ValueError: it cannot.
    """
    if "@" in name:
        raise ValueError("credentials do not belong in an address")
    if not _BUCKET.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot be the name of a bucket")


def check_endpoint(url: str) -> None:
    """Refuse what cannot be where an S3 server answers: `https://host`, `http://host:port`, perhaps with a path.

    Raises:
        ValueError: it cannot.
    """
    if "@" in url:
        raise ValueError("an endpoint holds no credentials")
    found = _ENDPOINT.fullmatch(url)
    if found is None or int(found["port"] or 0) > _LAST_PORT or not _is_host(found["host"]):
        raise ValueError(f"{url[:80]!r} cannot be an endpoint; one is spelt https://host or https://host:port")


def check_region(name: str) -> None:
    """Refuse what cannot be the name of a region.

    Raises:
        ValueError: it cannot.
    """
    if not _REGION.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot be the name of a region")


def check_host(address: SplitResult) -> None:
    """Refuse an address with something that cannot be a host and a port.

    Raises:
        ValueError: it has.
    """
    shown = address.netloc.rpartition("@")[2][:80]
    try:
        address.port  # noqa: B018
    except ValueError as error:
        raise ValueError(f"{shown!r} has no port from 0 to {_LAST_PORT}") from error
    if _NO_HOST.search(address.netloc):
        raise ValueError(f"{shown!r} cannot be a host")


def _is_host(text: str) -> bool:
    """Whether a host is a name, or else an address of IPv6 (in brackets) or IPv4 that is whole."""
    try:
        if text.startswith("["):
            return "%" not in text and bool(ipaddress.IPv6Address(text[1:-1]))
        if _NUMBER.fullmatch(text.removesuffix(".").rpartition(".")[2]):
            return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False
    return True
