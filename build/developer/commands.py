"""The commands of `build/dev.py`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from developer import typescript
from developer.environment import RUN, answers, set_up
from developer.machine import DEBIAN, ROOT, SCRIPTS, WINDOWS, environment, has_wine, workers
from developer.packages import (
    NEEDS_LAB,
    NEEDS_LINUX,
    NEEDS_WINE,
    TESTS,
    bundle_needs,
    demo_needs,
    desktop_needs,
    installer_needs,
    lab_needs,
    needs_of_benchmarks,
    needs_of_pictures,
    needs_of_tests,
)
from developer.processes import become, fail, root_prefix, run
from developer.soak import prepare, soak, soak_all, soak_logs

TRANSLATIONS = ("python", "build/translations.py")
GENERATE = ("python", "build/generate.py")
LOCK = ("python", "build/lock.py")
WORKFLOWS = sorted(str(f.relative_to(ROOT)) for f in ROOT.glob(".github/workflows/*.yml"))
SCHEMA = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
WINDOWS_TYPES = (
    *("--platform", "win32", "--no-warn-unused-ignores"),
    *("--cache-dir", ".mypy_cache/win32"),
)
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    # The parts for Windows only, with a cache of its own.
    ("mypy", *WINDOWS_TYPES, "aiserver_tray"),
    ("lint-imports",),
    (*TRANSLATIONS, "--check"),
    (*GENERATE, "--check"),
    (*LOCK, "--check"),
    ("python", "build/budget.py"),
    ("python", "build/lint_catalog.py"),
    (*SCHEMA, *WORKFLOWS),
    ("zizmor", "--offline", "--quiet", ".github"),
)


def wants_icon(words: Sequence[str]) -> bool:
    """Whether `run` shows the icon, because no command is named. Other commands may not need a
    desktop."""
    return not words or words[0].startswith("-")


def command_run(options: argparse.Namespace) -> int:
    """Run aiserver-tray with the given words; without any, show its icon. Where no Docker engine is
    installed, offers to install one; --yes as the first word accepts that."""
    yes, words = options.words[:1] == ["--yes"], options.words
    words = words[1:] if yes else words
    set_up(desktop_needs() if wants_icon(words) else {}, RUN)
    if DEBIAN and (yes or sys.stdin.isatty()) and needs_engine(words):
        run(["aiserver-tray", "engine", "install", *(["--yes"] if yes else [])], environment())
    # Folders and files in its words are as the user sees them.
    return become("aiserver-tray", *words, folder=Path.cwd())


def needs_engine(words: Sequence[str]) -> bool:
    """Whether `run` needs an engine, no address names one, and this machine has none."""
    is_named = any("--host" in word for word in words) or os.environ.get("DOCKER_HOST")
    asks = {"-h", "--help", "--version"}.intersection(words)
    if is_named or asks or not (wants_icon(words) or words[0] in ("serve", "up")):
        return False
    code = "import sys; from aiserver_tray.system.engine_place import is_installed as installed"
    python = str(SCRIPTS / "python")
    return not answers(python, f"{code}; sys.exit(not installed())")


def command_exec(options: argparse.Namespace) -> int:
    """Run a command in the project's environment and folder."""
    set_up({})
    return become(*options.words)


def name_of(check: Sequence[str]) -> str:
    """The program of *check*, and its first argument."""
    return " ".join(Path(word).stem for word in check[:2])


