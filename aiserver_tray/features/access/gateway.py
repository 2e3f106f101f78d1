"""The container of the gateway, through the Engine API alone; and what modules say themselves."""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final

from aiserver_tray.base.errors import (
    AddressError,
    AiServerError,
    ObjectConflictError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.extension import Access, FirstAccount
from aiserver_tray.catalog.shared_names import shared_names
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access.config import ADMIN
from aiserver_tray.features.access.views import AccountState
from aiserver_tray.spec.labels import CONFIG_OF, INSTALLATION, MODULE
from aiserver_tray.spec.model import File

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.state.views import ModuleView

GATEWAY: Final = "gateway"
_FOLDER: Final = "/config/caddy"
_USER: Final = 1000
_CERTIFICATE: Final = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)
"""The first one is that of the site."""
_LOAD: Final = (
    f"umask 077; cat >{_FOLDER}/next.json"
    f" && caddy reload --config {_FOLDER}/next.json --address {ADMIN} >&2"
    f" && mv {_FOLDER}/next.json {_FOLDER}/gateway.json"
)
"""A configuration that Caddy refuses changes nothing. One that it takes also counts from the next
start of the container on."""
_STORAGE: Final = "/data/caddy"
_LOG_LINES: Final = 200
_SECONDS: Final = 30.0
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


_ASK: Final = (
    """test -n "$KEY" || exec curl "$@"; printf 'Cookie: %s\\n' "$KEY" | curl -H @- "$@\""""
)
"""Others see the words of a command, but not its input, nor its environment."""
_MAX_TOLD: Final = 4096


def is_valid(certificate: bytes, now: datetime.datetime) -> bool:
    """Whether *certificate* (PEM) has not ended *now*. Pure."""
    from cryptography import x509  # noqa: PLC0415 - slow

    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_after_utc > now
    except ValueError:
        return False


