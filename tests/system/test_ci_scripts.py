"""What the CI templates run: one comment kept up to date through the services' interfaces, and a publication like CI's."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository

CI = Path(__file__).parents[2] / "ci"
BIN = Path(sys.executable).parent


AIR_CHECK = """apiVersion: avtech/v1
kind: AirCheck
metadata: {name: noon}
spec: {client: CLI-ACME, screen: SCR-ACME-0001, at: 2027-03-06T12:00, plays: other}
"""
OTHER = """apiVersion: avtech/v1
kind: Playlist
metadata: {name: other}
spec: {client: CLI-ACME, items: [{clip: VID-ACME-A, weight: 2}]}
"""


@dataclass
class Service:
    """A service that keeps the comments of one request, as GitHub and GitLab do; it answers `status` when that is set."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    status: int = 0

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, Any]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.calls.append((method, path, token))
        if self.status:
            return self.status, {"message": "no"}
        if method == "GET":
            page, size = int(query["page"][0]), int(query["per_page"][0])
            return 200, self.comments[(page - 1) * size : page * size]
        text = json.loads(body)["body"]
        if method == "POST":
            self.comments.append({"id": len(self.comments) + 1, "body": text})
            return 201, self.comments[-1]
        comment = next(one for one in self.comments if one["id"] == int(path.rpartition("/")[2]))
        comment["body"] = text
        return 200, comment


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
            status, value = made.answer(self.command, self.path, token, body)
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        with _running(server):
            yield made


