"""Publishes one commit of many screens to a store; run as a program that others interrupt.

`python -m tests.controller.publishing_s3 REPO KEYS URL SCREENS`
"""

import sys
from pathlib import Path

from avtech_controller.stores import open_store
from avtech_controller.trust import load_anchor, load_signer
from tests.controller.publishing import World, screens


def world_at(repo: Path, keys: Path, url: str) -> World:
    return World(repo, keys, open_store(url), load_anchor(repo), load_signer(str(keys / "publish.pem")))


if __name__ == "__main__":
    done = world_at(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]).publish(1, screens(int(sys.argv[4])))
    print(done.outcome)
