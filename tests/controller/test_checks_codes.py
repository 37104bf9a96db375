"""The registry of findings is whole: every code is used, explained and documented."""

import re
from pathlib import Path

from avtech_controller.checks import CODES
from avtech_controller.content import ContentCode
from avtech_controller.media import MediaCode

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "controller/src/avtech_controller"


def test_every_code_in_the_source_is_registered_and_every_registered_one_is_used() -> None:
    used = {
        code
        for path in SOURCES.rglob("*.py")
        if path.name != "codes.py" and path.parent.name != "explanations"
        for code in re.findall(r"\"(AVT[0-9]{3})\"", path.read_text())
    }
    assert used == set(CODES)
    assert {code.value for code in (*MediaCode, *ContentCode)} <= set(CODES)


def test_the_reference_explains_every_code_and_no_other() -> None:
    page = (ROOT / "docs/reference/findings.md").read_text()
    rows = re.findall(r"^\| `(AVT[0-9]{3})` \| (error|warning) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert {row[0]: row[1:] for row in rows} == {
        code.code: (code.severity.value, code.title, code.explanation) for code in CODES.values()
    }
