"""What made a release: the CI job as its variables describe it, or a computer that nobody vouches for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

LOCAL = "urn:avtech:builder:local"
"""The builder's id outside of CI."""
_LONGEST = 500
_WEB = re.compile(r"https?://[^\s@/]+(/\S*)?")


@dataclass(frozen=True, slots=True)
class Builder:
    """Who ran the build (a URI), its one run (None: unknown), and the address of the desired state's repository."""

    id: str = LOCAL
    invocation: str | None = None
    source: str | None = None


def builder_of(environment: Mapping[str, str]) -> Builder:
    """Read the builder from the variables of GitHub Actions or GitLab CI; an address with credentials in it is left out."""
    if environment.get("GITHUB_ACTIONS"):
        server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        run, attempt = environment.get("GITHUB_RUN_ID", ""), environment.get("GITHUB_RUN_ATTEMPT", "1")
        workflow = environment.get("GITHUB_WORKFLOW_REF", "")
        return Builder(
            _address(f"{server}/{workflow}") or LOCAL,
            _address(f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}") or None,
            _address(f"{server}/{repository}") or None,
        )
    if environment.get("GITLAB_CI"):
        project, runner = environment.get("CI_PROJECT_URL", ""), environment.get("CI_RUNNER_ID", "")
        return Builder(
            _address(f"{project}/-/runners/{runner}") or LOCAL,
            _address(environment.get("CI_JOB_URL", "")) or None,
            _address(project) or None,
        )
    return Builder()


def _address(text: str) -> str:
    return text if len(text) <= _LONGEST and _WEB.fullmatch(text) else ""
