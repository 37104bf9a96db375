"""Outdated names of time zones: what is told of them, and which are surely the same place."""

from pathlib import Path

import pytest

from avtech_controller.checks.zones import outdated
from avtech_controller.desired import open_source
from avtech_controller.fixing import plan_fixes, write_fixes
from avtech_schema.airtime import time_zones
from tests.controller.desired_files import MINIMAL, codes, loaded, marked

CLIENT = "fleet/CLI-A/client.yaml"


def zoned(name: str) -> dict[str, str]:
    return {CLIENT: MINIMAL[CLIENT].replace("Europe/Madrid", name)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("US/Eastern", "America/New_York"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("GB", "Europe/London"),
        ("Canada/Eastern", "America/Toronto"),
        ("PRC", "Asia/Shanghai"),
    ],
)
def test_a_legacy_zone_name_is_told_with_the_name_of_today_and_mended(tmp_path: Path, old: str, new: str) -> None:
    found = loaded(tmp_path, zoned(old))
    assert (codes(found), marked(found)) == (["AVT217"], old)
    assert found.state is not None
    assert found.findings[0].help == f'write "{new}": its clocks are the same'
    write_fixes(tmp_path, plan_fixes(open_source(tmp_path)))
    assert (tmp_path / CLIENT).read_text() == MINIMAL[CLIENT].replace("Europe/Madrid", new)


@pytest.mark.parametrize("name", ["Europe/Madrid", "Europe/Amsterdam", "Asia/Kathmandu", "America/Nassau", "Etc/UTC", "UTC"])
def test_a_name_that_is_used_today_is_left_alone_be_it_a_link_or_not(tmp_path: Path, name: str) -> None:
    assert codes(loaded(tmp_path, zoned(name))) == []


@pytest.mark.parametrize(
    ("name", "said"), [("Iceland", 'clocks of "Africa/Abidjan"'), ("CET", "name a place"), ("EST5EDT", "name a place")]
)
def test_a_name_that_may_mean_another_place_is_told_but_not_mended(tmp_path: Path, name: str, said: str) -> None:
    found = loaded(tmp_path, zoned(name))
    assert codes(found) == ["AVT217"]
    assert said in found.findings[0].help
    assert found.findings[0].fix is None


def test_every_name_that_is_given_instead_is_a_zone_that_is_not_outdated_itself() -> None:
    given = {old.name for zone in time_zones() if (old := outdated(zone)) and old.name}
    assert len(given) > 80
    assert given <= time_zones()
    assert not [name for name in given if outdated(name)]
