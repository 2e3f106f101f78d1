"""Deploying the data of a backup. No manager reaches the volumes of another node, so the node's own
engine is asked, at an address that the user gives, unless the node is a manager itself."""

import os
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import (
    AiServerError,
    ClusterError,
    ObjectNotFoundError,
    RestoreError,
    raise_all,
)
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.core.app import App
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.channels import BackupFeature
from aiserver_tray.features.backup.grouping import ServerPlace
from aiserver_tray.features.backup.manifest import ManifestEntry
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.restore import volumes_of
from aiserver_tray.features.backup.servers import Server
from aiserver_tray.features.cluster.state import Seen, node_views
from aiserver_tray.features.cluster.store import ClustersFile, DeployedData
from aiserver_tray.features.cluster.views import DeployPlan, DeployRequest, WorkStep
from aiserver_tray.model import Changes
from aiserver_tray.spec.kernel import HELPER

if TYPE_CHECKING:
    from aiserver_tray.features.cluster.deploy import Deployment
    from aiserver_tray.features.place import Place

_SERVICE = "com.docker.swarm.service.name"
"""The label of a task's container with the name of its service."""
_DROPS: Final = {"postgres": "dropdb -U {}", "mysql": "mysqladmin -p -u {} drop"}
"""Commands in the containers of servers, before the name of a database."""

Deploy = Callable[[str, DeployRequest, "Deployment"], None]
"""Deploys modules as a part of work on a cluster."""


