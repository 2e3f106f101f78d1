"""The developer's one entry point. Needs only Python 3.11 or later, and sets up the rest itself.

python3 build/dev.py run [COMMAND…]         set up, then run the applet: up n8n, status …
python3 build/dev.py test [LEVEL…] [-- …]     all tests, or one level: unit, oracle, engine …
python3 build/dev.py check                    what CI checks besides the tests
python3 build/dev.py exec -- COMMAND…         run a command in the project's environment
python3 build/dev.py lab up|down|env          the private Docker Engine that the tests run on
python3 build/dev.py bench [NAME…] [--json FILE]
python3 build/dev.py soak [NAME] [--times N]  repeat tests and report how often they passed
"""

from __future__ import annotations  # any Python must get as far as being told its version

import argparse
import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "set-up-for.txt"
WINDOWS = sys.platform == "win32"
SCRIPTS = VENV / ("Scripts" if WINDOWS else "bin")
DEBIAN = Path("/etc/debian_version").exists()
Needs = dict[str, set[str]]  # what for -> the Debian packages for it that this machine lacks

# Command -> the Debian package that brings it. Asked for by command, so that a machine with another
# vendor's Docker keeps it.
TEST_COMMANDS = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "dbus-daemon": "dbus-daemon",
    "docker-compose": "docker-compose",
    "gnome-keyring-daemon": "gnome-keyring",
    "import": "imagemagick",
    "stalonetray": "stalonetray",
    "xdotool": "xdotool",
    "Xvfb": "xvfb",
}
# Likewise by what is there: a file or folder below the root, with wildcards -> its package.
DESKTOP_FILES = {
    "usr/lib/python3/dist-packages/gi": "python3-gi",
    "usr/lib/*/girepository-1.0/AyatanaAppIndicator3-0.1.typelib": (
        "gir1.2-ayatanaappindicator3-0.1"
    ),
    "usr/lib/*/girepository-1.0/WebKit2-4.1.typelib": "gir1.2-webkit2-4.1",
}
TEST_FILES = {**DESKTOP_FILES, "usr/share/fonts/truetype/dejavu": "fonts-dejavu-core"}
# Windows' own half is tested under Wine; the compiler makes what starts its Python.
WINE_COMMANDS = {"wine": "wine", "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64-win32"}
NEEDS_WINE = {"wine"}
LAB_COMMANDS = ROOT / "tests/lab/requirements.json"
NEEDS_LAB = {"contract", "desktop", "engine", "oracle", "wine"}

DOCKER_DESKTOP = "Docker Desktop, https://www.docker.com/products/docker-desktop"
WEBVIEW2 = "the WebView2 runtime, https://developer.microsoft.com/microsoft-edge/webview2"

CATALOG = "orchestration"
MODULES = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob(f"{CATALOG}/*/*/compose.yaml"))
LINT = ("compose-lint", "check", "--quiet", "--skip-suppressed", "--strict-config", "--config")
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    (*LINT, f"{CATALOG}/.compose-lint.yml", "--fail-on", "low", *MODULES),
)


def fail(message: str) -> NoReturn:
    """End with *message* on standard error."""
    sys.exit(f"dev.py: {message}")


def found(program: str, env: Mapping[str, str] | None) -> str:
    """The path of *program*. Windows by itself looks it up in the PATH of the parent, not of
    *env*."""
    path = shutil.which(program, path=env["PATH"] if env else None)
    return path or fail(f"there is no command {program}")


def run(
    command: Sequence[object], env: Mapping[str, str] | None = None, folder: Path = ROOT
) -> int:
    """Run *command* in *folder*; its exit status. It never outlives this process."""
    program, *words = map(str, command)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen([found(program, env), *words], cwd=folder, env=env)
    try:
        return process.wait()
    finally:
        if not WINDOWS:  # where Ctrl-C has reached it, and nothing else asks it to end
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            process.terminate()  # nothing where it has ended
        process.wait()
        signal.signal(signal.SIGTERM, before)


def become(program: str, *words: str, folder: Path = ROOT) -> int:
    """Run *program* in the environment and in *folder*, in the place of this process: signals and
    the exit status are its own."""
    if not WINDOWS:
        path = found(program, environment())
        os.chdir(folder)
        os.execve(path, [path, *words], environment())
    # There both processes stay, and Ctrl-C reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return run([program, *words], environment(), folder)


def must(command: Sequence[object], env: Mapping[str, str] | None = None) -> None:
    """Run *command*; end with its exit status where it fails."""
    status = run(command, env)
    if status:
        print(f"dev.py: failed: {shlex.join(map(str, command))}", file=sys.stderr)
        sys.exit(status)


