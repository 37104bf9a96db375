"""Limits of the fleet and of clients stop a plan, and only its exact numbers, named by somebody, let it pass."""

from dataclasses import replace

import pytest

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import (
    Consent,
    Loss,
    Plan,
    Verdict,
    assess,
    parse_acceptance,
    plan_json,
    plan_text,
)
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import UnsafePlanError
from avtech_schema.identifiers import ClientId, ScreenId
from avtech_schema.resources import Client
from tests.controller.publishing import screens
from tests.controller.test_plan import NOW, fleet, plan_of

OTHER = ClientId("CLI-OTHER")
NIGHTLY = {"time_zone": "Asia/Tokyo"}


def client(name: str, **limits: object) -> Client:
    spec = {"title": "Some client", "limits": limits} if limits else {"title": "Some client"}
    return Client.model_validate({"apiVersion": "avtech/v1", "kind": "Client", "metadata": {"name": name}, "spec": spec})


def others(count: int, **changes: object) -> dict[ScreenId, CompiledScreen]:
    """Screens of another client."""
    found: dict[ScreenId, CompiledScreen] = {}
    for compiled in screens(count, **changes).values():
        name = ScreenId(compiled.screen.replace("ACME", "OTHER"))
        manifest = replace(compiled.manifest, screen=name, client=OTHER)
        data = manifest.canonical()
        found[name] = CompiledScreen(name, OTHER, sha256_hex(data), data, manifest)
    return found


def judge(plan: Plan, consent: str = "", clients: dict[ClientId, Client] | None = None, **spec: object) -> Verdict:
    return assess(plan, fleet(**spec), clients or {}, parse_acceptance(consent) if consent else Consent(), NOW)


def test_emptied_screens_have_a_limit_of_their_own() -> None:
    plan = plan_of(screens(20), {**screens(20), **screens(3, rules=())})
    verdict = judge(plan)
    assert verdict.problem == (
        "3 of 20 released screens would lose all their scheduled airtime of the next 7 days (at most 10 %)"
    )
    assert verdict.trailer == "AVTech-Accept: emptied=3"
    assert "--accept-emptied 3" in verdict.hint
    assert not judge(plan, "emptied=3").stopped
    assert judge(plan, limits={"emptiedScreens": 2, "emptiedPercent": 100}).stopped
    assert not judge(plan, limits={"emptiedPercent": 15}).stopped


def test_consent_names_every_number_that_is_beyond_a_limit() -> None:
    plan = plan_of(screens(20), screens(12, **NIGHTLY))
    verdict = judge(plan)
    assert verdict.trailer == "AVTech-Accept: changed=12 removed=8"
    assert judge(plan, "changed=12").trailer == "AVTech-Accept: removed=8"
    assert judge(plan, "changed=12 removed=7").stopped
    assert not judge(plan, "changed=12, removed=8").stopped


def test_what_was_accepted_is_still_told() -> None:
    plan = plan_of(screens(20), screens(17))
    verdict = judge(plan, "removed=3")
    assert "accepted by name: 3 of 20 released screens would be removed" in plan_text(plan, verdict)
    assert plan_json(plan, verdict)["safety"]["limits"] == [
        {"accepted": True, "counts": "removed", "client": None, "screens": 3, "released": 20, "most": "10 %"}
    ]


def test_a_client_is_protected_in_a_large_fleet() -> None:
    old, new = {**screens(200), **others(12)}, {**screens(200), **others(5)}
    verdict = judge(plan_of(old, new))
    assert verdict.problem == "7 of 12 released screens of CLI-OTHER would be removed (at most 50 %)"
    assert not judge(plan_of(old, new), "removed=7").stopped


def test_a_clients_limits_replace_those_that_clients_inherit() -> None:
    old, new = {**screens(200), **others(12)}, {**screens(200), **others(12, **NIGHTLY)}
    plan = plan_of(old, new)
    assert not judge(plan).stopped
    strict = {OTHER: client(OTHER, changedScreens=11)}
    assert judge(plan, clients=strict).problem == "12 of 12 released screens of CLI-OTHER would change (at most 11 screens)"
    assert judge(plan, defaults={"limits": {"changedPercent": 10}}).stopped
    assert not judge(
        plan, clients={OTHER: client(OTHER, changedPercent=100)}, defaults={"limits": {"changedPercent": 10}}
    ).stopped


def test_a_client_that_is_gone_as_a_whole_is_held_to_what_clients_inherit() -> None:
    assert "of CLI-OTHER would be removed" in judge(plan_of({**screens(200), **others(12)}, screens(200))).problem


def test_a_renamed_screen_counts_neither_as_removed_nor_as_changed() -> None:
    old, new = screens(20), screens(15)
    for number in range(16, 21):
        manifest = replace(old[ScreenId(f"SCR-ACME-{number:04}")].manifest, screen=ScreenId(f"SCR-ACME-NEW-{number}"))
        data = manifest.canonical()
        new[manifest.screen] = CompiledScreen(manifest.screen, manifest.client, sha256_hex(data), data, manifest)
    assert judge(plan_of(old, new)).stopped
    moved = {ScreenId(f"SCR-ACME-{number:04}"): ScreenId(f"SCR-ACME-NEW-{number}") for number in range(16, 21)}
    verdict = judge(plan_of(old, new, moved))
    assert not verdict.stopped
    assert dict(verdict.numbers) == {Loss.CHANGED: 0, Loss.REMOVED: 0, Loss.EMPTIED: 0}


def test_many_exceeded_limits_are_told_in_one_line_that_can_be_read() -> None:
    old = screens(20)
    for number in range(20):
        for compiled in others(12).values():
            name = ScreenId(f"{compiled.screen}-{number}")
            manifest = replace(compiled.manifest, screen=name, client=ClientId(f"CLI-{number}"))
            data = manifest.canonical()
            old[name] = CompiledScreen(name, manifest.client, sha256_hex(data), data, manifest)
    verdict = judge(plan_of(old, screens(20)))
    assert len(verdict.refused) == 21
    assert "16 more limits are exceeded" in verdict.problem
    with pytest.raises(UnsafePlanError) as caught:
        verdict.raise_if_stopped()
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "text",
    ["", "all", "changed", "changed=", "changed=-1", "changed=1e3", "removed=3 please", "deleted=3", "changed=" + "9" * 99],
)
def test_consent_that_names_no_numbers_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="does not name numbers"):
        parse_acceptance(text)
