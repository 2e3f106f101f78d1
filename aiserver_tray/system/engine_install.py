"""Installing Docker: from the packages of Debian or Ubuntu, as root, or by programs for Windows and
macOS; and the Python packages that are installed.

One script does it, so that a password is asked for once. It stops when its input closes, because a
user can't send signals to a process of root. Once packages are being installed, nothing stops it:
they would be left half configured.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from threading import Lock, Thread
from typing import IO, Final, Literal

from aiserver_tray.base.errors import CancelledError, EngineNotInstalledError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.desktop import has_desktop
from aiserver_tray.system.process import output_of

PACKAGES: Final = ("docker.io", "ca-certificates", "apparmor")
"""The engine; the certificates that it checks registries with; and the program that loads its
AppArmor profile, without which no container starts where the kernel has AppArmor."""

Phase = Literal["update", "download", "install"]

_HOST: Final = "unix:///var/run/docker.sock"
_MARK: Final = "aiserver-phase:"
_STATUS: Final = re.compile(r"(?:dl|pm)status:[^:]*:([0-9.]+):")
"""A line that apt writes to its ``APT::Status-Fd``."""

TOO_LATE: Final = Text(
    "Packages are being installed. Wait until that is done, because stopping now would leave them "
    "half configured."
)
"""Why an installation can't be cancelled any more."""

_SHOWN_LINES: Final = 40
_DECLINED: Final = (126, 127)
"""pkexec's exit status if the user closed its dialog, or may not become root."""

_LISTS_LOCK: Final = "/var/lib/apt/lists/lock"
"""apt can wait for dpkg's lock, but not for this one. Right after the start of a machine, Debian's
own update has it."""

# 3: the input; 4: apt's status; 5: the exit status of apt; 6: the output. `tee -p` keeps reading
# when the applet is gone, so that dpkg can write its output.
SCRIPT: Final = f"""\
trap '' INT HUP PIPE
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
exec 3<&0 4>&2 6>&1 </dev/null 2>&1
packages="--yes --no-install-recommends install $2"
apt="apt-get -q -o APT::Status-Fd=4 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"

until_input_closes() {{
  "$@" 3<&- & work=$!
  {{ cat <&3; kill $work; }} >/dev/null 2>&1 4>&- 6>&- & guard=$!
  wait $work; status=$?
  kill $guard 2>/dev/null
  return $status
}}

until_lists_are_free() {{
  lock=$(stat -c %i {_LISTS_LOCK} 2>/dev/null) || lock=none
  tries=0
  while grep -q ":$lock " /proc/locks && [ $((tries += 1)) -lt 300 ]; do sleep 1; done
}}

if [ -n "$2" ]; then
  echo {_MARK}update
  until_input_closes until_lists_are_free || exit
  until_input_closes $apt update || exit
  echo {_MARK}download
  until_input_closes $apt --download-only $packages || exit
fi
echo {_MARK}install
[ -z "$2" ] || status=$({{ {{ $apt $packages 2>&1; echo $? >&5; }} | tee -p /dev/null >&6; }} 5>&1)
[ "${{status:-0}}" = 0 ] || exit "$status"
if [ -n "$1" ]; then
  usermod -aG docker "$1"
  [ ! -S /run/docker.sock ] || chown "$1" /run/docker.sock
fi
"""


@dataclass(frozen=True)
class Progress:
    """The progress of an installation."""

    phase: Phase = "update"
    """`update`: of the lists of packages; `download`; `install`: it can't be cancelled any more"""
    percent: float | None = None
    """of the phase, if it is known"""
    lines: tuple[str, ...] = ()
    """the last lines of its output"""


def prefix_on_terminal() -> Sequence[str] | None:
    """The words before a command that run it as root, from a terminal; None: there are none."""
    if _is_root():
        return ()
    return ("sudo",) if shutil.which("sudo") else None


