"""Has click take command lines apart without running them, so that docs and templates cannot name what is not there."""

import re
import shlex
from collections.abc import Iterator

import click


def check(command: click.Command, line: str) -> None:
    """Parse one command line such as `avtech plan --commit HEAD | tee x`; a wrong option or command raises click's error."""
    words = shlex.split(re.split(r"[|>]|&&|\|\|", line)[0], comments=True)
    with click.Context(command, info_name=words[0]) as context:
        parse(command, words[1:], context)


def parse(command: click.Command, words: list[str], context: click.Context) -> None:
    """Resolve sub-commands and parse the rest."""
    while isinstance(command, click.Group):
        parser = command.make_parser(context)
        _, words, _ = parser.parse_args(args=list(words))
        name, found, words = command.resolve_command(context, list(words))
        assert found is not None, name
        command = found
    command.make_context(command.name, words, parent=context, resilient_parsing=False)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The full names of all commands below a group, hidden ones apart."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            yield from leaves(found, (*path, name))
