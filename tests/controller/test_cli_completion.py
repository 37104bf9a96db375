"""`avtech completion`: real shells load the scripts, and what they ask is answered quickly and quietly."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from tests.controller.repository import make_repository

AVTECH = Path(sys.executable).parent / "avtech"


def _ask(words: str, where: Path) -> list[str]:
    """What the bash script would be answered for a line that ends in what is being typed."""
    line = words.split(" ")
    asked = {"_AVTECH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(line) - 1)}
    ran = subprocess.run([AVTECH], env={**os.environ, **asked}, cwd=where, capture_output=True, text=True, check=True)
    assert not ran.stderr
    return [answer.partition(",")[2] for answer in ran.stdout.splitlines() if answer]


def test_bash_takes_the_script_and_completes_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["completion", "bash"]) == 0
    script = tmp_path / "avtech.bash"
    script.write_text(capsys.readouterr().out)
    ask = (
        f'PATH="{AVTECH.parent}:$PATH"; source "{script}"; complete -p avtech >&2;'
        ' COMP_WORDS=(avtech val); COMP_CWORD=1; _avtech_completion avtech; echo "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "validate"
    assert "_avtech_completion" in ran.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_scripts_name_the_command_and_parse(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_AVTECH_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True, check=False).returncode == 0


def test_a_shell_we_do_not_know_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err


def test_screens_are_completed_from_the_repository_named_on_the_line(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, screens=3)
    assert _ask("avtech airtime SCR-ACME-000", repository.path) == ["SCR-ACME-0001", "SCR-ACME-0002", "SCR-ACME-0003"]
    assert _ask(f"avtech airtime -C {repository.path} scr-acme-0002", tmp_path) == ["SCR-ACME-0002"]
    assert _ask("avtech airtime SCR-OTHER", repository.path) == []
    assert _ask("avtech preview SCR-ACME-0001 SCR-ACME-0003", repository.path) == ["SCR-ACME-0003"]


def test_what_cannot_be_read_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    screens = tmp_path / "fleet" / "CLI-ACME" / "screens"
    screens.mkdir(parents=True)
    (screens / "folder.yaml").mkdir()
    os.mkfifo(screens / "fifo.yaml")
    (screens / "broken.yaml").write_bytes(b"\xff\xfe: {{{ \n  name: SCR-ACME-0007\n" + b"x" * 200_000)
    (screens / "dangling.yaml").symlink_to("nowhere")
    assert _ask("avtech airtime SCR-", tmp_path) == ["SCR-ACME-0007"]
    assert _ask("avtech airtime SCR-", tmp_path / "fleet") == []


def test_codes_of_findings_are_completed(tmp_path: Path) -> None:
    assert {"AVT301", "AVT309"} <= set(_ask("avtech explain AVT30", tmp_path))
    assert _ask("avtech explain 204", tmp_path) == ["AVT204"]
    assert _ask("avtech explain XYZ", tmp_path) == []
