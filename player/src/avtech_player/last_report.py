"""The last report that was made on this device, for `status`: whether or not the store took it."""

from pathlib import Path

from avtech_player.durable import TooLargeError, read_bounded, replace_atomically
from avtech_schema.errors import TrustError
from avtech_schema.report import MAX_REPORT_BYTES, Report, parse_report

_FILE = "report.json"


def keep_report(directory: Path, payload: bytes) -> None:
    """Keep a report's payload in the state directory.

    Raises:
        DiskError: the disk refused.
    """
    replace_atomically(directory / _FILE, payload, ours=True)


def last_report(directory: Path) -> Report | None:
    """The report that was kept; None when there is none that can be read.

    Raises:
        DiskError: the disk failed.
    """
    try:
        data = read_bounded(directory / _FILE, limit=MAX_REPORT_BYTES)
        return None if data is None else parse_report(data)
    except (TooLargeError, TrustError):
        return None
