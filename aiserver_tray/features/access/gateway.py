"""The container of the gateway, through the Engine API alone; and what modules say themselves."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final

from aiserver_tray.base.errors import (
    AddressError,
    AiServerError,
    ObjectConflictError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.extension import FirstAccount
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
_LOAD: Final = (
    f"umask 077; cat >{_FOLDER}/next.json"
    f" && caddy reload --config {_FOLDER}/next.json --address {ADMIN} >&2"
    f" && mv {_FOLDER}/next.json {_FOLDER}/gateway.json"
)
"""A configuration that Caddy refuses changes nothing. One that it takes also counts from the next
start of the container on."""
_SECONDS: Final = 30.0
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


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

    def _forget(self) -> None:
        """Without a container, remove the last configuration: nothing may be open at its next start
        that is closed by now."""
        engine, id = self._place.core.engine, self._place.app.settings.installation_id
        for volume in engine.volumes.all():
            labels = volume.labels
            is_ours = labels.get(INSTALLATION) == id and labels.get(MODULE) == GATEWAY
            if is_ours and CONFIG_OF not in labels:
                engine.volumes.remove(volume.name)


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