class Restoration:
    """Deploys what is *asked* on *cluster*: volumes first, then the servers of its databases, then
    these, then the module. *plan*: its deployment; *seen*: the cluster before.

    Raises:
        AiServerError: it can't be done; nothing has changed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what, and where
        self,
        file: ClustersFile,
        deploy: Deploy,
        place: "Place",
        cluster: str,
        asked: DeployRequest,
        plan: DeployPlan,
        seen: Seen,
    ) -> None:
        self._file, self._deploy, self._cluster, self._asked = file, deploy, cluster, asked
        if len(asked.modules) != 1:
            raise ClusterError(Text("Deploy one module with a backup, and the others after it."))
        if seen.of_module(asked.modules[0]):
            text = Text(
                "{module} is deployed already, and its data would be lost. Remove it first: "
                "aiserver-tray cluster remove {module}",
                module=asked.modules[0],
            )
            raise ClusterError(text)
        backup = place.feature(BackupFeature).backups.opened(asked.backup)
        known = file.all()[cluster]
        tools = Tools(place.app, place.core.engine)
        new = [m for m in plan.modules if not seen.of_module(m) and not tools.planner.server(m)]
        half = {m for m in new if m in known.deployed and known.deployed[m].restoring}
        self._loaded = [name for m in half for name in known.deployed[m].loaded]
        servers = {one.server for one in backup.manifest.entries if one.module in new}
        name = _one_node([plan.pins[m] for m in (*new, *servers) if m in plan.pins])
        (node,) = (one for one in node_views(seen) if one.name == name)
        addresses = [asked.node_address] if asked.node_address else known.managers
        engine = engine_of(node.id, name, addresses)
        self._data = NodeData(place.app, backup, new, name, engine, half)
        self._data.check()

    def shown_in(self, plan: DeployPlan) -> DeployPlan:
        """The *plan* of its deployment with its own steps, in the order of `run`."""
        data = self._data
        first = [one for one in plan.steps if one.module in data.servers]
        rest = [one for one in plan.steps if one.module not in data.servers]
        return replace(
            plan, steps=(*self._steps(data.volumes), *first, *self._steps(data.databases), *rest)
        )

    def run(self, deployment: "Deployment") -> None:
        """Do it. An error before the module is deployed leaves nothing of its data."""
        data, asked, work = self._data, self._asked, deployment.work
        data.cancelled, data.check_lock = work.cancelled, deployment.lock.check
        for folder in data.folders:
            text = Text("The folder {folder} of the backup is left out.", folder=folder)
            work.notice(text)
        self._note_begun()
        data.adopt_keys()
        try:
            self._each(deployment, data.volumes, data.fill)
            if data.servers:
                first = DeployRequest(modules=tuple(data.servers), pin=asked.pin)
                self._deploy(self._cluster, first, deployment)
            self._each(deployment, data.databases, self._load)
        except BaseException:
            # A part that an earlier attempt left is not known to be gone.
            if data.undo() and not data.half:
                self._note(None)
            raise
        self._note(DeployedData(unfinished=True))
        self._deploy(self._cluster, asked, deployment)

    def _load(self, entry: ManifestEntry) -> None:
        """Create a database. One that this restore began before it was interrupted is dropped."""
        data, name = self._data, f"{entry.server}/{entry.key}"
        if name in self._loaded:
            data.drop(entry)
        else:
            data.see_free(entry)
            self._loaded.append(name)
            self._note_begun()
        data.load(entry)

    def _each(
        self,
        deployment: "Deployment",
        entries: Sequence[ManifestEntry],
        act: Callable[[ManifestEntry], None],
    ) -> None:
        work, steps = deployment.work, self._steps(entries)
        work.plan((*work.view.steps, *steps))
        for step, entry in zip(steps, entries, strict=True):
            began = work.begin(step)
            act(entry)
            work.done(step, began)

    def _steps(self, entries: Iterable[ManifestEntry]) -> list[WorkStep]:
        return [_step(one, self._data.name) for one in entries]

    def _note_begun(self) -> None:
        node = self._data.name
        self._note(DeployedData(unfinished=True, restoring=node, loaded=self._loaded))

    def _note(self, data: DeployedData | None) -> None:
        self._file.note(self._cluster, dict.fromkeys(self._data.modules, data))


def _one_node(names: Iterable[str]) -> str:
    found = sorted({*names})
    if len(found) != 1:
        text = Text(
            "The data of the backup belongs on one node, but its modules are on {names}. Restore "
            "it on one computer, and deploy from there.",
            names=Listed(found or ["-"]),
        )
        raise ClusterError(text)
    return found[0]


def _step(entry: ManifestEntry, node: str) -> WorkStep:
    subject = f"{entry.server or entry.module}/{entry.key}"
    text = Text("Restore {name} on {node}", name=subject, node=node)
    return WorkStep("restore", subject, entry.module, text)


def engine_of(node: str, name: str, addresses: Iterable[str]) -> Engine:
    """The engine of the node with the ID *node* and this *name*, at the first of *addresses* that
    leads to it.

    Raises:
        ClusterError: none does; says which address is needed.
    """
    wrong = []
    for address in addresses:
        connection = Connection(lambda at=address: Address(at, "--engine", os.environ))  # type: ignore[misc]
        try:
            found = connection.get("/info")
        except AiServerError as error:
            wrong.append(error.text)
        else:
            if (found.get("Swarm") or {}).get("NodeID") == node:
                return Engine(address)
            wrong.append(Text("{address} is another node.", address=address))
        finally:
            connection.close()
    text = Text(
        "The data of a backup can only be copied by the engine of {node} itself, which no manager "
        "reaches for us. Give its address: --node-address ssh://USER@{node}. {why}",
        node=name,
        why=Listed(wrong) if wrong else "",
    )
    raise ClusterError(text)


@dataclass
class NodeData:
    """What the backup *file* has of *modules*, for the node *name* with this *engine*. An error of
    any method leaves nothing of it there (`undo`), except in what was deployed."""

    app: App
    file: BackupFile
    modules: Sequence[str]
    name: str
    engine: Engine
    half: Collection[str] = ()
    """Those of the modules of which an interrupted restore has left a part."""
    cancelled: Cancellation = field(default_factory=Cancellation)
    check_lock: Callable[[], object] = lambda: None
    """Raises an error once another process has taken over the cluster."""
    _filled: list[str] = field(default_factory=list, init=False)
    _loaded: list[tuple[Server, str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._tools = Tools(self.app, self.engine)

    @property
    def volumes(self) -> list[ManifestEntry]:
        """The volumes that are filled."""
        return [one for one in self._entries if one.kind == "volume"]

    @property
    def databases(self) -> list[ManifestEntry]:
        """The databases that are loaded."""
        return [one for one in self._entries if one.server]

    @property
    def servers(self) -> list[str]:
        """The modules of their servers."""
        return sorted({one.server for one in self.databases})

    @property
    def folders(self) -> list[str]:
        """The folders of the computer, which are left out: the node has other ones."""
        return [
            e.folder for e in self.file.manifest.entries if e.module in self.modules and e.folder
        ]

    @property
    def _entries(self) -> list[ManifestEntry]:
        wanted = ("folder", "image")
        entries = self.file.manifest.entries
        return [one for one in entries if one.module in self.modules and one.kind not in wanted]

    def check(self) -> None:
        """See that it fits, and that nothing is overwritten. Changes nothing.

        Raises:
            AiServerError: all that is wrong with it.
        """
        errors: list[AiServerError] = []
        if not self._entries:
            names = Listed(self.modules)
            errors.append(RestoreError(Text("The backup has no data of {names}.", names=names)))
        for one in self.volumes:
            target = volumes_of(self._tools, one.module).get(one.key)
            if target is None:
                errors.append(_undeclared(one))
            elif one.module not in self.half and self.engine.volumes.find(target.name):
                errors.append(self._there(target.name))
        planner = self._tools.planner
        for one in self.databases:
            server = planner.server(one.server)
            if server is None or not planner.role(one.module, one.server, one.key):
                errors.append(_undeclared(one))
        errors += self._other_keys()
        raise_all(errors)

    def _there(self, volume: str) -> ClusterError:
        text = Text(
            "{node} has a volume {volume} already, and its data would be lost. Choose another node "
            "with --pin, or, if nobody needs it, run there: docker volume rm {volume}",
            node=self.name,
            volume=volume,
        )
        return ClusterError(text)

    # -- keys on which the data depends ------------------------------------------------------------

    def _kept(self) -> dict[str, str]:
        """By address, the secrets of the backup without which its data can't be read."""
        declared, given = self.app.declared, dict[str, str]()
        for module in self.file.manifest.modules:
            if module.name in self.modules:
                given |= {f"{module.name}.{key}": value for key, value in module.secrets.items()}
        return {a: v for a, v in given.items() if a in declared and declared[a].keep}

    def _other_keys(self) -> list[AiServerError]:
        kept = self._kept()
        ours = self.app.settings.secrets.values(kept)
        return [
            RestoreError(
                Text(
                    "The data of the backup needs another {setting} than this installation has. "
                    "Deploy it from a home without data of {module}: aiserver-tray --home FOLDER …",
                    setting=address,
                    module=address.partition(".")[0],
                )
            )
            for address, value in kept.items()
            if ours.get(address, value) != value
        ]

    def adopt_keys(self) -> None:
        """Take over the keys of the backup that this installation does not have yet."""
        kept, declared = self._kept(), self.app.declared
        there = self.app.settings.secrets.names()
        changes: Changes = {a: value for a, value in kept.items() if a not in there}
        if changes:
            self.app.settings.adopt(declared, changes)

    # -- volumes and databases ---------------------------------------------------------------------

    def fill(self, entry: ManifestEntry) -> None:
        """Create a volume with its content."""
        if self.engine.images.find(HELPER.display_name) is None:
            self.engine.images.pull(HELPER.display_name, cancelled=self.cancelled)
        target = volumes_of(self._tools, entry.module)[entry.key]
        volumes = self._tools.volumes(uuid4().hex, self.cancelled)
        with closing(self._pieces(entry)) as pieces:
            staged = volumes.unpack(pieces)
        try:
            self._filled.append(target.name)
            volumes.replace(target.name, staged, target.body)
        finally:
            volumes.remove(staged)

    def _pieces(self, entry: ManifestEntry) -> Generator[bytes]:
        with closing(self.file.read(entry)) as pieces:
            for piece in pieces:
                self.check_lock()
                yield piece

    def see_free(self, entry: ManifestEntry) -> None:
        """See that there is no database where *entry* is to be.

        Raises:
            ClusterError: there is one, or the server does not run on this node.
        """
        server = self._server(self._place(entry)[0], self.cancelled)
        if server.exists(entry.key):
            raise self._in_the_way(entry, server)

    def drop(self, entry: ManifestEntry) -> None:
        """Drop what an interrupted restore made of a database. Raises as `see_free` does."""
        self._server(self._place(entry)[0], self.cancelled).drop(entry.key)

    def _in_the_way(self, entry: ManifestEntry, server: Server) -> ClusterError:
        command = _DROPS[self._place(entry)[0].dialect]
        text = Text(
            "{server} on {node} has a database {database} already, and its data would be lost. If "
            "nobody needs it, run there, and then repeat the restore: docker exec -it {container} "
            "{command} {database}",
            server=entry.server,
            node=self.name,
            database=entry.key,
            container=server.container[:12],
            command=command.format(server.user),
        )
        return ClusterError(text)

    def load(self, entry: ManifestEntry) -> None:
        """Create a database with its content.

        Raises:
            ClusterError: the server does not run on this node.
        """
        place, owner = self._place(entry)
        server = self._server(place, self.cancelled)
        with closing(self._pieces(entry)) as pieces:
            server.load(entry.key, owner, pieces)
        self._loaded.append((self._server(place, Cancellation()), entry.key))

    def _place(self, entry: ManifestEntry) -> tuple[ServerPlace, str]:
        """The server of a database, and the role that owns it."""
        place = self._tools.planner.server(entry.server)
        owner = self._tools.planner.role(entry.module, entry.server, entry.key)
        if place is None or owner is None:  # checked before
            raise _undeclared(entry)
        return place, owner

    def _server(self, place: ServerPlace, cancelled: Cancellation) -> Server:
        running = [
            one.id
            for one in self.engine.containers.summaries()
            if one.labels.get(_SERVICE) == place.container and one.status == "running"
        ]
        if not running:
            text = Text(
                "The data of {server} is not on {node}. Restore into the node that has it.",
                server=place.module,
                node=self.name,
            )
            raise ClusterError(text)
        return self._tools.open(replace(place, container=running[0]), cancelled)

    def undo(self) -> bool:
        """Remove what was restored. Whether nothing is left: the node may not answer any more."""
        drops = [partial(server.drop, database) for server, database in self._loaded]
        drops += [partial(self.engine.volumes.remove, volume) for volume in self._filled]
        is_done = True
        for drop in drops:
            try:
                drop()
            except ObjectNotFoundError:
                continue
            except AiServerError:
                is_done = False
        return is_done


def _undeclared(entry: ManifestEntry) -> RestoreError:
    text = Text(
        "{module} has no {key} here, which the backup has.", module=entry.module, key=entry.key
    )
    return RestoreError(text, module=entry.module)
