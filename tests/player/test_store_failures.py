"""What a store's failure is called: short, plain, and the same for the same failure."""

import pytest

from avtech_player._store_failures import FailureKind, diagnose, is_web_page

ASKED = (
    "Generic HTTP error: Error performing GET http://x/metadata/timestamp.json in {}, after 1 retries, max_retries: 1, "
    "retry_timeout: 10s  - "
)


SENDING = "HTTP error: error sending request\n\nDebug source:\n "


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            "Server returned non-2xx status code: 503 Service Unavailable: <html>a long page</html>",
            FailureKind.ANSWER,
            "it answers 503 Service Unavailable",
        ),
        (SENDING + "kind: ConnectionRefused", FailureKind.UNREACHABLE, "it refuses the connection"),
        (SENDING + "kind: Timeout", FailureKind.SLOW, "it does not answer in time"),
        (SENDING + 'kind: Connect,\n "dns error"', FailureKind.NAME, "the name of its host is not known"),
        (SENDING + "kind: Connect,", FailureKind.UNREACHABLE, "it cannot be reached"),
        (SENDING + "InvalidCertificate(BadSignature)", FailureKind.CERTIFICATE, "its certificate does not hold"),
    ],
)
def test_a_failure_is_told_in_plain_words(text: str, kind: FailureKind, words: str) -> None:
    assert diagnose(OSError(ASKED.format("103.68ms") + text)) == (kind, words)


def test_what_is_not_known_is_cut_short_and_says_no_times() -> None:
    first, second = (diagnose(OSError(ASKED.format(took) + "odd " * 200))[1] for took in ("103.688906ms", "20.001235658s"))
    assert first == second
    assert len(first) == 200
    assert diagnose(OSError()) == (FailureKind.OTHER, "OSError")


@pytest.mark.parametrize(
    ("content_type", "beginning"),
    [("text/html; charset=utf-8", b""), ("", b"<!DOCTYPE html>"), ("application/json", b"\r\n  <HTML lang=de>")],
)
def test_a_page_for_people_is_told_from_an_object(content_type: str, beginning: bytes) -> None:
    assert is_web_page(content_type, beginning)
    assert not is_web_page("application/json", b'{"signed":')
    assert not is_web_page("video/mp4", b"\0\0\0\x18ftypmp42")
