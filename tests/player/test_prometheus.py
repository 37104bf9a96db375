"""The metrics as a real Prometheus takes them, and the alerts that ship."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.player.served import free_port, serving

ROOT = Path(__file__).parents[2]
RULES = ROOT / "player/prometheus/avtech-player.rules.yml"
CASES = Path(__file__).with_name("prometheus") / "avtech-player.test.yml"
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed (Debian: prometheus)",
)


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def promtool(folder: Path, cases: str) -> "subprocess.CompletedProcess[str]":
    shutil.copy(RULES, folder / RULES.name)
    (folder / CASES.name).write_text(cases)
    command = ["promtool", "test", "rules", CASES.name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@needs_prometheus
def test_each_alert_fires_when_it_should_and_never_for_a_player_that_is_well(tmp_path: Path) -> None:
    run = promtool(tmp_path, CASES.read_text())
    assert (run.returncode, "SUCCESS" in run.stdout) == (0, True), run.stdout + run.stderr


@needs_prometheus
def test_the_test_of_the_alerts_notices_one_that_does_not_fire(tmp_path: Path) -> None:
    astray = """avtech_player_clock_trusted{instance="astray"}', values: '"""
    run = promtool(tmp_path, CASES.read_text().replace(f"{astray}0x", f"{astray}1x"))
    assert (run.returncode, "AVTechClockNotTrusted" in run.stderr + run.stdout) == (1, True)


def test_each_alert_is_tested_documented_and_says_what_to_do() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    metrics = set(re.findall(r"^\| `([a-z_]+)` \| (?:gauge|counter)", page, re.MULTILINE))
    for alert in alerts():
        assert f'alertname="{alert["alert"]}"' in CASES.read_text()
        assert f"| `{alert['alert']}` |" in page
        assert alert["annotations"].keys() == {"summary", "action"}
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert set(re.findall(r"\b(?:avtech|process)_[a-z_]+", alert["expr"])) <= metrics
        for link in re.findall(r"docs/[a-z/-]+\.md", alert["annotations"]["action"]):
            assert (ROOT / link).is_file()


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as answer:
        return json.load(answer)["data"]


def query(port: int, expression: str) -> list[float]:
    found = ask(port, f"query?query={urllib.parse.quote(expression)}")["result"]
    return [float(one["value"][1]) for one in found]


def until(holds: Callable[[], bool], within: float = 40.0) -> None:
    deadline = time.monotonic() + within
    while True:
        try:
            if holds():
                return
        except (urllib.error.URLError, OSError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_prometheus
@pytest.mark.media
def test_a_real_prometheus_scrapes_a_running_player_and_evaluates_the_alerts(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        port = free_port()
        config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "avtech-player", "static_configs": [{"targets": [f"127.0.0.1:{served.port}"]}]}],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            *("prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"),
            *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: query(port, "avtech_player_applied_release") == [1.0])
            until(lambda: query(port, 'up{job="avtech-player"}') == [1.0])
            assert query(port, 'avtech_player_state{state="synced"}') == [1.0]
            assert query(port, 'avtech_player_info{screen="SCR-ACME-0001",client="CLI-ACME"}') == [1.0]
            assert query(port, 'sum(avtech_player_store_failures_total{store="releases"})') == [0.0]
            assert query(port, "avtech_player_playing") == [1.0]
            asked = query(port, "avtech_player_store_requests_total")
            until(lambda: query(port, "avtech_player_store_requests_total") > asked)
            page = (ROOT / "docs/reference/metrics.md").read_text()
            documented = set(re.findall(r"^\| `([a-z_]+_[a-z_]+)` \| (?:gauge|counter)", page, re.MULTILINE))
            names = set(ask(port, 'label/__name__/values?match[]={job="avtech-player"}'))
            assert documented <= names
            until(lambda: {rule["health"] for group in ask(port, "rules")["groups"] for rule in group["rules"]} == {"ok"})
            assert query(port, 'ALERTS{alertstate="firing"}') == []
            served.process.kill()
            served.process.wait()
            until(lambda: query(port, 'ALERTS{alertname="AVTechPlayerSilent",alertstate="pending"}') == [1.0])
        finally:
            process.kill()
            process.wait()
