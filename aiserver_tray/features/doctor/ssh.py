"""The user's own ssh, asked about a computer elsewhere: whether it can log in there, and the host
keys of the server. A key that it does not know is fetched by ssh itself, once, into a file of ours:
so what the user is shown is what is stored, also behind a jump host."""

import base64
import hashlib
import hmac
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.stdio import SSH_ALONE

_SECONDS: Final = 60.0
_FETCH: Final = (
    "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=accept-new", "HashKnownHosts=no",
    "CheckHostIP=no", "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "PreferredAuthentications=none",
)  # fmt: skip
"""Accepts the server's key into a file that is empty, and does not log in."""
_NEXT_FILE: Final = re.compile(r" (?=/|~|[A-Za-z]:[\\/])")
"""Between the files in a line of ``ssh -G``, whose names may have blanks."""


@dataclass(frozen=True)
class HostKey:
    """The public key of the server with the name ``host`` in ``known_hosts``, in Base64. As a text,
    its type and fingerprint."""

    host: str
    type: str
    key: str

    def __str__(self) -> str:
        digest = hashlib.sha256(base64.b64decode(self.key)).digest()
        return f"{self.type} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def login_error(host: str) -> str:
    """Why ssh can't log in at *host*, in its own words. Empty: it can."""
    done = _run(*SSH_ALONE, "--", machine(host), "exit")
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"


class ServerKey:
    """The host key of the server at *host*. ``offered``: the one that it has now (None: ssh does
    not get so far); ``known``: those that ssh knows; ``file``: where ssh stores a new one."""

    def __init__(self, host: str) -> None:
        lines = _run("ssh", "-G", "--", machine(host)).stdout.splitlines()
        settings = {name: value for name, _, value in (line.partition(" ") for line in lines)}
        self._is_hashed = settings.get("hashknownhosts") == "yes"
        own = known_hosts_files(settings.get("userknownhostsfile", "~/.ssh/known_hosts"))
        self.file, self.offered, self.known = own[0], _offered(host), list[HostKey]()
        for file in (*own, *known_hosts_files(settings.get("globalknownhostsfile", ""))):
            name = self.offered.host if self.offered else ""
            self.known += _keys(_run("ssh-keygen", "-F", name, "-f", str(file)).stdout)

    def trust(self) -> None:
        """Store the offered key, as ssh would after a yes to its question.

        Raises:
            RefusedError: the file can't be written.
        """
        assert self.offered
        name = _hashed(self.offered.host) if self._is_hashed else self.offered.host
        line = f"{name} {self.offered.type} {self.offered.key}\n".encode()
        try:
            self.file.parent.mkdir(0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(self.file, flags, 0o600), "r+b") as stored:
                stored.seek(max(0, stored.seek(0, os.SEEK_END) - 1))
                is_whole = stored.read(1) in (b"", b"\n")
                stored.write(line if is_whole else b"\n" + line)
        except OSError as error:
            why = Text("Can't write {file} ({why}).", file=self.file, why=error.strerror)
            raise RefusedError(why) from None


def _offered(host: str) -> HostKey | None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "known_hosts")
        name = file.as_posix().replace("%", "%%")
        options = [f'-oUserKnownHostsFile="{name}"', *(f"-o{option}" for option in _FETCH)]
        _run(*SSH_ALONE, *options, "--", machine(host), "exit")
        return next(_keys(file.read_text(encoding="utf-8")), None) if file.exists() else None


def _hashed(host: str) -> str:
    """*host* as in a file that hides its names (``HashKnownHosts``)."""
    salt = os.urandom(20)
    parts = (base64.b64encode(p).decode() for p in (salt, hmac.digest(salt, host.encode(), "sha1")))
    return "|1|" + "|".join(parts)


def _keys(text: str) -> Iterator[HostKey]:
    """The keys in *text*, lines of ``known_hosts``. Those of authorities (``@…``) are none."""
    for words in map(str.split, text.splitlines()):
        if len(words) > 2 and words[0][0] not in "#@":
            yield HostKey(*words[:3])


def known_hosts_files(line: str) -> list[Path]:
    """The files that a line of ``ssh -G`` names."""
    return [Path(name).expanduser() for name in _NEXT_FILE.split(line) if name]


def machine(host: str) -> str:
    """The computer of the engine at *host*, as ssh takes it."""
    return f"ssh://{urlsplit(host).netloc}"


def _run(*argv: str) -> "subprocess.CompletedProcess[str]":
    """*argv*, which can ask nothing, with what it wrote."""
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            start_new_session=True,  # also what ssh runs, as for a jump host, has no terminal
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(argv, 255, "", str(error))
