"""What the commands about rollouts do: open stores, find device keys and the publish key, write the revert's patch."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from avtech_controller import durable
from avtech_controller.cli._anchor import committed_anchor
from avtech_controller.cli._desired import chosen_store
from avtech_controller.desired import DesiredState, SourceError, load, open_source, require_state
from avtech_controller.planning import Plan
from avtech_controller.provenance import builder_of
from avtech_controller.publication import Amendment, Head, Publisher, Step, read_head
from avtech_controller.rollout import Standing, Watch, read_standing, revert_message, revert_patch
from avtech_controller.stores import ObjectStore
from avtech_controller.trust import Anchor
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, FindingsError
from avtech_schema.identifiers import CommitId, ScreenId


@dataclass(frozen=True, slots=True)
class Desk:
    """The place from which one fleet's rollouts are run."""

    repo: Path
    store: ObjectStore
    reports: ObjectStore
    anchor: Anchor

    @classmethod
    def open(cls, repo: Path, store: str | None, report_store: str | None = None) -> "Desk":
        """Open the stores and the anchor; nothing is read from the store yet.

        Raises:
            AvtechError: something that is named is not there, or not valid.
        """
        work_tree = None if store else require_state(load(open_source(repo, None)))
        opened = chosen_store(store, work_tree)
        return cls(repo, opened, chosen_store(report_store, None) if report_store else opened, committed_anchor(repo))

    def head(self) -> Head:
        """The released head.

        Raises:
            ConfigurationError: nothing is released.
        """
        if (head := read_head(self.store, self.anchor)) is None:
            raise ConfigurationError(f"nothing is released in {self.store.url}", hint="`avtech publish` comes before")
        return head

    def standing(self, head: Head) -> Standing:
        """The rollout that the head is part of.

        Raises:
            ConfigurationError: it is part of none.
        """
        if (found := read_standing(self.store, self.anchor, head)) is None:
            raise ConfigurationError(
                f"release {head.released.sequence} is not part of a rollout",
                hint="a rollout begins with a publication when fleet.yaml has spec.rollout.waves",
            )
        return found

    def watch(self, commit: CommitId) -> Watch:
        """Look by the device keys and freezes of a released commit; of the work tree when that cannot be read here."""
        state = self._state(commit)
        return Watch(self.store, self.reports, self.anchor, _device_keys(state), state.fleet, now)

    def publisher(self, keys_dir: Path | None) -> Publisher:
        """What puts records on top of what is released.

        Raises:
            TrustError, ConfigurationError: the key may not, or is not given.
        """
        from avtech_controller.cli._secrets import publish_signer
        from avtech_controller.publication import descent

        signer = publish_signer(keys_dir, self.anchor)
        self.anchor.check_publisher(signer, now())
        return Publisher(self.store, self.anchor, signer, descent(self.repo), _approve, now, _no_progress)

    def amend(self, keys_dir: Path | None, decide: Callable[[Head], Step | None]) -> Amendment:
        """Put a step on top of what is released."""
        from avtech_controller.cli._publication import publisher_name

        return self.publisher(keys_dir).amend(decide, publisher=publisher_name(os.environ), builder=builder_of(os.environ))

    def write_patch(self, standing: Standing, file: Path | None) -> Path | None:
        """Write the patch of the commit that takes the desired state back; a failure is a note, and None is returned."""
        sequence, base, commit = standing.begun.sequence, standing.plan.base, standing.commit
        target = file or default_patch(standing)
        try:
            data = revert_patch(self.repo, base, commit, revert_message(base, commit, sequence, standing.note.reason))
            if not data:
                click.echo(f"note: there is nothing to take back from {commit[:12]} to {base[:12]}", err=True)
                return None
            durable.replace_file(target, data)
        except (SourceError, OSError) as error:
            click.echo(f"note: the revert's patch could not be written: {error}", err=True)
            return None
        return target

    def offer_patch(self, standing: Standing, file: Path | None) -> Path | None:
        """Write the patch of a rollout that ended before: to the file that is named, which may hold that of another, or to
        the default one where that is missing; returns where it is."""
        if file is None and default_patch(standing).exists():
            return default_patch(standing)
        return self.write_patch(standing, file)

    def _state(self, commit: CommitId) -> DesiredState:
        try:
            return require_state(load(open_source(self.repo, commit)))
        except (SourceError, FindingsError) as error:
            click.echo(f"note: device keys and freezes are those of the work tree: {error}", err=True)
            return require_state(load(open_source(self.repo, None)))


def default_patch(standing: Standing) -> Path:
    """Where a rollout's revert goes when nobody says: into the current directory, by the rollout's sequence."""
    return Path(f"rollout-{standing.begun.sequence}-revert.patch")


def _approve(plan: Plan) -> None:
    """What steps of a rollout change was approved when it began."""
    del plan


def _no_progress(step: str, parts: int) -> Callable[[], None]:
    del step, parts
    return lambda: None


def _device_keys(state: DesiredState) -> dict[ScreenId, str]:
    return {name: screen.spec.device.public_key for name, screen in state.screens.items() if screen.spec.device}


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class RolloutTimeoutError(EnvironmentFailedError):
    """Somebody waited for a rollout for as long as they wanted to; it goes on."""

    hint = "it goes on: `avtech rollout status` shows it, `avtech rollout tick` moves it"
