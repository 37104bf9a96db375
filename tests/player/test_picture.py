"""How a clip stands on the screen: turned for panels that hang otherwise, scaled to their shape, and how loud it is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from avtech_player.engine import MpvEngine, MpvSettings
from avtech_player.engine._ipc import Ipc
from avtech_player.engine._launch import launch
from avtech_schema.manifest import Orientation
from tests.display import BLACK, BLUE, GREEN, RED, Colour, Eyes, like, virtual_display
from tests.player.filmed import first_picture, playing
from tests.player.material import make_clip, make_generation, rule, video_bytes
from tests.player.stagehand import running

pytestmark = [pytest.mark.display, pytest.mark.media]

YELLOW: Colour = (255, 255, 0)
CORNERS = (
    "color=red:s=160x90:r=25[a];color=green:s=160x90:r=25[b];color=blue:s=160x90:r=25[c];color=yellow:s=160x90:r=25[d];"
    "[a][b]hstack=inputs=2[top];[d][c]hstack=inputs=2[bottom];[top][bottom]vstack=inputs=2"
)
"""Red, green, blue, yellow: clockwise from the top left."""
CLOCKWISE = [RED, GREEN, BLUE, YELLOW]
SQUARE = (180, 180)


@contextmanager
def looking(width: int, height: int) -> Iterator[tuple[str, Eyes]]:
    with virtual_display(width, height) as name:
        eyes = Eyes(name)
        yield name, eyes
        eyes.close()


def settings(display: str, scaling: str = "fit") -> MpvSettings:
    return MpvSettings(vo="x11", ao="null", hwdec="no", display=display, scaling=scaling)


async def settled(eyes: Eyes, wanted: dict[tuple[int, int], Colour]) -> None:
    """Wait until pixels have these colours, all at once."""

    def look() -> None:
        for (x, y), colour in wanted.items():
            eyes.wait_for(colour, x=x, y=y)
        seen = {place: eyes.colour(*place) for place in wanted}
        assert all(like(seen[place], colour) for place, colour in wanted.items()), seen

    await asyncio.to_thread(look)


@pytest.mark.parametrize(
    ("orientation", "quarters", "panel"),
    [
        (Orientation.LANDSCAPE, 0, (320, 180)),
        (Orientation.PORTRAIT_FLIPPED, 1, (180, 320)),
        (Orientation.LANDSCAPE_FLIPPED, 2, (320, 180)),
        (Orientation.PORTRAIT, 3, (180, 320)),
    ],
)
def test_each_corner_is_where_the_panel_s_orientation_puts_it(
    tmp_path: Path, orientation: Orientation, quarters: int, panel: tuple[int, int]
) -> None:
    clip = make_clip(tmp_path, "corners", video_bytes(CORNERS, 3), ms=3000)
    generation = make_generation({"loop": [clip]}, [rule("day", "loop")], orientation=orientation)
    width, height = panel
    places = [(10, 10), (width - 10, 10), (width - 10, height - 10), (10, height - 10)]

    async def scenario(name: str, eyes: Eyes) -> None:
        async with playing(name) as playback:
            await playback.play(generation)
            await first_picture(playback)
            await settled(eyes, {place: CLOCKWISE[(number - quarters) % 4] for number, place in enumerate(places)})

    with looking(width, height) as (name, eyes):
        asyncio.run(scenario(name, eyes))


@pytest.mark.parametrize(
    ("scaling", "top", "left", "middle"),
    [("fit", BLACK, RED, RED), ("fill", RED, RED, RED), ("stretch", RED, RED, RED)],
)
def test_a_landscape_clip_on_a_square_screen_is_scaled_as_set(
    tmp_path: Path, scaling: str, top: Colour, left: Colour, middle: Colour
) -> None:
    clip = make_clip(tmp_path, "corners", video_bytes(CORNERS, 3), ms=3000)

    async def scenario(name: str, eyes: Eyes) -> None:
        engine = MpvEngine(settings(name, scaling))
        async with running(engine) as log:
            await engine.show(clip)
            await log.started(clip)
            await settled(eyes, {(20, 4): top, (4, 80): left, (80, 80): middle})
            green = eyes.colour(170, 80)
            assert like(green, GREEN), green

    with looking(*SQUARE) as (name, eyes):
        asyncio.run(scenario(name, eyes))


def test_none_shows_pixel_by_pixel(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, "corners", video_bytes(CORNERS, 3), ms=3000)

    async def scenario(name: str, eyes: Eyes) -> None:
        engine = MpvEngine(settings(name, "none"))
        async with running(engine) as log:
            await engine.show(clip)
            await log.started(clip)
            await settled(eyes, {(36, 200): BLACK, (44, 115): RED, (355, 285): BLUE, (364, 200): BLACK, (200, 105): BLACK})

    with looking(400, 400) as (name, eyes):
        asyncio.run(scenario(name, eyes))


def test_fill_crops_and_stretch_does_not(tmp_path: Path) -> None:
    """A white line near the left edge of the clip is cut off by `fill` and stays with `stretch`."""
    source = "color=red:s=320x180:r=25,drawbox=x=0:y=0:w=40:h=180:color=white:t=fill"
    clip = make_clip(tmp_path, "edge", video_bytes(source, 3), ms=3000)

    async def scenario(name: str, eyes: Eyes) -> None:
        for scaling, edge in (("fill", RED), ("stretch", (255, 255, 255))):
            engine = MpvEngine(settings(name, scaling))
            async with running(engine) as log:
                await engine.show(clip)
                await log.started(clip)
                await settled(eyes, {(4, 90): edge, (90, 90): RED})

    with looking(*SQUARE) as (name, eyes):
        asyncio.run(scenario(name, eyes))


@pytest.mark.parametrize("volume", [0, 35, 100])
def test_the_volume_is_what_the_settings_say(x_display: str, volume: int) -> None:
    async def scenario() -> None:
        process, reader, writer = await launch(replace(settings(x_display), volume=volume))
        ipc = Ipc(reader, writer, lambda _: None)
        reading = asyncio.create_task(ipc.run())
        if volume:
            assert await ipc.ask("get_property", "volume") == volume
            assert await ipc.ask("get_property", "options/ao") == [{"name": "null", "enabled": True, "params": {}}]
        assert await ipc.ask("get_property", "options/audio") == ("auto" if volume else False)
        ipc.close()
        await asyncio.gather(reading, process.wait())

    asyncio.run(scenario())