# -- set-up ------------------------------------------------------------------------------------


def must_as_root(script: str) -> str:
    """Run the shell's *script* as root, or through sudo: what it prints, and only where it fails
    shows. Where neither is to be had, end with what to type."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if sudo and not shutil.which("sudo"):
        fail(f"this needs root, and there is no sudo here. As root, run:\n  {script}")
    done = subprocess.run(
        [*sudo, "sh", "-c", script],
        stdin=subprocess.DEVNULL,  # nobody is asked; but sudo asks on the terminal itself
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        fail(f"failed: {script}\n{done.stdout}")
    return done.stdout


def install_packages(needs: Needs) -> None:
    """Install the Debian packages of *needs*, all at once; elsewhere say that they are needed."""
    names = " ".join(sorted(set().union(*needs.values())))
    if not names:
        return
    if not DEBIAN:
        fail(f"please install what Debian calls {names}, then try again")
    why = ", ".join(what for what, packages in needs.items() if packages)
    print(f"dev.py: installing {names} (for {why})", file=sys.stderr)
    start = time.monotonic()
    printed = must_as_root(
        "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8; apt-get -qq update && apt-get -qq"
        # dpkg would ask about changed settings all the same.
        " -o Dpkg::Options::=--force-confold install --yes --no-install-recommends " + names
    )
    count, took = printed.count("\nSetting up "), time.monotonic() - start
    print(f"dev.py: installed {count} packages in {took:.0f} s", file=sys.stderr)


def system_path() -> str:
    """PATH with the folders of administrators' commands, which users' shells may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def packages_for(commands: Mapping[str, str]) -> set[str]:
    """The packages of those *commands* that this machine lacks."""
    path = system_path()
    return {p for command, p in commands.items() if not shutil.which(command, path=path)}


def packages_of(files: Mapping[str, str]) -> set[str]:
    """The packages of those *files* that this machine lacks."""
    return {package for pattern, package in files.items() if not any(Path("/").glob(pattern))}


def wants_icon(words: Sequence[str]) -> bool:
    """Whether `run` is to show the icon: no command is named. One may do with less than a desktop
    needs."""
    return not words or words[0].startswith("-")


def desktop_needs() -> Needs:
    """What icon and windows need, where there is a desktop to show them on."""
    if DEBIAN and any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))):
        return {"icon and windows": packages_of(DESKTOP_FILES)}
    return {}


def lab_needs() -> Needs:
    """What the lab needs."""
    if sys.platform != "linux":
        fail("the lab runs its own Docker Engine, which needs Linux (WSL2 serves on Windows)")
    return {"the lab": packages_for(json.loads(LAB_COMMANDS.read_text(encoding="utf-8")))}


def wine_needs() -> Needs:
    """What Windows' own half is tested on."""
    if not has_wine():
        fail("Windows' own half is tested under Wine, on Debian on x86_64")
    return {"Windows' own half": packages_for(WINE_COMMANDS)}


def has_wine() -> bool:
    """Whether Wine as Debian has it is to be had for this machine."""
    return DEBIAN and platform.machine() == "x86_64"


def base_python() -> str:
    """The Python that makes the environment. Debian's own where there is one: its GTK bindings
    work with no other."""
    return "/usr/bin/python3" if DEBIAN else sys.executable


def python_needs() -> Needs:
    """What makes the environment."""
    if not DEBIAN or answers(base_python(), "import ensurepip, venv"):
        return {}
    return {".venv": {"python3-venv"}}


def answers(python: str, code: str) -> bool:
    """Whether *python* is there, and *code* runs in it without complaint."""
    if not Path(python).exists():
        return False
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def wanted_stamp(python: str) -> list[str]:
    """What the environment depends on: its place and Python, and the project's dependencies."""
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return [f"{ROOT} {python} {version.stdout.strip()}", project]


