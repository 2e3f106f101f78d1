"""Programs of others on the engine: recognised by their images and variables. They are only read
here."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.engine.values import Mount
from aiserver_tray.spec.labels import BACKUP, MODULE, ONE_SHOT

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.engine.values import ContainerSummary
    from aiserver_tray.features.adopt.views import SourceKind

_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_IMAGE_VERSION: Final = "org.opencontainers.image.version"
_N8N, _DIFY = "n8nio/n8n", "langgenius/dify-api"
_POSTGRES: Final = frozenset({"postgres", "pgvector/pgvector"})
_OTHERS: Final = frozenset({"langgenius/dify-plugin-daemon", "semitechnologies/weaviate"})
_NO_SERVER: Final = ("worker", "webhook", "import:", "export:", "execute")
"""In the command of a container with n8n's image that is not n8n's main one."""
_TAG = re.compile(r"[0-9]+(\.[0-9]+)+")
_PACKAGE: Final = "/usr/local/lib/node_modules/n8n/package.json"
_HOME: Final = "/home/node"
N8N_FOLDER: Final = ".n8n"
PG_DATA: Final = "/var/lib/postgresql/data"


@dataclass(frozen=True)
class Foreign:
    """A container that is not ours."""

    id: str
    name: str
    image: str
    image_id: str
    labels: Mapping[str, str] = field(repr=False)
    running: bool
    environment: Mapping[str, str] = field(repr=False)
    words: tuple[str, ...] = field(repr=False)
    """What it runs."""
    user: str
    signal: str
    """That stops it."""
    restart: str
    """Its restart policy."""
    is_paused: bool
    is_temporary: bool
    """The engine removes it, and its unnamed volumes, when it stops."""
    mounts: tuple[Mount, ...]
    networks: Mapping[str, frozenset[str]]
    """By name of a network: its own names there."""
    ports: tuple[int, ...]

    @property
    def repository(self) -> str:
        return repository(self.image)

    @property
    def tag(self) -> str:
        """The numbers of the tag of its image; empty: it has none."""
        tag = self.image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        return found[0] if (found := _TAG.match(tag)) else ""

    def mount(self, folder: str) -> Mount | None:
        """The volume or folder of the computer that it has mounted at *folder*."""
        there = (m for m in self.mounts if m.target == folder and m.kind in ("volume", "bind"))
        return next((mount for mount in there if mount.source), None)

    def answers_to(self, host: str, to: "Foreign") -> bool:
        """Whether *host* means this container for the container *to*."""
        shared = self.networks.keys() & to.networks.keys()
        names = {name for network in shared for name in self.networks[network]}
        return host in names


@dataclass(frozen=True)
class Source:
    """A program of others."""

    kind: "SourceKind"
    main: Foreign
    members: tuple[Foreign, ...]
    """All that use its data, in the order in which they stop."""
    version: str
    data: Mapping[str, Mount]
    """By name of the volume of ours that gets it, or ``database``, the volumes and folders with its
    data."""
    database: Foreign | None = None
    """The PostgreSQL server that has its databases."""
    problem: Text | None = None
    lost: tuple[Text, ...] = ()

    @property
    def name(self) -> str:
        return self.main.name

    @property
    def sources(self) -> list[str]:
        """The volumes by name, and folders by path, that are copied."""
        return list(dict.fromkeys(mount.source for mount in self.data.values()))


def repository(image: str) -> str:
    """The name of *image* without registry, tag and digest."""
    name = image.partition("@")[0]
    head, _, last = name.rpartition("/")
    parts = [*filter(None, head.split("/")), last.partition(":")[0]]
    if len(parts) > 1 and (parts[0] == "localhost" or "." in parts[0] or ":" in parts[0]):
        parts = parts[1:]
    return "/".join(parts).removeprefix("library/")


def find_sources(engine: "Engine") -> list[Source]:
    """The programs of others that modules of ours can take over, by name.

    Raises:
        AiServerError: the engine can't be asked.
    """
    known = {_N8N, _DIFY, *_POSTGRES, *_OTHERS}
    found = [one for one in engine.containers.summaries() if _is_foreign(one)]
    wanted = [one.id for one in found if repository(one.image) in known]
    all_ = [foreign(answer) for answer in engine.each(engine.containers.definition, wanted)]
    sources = [*_n8n(engine, all_), *_dify(all_)]
    used = {one.database.id for one in sources if one.database}
    sources += _postgres(one for one in all_ if one.id not in used)
    return sorted(map(_stoppable, sources), key=lambda one: (one.kind != "n8n", one.kind, one.name))


def _stoppable(source: Source) -> Source:
    """*source*, which can't be copied if it can't be stopped, or if that removes it."""
    paused = [one.name for one in source.members if one.is_paused]
    temporary = [one.name for one in source.members if one.running and one.is_temporary]
    if source.problem or not (paused or temporary):
        return source
    why = Text(
        "{containers} would be removed by being stopped, because of the option --rm. Create it "
        "again there without that.",
        containers=Listed(temporary),
    )
    if paused:
        why = Text(
            "{containers} is paused, so it can't stop. Run: docker unpause {names}",
            containers=Listed(paused),
            names=" ".join(paused),
        )
    return replace(source, problem=why)


def stopped_by_switch(engine: "Engine", source: Source) -> list[Foreign]:
    """The members of *source* that run, in the order in which they stop. Its server goes on if
    running containers of no or another project are in its network: they may use it.

    Raises:
        AiServerError: the engine can't be asked.
    """
    running, server = [one for one in source.members if one.running], source.database
    if server is None or source.main.id == server.id:
        return running
    members, project = {one.id for one in source.members}, server.labels.get(_PROJECT)
    near = server.networks.keys() - {"bridge", "host", "none"}
    is_shared = any(
        one.id not in members and one.status == "running" and one.networks & near
        and not (project and one.labels.get(_PROJECT) == project)
        for one in engine.containers.summaries()
    )  # fmt: skip
    return [one for one in running if not (is_shared and one.id == server.id)]


def _is_foreign(one: "ContainerSummary") -> bool:
    return not {MODULE, BACKUP, ONE_SHOT} & one.labels.keys()


def foreign(answer: Mapping[str, Any]) -> Foreign:
    """A container from the engine's words."""
    config, host = answer["Config"], answer["HostConfig"]
    name, labels = answer["Name"].removeprefix("/"), config.get("Labels") or {}
    own = {name, answer["Id"][:12], labels.get(_SERVICE, "")} - {""}
    networks = answer["NetworkSettings"].get("Networks") or {}
    bound = [b for ports in (host.get("PortBindings") or {}).values() for b in ports or ()]
    return Foreign(
        answer["Id"],
        name,
        config["Image"],
        answer["Image"],
        labels,
        answer["State"]["Status"] in ("running", "restarting", "paused"),
        dict(one.split("=", 1) for one in config.get("Env") or () if "=" in one),
        (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        config.get("User") or "",
        config.get("StopSignal") or "SIGTERM",
        (host.get("RestartPolicy") or {}).get("Name") or "no",
        answer["State"]["Status"] == "paused",
        bool(host.get("AutoRemove")),
        tuple(
            Mount(m["Type"], m.get("Name") or m.get("Source") or "", m["Destination"], not m["RW"])
            for m in answer.get("Mounts") or ()
        ),
        {
            network: frozenset({*own, *(one.get("Aliases") or ())})
            for network, one in networks.items()
        },
        tuple(sorted({int(b["HostPort"]) for b in bound if b.get("HostPort")})),
    )


def _peers(of: Foreign, all_: Iterable[Foreign], *repositories: str) -> Iterator[Foreign]:
    """The containers of the same Compose project with one of these images."""
    project = of.labels.get(_PROJECT)
    for one in all_:
        is_peer = one.id == of.id or (project and one.labels.get(_PROJECT) == project)
        if is_peer and one.repository in repositories:
            yield one


def _server(of: Foreign, all_: Iterable[Foreign], host: str) -> Foreign | None:
    servers = (one for one in all_ if one.repository in _POSTGRES)
    return next((one for one in servers if one.answers_to(host, of)), None)


def pg_data(server: Foreign) -> Mount | None:
    """Where the PostgreSQL *server* has its data."""
    data = server.environment.get("PGDATA", PG_DATA)
    folders = [data, *(data.rsplit("/", n)[0] for n in range(1, data.count("/")))]
    return next((found for folder in folders if (found := server.mount(folder))), None)


def pg_version(server: Foreign) -> str:
    return server.environment.get("PG_VERSION", "").partition("-")[0] or server.tag


# -- n8n -------------------------------------------------------------------------------------------


def n8n_folder(main: Foreign) -> str:
    """The folder in which n8n has its files."""
    home = main.environment.get("N8N_USER_FOLDER", _HOME).rstrip("/")
    own = next((m.target for m in main.mounts if m.target.endswith(f"/{N8N_FOLDER}")), "")
    return own or f"{home}/{N8N_FOLDER}"


def _n8n(engine: "Engine", all_: Sequence[Foreign]) -> Iterator[Source]:
    for main in all_:
        if main.repository == _N8N and not any(no in w for w in main.words for no in _NO_SERVER):
            members = (main, *(one for one in _peers(main, all_, _N8N) if one.id != main.id))
            files = main.mount(n8n_folder(main))
            data = {"data": files} if files else {}
            lost = tuple(_not_taken(main, data))
            source = Source("n8n", main, members, _n8n_version(engine, main), data, lost=lost)
            kind = main.environment.get("DB_TYPE", "sqlite")
            if kind == "sqlite":
                yield source if files else replace(source, problem=_IN_CONTAINER)
            elif kind == "postgresdb":
                yield _with_server(source, all_, main.environment.get("DB_POSTGRESDB_HOST", ""))
            else:
                yield replace(source, problem=_OTHER_DATABASE.with_values({"kind": kind}))


_IN_CONTAINER: Final = Text(
    "Its data is in the container itself, in no volume and no folder. Create it again there with a "
    "volume first."
)
_OTHER_DATABASE: Final = Text(
    "Its database is {kind}, which can't be copied. Bring it to PostgreSQL or SQLite there first."
)


def _n8n_version(engine: "Engine", main: Foreign) -> str:
    given = main.environment.get("N8N_VERSION") or main.labels.get(_IMAGE_VERSION) or main.tag
    if found := _TAG.match(given):
        return found[0]
    try:
        content = engine.containers.read_file(main.id, _PACKAGE)
        return str(json.loads(content or b"{}").get("version", ""))
    except (AiServerError, ValueError):
        return ""


def _with_server(source: Source, all_: Sequence[Foreign], host: str) -> Source:
    """*source* with the PostgreSQL server at *host*, which has its databases."""
    environment = source.main.environment
    server = _server(source.main, all_, host)
    if server is None:
        why = Text(
            "Its database is at {host}, which is no PostgreSQL container on this engine that "
            "shares a network with it.",
            host=host or "?",
        )
        return replace(source, problem=why)
    data = pg_data(server)
    changed = [n for n in ("DB_TABLE_PREFIX",) if environment.get(n)]
    if environment.get("DB_POSTGRESDB_SCHEMA", "public") != "public":
        changed.append("DB_POSTGRESDB_SCHEMA")
    problem = None
    if changed:
        problem = Text(
            "It has its tables at another place, because {names} is set, so ours can't use them.",
            names=Listed(changed),
        )
    elif data is None:
        problem = _IN_CONTAINER
    return replace(
        source,
        members=(*source.members, server),
        database=server,
        data={**source.data, **({"database": data} if data else {})},
        problem=problem,
    )


def _not_taken(main: Foreign, data: Mapping[str, Mount]) -> Iterator[Text]:
    taken = {mount.target for mount in data.values()}
    others = [m for m in main.mounts if m.kind in ("volume", "bind") and m.target not in taken]
    for mount in others:
        yield Text(
            "{source} at {target}: workflows that use files there need them at /files",
            source=mount.source,
            target=mount.target,
        )


# -- Dify, PostgreSQL ------------------------------------------------------------------------------

_STORAGE: Final = "/app/api/storage"
_PLUGINS: Final = "/app/storage"


def _dify(all_: Sequence[Foreign]) -> Iterator[Source]:
    """Dify of its official Compose file. Its API serves; workers have the same image."""
    for main in all_:
        mode = main.environment.get("MODE", "api")
        if main.repository != _DIFY or mode != "api":
            continue
        peers = [*_peers(main, all_, _DIFY, "langgenius/dify-plugin-daemon")]
        plugins = next((one for one in peers if one.repository != _DIFY), None)
        mounts = {
            "app_storage": main.mount(_STORAGE),
            "plugin_storage": plugins.mount(_PLUGINS) if plugins else None,
        }
        data = {name: mount for name, mount in mounts.items() if mount}
        members = (main, *(one for one in peers if one.id != main.id))
        lost = (
            Text("The index of knowledge bases: build it again here with Rebuild the search index"),
        )
        source = Source("dify", main, members, main.tag, data, lost=lost)
        if "app_storage" not in data:
            yield replace(source, problem=_IN_CONTAINER)
        else:
            yield _with_server(source, all_, main.environment.get("DB_HOST", "db"))


def _postgres(all_: Iterable[Foreign]) -> Iterator[Source]:
    for main in all_:
        if main.repository in _POSTGRES and not any(word == "psql" for word in main.words):
            data = pg_data(main)
            source = Source("postgres", main, (main,), pg_version(main), {}, database=main)
            if data is None:
                yield replace(source, problem=_IN_CONTAINER)
            else:
                yield replace(source, data={"database": data})
