"""The state on the disk, read with its checksum and replaced whole."""

from pathlib import Path

from avtech_player.durable import TooLargeError, read_bounded, replace_atomically
from avtech_player.state import MAX_STATE_BYTES, PlayerState, StateCorruptError, parse_state, state_bytes


def read_state(directory: Path) -> PlayerState | None:
    """The state as it stands, for a look at it; None when there is none.

    Raises:
        StateCorruptError: it is damaged.
        DiskError: it cannot be read.
    """
    try:
        data = read_bounded(directory / "state.json", limit=MAX_STATE_BYTES)
    except TooLargeError as error:
        raise StateCorruptError(str(error)) from error
    return None if data is None else parse_state(data)


def save_state(directory: Path, state: PlayerState) -> None:
    """Replace the state.

    Raises:
        DiskError: the disk refused; the old state stands.
    """
    replace_atomically(directory / "state.json", state_bytes(state), ours=True)
