"""An engine of our own on Windows: Docker in a distribution of WSL that only we use. It is set up
in steps; each looks first at what is there, so that it can be repeated, also after Windows has
restarted.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Final, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

from aiserver_tray.base.errors import AiServerError, CancelledError, EngineNotInstalledError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.engine.events import STEPS, OwnEngine, Status, StepName
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.system import engine_install, wsl
from aiserver_tray.system.clock import awake
from aiserver_tray.system.engine_install import EngineInstallation, Progress
from aiserver_tray.system.engine_place import (
    OWN_ENGINE,
    forget_own_engine,
    has_own_engine,
    is_loopback,
    note_own_engine,
)
from aiserver_tray.system.process import boot_time

HOST: Final = f"wsl://{OWN_ENGINE}"
_PACKAGES: Final = ("docker.io", "docker-cli", "ca-certificates")
_LEAST: Final = (2, 4, 4)
"""The first WSL that gives a distribution a name of our choice
(https://github.com/microsoft/WSL/releases/tag/2.4.4)."""
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:\.\d+)?")
_PERCENT: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s?%")
_SHOWN_LINES: Final = 40
_ANSWER_SECONDS: Final = 90.0
_PAUSE_SECONDS: Final = 0.5
_RESTART_CODE: Final = 3010
"""ERROR_SUCCESS_REBOOT_REQUIRED"""

_MARK: Final = "/etc/aiserver-tray"
"""A file of the distributions that we have made."""
_SCRIPT_FILE: Final = "/root/install-docker"


class OwnData(SealedModel):
    """own-engine.json"""

    version: Literal[1] = 1
    restart_since: float | None = None
    """The set-up goes on once Windows has started after this time, in seconds since 1970."""


@dataclass(frozen=True)
class Surroundings:
    """What the engine has to know of this computer's network."""

    certificates: str = ""
    """In PEM, of the authorities that the user trusts beside the public ones."""
    proxies: Mapping[str, str] | None = None
    """By scheme; None: as Windows has them."""


def is_possible() -> bool:
    """Whether this system has WSL, or can get it."""
    return engine_install.SYSTEM == "windows"


def exists() -> bool:
    """Whether there is a distribution of our name."""
    return OWN_ENGINE in wsl.distributions()


