"""The player's process, which `avtech-player run` becomes: its threads, its event loop, and a way out that nothing blocks."""

import sys

from avtech_player._light import stay_light
from avtech_player.config import make_config
from avtech_player.handover import receive
from avtech_player.logs import configure_logging, tell, tell_bug, tell_failure
from avtech_schema.errors import AvtechError


def main(arguments: list[str]) -> int:
    """Run the players that the open file with a number (the first argument) describes; returns the exit code."""
    try:
        handover = receive(int(arguments[0]) if arguments and arguments[0].isdecimal() else -1)
        configure_logging(handover.log_format, verbose=handover.verbose, dated=True)
        configs = [make_config(settings) for settings in handover.settings]
        stay_light(openssl=any(config.wake is not None for config in configs))
        from avtech_player.lifetime import run_process

        run_process(configs)
    except AvtechError as error:
        return tell_failure(error)
    except KeyboardInterrupt:
        return tell("nothing was changed", "", 2, kind="aborted")
    except Exception as error:  # noqa: BLE001  the last line of defence: a bug is one line too
        return tell_bug(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
