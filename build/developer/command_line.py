"""The developer's one entry point. Needs only Python 3.11 or later, and sets up the rest itself.

python3 build/dev.py run [COMMAND…]         set up, then run the applet: up n8n, status …
python3 build/dev.py test [LEVEL…] [-- …]     all tests, or one level: unit, oracle, engine …
python3 build/dev.py check                    what CI checks besides the tests
python3 build/dev.py exec -- COMMAND…         run a command in the project's environment
python3 build/dev.py lab up|down|env          the private Docker Engine that the tests run on
python3 build/dev.py bench [NAME…] [--json FILE]
python3 build/dev.py soak [NAME] [--times N]  repeat tests and report how often they passed
"""

import argparse
from collections.abc import Sequence

from developer.commands import (
    command_bench,
    command_check,
    command_exec,
    command_lab,
    command_run,
    command_soak,
    command_test,
)


def count(word: str) -> int:
    """The number that *word* is. Raises ``ArgumentTypeError`` where it is less than 1."""
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is less than 1")
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        "dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    for name, function in (
        ("run", command_run),
        ("exec", command_exec),
        ("check", command_check),
        ("test", command_test),
        ("lab", command_lab),
        ("bench", command_bench),
        ("soak", command_soak),
    ):
        # What stands after `run` is the applet's, --help too.
        command = commands.add_parser(name, help=function.__doc__, add_help=name != "run")
        command.set_defaults(function=function)
        if name == "test":
            command.add_argument("levels", nargs="*")
        elif name == "lab":
            command.add_argument("action", choices=("up", "down", "env"))
        elif name == "soak":
            command.add_argument("name", nargs="?", default="")
            command.add_argument("--times", type=count, default=10)
    return top


def main(arguments: Sequence[str]) -> int:
    """Split off what goes to the called program (all after ``run`` or ``--``), and run the
    command."""
    own = list(arguments)
    words: list[str] = []
    if own[:1] == ["run"]:
        own, words = own[:1], own[1:]
    elif "--" in own:
        own, words = own[: own.index("--")], own[own.index("--") + 1 :]
    options, rest = parser().parse_known_args(own)
    if rest and options.command not in {"lab", "bench"}:
        parser().error(f"unknown: {' '.join(rest)}")
    options.words = [*rest, *words]
    try:
        return int(options.function(options))
    except KeyboardInterrupt:
        return 130