def set_up(needs: Needs) -> None:
    """Install what is missing of *needs*; make and fill the virtual environment, unless that was
    done before."""
    install_packages({**needs, **python_needs()})
    python = base_python()
    if not answers(python, "import sys; sys.exit(sys.version_info < (3, 11))"):
        fail(f"{python} is older than Python 3.11; Debian 12 or Ubuntu 24.04 have a newer one")
    wanted = wanted_stamp(python)
    found = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []
    if found == wanted:
        return
    print("dev.py: setting up .venv", file=sys.stderr)
    if found[:1] != wanted[:1]:
        options = ["--system-site-packages"] if DEBIAN else []
        must([python, "-m", "venv", "--clear", *options, VENV])
    pip = [SCRIPTS / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    must([*pip, "pip>=25.1"])  # the first that knows dependency groups
    must([*pip, "--editable", ".", "--group", "dev"])
    STAMP.write_text("\n".join(wanted) + "\n", encoding="utf-8")


def set_up_tests(levels: Iterable[str]) -> None:
    """Set up what the tests of *levels* need."""
    needs: Needs = {}
    if DEBIAN:
        needs["tests"] = packages_for(TEST_COMMANDS) | packages_of(TEST_FILES)
    if NEEDS_WINE & set(levels):
        needs.update(wine_needs())
    if NEEDS_LAB & set(levels):
        needs.update(lab_needs())
    set_up(needs)


def environment() -> dict[str, str]:
    """The environment variables of commands in the virtual environment."""
    path = os.pathsep.join([str(SCRIPTS), system_path() if not WINDOWS else os.environ["PATH"]])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV)}


def missing_parts() -> list[str]:
    """What a user of this machine has still to install by hand."""
    programs = Path(os.environ.get("PROGRAMFILES", "C:/Program Files"))
    programs_x86 = Path(os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)"))
    parts = {
        "win32": {
            DOCKER_DESKTOP: programs / "Docker/Docker",
            WEBVIEW2: programs_x86 / "Microsoft/EdgeWebView/Application",
        },
        "darwin": {DOCKER_DESKTOP: Path("/Applications/Docker.app")},
    }
    return [name for name, path in parts.get(sys.platform, {}).items() if not path.exists()]


# -- commands ----------------------------------------------------------------------------------


def command_run(options: argparse.Namespace) -> int:
    """Run aiserver-tray with the words given; without any, show its icon."""
    set_up(desktop_needs() if wants_icon(options.words) else {})
    for part in missing_parts():
        print(f"dev.py: missing on this machine: {part}", file=sys.stderr)
    # Folders and files in its words are as the user sees them.
    return become("aiserver-tray", *options.words, folder=Path.cwd())


def command_exec(options: argparse.Namespace) -> int:
    """Run any command."""
    set_up({})
    if not options.words:
        fail("exec -- COMMAND…")
    return become(*options.words)


def command_check(_: argparse.Namespace) -> int:
    """Run every check, and go on after one that fails: all is told at once."""
    set_up({})
    failed = [command[0] for command in CHECKS if run(command, environment())]
    if failed:
        print(f"dev.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def command_test(options: argparse.Namespace) -> int:
    """Run the tests of some levels, or of all."""
    known = sorted({path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")})
    for level in options.levels:
        if level not in known:
            fail(f"no tests called {level}; there are: {', '.join(known)}")
    levels = options.levels or known
    if sys.platform != "linux" and not options.levels:
        levels = sorted(set(known) - NEEDS_LAB)
        print(f"dev.py: {', '.join(sorted(NEEDS_LAB))} need Linux; left out", file=sys.stderr)
    elif not has_wine() and not options.levels:
        levels = sorted(set(known) - NEEDS_WINE)
        print("dev.py: wine needs Debian on x86_64; left out", file=sys.stderr)
    set_up_tests(levels)
    folders = [f"tests/{level}" for level in levels]
    return become("python", "-m", "pytest", *folders, *options.words)


def command_lab(options: argparse.Namespace) -> int:
    """The lab: up, down or env."""
    set_up(lab_needs() if options.action == "up" else {})
    return become("python", "-m", "tests.lab", options.action, *options.words)


def command_bench(options: argparse.Namespace) -> int:
    """Run benchmarks, each beside what a user would take instead."""
    set_up_tests(NEEDS_LAB)
    return become("python", "-m", "tests.bench", *options.words)


def command_soak(options: argparse.Namespace) -> int:
    """Repeat the tests whose name holds NAME (or all): reports, and fails only if there is none."""
    set_up_tests(NEEDS_LAB)
    pytest = ["python", "-m", "pytest", "-q", "-k", options.name, *options.words]
    seconds, passed = [], 0
    for number in range(1, options.times + 1):
        start = time.monotonic()
        status = run(pytest, environment())
        if status == 5:
            return 5
        seconds.append(time.monotonic() - start)
        passed += status == 0
        print(f"soak {options.name}: {passed} of {number} passed, {seconds[-1]:.1f} s")
    median = statistics.median(seconds)
    print(f"soak {options.name}: {passed} of {options.times} passed, median {median:.1f} s")
    return 0


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
            command.add_argument("--times", type=int, default=10)
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


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - the one file that any Python may be given
        fail(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}")
    sys.exit(main(sys.argv[1:]))