def prefix_without_terminal() -> Sequence[str] | None:
    """Like `prefix_on_terminal`, where only the desktop can ask for a password."""
    if _is_root():
        return ()
    if has_desktop() and shutil.which("pkexec"):
        return ("pkexec",)
    return ("sudo", "-n") if output_of("sudo", "-n", "echo", "yes") else None


def group_member() -> str:
    """The user who has to join the group ``docker``; empty for root, who needs no group."""
    if sys.platform == "win32" or _is_root():
        return ""
    import pwd  # noqa: PLC0415 - on Unix only

    return pwd.getpwuid(os.getuid()).pw_name


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def command_by_hand() -> str:
    """The commands that a user can type instead."""
    install = f"apt-get update && sudo apt-get install --yes {' '.join(PACKAGES)}"
    user = group_member()
    if not user:
        return install.replace("sudo ", "")
    return f"sudo {install} && sudo usermod -aG docker {shlex.quote(user)}"


class EngineInstallation:
    """One attempt to install Docker, and to let the user use it, by the *prefix* that makes a
    command one of root. *on_progress* is called from its threads. Without *packages*, the user only
    gets access. *file*: `SCRIPT` is there, where the prefix leads to."""

    def __init__(
        self,
        prefix: Sequence[str],
        on_progress: Callable[[Progress], None],
        packages: Sequence[str] = PACKAGES,
        file: str = "",
    ) -> None:
        shell = ("/bin/sh", file) if file else ("/bin/sh", "-c", SCRIPT, "aiserver-tray")
        self._command = [*prefix, *shell, group_member(), " ".join(packages)]
        self._on_progress = on_progress
        self._lines: deque[str] = deque(maxlen=_SHOWN_LINES)
        self._lock = Lock()
        self.progress = Progress()
        self._process: subprocess.Popen[str] | None = None
        self._is_cancelled = False
        self._is_begun = False

    def run(self) -> None:
        """Install. Blocks until that is done.

        Raises:
            CancelledError: it was cancelled; nothing is installed.
            EngineNotInstalledError: it failed; gives the reason.
        """
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            try:
                process = self._process = _started(self._command)
            except OSError as error:
                raise _failed(error.strerror or str(error)) from error
        readers = [
            Thread(target=self._read, args=[one], name="engine-install-output", daemon=True)
            for one in (process.stdout, process.stderr)
        ]
        for reader in readers:
            reader.start()
        status = process.wait()
        self._close_input()
        for reader in readers:
            reader.join()
        if status:
            if self._is_cancelled:
                raise CancelledError
            raise self._why_failed(status)

    def cancel(self) -> bool:
        """Stop, unless packages are being installed already; whether it stops."""
        with self._lock:
            if self.progress.phase == "install":
                return False
            self._is_cancelled = True
        self._close_input()
        return True

    def _close_input(self) -> None:
        if self._process and self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._on_line(line.rstrip())

    def _on_line(self, line: str) -> None:
        with self._lock:
            phase, percent = self.progress.phase, self.progress.percent
            if line.startswith(_MARK):
                self._is_begun = True
                phase, percent = _phase(line.removeprefix(_MARK)), None
            elif found := _STATUS.match(line):
                percent = float(found[1])
            elif line:
                self._lines.append(line)
            self.progress = Progress(phase, percent, tuple(self._lines))
            self._on_progress(self.progress)

    def _why_failed(self, status: int) -> EngineNotInstalledError:
        if self._command[0] == "pkexec" and status in _DECLINED:
            return _failed(Text("you did not allow it"))
        if self._command[0] == "sudo" and not self._is_begun:
            return not_allowed()
        errors = [line for line in self._lines if line.startswith("E: ")]
        last = [*self._lines][-1:]
        return _failed((errors or last or [str(status)])[0].removeprefix("E: ").rstrip("."))