class OwnSetup:
    """One attempt to set it up. *ping* asks the engine; *on_change* gets each state, from several
    threads."""

    def __init__(
        self,
        file: VersionedFile[OwnData],
        surroundings: Surroundings,
        ping: Callable[[], object],
        on_change: Callable[[OwnEngine], object],
    ) -> None:
        self._file = file
        self._surroundings = surroundings
        self._ping = ping
        self._on_change = on_change
        self._cancelled = Event()
        self._installation: EngineInstallation | None = None
        self._is_ours = False
        """The distribution is there, and we have made it."""
        self._began = 0.0
        self.view = OwnEngine("running")

    def cancel(self) -> bool:
        """End it, unless packages are being installed; whether it ends."""
        if (installation := self._installation) and not installation.cancel():
            return False
        self._cancelled.set()
        return True

    def run(self) -> None:
        """Go through all steps. `view` has how it ended.

        Raises:
            SettingError: the home can't be used.
        """
        try:
            for step in STEPS:
                if self._step(step) == "restart":
                    return
        except CancelledError:
            if self._is_ours and not has_own_engine():
                remove()
            self._end("cancelled", None)
        except EngineNotInstalledError as error:
            self.fail(error)
        else:
            self._end("ready", None)

    def fail(self, error: AiServerError) -> None:
        """It has ended with *error*."""
        self._end("failed", error)

    def _step(self, name: StepName) -> Literal["restart"] | None:
        if self._cancelled.is_set():
            raise CancelledError
        self._began = awake()
        self._show(name, state="running")
        detail = getattr(self, f"_{name}")()
        if name == "restart" and detail is not None:
            self._show(name, detail=detail)
            self._end("restart", None)
            return "restart"
        self._show(name, state="done", detail=detail, percent=None, seconds=awake() - self._began)
        return None

    # -- steps -------------------------------------------------------------------------------------

    def _look(self) -> Text:
        version = self._version()
        if version is None:
            return Text("WSL is not installed yet.")
        return Text("WSL {version} is installed.", version=".".join(map(str, version)))

    def _wsl(self) -> Text:
        if self._waits_for_restart():
            return Text("You allowed it.")
        found = self._version()
        if found and found >= _LEAST:
            return Text("It is there already.")
        if found:
            self._run("--update", "--web-download")
            return Text("It was updated.")
        try:
            words = ("--install", "--no-distribution")
            code = wsl.run_as_administrator(words, self._cancelled)
        except PermissionError:
            raise _failed(
                Text("Windows asked for your permission, and did not get it."),
                Text(
                    "Try again, and answer Windows' question with yes. Only an administrator can "
                    "switch on WSL."
                ),
            ) from None
        except OSError as error:
            raise _not_run(error) from error
        if code not in (0, _RESTART_CODE):
            raise _failed(
                Text("Windows could not switch on WSL (code {code}).", code=code),
                Text("Install Windows' updates, then try again."),
            )
        if code == _RESTART_CODE or wsl.needs_restart() or self._version() is None:
            with self._file.update() as data:
                data.restart_since = time.time()
        return Text("You allowed it.")

    def _restart(self) -> Text | None:
        """None: Windows need not restart, or has done so."""
        if self._waits_for_restart():
            return Text("Save your work first. After you have signed in, this goes on.")
        if self._file.read().restart_since is not None:
            with self._file.update() as data:
                data.restart_since = None
        return None

    def _waits_for_restart(self) -> bool:
        since = self._file.read().restart_since
        return since is not None and boot_time() <= since

    def _distribution(self) -> Text:
        if exists():
            if not is_ours():
                raise _failed(
                    Text(
                        "There is a distribution {name} that AI-Server Tray has not made.",
                        name=OWN_ENGINE,
                    ),
                    Text(
                        "Rename or remove it (wsl --unregister {name} deletes its data), then try "
                        "again.",
                        name=OWN_ENGINE,
                    ),
                )
            self._is_ours = True
            return Text("It is there already.")
        try:
            self._run("--install", "Debian", "--name", OWN_ENGINE, "--no-launch", "--web-download")
            self._inside(_PREPARE)
            self._run("--terminate", OWN_ENGINE)  # systemd starts with the next start
        except BaseException:
            remove()
            raise
        self._is_ours = True
        return Text("Debian, for AI-Server Tray alone.")

    def _docker(self) -> Text:
        self._inside(_NETWORK_SCRIPT, "".join(self._network_files()))
        if self._said("-d", OWN_ENGINE, "-u", "root", "--exec", "sh", "-c", _HAS_DOCKER).code == 0:
            return Text("It is there already.")
        # Windows and wsl.exe would each read the quotes of a script in their own way.
        self._inside(f"cat > {_SCRIPT_FILE}", engine_install.SCRIPT)
        prefix = [str(wsl.wsl_program()), "-d", OWN_ENGINE, "-u", "root", "--exec"]
        installation = EngineInstallation(prefix, self._on_packages, _PACKAGES, _SCRIPT_FILE)
        self._installation = installation
        try:
            installation.run()
        except EngineNotInstalledError as error:
            raise self._why(installation.progress.lines or [str(error)]) from error
        finally:
            self._installation = None
        return Text("Docker Engine, from Debian.")

    def _answer(self) -> Text:
        end = awake() + _ANSWER_SECONDS
        while True:
            try:
                version = self._ping()
                note_own_engine()
                return Text("Docker Engine {version} answers.", version=version)
            except CancelledError:
                raise
            except AiServerError as error:
                if awake() > end:
                    mend = Text("Try again. If that does not help, restart Windows.")
                    raise _failed(error.text, mend) from error
            if self._cancelled.wait(_PAUSE_SECONDS):
                raise CancelledError

    # -- what they use -----------------------------------------------------------------------------

    def _version(self) -> tuple[int, ...] | None:
        """That of WSL. None: there is none, or the one of Windows 10 that has none."""
        try:
            return version_in(self._said("--version"))
        except EngineNotInstalledError:
            return None

    def _network_files(self) -> Iterator[str]:
        """Commands that write what the network of this computer needs. WSL can't reach a proxy of
        this computer at its loopback address."""
        given = self._surroundings
        proxies = getproxies() if given.proxies is None else given.proxies
        near = {s for s, a in proxies.items() if is_loopback(urlsplit(a).hostname or "")}
        if near:
            self._on_line(f"proxy left out, WSL can't reach it: {', '.join(sorted(near))}")
        known = {s: a for s, a in proxies.items() if s not in near}
        return _network_files(known, given.certificates)

    def _inside(self, script: str, content: str = "") -> None:
        """Run *script* in the distribution, with *content* as its input."""
        words = ("-d", OWN_ENGINE, "-u", "root", "--exec", "sh", "-ec", script)
        said = self._said(*words, content=content.encode())
        if said.code:
            raise self._why(said.lines)

    def _run(self, *words: str) -> None:
        said = self._said(*words)
        if said.code:
            raise self._why(said.lines)

    def _said(self, *words: str, content: bytes = b"") -> wsl.Said:
        try:
            return wsl.run_wsl(words, self._cancelled, self._on_line, content)
        except OSError as error:
            raise _not_run(error) from error

    def _why(self, lines: Sequence[str]) -> EngineNotInstalledError:
        return _failed(*why_failed(lines))

    # -- what is shown -----------------------------------------------------------------------------

    def _on_line(self, line: str) -> None:
        found = _PERCENT.search(line)
        running = next((one.name for one in self.view.steps if one.state == "running"), None)
        if found and running:
            self._show(running, percent=float(found[1].replace(",", ".")))
        elif not found:
            self._tell(replace(self.view, lines=(*self.view.lines, line)[-_SHOWN_LINES:]))

    def _on_packages(self, progress: Progress) -> None:
        self.view = replace(self.view, lines=progress.lines)
        self._show("docker", percent=progress.percent)

    def _show(self, name: StepName, **changes: object) -> None:
        steps = (replace(s, **changes) if s.name == name else s for s in self.view.steps)  # type: ignore[arg-type]
        self._tell(replace(self.view, steps=tuple(steps)))

    def _end(self, status: Status, error: AiServerError | None) -> None:
        ended = {"failed": "failed", "cancelled": "pending"}.get(status)
        steps = (
            replace(s, state=ended) if ended and s.state == "running" else s  # type: ignore[arg-type]
            for s in self.view.steps
        )
        self._tell(replace(self.view, status=status, steps=tuple(steps), error=error))

    def _tell(self, view: OwnEngine) -> None:
        self.view = view
        self._on_change(view)


