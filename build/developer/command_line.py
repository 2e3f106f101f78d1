"""The developer's one entry point. Needs only Python 3.11 or later, and sets up the rest itself.

python3 build/dev.py run [COMMAND…]           set up, then run the applet: up n8n, status …
python3 build/dev.py demo                     a real stack on a private engine, to look at
python3 build/dev.py test [LEVEL…] [-- …]     all tests, or one level: unit, oracle, engine …
python3 build/dev.py test --changed           only what the uncommitted change can break
python3 build/dev.py check                    what CI checks besides the tests
python3 build/dev.py generate                 update what is generated from declarations in the code
python3 build/dev.py lock [-- …]              lock the packages after a change of pyproject.toml
python3 build/dev.py translate                update the translations after a change of texts
python3 build/dev.py exec -- COMMAND…         run a command in the project's environment
python3 build/dev.py lab up|down|env          the private Docker Engine that the tests run on
python3 build/dev.py bench [NAME…]            measure
python3 build/dev.py bundle [--windows|--deb] the packages for users
python3 build/dev.py verify-images            the catalog's images, on a real engine
python3 build/dev.py verify-models            the catalog's models, at their hubs
python3 build/dev.py screenshots FOLDER       pictures of every page, with a real stack
python3 build/dev.py soak [NAME] [--times N]  repeat tests and report how often they passed
python3 build/dev.py soak --all [--load N]    find tests that fail by luck
python3 build/dev.py soak logs [--minutes N]  keep logs under faults, and count each line
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from developer.commands import (
    command_bench,
    command_bundle,
    command_check,
    command_demo,
    command_exec,
    command_generate,
    command_lab,
    command_lock,
    command_run,
    command_screenshots,
    command_soak,
    command_test,
    command_translate,
    command_verify_images,
    command_verify_models,
)
from developer.machine import ROOT
from developer.packages import TESTS

# Those of tests.bench, which can't be asked before everything is set up.
BENCHMARKS = (
    *("chain", "ten", "ten-checked", "hundred", "whole", "kills", "status", "memory", "events"),
    *("idle", "sampling", "history", "config", "many", "page", "backup", "upgrade", "access"),
    *("logs", "logstore", "log-collecting", "page-logs", "models", "cluster"),
    *("first-start", "first-start-eta"),
    *("tray-start", "tray-follows", "tray-windows", "tray-heeds", "tray-idle", "tray-day"),
)


def count(word: str) -> int:
    """*word* as a number. Raises ``ArgumentTypeError`` if it is less than 1."""
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is less than 1")
    return number


def benchmark(word: str) -> str:
    """*word*, if it is the name of a benchmark; otherwise raises ``ArgumentTypeError``."""
    if word not in BENCHMARKS:
        known = ", ".join(BENCHMARKS)
        raise argparse.ArgumentTypeError(f"no benchmark {word}; there are: {known}")
    return word


def add_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("levels", nargs="*", metavar="LEVEL", help=", ".join(TESTS))
    what = "only tests that ran what has changed"
    parser.add_argument("--changed", action="store_true", help=what)
    parser.add_argument("--base", metavar="REV", help="with --changed: the change since REV")


def add_lab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("up", "down", "env"),
        help="start them; end them, and remove all but the images; or tell a shell where the "
        'engine is, as in eval "$(python3 build/dev.py lab env)"',
    )
    parser.add_argument("--purge", action="store_true", help="down removes the images, too")


def add_bench(parser: argparse.ArgumentParser) -> None:
    known = ", ".join(BENCHMARKS)
    parser.add_argument("names", nargs="*", type=benchmark, metavar="NAME", help=known)
    parser.add_argument("--pairs", type=count, metavar="N", help="how often to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to put the figures")


def add_bundle(parser: argparse.ArgumentParser) -> None:
    kind = parser.add_mutually_exclusive_group()
    what = "on Linux: bundle and installer for Windows, with Wine"
    kind.add_argument("--windows", action="store_true", help=what)
    what = "on Debian and Ubuntu: the package for them"
    kind.add_argument("--deb", action="store_true", help=what)
    what = "also write a manifest for winget; the installer will be in the folder at this address"
    parser.add_argument("--url", metavar="URL", help=what)


def add_screenshots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to put the pictures")
    parser.add_argument("--docs", action="store_true", help="also renew those in docs/pictures")


def add_verify_images(parser: argparse.ArgumentParser) -> None:
    what = "only this module, with those that it requires; may be repeated"
    parser.add_argument("--module", action="append", default=[], metavar="NAME", help=what)
    what = "the engine's address; without, DOCKER_HOST or this machine's engine"
    parser.add_argument("--engine", metavar="URL", help=what)
    what = "a mirror of Docker Hub, in whose place its manifests are read"
    parser.add_argument("--registry", metavar="URL", help=what)
    record, report = ROOT / "orchestration/images.json", Path("verify-images.md")
    what = "where to record digests and sizes; without, orchestration/images.json"
    parser.add_argument("--record", type=Path, default=record, metavar="FILE", help=what)
    what = "where to put the report; without, verify-images.md"
    parser.add_argument("--report", type=Path, default=report, metavar="FILE", help=what)
    parser.add_argument("--yes", action="store_true", help="don't ask before the download")


def add_soak(parser: argparse.ArgumentParser) -> None:
    what = "part of a test's name, or an expression as for pytest -k; all without"
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help=what)
    parser.add_argument("--times", type=count, metavar="N", help="10 without")
    what = "run all levels in a random order, and list the tests that ever failed"
    parser.add_argument("--all", action="store_true", help=what)
    what = "this many busy processes run beside the tests; limits of time are longer"
    parser.add_argument("--load", type=count, default=0, metavar="N", help=what)
    what = "with --all: the order of an earlier run, which has printed it"
    parser.add_argument("--seed", type=count, metavar="N", help=what)
    what = "with the name logs: keep logs under faults for so long, and count each line; 3 without"
    parser.add_argument("--minutes", type=float, default=3.0, metavar="N", help=what)


@dataclass(frozen=True)
class Command:
    """A command, its usage, and the words allowed after ``--``."""

    function: Callable[[argparse.Namespace], int]
    usage: str
    after: str = ""
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda _: None


COMMANDS = {
    "run": Command(command_run, "[--yes] [COMMAND…]"),
    "demo": Command(command_demo, ""),
    "test": Command(
        command_test,
        "[LEVEL…] [--changed [--base REV]] [-- WORDS FOR PYTEST…]",
        "what pytest is to get stands after --, as in: test unit -- -k NAME, or test -- tests/FILE",
        add_test,
    ),
    "check": Command(command_check, ""),
    "generate": Command(command_generate, ""),
    "lock": Command(
        command_lock,
        "[-- WORDS FOR UV…]",
        "what uv is to get stands after --, as in: lock -- --upgrade-package NAME",
    ),
    "translate": Command(command_translate, ""),
    "exec": Command(
        command_exec, "-- COMMAND…", "what to run stands after --, as in: exec -- python -V"
    ),
    "lab": Command(command_lab, "up|down|env [--purge]", "", add_lab),
    "bench": Command(command_bench, "[NAME…] [--pairs N] [--json FILE]", "", add_bench),
    "bundle": Command(command_bundle, "[--windows|--deb] [--url URL]", "", add_bundle),
    "screenshots": Command(command_screenshots, "FOLDER [--docs]", "", add_screenshots),
    "verify-images": Command(
        command_verify_images,
        "[--module NAME]… [--engine URL] [--registry URL] [--record FILE] [--report FILE] [--yes]",
        "",
        add_verify_images,
    ),
    "verify-models": Command(command_verify_models, ""),
    "soak": Command(
        command_soak,
        "[NAME|--all [--seed N]] [--times N] [--load N] [--minutes N] [-- WORDS FOR PYTEST…]",
        "what pytest is to get stands after --, as in: soak NAME -- tests/unit",
        add_soak,
    ),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        "dev.py",
        usage="%(prog)s COMMAND …",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(
        dest="command", required=True, prog="dev.py", metavar="COMMAND", help="--help tells more"
    )
    for name, command in COMMANDS.items():
        # All words after `run` belong to the applet, even --help.
        own = commands.add_parser(
            name,
            usage=f"%(prog)s {command.usage}".rstrip(),
            description=command.function.__doc__,
            epilog=command.after and f"{command.after[0].upper()}{command.after[1:]}",
            add_help=name != "run",
        )
        command.add_arguments(own)
        own.set_defaults(parser=own)
    return top


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse *arguments*. ``words`` are passed to the called program: all words after ``run`` or
    ``--``."""
    own, words = list(arguments), []
    if own[:1] == ["run"]:
        own, words = own[:1], own[1:]
    elif "--" in own:
        own, words = own[: own.index("--")], own[own.index("--") + 1 :]
    options, unknown = parser().parse_known_args(own)
    after = COMMANDS[options.command].after
    if options.command != "run" and not after:
        unknown, words = [*unknown, *words], []
    if unknown:
        options.parser.error("; ".join(filter(None, [f"unknown: {' '.join(unknown)}", after])))
    if options.command == "exec" and not words:
        options.parser.error(after)
    options.words = words
    return options


def main(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* ask for; its exit status."""
    options = parse(arguments)
    try:
        return COMMANDS[options.command].function(options)
    except KeyboardInterrupt:
        return 130
