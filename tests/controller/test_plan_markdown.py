"""The comment on a pull request stays below the limit whatever changes, and shows text as it is, whatever it holds."""

import re
from dataclasses import replace

import pytest

from avtech_controller.compiler import CompiledScreen
from avtech_controller.findings import Finding, Place, Severity
from avtech_controller.planning import (
    MARKER,
    MAX_CHARACTERS,
    Consent,
    assess,
    findings_markdown,
    plan_markdown,
)
from avtech_controller.planning._markdown import escape
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ScreenId, Slug, VideoId
from avtech_schema.manifest import Item, Rule
from tests.controller.publishing import asset, screens
from tests.controller.test_plan import NOW, fleet, plan_of

DAY = Rule("day/1", Slug("day"), Slug("main"))
HOSTILE = (
    "</details><script>alert(1)</script> | @everyone #1 [x](http://evil) ![y](z) `rm` **b** ~~s~~"
    " <!-- -->\n# head\r\n\u202e\x1b[31m"
)


def finding(message: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding("AVT305", severity, message, Place("fleet/a|b.yaml", 3, 4))


def comment(old: dict[ScreenId, CompiledScreen], new: dict[ScreenId, CompiledScreen], **options: object) -> str:
    plan = plan_of(old, new)
    return plan_markdown(plan, assess(plan, fleet(), {}, Consent(), NOW), **options)  # type: ignore[arg-type]


def test_the_comment_leads_with_what_matters() -> None:
    text = comment(screens(417), screens(417, rules=(DAY, replace(DAY, id="night/1", from_s=3600))))
    lines = text.splitlines()
    assert lines[:2] == [MARKER, "### AVTech plan: 417 screens (417 changed), 0 unchanged"]
    assert "    AVTech-Accept: changed=417" in lines
    assert "417 screens, same change: `SCR-ACME-0001`, `SCR-ACME-0002`, `SCR-ACME-0003` and 414 more" in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_no_change_is_said_in_two_lines() -> None:
    text = comment(screens(3), screens(3))
    assert "no screen changes" in text
    assert "✅" in text
    assert len(text.splitlines()) < 8


def test_air_is_told_by_titles_and_clips() -> None:
    clips = {VideoId("VID-ACME-A"): asset(), VideoId("VID-ACME-B"): asset(b"b")}
    playlists = {Slug("main"): (Item(VideoId("VID-ACME-A"), None), Item(VideoId("VID-ACME-B"), None))}
    text = comment(screens(1), screens(1, playlists=playlists, assets=clips), titles={VideoId("VID-ACME-B"): "Autumn | promo"})
    assert "+5,040 min Autumn &#124; promo (`VID-ACME-B`)" in text
    assert "\N{MINUS SIGN}5,040 min `VID-ACME-A`" in text


def all_different(count: int, tag: str) -> dict[ScreenId, CompiledScreen]:
    """As many screens, each with a playlist, a rule and a clip of its own."""
    found: dict[ScreenId, CompiledScreen] = {}
    for compiled in screens(count).values():
        slug, clip = Slug(f"{tag}-{compiled.screen.lower()}"), VideoId(f"VID-{tag}-{compiled.screen}".upper())
        manifest = replace(
            compiled.manifest,
            rules=(DAY, Rule(f"{slug}/1", slug, slug, from_s=3600, until_s=7200)),
            playlists={Slug("main"): (Item(VideoId("VID-ACME-A"), None),), slug: (Item(clip, None),)},
            assets={VideoId("VID-ACME-A"): asset(), clip: asset(clip.encode())},
        )
        data = manifest.canonical()
        found[compiled.screen] = CompiledScreen(compiled.screen, compiled.client, sha256_hex(data), data, manifest)
    return found


@pytest.mark.slow
def test_a_comment_on_ten_thousand_different_changes_with_hostile_names_fits() -> None:
    old, new = all_different(10_000, "old"), all_different(10_000, "new")
    titles = {clip: HOSTILE * 3 for compiled in (*old.values(), *new.values()) for clip in compiled.manifest.assets}
    findings = [finding(HOSTILE * 5) for _ in range(10_000)]
    text = comment(old, new, titles=titles, findings=findings)
    assert len(text) <= len(text.encode()) <= MAX_CHARACTERS
    assert "10,000 screens (10,000 changed)" in text
    assert "AVTech-Accept: changed=10000" in text
    assert "10,000 warnings" in text
    assert "too long for one comment" in text
    harmless(text)


def harmless(text: str) -> None:
    """No markup but that of the comment itself."""
    tags = set(re.findall(r"<[^>]*>", text))
    assert tags <= {MARKER, "<details>", "</details>", "<summary>", "</summary>"}
    assert text.count("<details>") == text.count("</details>")
    assert not re.search(r"(?<!`)@[a-z]|\]\(|!\[|http:|\x1b|\u202e|\r", text)


@pytest.mark.parametrize(
    "text", [HOSTILE, "\x00", "&lt;b&gt;", "a" * 10_000, "| a | b |", "- [ ] x", "www.evil.example", "__x__"]
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    shown = escape(text)
    assert not re.search(r"[<>|`*\[\]!~@.:_\n-]|(?<!&)#|&(?!#\d+;)", shown)
    assert len(shown) < 2_000


def test_errors_stand_above_the_change_that_makes_them() -> None:
    old = all_different(2, "old")
    text = comment(old, all_different(2, "new"), findings=[finding("broken", Severity.ERROR), finding("odd")])
    assert text.index("**1 error** must be mended first") < text.index("broken") < text.index("| Screens |")
    assert text.index("<summary>Warnings</summary>") < text.index("odd")
    harmless(text)


def test_when_there_are_errors_there_is_a_comment_without_a_plan() -> None:
    text = findings_markdown([finding(HOSTILE, Severity.ERROR)] * 500)
    assert text.startswith(MARKER)
    assert "500 errors" in text
    assert "and 480 more" in text
    assert len(text.encode()) < MAX_CHARACTERS
    harmless(text)
