"""`s3leader completion`: a script that completes commands, options and names of elections."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .streams import print_out

_WHERE = {
    "bash": '~/.bashrc: eval "$(s3leader completion bash)"',
    "zsh": '~/.zshrc: eval "$(s3leader completion zsh)"',
    "fish": "~/.config/fish/config.fish: s3leader completion fish | source",
}


@click.command(
    help="Print a script that completes commands and options in a shell. Add to\n\n"
    + "\n\n".join(_WHERE.values())
)
@click.argument("shell", type=click.Choice(list(_WHERE)))
def completion(shell: str) -> int:
    """Print the script."""
    from .app import app  # noqa: PLC0415 - it imports this module

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click knows these three
    print_out(found(app, {}, "s3leader", "_S3LEADER_COMPLETE").source())
    return 0