class Gateway:
    """The module `GATEWAY` of *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place

    @property
    def ports(self) -> Mapping[int, int]:
        """Port in the container -> port of this computer, from the settings."""
        app, module = self._place.app, self._place.app.catalog.module(GATEWAY)
        values = app.settings.masked(app.in_scope(module))
        names = [name for name, setting in module.settings.items() if setting.type == "port"]
        fallbacks = {name: module.settings[name].initial or "" for name in names}
        given = {name: values.get(f"{GATEWAY}.{name}") or fallbacks[name] for name in names}
        # The first one is that of the page, the others are numbered as in the container.
        return {8440 + n if n else 8080: int(given[name]) for n, name in enumerate(names)}

    def load(self, config: bytes) -> None:
        """Let the gateway work with *config*, and also from its next start on.

        Raises:
            AddressError: it refuses that; says why.
            AiServerError: the engine can't be asked.
        """
        containers = self._place.core.engine.containers
        if (container := self._container()) is None:
            self._forget()
            return
        body = {"Cmd": ["sh", "-c", _LOAD]}
        try:
            program = containers.program(container, body, Cancellation())
        except ObjectConflictError:  # it does not run
            file = File(f"{_FOLDER}/gateway.json", config, _USER, _USER, 0o600)
            containers.put_files(container, [file])
            return
        program.feed([config])
        if program.exit_code:
            why = program.errors.splitlines()[-1:] or [str(program.exit_code)]
            text = Text("The gateway does not accept its configuration: {why}", why=why[0])
            raise AddressError(text, module=GATEWAY)

    def _container(self) -> str | None:
        found = self._place.core.store.state.containers.values()
        return next((one.id for one in found if one.module == GATEWAY), None)

    @property
    def start(self) -> str:
        """Which start of the container this is; empty: it does not run."""
        found = [c for c in self._place.core.store.state.containers.values()
                 if c.module == GATEWAY and c.status == "running"]  # fmt: skip
        return f"{found[0].id} {found[0].started_at}" if found else ""

    # -- the internet ------------------------------------------------------------------------------

    def has_certificate(self, directory: str, domain: str) -> bool:
        """Whether there is a certificate for *domain* of the authority at the ACME *directory*
        that has not ended."""
        container = self._container()
        kept = f"{_STORAGE}/certificates/{_key(directory)}/{domain}/{domain}.crt"
        read = self._place.core.engine.containers.read_file
        found = read(container, kept) if container else None
        return found is not None and is_valid(found, datetime.datetime.now(datetime.UTC))

    def forget(self, directory: str, domain: str) -> None:
        """Forget the account and the certificate of *domain* at *directory*: the authority checks
        it again, and does not remember that it did so before."""
        key = _key(directory)
        self._run("rm", "-rf", f"{_STORAGE}/certificates/{key}/{domain}", f"{_STORAGE}/acme/{key}")

    def ask(self, url: str, port: int | None, cookie: str) -> tuple[int, str | None, str]:
        """Ask for *url* in the container, at its *port* instead of the internet (None: there), with
        *cookie*. Returns the status, the certificate (PEM), and why it was refused or nothing
        answered."""
        host = url.removeprefix("https://").partition("/")[0]
        there = ["--noproxy", "*", "--connect-to", f"{host}:443:127.0.0.1:{port}"] if port else []
        words = ["-sS", "-m", "20", "-o", "/dev/null", *there, url]
        words += ["-w", "%{http_code}\n%{certs}"]
        lines = self._run("sh", "-c", _ASK, "sh", *words, environment=(f"KEY={cookie}",))
        status = next((int(one) for one in lines if one.isdigit()), 0)
        text = "\n".join(lines)
        found = _CERTIFICATE.search(text)
        why = next((one for one in lines if one.startswith("curl: ")), "")
        return status, found[0] if found else None, why.partition(") ")[2] or why

    def text(self, url: str) -> str:
        """What answers at *url* on the internet, without any key; empty: nothing, or more than a
        line."""
        lines = self._run("curl", "-sSf", "-m", "20", "--max-filesize", str(_MAX_TOLD), url)
        return lines[0].strip() if len(lines) == 1 else ""

    def lines(self, since: float) -> list[str]:
        """The last lines that Caddy has logged since *since* (seconds since 1970)."""
        if (container := self._container()) is None:
            return []
        start, logs = int(since * 1e9), self._place.core.engine.containers.logs
        with closing(logs(container, since=start, tail=_LOG_LINES)) as stream:
            return [line.text for line in stream]

    def _run(self, *command: str, environment: Sequence[str] = ()) -> list[str]:
        if (container := self._container()) is None:
            return []
        body: dict[str, Any] = {"Cmd": [*command], "AttachStdout": True, "AttachStderr": True}
        body["Env"] = [*environment]
        run, cancelled = self._place.core.engine.containers.run, Cancellation()
        try:
            return run(container, body, seconds=_SECONDS, cancelled=cancelled)[1]
        except ObjectConflictError:  # it does not run
            return []

    def _forget(self) -> None:
        """Without a container, remove the last configuration: nothing may be open at its next start
        that is closed by now."""
        engine, id = self._place.core.engine, self._place.app.settings.installation_id
        for volume in engine.volumes.all():
            labels = volume.labels
            is_ours = labels.get(INSTALLATION) == id and labels.get(MODULE) == GATEWAY
            if is_ours and CONFIG_OF not in labels:
                engine.volumes.remove(volume.name)


def _key(directory: str) -> str:
    """The folder in which Caddy keeps what it has from *directory*."""
    host, _, path = directory.partition("://")[2].partition("/")
    words = host.replace(":", "-"), path.strip("/").replace("/", "-")
    return "-".join(filter(None, words)).lower()


def access_of(place: "Place", name: str) -> Access | None:
    """What the file of the module *name* says, else how its page is reached, if that is published
    by a service on ``ai-net`` that runs. Nobody checks the account of such a module."""
    module = place.app.catalog.modules.get(name)
    if module is None or module.access or name == GATEWAY:
        return module.access if module else None
    view = next((m for m in place.core.store.snapshot.modules if m.name == name), None)
    page = next((one for one in view.ports if one.open == view.open), None) if view else None
    if not page or not page.open or not page.open.startswith("http:"):
        return None
    with suppress(AiServerError, ValueError):
        project = place.app.targets.resolved(name).project
        if page.service in [found.path[1] for found in shared_names(project)]:
            return Access(port=page.container, host=page.service)
    return None


def account_of(place: "Place", name: str) -> AccountState:
    """Whether the module *name* has its first account. Nobody but this computer may be asked."""
    access = place.app.catalog.module(name).access
    view = next((m for m in place.core.store.snapshot.modules if m.name == name), None)
    if access is None or view is None or view.state != "running":
        return "unknown"
    first = access.first_account
    if first == "at-start":
        return "exists"
    if not isinstance(first, FirstAccount):
        return "unknown"
    if first.http:
        return _by_page(view, access.port, first)
    try:  # the file may have changed since it was allowed
        place.app.targets.check_trust(name)
    except AiServerError:
        return "unknown"
    return _by_command(place, first.module or name, first)


def _by_page(view: "ModuleView", port: int, first: FirstAccount) -> AccountState:
    answer = asked(view, port, first.http or "/")
    value: Any = answer
    for key in first.key.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return "unknown"
    return "exists" if value == first.value else "missing"


def asked(view: "ModuleView", port: int, path: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON that a module answers on this computer; None: it does not."""
    published = next((one for one in view.ports if one.container == port), None)
    if published is None:
        return None
    host = _LOOPBACK.get(published.address, published.address)
    connection = HTTPConnection(host, published.host, timeout=_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        return json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _by_command(place: "Place", module: str, first: FirstAccount) -> AccountState:
    containers = place.core.store.state.containers.values()
    found = [c for c in containers if (c.module, c.service) == (module, first.service)]
    if not found:
        return "unknown"
    body = {"Cmd": [*first.command], "AttachStdout": True, "AttachStderr": True}
    try:
        code, _ = place.core.engine.containers.run(
            found[0].id, body, seconds=_SECONDS, cancelled=Cancellation()
        )
    except (ObjectNotFoundError, ObjectConflictError):
        return "unknown"
    except AiServerError:
        return "unknown"
    return "exists" if code == 0 else "unknown" if code is None else "missing"
