"""What players say that they show or are about to show: that stays. Whoever cannot be believed keeps everything."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from avtech_controller.stores import ObjectStore, Stored, StoreError
from avtech_schema.envelope import open_sealed, public_key
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ClientId, ScreenId, Sha256, client_id, screen_id
from avtech_schema.layout import report_key
from avtech_schema.report import MAX_REPORT_BYTES, PAYLOAD_TYPE, parse_report

REPORTS = "reports/"
_KEY = re.compile(r"reports/([^/]+)/([^/]+)/latest\.json")


@dataclass(frozen=True, slots=True)
class Reported:
    """Digests of manifests that reports name, screens whose report is there but cannot be believed, and how many reported."""

    digests: frozenset[Sha256]
    doubtful: Mapping[ScreenId, str]
    reports: int


def read_reported(store: ObjectStore, screens: Iterable[tuple[ClientId, ScreenId]], keys: Mapping[ScreenId, str]) -> Reported:
    """Read the reports of these screens and of every other screen that ever reported here.

    Raises:
        StoreError, StoreConfigurationError: the store failed, in listing or for every report.
    """
    wanted = set(screens)
    for key in store.keys(REPORTS):
        if (match := _KEY.fullmatch(key)) is None:
            continue
        try:
            wanted.add((client_id(match[1]), screen_id(match[2])))
        except ValueError:
            continue
    failures: list[StoreError] = []

    def take(key: str, found: Stored | StoreError | None) -> bytes | str | None:
        del key
        if isinstance(found, StoreError):
            failures.append(found)
            return str(found)
        return found.data if found else None

    ordered = sorted(wanted)
    found = store.get_all([report_key(*entry) for entry in ordered], limit=MAX_REPORT_BYTES, take=take)
    if failures and len(failures) == len(ordered):
        raise failures[0]
    results = [
        _named(data, screen, keys.get(screen)) if isinstance(data, bytes) else data
        for (_, screen), data in zip(ordered, found, strict=True)
    ]
    named = [result for result in results if isinstance(result, frozenset)]
    doubtful = {screen: said for (_, screen), said in zip(ordered, results, strict=True) if isinstance(said, str)}
    return Reported(frozenset().union(*named), doubtful, sum(result is not None for result in results))


def _named(data: bytes, screen: ScreenId, key: str | None) -> frozenset[Sha256] | str:
    """Digests that a report names, or why it cannot be believed."""
    if key is None:
        return "no device key is known to verify its report by"
    try:
        report = parse_report(open_sealed(data, PAYLOAD_TYPE, [public_key(key)]))
    except (TrustError, ValueError) as error:
        return f"its report cannot be believed: {error}"
    if report.screen != screen:
        return f"its report is that of {report.screen}"
    return frozenset(ref.digest for ref in (report.applied, report.desired) if ref is not None)
