"""Every expected failure of AVTech, arranged by who must act; the exit codes are DESIGN's (docs/reference/cli.md)."""

from typing import ClassVar


class AvtechError(Exception):
    """Base of every expected failure: `str(error)` is one line for a human, `hint` says what to do about it."""

    exit_code: ClassVar[int] = 1
    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint


class FindingsError(AvtechError):
    """The desired state has errors: an editor must act."""

    exit_code = 1


class ConfigurationError(AvtechError):
    """A command line, a setting or a file it names is wrong: whoever runs the command must act."""

    exit_code = 2


class EnvironmentFailedError(AvtechError):
    """The store, the network, the disk or a tool failed; nothing is half done, and the same command may be run again."""

    exit_code = 3


class UnsafePlanError(AvtechError):
    """A safety limit of the Fleet stopped the plan: somebody must consent by naming its numbers."""

    exit_code = 4


class SupersededError(AvtechError):
    """Another publisher released a newer or an unrelated commit: nothing to do but look."""

    exit_code = 5


class TrustError(AvtechError):
    """A signature, a digest or a version does not hold: nothing unverified is used."""

    exit_code = 6


class ManifestRejectedError(TrustError):
    """A manifest is malformed, absurd, or another screen's; keep playing the current one."""


class RolloutHaltedError(AvtechError):
    """A rollout found a fault: whoever made the release must look at it before it goes on."""

    exit_code = 7