def _phase(word: str) -> Phase:
    return "install" if word == "install" else "download" if word == "download" else "update"


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        encoding="utf-8",
        errors="replace",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def not_allowed() -> EngineNotInstalledError:
    """The user can't become root, and needs somebody who can."""
    text = Text(
        "Docker is not installed, because you can't become root on this machine. Ask its "
        "administrator to run: {command}",
        command=command_by_hand(),
    )
    return EngineNotInstalledError(_HOST, text)


def _failed(why: object) -> EngineNotInstalledError:
    text = Text(
        "Docker could not be installed: {why}. Fix the cause, then try again, or run: {command}",
        why=why,
        command=command_by_hand(),
    )
    return EngineNotInstalledError(_HOST, text)


System = Literal["linux", "windows", "macos"]

SYSTEM: Final[System] = (
    "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"
)

EngineChoiceId = Literal["docker-desktop", "rancher-desktop", "podman"]


@dataclass(frozen=True)
class EngineChoice:
    """A program that brings an engine, with its cost and its requirements."""

    id: EngineChoiceId
    title: str
    summary: Text
    cost: Text
    needs: Text
    url: str
    """its download page"""


_NEEDS_WSL: Final = Text("Windows 10 or 11 with WSL 2, and 8 GB of memory")
_NEEDS_MAC: Final = Text("one of the last three versions of macOS, and 8 GB of memory")


def engine_choices(system: System = SYSTEM) -> tuple[EngineChoice, ...]:
    """The programs for *system*, the recommended one first. Linux has packages instead."""
    if system == "linux":
        return ()
    needs = _NEEDS_WSL if system == "windows" else _NEEDS_MAC
    return (
        EngineChoice(
            "docker-desktop",
            "Docker Desktop",
            Text("The easiest to set up and keep up to date."),
            Text(
                "Free for personal use, education, and companies with fewer than 250 employees "
                "and less than 10 million US dollars of revenue. Others need a subscription."
            ),
            needs,
            "https://www.docker.com/products/docker-desktop/",
        ),
        EngineChoice(
            "rancher-desktop",
            "Rancher Desktop",
            Text("Open source. Choose dockerd (moby) as its container engine, and no Kubernetes."),
            Text("Free for everyone."),
            needs,
            "https://rancherdesktop.io/",
        ),
        EngineChoice(
            "podman",
            "Podman Desktop",
            Text(
                "Open source. Turn on Docker compatibility in its settings. Some modules may not "
                "work, because Podman is not a complete Docker engine."
            ),
            Text("Free for everyone."),
            needs,
            "https://podman-desktop.io/downloads",
        ),
    )


_US: Final = "aiserver-tray"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_CLASSIFIER: Final = "License :: OSI Approved :: "


@dataclass(frozen=True)
class Package:
    """A Python package."""

    name: str
    version: str
    licence: str
    """its SPDX expression or name, as the package states it; may be empty"""


def installed_packages() -> list[Package]:
    """Our package and those that it needs and that are installed, by name."""
    found: dict[str, Package] = {}
    waiting = [_US]
    while waiting:
        name = waiting.pop()
        key = name.lower().replace("_", "-")
        if key in found:
            continue
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system, or an extra that is not used
            continue
        found[key] = Package(known.metadata["Name"], known.version, _licence(known))
        waiting += _required(known)
    return sorted(found.values(), key=lambda package: package.name.lower())


def _required(known: metadata.Distribution) -> Iterator[str]:
    """The names of the packages that *known* needs, without those for extras."""
    is_ours = known.metadata["Name"] == _US
    for requirement in known.requires or ():
        name = _NAME.match(requirement)
        if name and (is_ours or "extra ==" not in requirement):
            yield name[0]


def _licence(known: metadata.Distribution) -> str:
    for field in ("License-Expression", "License"):
        for stated in known.metadata.get_all(field) or ():
            if stated and "\n" not in stated:  # else it is the licence itself
                return str(stated)
    classifiers = known.metadata.get_all("Classifier") or []
    return ", ".join(c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER))
