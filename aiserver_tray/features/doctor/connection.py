"""The connection to an engine, step by step: name, port, host key, login, Docker, and whether it
answers. The step that fails says how to mend it."""

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.base.errors.remedies import open_page
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.doctor.finding import Finding, problems
from aiserver_tray.features.doctor.ssh import ServerKey, login_error, machine

_NAME: Final = "connection"
_Step = Literal["name", "port", "key", "login", "docker", "engine"]
_WELL: Final[Mapping[_Step, Text]] = {
    "name": Text("The name of the computer is found."),
    "port": Text("An ssh server answers there."),
    "key": Text("The host key is known."),
    "login": Text("The login works."),
    "docker": Text("Docker is installed there."),
    "engine": Text("The Docker engine answers."),
}
"""By step, in their order."""
_SIGNS: Final[Mapping[_Step, "re.Pattern[str]"]] = {
    "name": re.compile(r"^ssh: Could not resolve hostname", re.MULTILINE),
    "key": re.compile(r"^Host key verification failed", re.MULTILINE),
    "port": re.compile(r"^ssh: connect to host|^kex_exchange|banner exchange", re.MULTILINE),
}
"""What ssh, which speaks only English, writes when a step fails. Otherwise it is the login."""
_NO_DOCKER: Final = re.compile(
    r"command not found|docker: not found|not recognized|unknown command|execvpe", re.IGNORECASE
)
_MENDS: Final[Mapping[_Step, Text]] = {
    "name": Text(
        "The name of the computer is not found ({why}). Check the address {machine}, and whether "
        "this computer is in the right network or VPN."
    ),
    "port": Text(
        "No ssh server answers at {machine} ({why}). Check that the computer is on, that an ssh "
        "server listens on this port, and that no firewall blocks it."
    ),
    "login": Text(
        "The login is refused ({why}). AI-Server Tray uses keys, and never asks for a password. "
        "Set up a key in a terminal: `ssh-keygen` makes one, and `ssh-copy-id` copies it to "
        "{machine}. If the key has a passphrase, add it to the ssh agent with `ssh-add`."
    ),
    "docker": Text(
        "The command `docker` is missing there ({why}). Install Docker on that computer: "
        "https://docs.docker.com/engine/install/"
    ),
    "engine": Text(
        "The Docker engine there does not answer ({why}). Start it on that computer, for example "
        "with: sudo systemctl start docker"
    ),
}
_FORBIDDEN: Final = Text(
    "This user is not allowed to use Docker there ({why}). Add the user to the group docker on "
    "that computer: sudo usermod -aG docker USER"
)


@dataclass(frozen=True)
class Connection:
    """The steps up to the first that fails. ``unknown``: a host key for the user to trust."""

    findings: list[Finding]
    unknown: ServerKey | None = None


def examine_connection(engine: Engine) -> Connection:
    """Try each step to *engine*."""
    if not engine.host.startswith("ssh:"):
        return _by_engine(engine, ["engine"])
    if not shutil.which("ssh"):
        text = Text("The program `ssh` is missing. Install the OpenSSH client on this computer.")
        return _failed(engine.host, [], text)
    steps = [*_WELL]
    if not (words := login_error(engine.host)):
        return _by_engine(engine, steps)
    step = failed_step(words)
    before = steps[: steps.index(step)]
    if step == "key":
        return _by_key(engine.host, before)
    return _failed(engine.host, before, _MENDS[step], words)


def failed_step(words: str) -> _Step:
    """The step at which ssh failed with *words*."""
    return next((step for step, sign in _SIGNS.items() if sign.search(words)), "login")


def _by_key(host: str, before: list[_Step]) -> Connection:
    """ssh refuses the server's key."""
    server = ServerKey(host)
    if (key := server.offered) is None:
        text = Text(
            "ssh does not accept the host key, which may be that of a jump host. Log in once in a "
            "terminal, where ssh asks about it: ssh {machine}",
            machine=shlex.quote(machine(host)),
        )
        return _failed(host, before, text)
    if server.known:
        text = Text(
            "The host key of {host} has changed. Someone may intercept the connection, or the "
            "computer was set up again.\nKnown key: {known}\nKey now: {found}\nAsk the computer's "
            "administrator. Only if the new key is right, remove the old one with: {command}",
            host=key.host,
            known=", ".join(map(str, server.known)),
            found=key,
            command=shlex.join(["ssh-keygen", "-R", key.host, "-f", str(server.file)]),
        )
        return _failed(host, before, text)
    text = Text(
        "The host key of {host} is unknown.\nKey now: {found}\nCompare it with the key that the "
        "computer's administrator names, or that this command shows on that computer: ssh-keyscan "
        "localhost | ssh-keygen -lf -\nTo trust it, use Settings > Docker, or run: aiserver-tray "
        "engine test {address}",
        host=key.host,
        found=key,
        address=shlex.quote(host),
    )
    return Connection(_failed(host, before, text).findings, server)


def _by_engine(engine: Engine, steps: list[_Step]) -> Connection:
    try:
        engine.ping()
    except AiServerError as error:
        words = str(error.data.get("why", ""))
        if not engine.address.is_bridged:
            return Connection(list(problems(_NAME, [error])))
        if _NO_DOCKER.search(words):
            return _failed(engine.host, steps[:-2], _MENDS["docker"], words)
        mend = _FORBIDDEN if "permission denied" in words.lower() else _MENDS["engine"]
        return _failed(engine.host, steps[:-1], mend, words)
    return Connection(_well(steps))


def _well(steps: list[_Step]) -> list[Finding]:
    return [Finding(_NAME, "ok", _WELL[step]) for step in steps]


def _failed(host: str, before: list[_Step], text: Text, words: str = "") -> Connection:
    """Behind the steps *before* that worked, one that failed with *words*, of which the last line
    is the error itself."""
    why = words.strip().rpartition("\n")[2].strip().rstrip(".")
    text = text.with_values({"why": why, "machine": urlsplit(host).netloc, **text.values})
    error = EngineDownError(
        host, why, text, [open_page(Text("Test the connection"), "settings/docker")]
    )
    return Connection([*_well(before), Finding(_NAME, "problem", text, error)])
