"""A release's trial, bounded in time: whatever it makes the stage do, it ends with a result."""

import asyncio

from avtech_player.logs import ScreenLog
from avtech_player.ports import Generation, Stage, TrialResult

TRIAL_SECONDS = 180.0
"""A trial that has not ended after this long has failed."""


async def judge(stage: Stage, generation: Generation, log: ScreenLog, *, within: float) -> TrialResult:
    """Have the stage try a generation for at most so many seconds; what it raises speaks against the generation."""
    try:
        async with asyncio.timeout(within):
            return await stage.trial(generation)
    except TimeoutError:
        return TrialResult(good=False, reason=f"the trial did not end within {within:.0f} s")
    except Exception as error:  # whatever a release makes the engine do, the good one plays on
        log.debug("a trial failed", exc_info=error)
        return TrialResult(good=False, reason=f"the trial failed: {type(error).__name__}: {error}")
