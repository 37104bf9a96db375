"""What players say that they show or are about to show: that stays. Whoever cannot be believed keeps everything."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from avtech_controller.parallel import in_parallel
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
        if (found := _KEY.fullmatch(key)) is None:
            continue
        try:
            wanted.add((client_id(found[1]), screen_id(found[2])))
        except ValueError:
            continue
    failures: list[StoreError] = []

    def read(entry: tuple[ClientId, ScreenId]) -> frozenset[Sha256] | str | None:
        try:
            return _read(store, *entry, keys.get(entry[1]))
        except StoreError as error:
            failures.append(error)
            return str(error)

    ordered = sorted(wanted)
    results = in_parallel(read, ordered)
    if failures and len(failures) == len(ordered):
        raise failures[0]
    named = [result for result in results if isinstance(result, frozenset)]
    doubtful = {screen: said for (_, screen), said in zip(ordered, results, strict=True) if isinstance(said, str)}
    return Reported(frozenset().union(*named), doubtful, sum(result is not None for result in results))


def _read(store: ObjectStore, client: ClientId, screen: ScreenId, key: str | None) -> frozenset[Sha256] | str | None:
    """Digests that a report names; None without a report; why it cannot be believed."""
    stored = store.get(report_key(client, screen), limit=MAX_REPORT_BYTES)
    if not isinstance(stored, Stored):
        return None
    if key is None:
        return "no device key is known to verify its report by"
    try:
        report = parse_report(open_sealed(stored.data, PAYLOAD_TYPE, [public_key(key)]))
    except (TrustError, ValueError) as error:
        return f"its report cannot be believed: {error}"
    if report.screen != screen:
        return f"its report is that of {report.screen}"
    return frozenset(ref.digest for ref in (report.applied, report.desired) if ref is not None)
