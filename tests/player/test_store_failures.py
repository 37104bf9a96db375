"""What a store's failure is called: short, plain, and the same for the same failure."""

import pytest

from avtech_player._store_failures import plain

ASKED = (
    "Generic HTTP error: Error performing GET http://x/metadata/timestamp.json in {}, after 1 retries, max_retries: 1, "
    "retry_timeout: 10s  - "
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Server returned non-2xx status code: 503 Service Unavailable: <html>a long page</html>",
            "it answers 503 Service Unavailable",
        ),
        ("HTTP error: error sending request\n\nDebug source:\n kind: ConnectionRefused", "it refuses the connection"),
        ("HTTP error: error sending request\n\nDebug source:\n kind: Timeout", "it does not answer in time"),
        (
            'HTTP error: error sending request\n\nDebug source:\n kind: Connect,\n "dns error"',
            "the name of its host is not known",
        ),
        ("HTTP error: error sending request\n\nDebug source:\n kind: Connect,", "it cannot be reached"),
        ("HTTP error: error sending request\n\nDebug source:\n InvalidCertificate(Expired)", "its certificate does not hold"),
    ],
)
def test_a_failure_is_told_in_plain_words(text: str, words: str) -> None:
    assert plain(OSError(ASKED.format("103.68ms") + text)) == words


def test_what_is_not_known_is_cut_short_and_says_no_times() -> None:
    first, second = (plain(OSError(ASKED.format(took) + "odd " * 200)) for took in ("103.688906ms", "20.001235658s"))
    assert first == second
    assert len(first) == 200
    assert plain(OSError()) == "OSError"
