"""Everything that the local API's description allows, and much that it does not, tried by schemathesis on a real player."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.display import virtual_display
from tests.player.served import Served, serving

pytestmark = [pytest.mark.slow, pytest.mark.media, pytest.mark.display, pytest.mark.timeout(600)]

SECRET = {
    "GET /v1/status": 200,
    "GET /v1/assets/status": 200,
    "GET /v1/now": 200,
    "GET /v1/screenshot": 200,
    "POST /v1/assets/cleanup": 200,
    "POST /v1/status/reconcile": 202,
    "POST /v1/status/sync": 202,
}
"""What the token opens, and what is answered to whoever has it."""
OPEN = {"GET /healthz": 200, "GET /metrics": 200}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """A player that has a picture to show."""
    with virtual_display() as display, pytest.MonkeyPatch.context() as patch:
        engine = {"kind": "mpv", "vo": "x11", "ao": "null", "hwdec": "no", "display": display}
        patch.setenv("AVTECH_PLAYER_ENGINE", json.dumps(engine))
        with serving(tmp_path_factory.mktemp("served")) as made:
            yield made


def explore(served: Served, folder: Path, examples: int, *more: str) -> dict[str, Counter[int]]:
    """How often each operation was answered by which status; fails when schemathesis finds something."""
    report = folder / "report.ndjson"
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
        *(f"{served.url}/openapi.json", "--url", served.url, "--checks", "all", "--max-examples", str(examples), "--seed", "1"),
        *("--request-timeout", "30", "--no-color", "--report", "ndjson", "--report-ndjson-path", str(report), *more),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=540, check=False, env=os.environ)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    served.alive()
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for line in report.read_text().splitlines():
        recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for interaction in recorder.get("interactions", {}).values():
            found[recorder["label"]][interaction["response"]["status_code"]] += 1
    return found


def test_with_the_token_every_operation_does_what_it_says_and_refuses_what_it_should(served: Served, tmp_path: Path) -> None:
    found = explore(served, tmp_path, 40, "-H", f"Authorization: Bearer {served.token}")
    assert found.keys() == {*SECRET, *OPEN}
    for operation, status in {**SECRET, **OPEN}.items():
        assert found[operation][status] >= 3, (operation, found[operation])
        assert found[operation][405] >= 3, "other methods are tried and refused"
        assert set(found[operation]) <= {status, 405, *((401,) if operation in SECRET else ()), 400, 413, 415}
    for operation in SECRET:
        assert found[operation][401] >= 1, "without the token and with a wrong one it is tried, too"
    assert found["POST /v1/assets/cleanup"][400] >= 10


def test_without_the_token_only_what_is_open_answers(served: Served, tmp_path: Path) -> None:
    found = explore(served, tmp_path, 10)
    assert found.keys() == {*SECRET, *OPEN}
    for operation in SECRET:
        assert set(found[operation]) == {401}, (operation, found[operation])
        assert found[operation][401] > 10
    for operation, status in OPEN.items():
        assert found[operation][status] >= 3
