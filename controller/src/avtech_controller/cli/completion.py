"""`avtech completion`: the script by which a shell completes commands, options and the names of screens."""

import click
from click.shell_completion import get_completion_class

from avtech_schema.errors import ConfigurationError

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_AVTECH_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that teaches a shell to complete `avtech`.

    Commands, options and their values are completed, and the names of the screens below fleet/ of the current directory.

    \b
    Examples:
      avtech completion bash > ~/.local/share/bash-completion/completions/avtech
      avtech completion zsh > "${fpath[1]}/_avtech"
      avtech completion fish > ~/.config/fish/completions/avtech.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise ConfigurationError(f"no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "avtech", _VARIABLE).source())
