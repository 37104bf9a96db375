"""The docs name every command, and no command line in them is one that the programs refuse."""

import re
from pathlib import Path

import click
import pytest

from avtech_controller.cli import cli as avtech
from avtech_player.cli import cli as avtech_player
from tests import command_lines

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS: dict[str, click.Group] = {"avtech": avtech, "avtech-player": avtech_player}
ELLIPSIS = re.compile(r"…|\.\.\.")


def code_lines(page: Path) -> list[str]:
    """The lines of a page's code blocks, indented or fenced, with continued lines joined and prompts taken off."""
    lines: list[str] = []
    fenced = False
    for line in page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            lines.append(line.strip().removeprefix("$ ").removeprefix("sudo "))
    return lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_in_the_docs_is_one_that_the_program_takes(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in code_lines(page):
        command = re.sub(r"^([A-Z_]+=\S* )+", "", line)
        program = PROGRAMS.get(command.split(" ", 1)[0])
        if program is None or ELLIPSIS.search(command.split("#")[0]) or re.search(r"  \S", command.split("#")[0].rstrip()):
            continue  # a sketch, a table of examples, or output
        try:
            command_lines.check(program, command)
        except (click.exceptions.BadParameter, click.exceptions.MissingParameter) as error:
            if "does not exist" not in str(error):
                pytest.fail(f"{line}: {error}")
        except click.exceptions.Exit:
            pass
        except click.UsageError as error:
            pytest.fail(f"{line}: {error}")


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_command_is_named_in_the_docs(name: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = [words for words in command_lines.leaves(PROGRAMS[name]) if f"{name} {' '.join(words)}" not in text]
    assert not missing


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md")]
    assert len(set(numbers)) == len(numbers)


def test_every_guide_can_be_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for guide in sorted((ROOT / "docs/guides").glob("*.md")):
        assert f"(docs/guides/{guide.name})" in readme, guide.name


def test_the_install_page_takes_ten_lines_from_a_bare_system_to_a_playing_screen() -> None:
    page = (ROOT / "docs/guides/install.md").read_text().partition("\n## ")[0]
    lines = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    assert len(lines) == 10
    assert all(line.startswith("sudo ") for line in lines)
    assert any(line.endswith("systemctl enable --now avtech-player") for line in lines)
