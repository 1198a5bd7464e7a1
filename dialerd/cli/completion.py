"""`dialerd completion`: what a shell asks to complete our commands, made from their own parser."""

from __future__ import annotations

import click

from dialerd.cli.errors import FailedError

VARIABLE = "_DIALERD_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print what a shell needs to complete `dialerd` by TAB: commands, options, campaigns.

    \b
    bash  dialerd completion bash > /etc/bash_completion.d/dialerd
    zsh   dialerd completion zsh > "${fpath[1]}/_dialerd"
    fish  dialerd completion fish > ~/.config/fish/completions/dialerd.fish
    """
    from click.shell_completion import get_completion_class

    from dialerd.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise FailedError(f"this click knows nothing of {shell}")
    click.echo(kind(cli, {}, "dialerd", VARIABLE).source())