def command_check(_: argparse.Namespace) -> int:
    """Run every check of the code and the catalog, and continue after a failure, so that all
    problems are shown at once."""
    set_up({})
    checks = (*CHECKS, (str(typescript.set_up()),))
    failed = [name_of(command) for command in checks if run(command, environment())]
    print("dev.py: advisories: not checked", file=sys.stderr)
    if failed:
        print(f"dev.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def command_translate(_: argparse.Namespace) -> int:
    """Bring the translations up to date with the texts in the code, and list those to write."""
    set_up({})
    return become(*TRANSLATIONS)


def command_generate(_: argparse.Namespace) -> int:
    """Write the tables in docs/ and the page's types, which come from declarations in the code."""
    set_up({})
    return become(*GENERATE)


def command_lock(options: argparse.Namespace) -> int:
    """Lock the packages that pyproject.toml asks for, and write the requirements for pip. Locked
    versions that still fit stay."""
    set_up({})
    return become(*LOCK, *options.words)


def possible_levels() -> list[str]:
    """The test levels that this machine can run. Reports the others."""
    if sys.platform != "linux":
        print(f"dev.py: {', '.join(sorted(NEEDS_LINUX))} need Linux; left out", file=sys.stderr)
        return sorted(set(TESTS) - NEEDS_LINUX)
    if os.geteuid():
        levels = ", ".join(sorted(NEEDS_LAB))
        print(f"dev.py: {levels} need root; left out. For all, use sudo", file=sys.stderr)
        return sorted(set(TESTS) - NEEDS_LAB)
    if not has_wine():
        levels = " and ".join(sorted(NEEDS_WINE))
        print(f"dev.py: {levels} need Debian on x86_64; left out", file=sys.stderr)
        return sorted(set(TESTS) - NEEDS_WINE)
    return sorted(TESTS)


def command_test(options: argparse.Namespace) -> int:
    """Run the tests of some levels, or of all, on all cores; or those of files that are named after
    --. Installs their requirements first."""
    if options.base and not options.changed:
        options.parser.error("--base goes with --changed")
    files = [word for word in options.words if word.startswith("tests/")]
    named = options.levels or sorted({file.split("/")[1] for file in files})
    for level in named:
        if level not in TESTS:
            fail(f"no tests called {level}; there are: {', '.join(TESTS)}")
    levels = named or possible_levels()
    set_up(needs_of_tests(levels))
    if status := prepare(levels):
        return status
    folders = [] if files else [f"tests/{level}" for level in levels]
    words = [f"--numprocesses={workers()}", *(["--changed"] if options.changed else [])]
    words += [f"--base={options.base}"] if options.base else []
    return become("python", "-m", "pytest", *folders, *words, *options.words)


def command_lab(options: argparse.Namespace) -> int:
    """A private Docker Engine and image registry. Tests and benchmarks start them by themselves."""
    set_up(lab_needs() if options.action == "up" else {})
    words = ["--purge"] if options.purge else []
    return become("python", "-m", "tests.lab", options.action, *words)


def command_demo(_: argparse.Namespace) -> int:
    """Show the dashboard with a real stack on a private engine until Ctrl-C, without Docker Hub.
    Without root, sudo asks for the password."""
    prefix = root_prefix()
    set_up(demo_needs())
    return become(*prefix, "python", "-m", "tests.lab", "demo")


def command_bundle(options: argparse.Namespace) -> int:
    """Build the packages for users in dist/, in place of those that are there: the bundle for this
    system and, on Windows, its installer. build/README.md tells more."""
    if options.deb and not DEBIAN:
        fail("only Debian and Ubuntu can build their package")
    set_up(installer_needs() if options.windows and not WINDOWS else bundle_needs())
    words = [f"--{kind}" for kind in ("windows", "deb") if vars(options)[kind]]
    words += [f"--url={options.url}"] if options.url else []
    return become("python", "build/bundle.py", *words)


def command_verify_images(options: argparse.Namespace) -> int:
    """Check every image of the catalog on a real engine: its registry, health checks, start and
    log-in. docs/verify-images.md tells more."""
    set_up({})
    words = [word for name in options.module for word in ("--module", name)]
    words += [
        "--record",
        str(options.record.absolute()),
        "--report",
        str(options.report.absolute()),
    ]
    for name in ("engine", "registry"):
        words += [f"--{name}={vars(options)[name]}"] if vars(options)[name] else []
    words += ["--yes"] if options.yes else []
    return become("python", "build/verify_images.py", *words)


def command_verify_models(_: argparse.Namespace) -> int:
    """Ask Hugging Face and ModelScope for size, commit and hash of each model that the catalog
    offers. Needs internet."""
    set_up({})
    return become("python", "build/verify_models.py")


def command_screenshots(options: argparse.Namespace) -> int:
    """Take pictures of every page of the dashboard, with the whole catalog on a private engine."""
    set_up(needs_of_pictures())
    words = ["--docs"] if options.docs else []
    return become("python", "-m", "tests.pictures", str(options.folder.absolute()), *words)


def command_bench(options: argparse.Namespace) -> int:
    """Run some benchmarks, or all, each compared with the user's alternative."""
    set_up(needs_of_benchmarks())
    words = [f"--pairs={options.pairs}"] if options.pairs else []
    if options.json:
        words.append(f"--json={options.json.absolute()}")  # as the user sees it
    return become("python", "-m", "tests.bench", *options.names, *words)


def command_soak(options: argparse.Namespace) -> int:
    """Repeat the tests whose name contains NAME (or all), and show how often they passed. Fails
    only if there are none. With --all, run all levels as `test` does, but in a random order, and
    list the tests that ever failed. With the name logs, keep logs under faults for --minutes."""
    refused = {
        "--all takes no NAME": options.all and options.name,
        "--seed goes with --all": options.seed and not options.all,
        "soak logs takes --minutes, not --times": options.name == "logs" and options.times,
    }
    for message in filter(refused.get, refused):
        options.parser.error(message)
    if options.name == "logs":
        return soak_logs(options.minutes)
    times = options.times or 10
    if options.all:
        return soak_all(times, options.load, options.seed, possible_levels(), options.words)
    return soak(options.name, times, options.load, possible_levels(), options.words)