_HAS_DOCKER: Final = "command -v dockerd && command -v docker"
_PREPARE: Final = f"""\
printf '[boot]\\nsystemd=true\\n' > /etc/wsl.conf
echo vm.max_map_count=262144 > /etc/sysctl.d/aiserver-tray.conf
touch {_MARK}"""
"""Elasticsearch needs so many maps."""
_APT, _UNIT = (
    "/etc/apt/apt.conf.d/90aiserver-tray",
    "/etc/systemd/system/docker.service.d/proxy.conf",
)
_CERTIFICATES: Final = "/usr/local/share/ca-certificates/aiserver-tray.crt"
_NETWORK_SCRIPT: Final = f"""\
rm -f {_APT} {_UNIT} {_CERTIFICATES}
sh -e
update-ca-certificates >/dev/null 2>&1 || true
systemctl daemon-reload || true
systemctl try-restart docker || true"""
"""The input is `_network_files`. The programs may not be there yet."""


def _network_files(proxies: Mapping[str, str], certificates: str) -> Iterator[str]:
    """Commands that write the proxies for apt and Docker, and the company's certificates."""
    known = {scheme: proxies[scheme] for scheme in ("http", "https") if proxies.get(scheme)}
    if known:
        apt = "".join(f'Acquire::{s}::Proxy "{_plain(a)}";\n' for s, a in known.items())
        names = {f"{s.upper()}_PROXY": a for s, a in known.items()}
        names["NO_PROXY"] = proxies.get("no") or "localhost,127.0.0.1"
        unit = "".join(f'Environment="{name}={_plain(a)}"\n' for name, a in names.items())
        yield _written(_APT, apt)
        yield _written(_UNIT, f"[Service]\n{unit}")
    if certificates:
        yield _written(_CERTIFICATES, certificates)


def _written(file: str, content: str) -> str:
    end = "AISERVER_END"
    return f"mkdir -p $(dirname {file})\ncat > {file} <<'{end}'\n{content.rstrip()}\n{end}\n"


