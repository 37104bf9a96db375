"""`avtech schema`: the JSON Schemas that editors and other tools check YAML with."""

import json
from pathlib import Path
from typing import Any

import click

from avtech_controller.cli._options import output_option
from avtech_controller.durable import replace_file
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, FindingsError
from avtech_schema.resources import KINDS

_ANY = "avtech"
_NAMES = (_ANY, *(kind.lower() for kind in KINDS))


@click.command()
@click.argument("kind", type=click.Choice(_NAMES, case_sensitive=False), required=False, metavar="[KIND]")
@click.option(
    "--directory",
    "-o",
    "directory",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Write the schemas there, as KIND.schema.json, instead of printing one.",
)
@click.option("--check", is_flag=True, help="With -o: write nothing, and end with 1 if a schema there is missing or stale.")
@output_option
def schema(*, kind: str | None, directory: Path | None, check: bool, output: str) -> None:
    """Print or write the JSON Schemas (Draft 2020-12) of what people write.

    KIND is one of avtech, fleet, client, screen, group, playlist, schedule, video and aircheck. `avtech` takes a document of
    whatever kind it says it is; it is what is printed when KIND is missing. With -o and no KIND, all are written.

    \b
    Examples:
      avtech schema                              one schema for every kind
      avtech schema playlist                     that of a playlist
      avtech schema -o schema/json/v1            all of them, where `avtech init` puts them
      avtech schema -o schema/json/v1 --check    are they those of this version?
    """
    if check and directory is None:
        raise click.UsageError("--check compares with the files in a directory: name it with -o DIR")
    wanted = _schemas(kind)
    if directory is None:
        click.echo(wanted[f"{(kind or _ANY).lower()}.schema.json"], nl=False)
    elif check:
        _check(wanted, directory)
        if output == "json":
            _print_json({"directory": str(directory), "stale": []})
    else:
        _write(wanted, directory)
        if output == "json":
            _print_json({"directory": str(directory), "files": [str(directory / name) for name in wanted]})
        else:
            click.echo("\n".join(str(directory / name) for name in wanted))


def _schemas(kind: str | None) -> dict[str, str]:
    """The text of the schema of a kind, or of all, by file name."""
    from avtech_schema.json_schemas import json_schemas, spelt

    chosen = None if kind is None else f"{kind.lower()}.schema.json"
    return {name: spelt(found) for name, found in json_schemas().items() if chosen in (None, name)}


def _check(wanted: dict[str, str], directory: Path) -> None:
    stale = [name for name, text in wanted.items() if _there(directory / name) != text.encode()]
    if stale:
        raise FindingsError(
            f"{directory}: missing or stale: {', '.join(sorted(stale))}", hint=f"avtech schema -o {directory} writes them"
        )
    click.echo(f"{directory} is up to date", err=True)


def _there(path: Path) -> bytes | None:
    """What a file holds, as far as a schema can be long; None when there is none."""
    try:
        with path.open("rb") as stream:
            return stream.read(1 << 22)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


def _write(wanted: dict[str, str], directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
            replace_file(directory / name, text.encode())
    except OSError as error:
        raise EnvironmentFailedError(f"cannot write to {directory}: {error.strerror}") from error


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps({"format_version": 1, **value}, indent=2))