@contextmanager
def _running(server: ThreadingHTTPServer) -> Generator[None, None, None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def github(service: Service, tmp_path: Path, event: dict[str, Any] | None = None) -> dict[str, str]:
    """The variables of a job of GitHub."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7}} if event is None else event))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": service.url,
        "GITHUB_REPOSITORY": "acme/screens",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_TOKEN": "secret",
    }


def gitlab(service: Service) -> dict[str, str]:
    """The variables of a job of GitLab."""
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{service.url}/api/v4",
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": "7",
        "AVTECH_COMMENT_TOKEN": "secret",
    }


def comment(tmp_path: Path, text: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (tmp_path / "plan.md").write_text(text)
    command: list[str | Path] = [sys.executable, CI / "comment", tmp_path / "plan.md"]
    ran = subprocess.run(command, env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
    assert "secret" not in ran.stdout + ran.stderr
    return ran


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_plan_is_one_comment_that_is_kept_up_to_date(kind: str, service: Service, tmp_path: Path) -> None:
    variables = github(service, tmp_path) if kind == "github" else gitlab(service)
    service.comments = [{"id": number, "body": f"comment {number}"} for number in range(1, 151)]
    assert "made" in comment(tmp_path, "first plan", variables).stdout
    service.comments.append({"id": 152, "body": "quoted: <!-- avtech-plan -->"})
    assert "updated" in comment(tmp_path, "second plan", variables).stdout
    ours = [one["body"] for one in service.comments if one["body"].startswith("<!-- avtech-plan -->")]
    assert ours == ["<!-- avtech-plan -->\nsecond plan"]
    assert "updated" in comment(tmp_path, "<!-- avtech-plan -->\nthird plan", variables).stdout
    assert [one["body"] for one in service.comments if "third" in one["body"]] == ["<!-- avtech-plan -->\nthird plan"]
    changed = service.calls[-1]
    assert (
        changed
        == {
            "github": ("PATCH", "/repos/acme/screens/issues/comments/151", "Bearer secret"),
            "gitlab": ("PUT", "/api/v4/projects/42/merge_requests/7/notes/151", "secret"),
        }[kind]
    )


def test_a_plan_longer_than_a_comment_may_be_is_cut_at_a_line(service: Service, tmp_path: Path) -> None:
    assert comment(tmp_path, "a line of the plan\n" * 10_000, github(service, tmp_path)).returncode == 0
    body = service.comments[0]["body"]
    assert len(body) < 60_200
    assert body.endswith("a line of the plan\n\n…the rest is in the job's artifacts.\n")


def test_outside_of_a_pull_request_nothing_is_done(service: Service, tmp_path: Path) -> None:
    assert comment(tmp_path, "plan", github(service, tmp_path, {"merge_group": {}})).returncode == 0
    assert comment(tmp_path, "plan", gitlab(service) | {"CI_MERGE_REQUEST_IID": ""}).returncode == 0
    assert service.calls == []


def test_what_goes_wrong_is_one_line(service: Service, tmp_path: Path) -> None:
    service.status = 403
    refused = comment(tmp_path, "plan", github(service, tmp_path))
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "may the token write comments" in refused.stderr
    assert comment(tmp_path, "plan", {}).returncode == 1
    nowhere = comment(tmp_path, "plan", gitlab(service) | {"CI_API_V4_URL": "http://127.0.0.1:9"})
    assert (nowhere.returncode, len(nowhere.stderr.splitlines())) == (1, 1)
    missing = comment(tmp_path, "plan", gitlab(service) | {"AVTECH_COMMENT_TOKEN": ""})
    assert missing.stderr == "comment: AVTECH_COMMENT_TOKEN is not set\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    (made.path / "ci").mkdir()
    shutil.copy(CI / "publish", made.path / "ci/publish")
    made.commit("first")
    return made


def job(repository: Repository) -> dict[str, str]:
    """The variables that every job has."""
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(repository.path.parent),
        "AVTECH_STORE": f"file://{repository.store_path}",
    }


def publish(repository: Repository, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **job(repository),
        "AVTECH_PUBLISH_KEY": (repository.keys / "publish.pem").read_text(),
        "AVTECH_PUBLISH_ACCEPT_CHANGES": "",
        "AVTECH_PUBLISH_ACCEPT_REMOVALS": "",
        **variables,
    }
    return subprocess.run([repository.path / "ci/publish"], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_ci_publishes_what_is_checked_out_and_an_overtaken_run_is_no_failure(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    assert "published release 1" in publish(repository).stdout
    again = publish(repository)
    assert (again.returncode, "already released" in again.stdout) == (0, True)
    repository.screen(1, extra="  title: Lobby\n")
    second = repository.commit("second")
    assert "published release 2" in publish(repository).stdout
    repository.git("checkout", "-q", first)
    late = publish(repository)
    assert late.returncode == 0, late.stderr
    assert "a newer commit is released already" in late.stderr
    repository.git("checkout", "-q", "-b", "other", first)
    repository.screen(2, extra="  title: Window\n")
    repository.commit("a history of its own")
    assert publish(repository).returncode == 5
    repository.git("checkout", "-q", second)
    assert publish(repository).returncode == 0


def steps(kind: str) -> list[tuple[str, bool]]:
    """What the job `plan` of a pull request runs, and whether each part also runs after one that failed."""
    if kind == "gitlab":
        pipeline = yaml.safe_load((CI / "gitlab/.gitlab-ci.yml").read_text())
        return [("\n".join(pipeline["plan"]["script"]), False)]
    workflow = yaml.safe_load((CI / "github/avtech-pull-request.yml").read_text())
    runs = [step for step in workflow["jobs"]["plan"]["steps"] if "run" in step and step["run"] != "ci/install"]
    return [(step["run"], "!cancelled()" in step.get("if", "")) for step in runs]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("github", "a broken promise"),
        ("github", "an error"),
        ("github", "a store that is away"),
        ("gitlab", "a broken promise"),
    ],
)
def test_a_pull_request_that_is_refused_gets_its_comment_and_preview_too(
    kind: str, trouble: str, repository: Repository, service: Service, tmp_path: Path
) -> None:
    assert publish(repository).returncode == 0
    if trouble == "an error":
        repository.screen(3, extra="  timeZone: Europe/Madird\n")
    else:
        repository.screen(3)
    if trouble == "a broken promise":
        repository.write("fleet/CLI-ACME/checks/noon.yaml", AIR_CHECK)
        repository.write("fleet/CLI-ACME/playlists/other.yaml", OTHER)
    repository.commit("a screen more")
    shutil.copy(CI / "comment", repository.path / "ci/comment")
    of = github(service, tmp_path) if kind == "github" else gitlab(service)
    variables = {**job(repository), **of, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    if trouble == "a store that is away":
        variables["AVTECH_STORE"] = f"file://{tmp_path}/gone"
    failed = False
    for line, always in steps(kind):
        if not failed or always:
            command = ["bash", "-e", "-o", "pipefail", "-c", line]
            ran = subprocess.run(command, cwd=repository.path, env=variables, capture_output=True, text=True, check=False)
            failed = failed or ran.returncode != 0
            assert "Traceback" not in ran.stderr
    assert failed, "the check of the pull request must fail"
    (shown,) = service.comments
    said = {
        "a broken promise": "AVT301",
        "an error": "No plan: the desired state has errors",
        "a store that is away": "No plan",
    }
    assert said[trouble] in shown["body"]
    page = repository.path / "out/preview/index.html"
    assert page.exists() == (trouble != "an error")


@pytest.mark.slow
def test_the_job_of_a_pull_request_comments_the_plan_and_leaves_a_preview(
    repository: Repository, service: Service, tmp_path: Path
) -> None:
    assert publish(repository).returncode == 0
    repository.screen(3)
    repository.commit("a screen more")
    shutil.copy(CI / "comment", repository.path / "ci/comment")
    workflow = yaml.safe_load((CI / "github/avtech-pull-request.yml").read_text())
    variables = {**job(repository), **github(service, tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    lines = [step["run"] for name in ("validate", "plan") for step in workflow["jobs"][name]["steps"] if "run" in step]
    for line in lines:
        if line != "ci/install":
            command = ["bash", "-e", "-o", "pipefail", "-c", line]
            ran = subprocess.run(command, cwd=repository.path, env=variables, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, (line, ran.stdout, ran.stderr)
    (shown,) = service.comments
    assert "SCR-ACME-0003" in shown["body"]
    assert shown["body"] == (repository.path / "out/plan.md").read_text()
    assert "SCR-ACME-0003" in (repository.path / "out/preview/index.html").read_text()


@pytest.mark.slow
def test_a_failure_of_ours_is_not_repeated_and_consent_is_passed_on(repository: Repository) -> None:
    assert publish(repository).returncode == 0
    (repository.path / "fleet/CLI-ACME/screens/SCR-ACME-0002.yaml").unlink()
    fleet = repository.path / "fleet/fleet.yaml"
    fleet.write_text(fleet.read_text().replace("spec: {}", "spec: {limits: {removedScreens: 0}}"))
    repository.commit("remove")
    stopped = publish(repository)
    assert stopped.returncode == 4, stopped.stderr
    assert "trying again" not in stopped.stderr
    assert publish(repository, AVTECH_PUBLISH_ACCEPT_REMOVALS="2").returncode == 4
    assert "published release 2" in publish(repository, AVTECH_PUBLISH_ACCEPT_REMOVALS="1").stdout


def test_a_store_that_fails_is_tried_three_times(repository: Repository, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("avtech", 'echo run >> "$HOME/runs"; exit 3'), ("sleep", "exit 0")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    failed = publish(repository, PATH=f"{programs}:{os.environ['PATH']}")
    assert failed.returncode == 3
    assert (tmp_path / "runs").read_text().splitlines() == ["run"] * 3


def test_an_installation_that_is_not_named_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    shutil.copy(CI / "install", tmp_path / "ci/install")
    ran = subprocess.run(
        [tmp_path / "ci/install"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("ci/install: there is no ci/requirements.txt, and AVTECH_INSTALL is not set")
