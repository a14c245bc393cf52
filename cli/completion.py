"""The command that prints what shells complete commands by."""

from typing import Literal

from cli.app import app
from cli.console import out


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script by which a shell completes commands and options.

    To have it in this terminal: source <(unbuy completion bash)

    Parameters
    ----------
    shell
        The shell.
    """
    out.print(app.generate_completion(prog_name="unbuy", shell=shell), soft_wrap=True, end="")
    return 0
