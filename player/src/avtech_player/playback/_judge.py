"""Judging a generation: off screen before the switch, and by what the engine tells after it."""

import asyncio
from collections.abc import Collection, Sequence

from avtech_player.engine import ClipCheck, Fault, FaultKind
from avtech_player.ports import Clip, TrialResult
from avtech_schema.identifiers import Sha256

_CRASHES = 2


async def find_faults(check: ClipCheck, clips: Sequence[Clip], *, within: float) -> list[tuple[Clip, Fault]]:
    """Judge clips off screen in order, for at most so many seconds: the first clips are judged first.

    Clips that are not judged in time are left to the screen.
    """
    judging = {asyncio.create_task(check.fault(clip)): clip for clip in clips}
    if not judging:
        return []
    done, late = await asyncio.wait(judging, timeout=within)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return [(clip, fault) for task, clip in judging.items() if task in done and (fault := task.result())]


def judge_faults(clips: Sequence[Clip], faults: Sequence[tuple[Clip, Fault]], known: Collection[Sha256]) -> TrialResult | None:
    """What faults found off screen say about a generation; None leaves the judgement to the screen."""
    for clip, fault in faults:
        if fault.kind is FaultKind.UNDECODABLE and clip.sha256 not in known:
            return TrialResult(good=False, reason=fault.reason)
    if faults and len(faults) == len(clips):
        return TrialResult(good=False, reason=faults[0][1].reason)
    return None


class Judge:
    """Watches the screen through one trial; the first thing that decides it is its result."""

    def __init__(self, known: Collection[Sha256]) -> None:
        self._known = known
        self._crashes = 0
        self._seen: asyncio.Future[TrialResult] = asyncio.get_running_loop().create_future()

    async def result(self, *, within: float, settle: float) -> TrialResult:
        """Wait until frames of the generation advance, and a little more; without them in time it is bad."""
        try:
            async with asyncio.timeout(within):
                result = await asyncio.shield(self._seen)
        except TimeoutError:
            return TrialResult(good=False, reason=f"no clip of it came on screen within {within:.0f} s")
        if not result.good:
            return result
        self._seen = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(settle):
                return await asyncio.shield(self._seen)
        except TimeoutError:
            return result

    def started(self) -> None:
        """Frames of one of its clips advance."""
        self._decide(TrialResult(good=True))

    def nothing_on_air(self) -> None:
        """It has nothing on the air now: the slate is what it is meant to show."""
        self._decide(TrialResult(good=True))

    def nothing_plays(self, reason: str) -> None:
        """None of what it has on the air plays."""
        self._decide(TrialResult(good=False, reason=reason))

    def failed(self, clip: Clip, reason: str) -> None:
        """One of its clips could not be shown: decisive when the clip is new with it."""
        if clip.sha256 not in self._known:
            self._decide(TrialResult(good=False, reason=reason))

    def died(self, reason: str, *, blind: bool) -> None:
        """The engine died. Without a display there is nothing to see, and so nothing to judge."""
        if blind:
            self._decide(TrialResult(good=False, reason=reason, unseen=True))
            return
        self._crashes += 1
        if self._crashes >= _CRASHES:
            self._decide(TrialResult(good=False, reason=f"the engine died {self._crashes} times: {reason}"))

    def _decide(self, result: TrialResult) -> None:
        if not self._seen.done():
            self._seen.set_result(result)
