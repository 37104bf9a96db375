"""Manifests at the limit of what is read: playing goes on while they are worked out, and what is too much is refused."""

import asyncio
import threading
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from avtech_player.playback._airing import Airing
from avtech_player.playback._reckoning import Reckoner, is_heavy
from avtech_player.ports import Generation
from avtech_schema.airtime import EffortError
from avtech_schema.identifiers import Slug
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Item, Rule, parse_manifest
from tests.player.material import NOON, make_generation, rule
from tests.player.theatre import clips, loop_of, theatre

WITHIN = 60.0


def rules_of_a_year(count: int) -> list[Rule]:
    """A campaign a week, at every half-hour, as a large client might have them."""
    return [
        rule(
            f"campaign-{number}",
            "loop",
            priority=number % 5 * 10,
            from_s=number % 48 * 1800,
            until_s=(number % 48 + 1) * 1800,
            days=(number % 7,),
            valid_from=(date(2026, 1, 1) + timedelta(days=number % 600)).isoformat(),
            valid_until=(date(2026, 1, 8) + timedelta(days=number % 600)).isoformat(),
        )
        for number in range(count)
    ]


def too_deep(generation: Generation) -> Generation:
    """The same with a chain of playlists, each of which is a rule's: they take the square of its length."""
    manifest, count = generation.manifest, 600
    chain = {Slug(f"p{n}"): (Item(None, Slug(f"p{n + 1}") if n < count - 1 else Slug("loop")),) for n in range(count)}
    rules = (*manifest.rules, *(rule(f"deep-{number}", f"p{number}") for number in range(count)))
    return replace(generation, manifest=replace(manifest, rules=rules, playlists={**manifest.playlists, **chain}))


def generation_of(tmp_path: Path, rules: list[Rule]) -> Generation:
    return make_generation({"loop": clips(tmp_path, "a", "b")}, rules, fallback="loop")


def test_what_is_heavy_is_worked_out_beside_the_event_loop_and_the_player_is_alive_meanwhile() -> None:
    lives, may_end = list[int](), threading.Event()

    async def scenario() -> None:
        reckoner = Reckoner(lambda: lives.append(1))
        work = asyncio.create_task(reckoner.do(lambda: may_end.wait(WITHIN), heavy=True))
        async with asyncio.timeout(WITHIN):
            while not lives:
                await asyncio.sleep(0.01)
            assert not work.done()
            may_end.set()
            assert await work
        assert await reckoner.do(lambda: 7, heavy=False) == 7

    asyncio.run(scenario())


def test_work_that_fails_fails_its_caller_and_whoever_is_cancelled_leaves_no_trace() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def fail() -> None:
        begun.set()
        may_end.wait(WITHIN)
        raise ValueError("no")

    async def scenario() -> None:
        reckoner = Reckoner(lambda: None)
        abandoned = asyncio.create_task(reckoner.do(fail, heavy=True))
        await asyncio.to_thread(begun.wait, WITHIN)
        abandoned.cancel()
        with pytest.raises(asyncio.CancelledError):
            await abandoned
        may_end.set()
        with pytest.raises(ValueError, match="no"):
            await reckoner.do(fail, heavy=True)

    asyncio.run(scenario())


@pytest.mark.media
def test_a_manifest_of_four_megabytes_plays_and_a_small_one_after_it(tmp_path: Path) -> None:
    heavy = generation_of(tmp_path, rules_of_a_year(15_000))
    data = heavy.manifest.canonical()
    assert 0.9 * MAX_MANIFEST_BYTES < len(data) <= MAX_MANIFEST_BYTES
    assert parse_manifest(data) == heavy.manifest
    assert is_heavy(heavy.manifest)

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of(clips(tmp_path, "c", "d")))
            await house.see("C")
            assert (await house.playback.trial(heavy)).good
            await house.see("A", "B")
            await house.playback.play(loop_of(clips(tmp_path, "c", "d")))
            await house.see("C", "D")

    asyncio.run(scenario())


@pytest.mark.media
def test_a_manifest_that_takes_too_much_is_refused_in_its_trial_and_what_plays_goes_on(tmp_path: Path) -> None:
    absurd = too_deep(generation_of(tmp_path, []))

    async def scenario() -> None:
        async with theatre() as house:
            await house.playback.play(loop_of(clips(tmp_path, "c", "d")))
            await house.see("C")
            result = await house.playback.trial(absurd)
            assert (result.good, result.unseen) == (False, False)
            assert "its airtime cannot be worked out: its rules, recurrences" in result.reason
            await house.see("C", "D")

    asyncio.run(scenario())


@pytest.mark.media
@pytest.mark.parametrize("fallback", ["rest", None])
def test_a_good_manifest_that_grew_to_be_too_much_with_time_never_goes_black(tmp_path: Path, fallback: str | None) -> None:
    a, b = clips(tmp_path, "a", "b")
    generation = too_deep(make_generation({"loop": [a], "rest": [b]}, [rule("day", "loop")], fallback=fallback))
    with pytest.raises(EffortError):
        Airing(generation, NOON, strict=True)
    plays = b if fallback else a
    airing = Airing(generation, NOON)
    for days in (0, 20):
        assert [clip.video for clip in airing.on_air(NOON + timedelta(days=days))] == [plays.video]