def _plain(address: str) -> str:
    """*address* without what would end a line or a quoted word."""
    return re.sub(r"[\s\"'\\]", "", address)


_NETWORK: Final = (
    "WININET_E",
    "0x80072",
    "Could not resolve",
    "Temporary failure",
    "Failed to fetch",
)
_MENDS: Final = (
    (
        ("HCS_E_HYPERV_NOT_INSTALLED", "0x80370102", "HCS_E_SERVICE_NOT_AVAILABLE",
         "WSL_E_VIRTUAL_MACHINE_PLATFORM_REQUIRED"),
        Text("Turn on virtualisation in this computer's firmware (BIOS or UEFI), and the Virtual "
             "Machine Platform in Windows' features. Then try again."),
    ),
    (
        ("0x80070070", "ERROR_DISK_FULL", "No space left"),
        Text("Make room on the drive of Windows, then try again."),
    ),
    (
        _NETWORK,
        Text("Check the internet connection, and the proxy in Windows' settings. Then try again."),
    ),
    (
        ("E_ACCESSDENIED", "0x80070005", "0x800702e4"),
        Text("Ask the administrator of this computer to allow WSL, then try again."),
    ),
    (
        ("0xc03a001a", "ERROR_VIRTDISK_LIMITATION"),
        Text("The disk file is sparse, compressed or encrypted. Turn that off in Windows, or with "
             "wsl --manage {name} --set-sparse false, then try again.", name=OWN_ENGINE),
    ),
)  # fmt: skip
"""What ``wsl.exe`` names in every language, or apt says -> what to do."""


def version_in(said: wsl.Said) -> tuple[int, ...] | None:
    """What ``wsl --version`` *said*. None: it has no such command."""
    found = _VERSION.search(" ".join(said.lines[:1])) if said.code == 0 else None
    return tuple(map(int, found.groups())) if found else None


def why_failed(lines: Sequence[str]) -> tuple[str, Text]:
    """What *lines* of ``wsl.exe`` or apt say last, and what to do."""
    plain = [text for line in lines if (text := line.replace("\0", "").strip())]  # UTF-16
    words = " ".join(plain[-3:]) or "-"
    words += "" if words.endswith((".", "。", "!")) else "."
    for codes, mend in _MENDS:
        if any(code.lower() in words.lower() for code in codes):
            return words, mend
    return words, Text("Fix the cause, then try again.")


def _failed(why: Text | str, mend: Text) -> EngineNotInstalledError:
    text = Text("Windows' own engine can't be set up: {why} {mend}", why=why, mend=mend)
    return EngineNotInstalledError(HOST, text)


def _not_run(error: OSError) -> EngineNotInstalledError:
    why = Text("{program} can't be run ({reason}).", program=wsl.wsl_program(),
               reason=error.strerror or error)  # fmt: skip
    return _failed(why, Text("Install Windows' updates, then try again."))


def is_ours() -> bool:
    """Whether we have made the distribution of our name.

    Raises:
        EngineNotInstalledError: ``wsl.exe`` can't be run.
    """
    words = ("-d", OWN_ENGINE, "-u", "root", "--exec", "test", "-f", _MARK)
    try:
        return wsl.run_wsl(words, Event()).code == 0
    except OSError as error:
        raise _not_run(error) from error


def remove() -> None:
    """Remove the distribution with all data of its engine. No effect if there is none.

    Raises:
        EngineNotInstalledError: that failed; quotes why.
    """
    with suppress(OSError):
        forget_own_engine()
    if not exists():
        return
    try:
        said = wsl.run_wsl(("--unregister", OWN_ENGINE), Event())
    except OSError as error:
        raise _not_run(error) from error
    if said.code:
        why = " ".join(said.lines[-3:]) or str(said.code)
        text = Text("Windows' own engine can't be removed: {why}", why=why)
        raise EngineNotInstalledError(HOST, text)


def restart_windows() -> None:
    """Restart Windows in a few seconds."""
    system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")
    subprocess.run([system / "shutdown.exe", "/r", "/t", "5"], check=False)


def state_file(folder: Path, notices: list[Text]) -> VersionedFile[OwnData]:
    """The file that remembers a set-up over a restart of Windows."""
    return VersionedFile(folder / "own-engine.json", OwnData, notices)
