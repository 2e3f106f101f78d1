"""A plain Compose project that runs modules as they run here: for those who move on to a server, or
leave. Everything but `ExportFeature` is pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, RefusedError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.catalog.guessable import why_guessable
from aiserver_tray.features.access.gateway import GATEWAY
from aiserver_tray.features.access.store import AccessFile
from aiserver_tray.features.cluster.images import on_engine, with_declared
from aiserver_tray.features.cluster.spec import bound_folders
from aiserver_tray.features.models.used import UsedServers
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.protocol.channel import Feature, Names, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.spec.model import File, ModuleTarget, ServiceTarget
from aiserver_tray.spec.names import SHARED_NETWORK
from aiserver_tray.system.files import write_private

Tree = dict[str, Any]
"""A part of a Compose file."""
VolumeChoice = Literal["named", "new"]
SecretChoice = Literal["file", "placeholders"]

_PREFIX: Final = "ai-"
_BIND: Final = "BIND_ADDRESS"
_SECRETS: Final = "secrets.env"
_NOT_PLAIN: Final = frozenset({"build", "configs", "secrets", "develop", "profiles", "scale"})
"""Keys of a service that are written in another way, or have no meaning any more."""


@dataclass(frozen=True)
class Part:
    """A module with its settings filled in. ``project``: in Compose's canonical form, with ``$`` as
    ``$$``; ``secrets``: the values of its secret settings by address."""

    target: ModuleTarget
    project: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def keys(self) -> dict[str, str]:
        """The names of its services in the export. Containers have unique names, so these have."""
        return {s.service: s.container.removeprefix(_PREFIX) for s in self.target.services}


class Export:
    """The files of *parts*, of which each comes after those that it requires. *existing* are the
    volumes that the export uses; None: it has new ones. *bind*: the address of ports without one.
    """

    def __init__(
        self, parts: Sequence[Part], bind: str, existing: Callable[[str], bool] | None
    ) -> None:
        self._parts = {part.target.name: part for part in parts}
        self._existing = existing
        self._variables = {_BIND: bind}
        self._secrets: dict[str, str] = {}
        self.contents: dict[str, File] = {}
        """The configuration files that are mounted from the folder, by name."""
        self._tree: dict[str, Tree] = {"services": {}, "networks": {}, "volumes": {}, "configs": {}}
        for part in parts:
            for service in part.target.services:
                self._tree["services"][part.keys[service.service]] = self._service(part, service)
            for address, value in part.secrets.items():
                if value:
                    _variable(address, value, self._secrets)

    def files(self, secrets: SecretChoice) -> dict[str, bytes]:
        """The text files by name; that with the secrets among them."""
        tree = {name: part for name, part in self._tree.items() if part}
        services = _yaml(_with_references(tree, self._secrets))
        used = {n: v for n, v in self._secrets.items() if f"${{{n}:?".encode() in services}
        values = used if secrets == "file" else dict.fromkeys(used, "")
        return {
            "compose.yaml": _COMPOSE.encode(),
            "services.yaml": services,
            ".env": _env(self._variables),
            _SECRETS: _env(values),
        }

    # -- services -------------------------------------------------------------------------------

    def _service(self, part: Part, service: ServiceTarget) -> Tree:
        given = part.project["services"][service.service]
        body = {
            key: value
            for key, value in given.items()
            if value is not None and not key.startswith("x-") and key not in _NOT_PLAIN
        }
        if not service.image.name:
            body["build"] = given["build"]
        if log := service.body["HostConfig"].get("LogConfig"):
            body["logging"] = {"driver": log["Type"], "options": log["Config"]}
        changed = {
            "container_name": service.container,
            "networks": self._networks(part, service, given.get("networks") or {}),
            "ports": [self._port(service, port) for port in given.get("ports") or ()],
            "volumes": [self._mount(part, service, m) for m in _mounts(service, given)],
            "configs": [self._config(part, service, n) for n in range(len(service.files))],
            "depends_on": self._depends_on(part, service),
            **_neighbours(body, part.keys),
        }
        return body | {key: value for key, value in changed.items() if value or key in body}

    def _networks(self, part: Part, service: ServiceTarget, given: Tree) -> Tree:
        """Its names in them are those here. All are the export's own: beside ours, two servers
        would have one name."""
        found = {}
        for key, attachment in given.items():
            declared = {k: v for k, v in part.project["networks"][key].items() if k != "name"}
            name = part.project["networks"][key]["name"]
            if name == SHARED_NETWORK:
                key, declared = SHARED_NETWORK, {}  # noqa: PLW2901 - one for all modules
            elif declared.get("external"):
                key, declared = name, {**declared, "name": name}  # noqa: PLW2901
            else:
                key = f"{part.target.name}-{key}"  # noqa: PLW2901
            self._tree["networks"][key] = declared
            aliases = {service.service, *((attachment or {}).get("aliases") or ())}
            found[key] = {**(attachment or {}), "aliases": sorted(aliases)}
        return found

    def _port(self, service: ServiceTarget, port: Tree) -> Tree:
        published = str(port.get("published") or "")
        if published.isdecimal() and (address := service.port_settings.get(int(published))):
            published = f"${{{_variable(address, published, self._variables)}}}"
        host = port.get("host_ip") or f"${{{_BIND}}}"
        return {**port, "host_ip": host} | ({"published": published} if published else {})

    def _mount(self, part: Part, service: ServiceTarget, mount: Tree) -> Tree:
        if mount["type"] != "volume":
            return mount
        mounted = {m["Target"]: m["Source"] for m in service.body["HostConfig"]["Mounts"]}
        name, target = mounted[mount["target"]], part.target
        declared = dict(part.project.get("volumes", {}).get(mount.get("source")) or {})
        is_external = any(v.external for v in target.volumes if v.name == name)
        if is_external or (self._existing and self._existing(name)):
            declared = {"name": name, "external": True}
        else:
            declared.pop("name", None)
            declared |= {"name": name} if self._existing else {}
        key = name.removeprefix(_PREFIX)
        self._tree["volumes"][key] = declared
        return {**mount, "source": key}

    def _config(self, part: Part, service: ServiceTarget, index: int) -> Tree:
        """A text is copied into the container as here, with its owner and mode, where that can be
        written to. Other files are mounted from the folder, but none with a secret: those are only
        in one place."""
        file, name = service.files[index], f"{part.keys[service.service]}-{index + 1}"
        text = _text(file.content)
        is_secret = any(value and value in text for value in part.secrets.values())
        if text and file.is_secret:
            is_secret, word = True, re.sub(r"\W", "_", Path(file.path).name).upper()
            _variable(f"{part.target.name}.FILE_{word}", text, self._secrets)
        if text and (is_secret or not service.body["HostConfig"].get("ReadonlyRootfs")):
            self._tree["configs"][name] = {"content": text.replace("$", "$$")}
            owner = {"uid": str(file.uid), "gid": str(file.gid), "mode": file.mode}
            return {"source": name, "target": file.path, **owner}
        place = f"files/{name}-{Path(file.path).name}"
        self.contents[place] = file
        self._tree["configs"][name] = {"file": f"./{place}".replace("$", "$$")}
        return {"source": name, "target": file.path}

    def _depends_on(self, part: Part, service: ServiceTarget) -> Tree:
        """What it waits for in its module, and in those that it requires."""
        own = {
            part.keys[d.service]: {
                "condition": d.condition,
                "required": d.required,
                **({"restart": True} if d.restart else {}),
            }
            for d in service.depends_on
            if d.service in part.keys
        }
        required = [self._parts[name] for name in service.requires if name in self._parts]
        others = {
            other.keys[one.service]: {"condition": _ready(one), "required": True}
            for other in required
            for one in other.target.services
        }
        return {**others, **own}


def _mounts(service: ServiceTarget, given: Tree) -> list[Tree]:
    """Those that its file *given* has, and a volume for each further folder that its image declares
    as one: under a random name, its data would not be found again."""
    own = list(given.get("volumes") or ())
    targets = {mount["target"] for mount in own}
    return own + [
        {"type": "volume", "source": "", "target": mount["Target"]}
        for mount in service.body["HostConfig"]["Mounts"]
        if mount["Target"] not in targets and mount["Source"] not in service.config_volumes
    ]


def _ready(service: ServiceTarget) -> str:
    """The condition by which others wait for *service*."""
    if service.is_job:
        return "service_completed_successfully"
    test = (service.body.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return "service_started" if test == ["NONE"] or service.may_end else "service_healthy"


def _neighbours(body: Tree, keys: Mapping[str, str]) -> Tree:
    """The keys of the service *body* that name other services of the module."""
    found: Tree = {}
    for key in ("network_mode", "ipc", "pid"):
        kind, _, name = str(body.get(key) or "").partition(":")
        if kind == "service":
            found[key] = f"service:{keys[name]}"
    for key in ("links", "volumes_from"):
        lines = [line.partition(":") for line in body.get(key) or ()]
        found[key] = [f"{keys.get(name, name)}{colon}{rest}" for name, colon, rest in lines]
    return found


def _text(content: bytes) -> str:
    """*content*, if it is a text that YAML can have; else nothing."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ""
    return text if all(char.isprintable() or char in "\n\t" for char in text) else ""


# -- files -----------------------------------------------------------------------------------------

_COMPOSE: Final = f"""\
name: aiserver
include:
  - path: services.yaml
    env_file: [.env, {_SECRETS}]
"""


def _variable(address: str, value: str, among: dict[str, str]) -> str:
    """The variable for the setting *address*, which is *among* the others from then on: its bare
    name, or with the module's in front where another one has that."""
    module, _, name = address.partition(".")
    bare = re.sub(r"\W", "_", name.rpartition(".")[2])
    if among.setdefault(bare, value) == value:
        return bare
    longer = re.sub(r"\W", "_", f"{module}_{bare}").upper()
    among[longer] = value
    return longer


def _with_references(tree: Any, secrets: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML
    """*tree* with references to variables in place of *secrets*. A guessable one may also be a part
    of any word, so that only a whole value counts."""
    names: dict[str, str] = {}
    for name, value in secrets.items():
        names.setdefault(value.replace("$", "$$"), f"${{{name}:?{_SECRETS}}}")
    unique = sorted((v for v in names if not why_guessable(v)), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, unique)) or "(?!)")

    def replaced(value: Any) -> Any:  # noqa: ANN401
        match value:
            case str():
                whole = names.get(value)
                return whole or pattern.sub(lambda found: names[found[0]], value)
            case dict():
                return {key: replaced(inner) for key, inner in value.items()}
            case list():
                return [replaced(inner) for inner in value]
        return value

    return replaced(tree)


def _env(variables: Mapping[str, str]) -> bytes:
    return "".join(f"{n}={_quoted(v)}\n" for n, v in sorted(variables.items())).encode()


def _quoted(value: str) -> str:
    """*value* for an env file of Compose."""
    if re.fullmatch(r"[\w./:@+-]*", value, re.ASCII):
        return value
    return '"' + re.sub(r'([\\"$])', r"\\\1", value).replace("\n", "\\n") + '"'


def _yaml(tree: Tree) -> bytes:
    import yaml  # noqa: PLC0415 - only here

    class Dumper(yaml.SafeDumper):
        """Quotes what another version of YAML may take for a number, and writes lines as lines."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else '"' if value[:1] in "0123456789+-." else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    dumped = yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return str(dumped).encode()


def readme(modules: Sequence[str], volumes: VolumeChoice, secrets: SecretChoice) -> list[Text]:
    """What a person must know who has nothing but the folder; a line each."""
    names = " ".join(modules)
    return [
        Text("{modules}, exported by AI-Server Tray. Needs Docker Compose 2.24.", modules=names),
        Text("Start: docker compose up -d. Stop: docker compose down. Your data stays."),
        Text(
            "It uses the data that is here. First run: aiserver-tray down {modules}", modules=names
        )
        if volumes == "named"
        else Text("It begins with new, empty volumes."),
        Text("Passwords are in secrets.env, which only you can read. Never publish that file.")
        if secrets == "file"
        else Text("Before the first start, write a password behind each name in secrets.env."),
        Text(
            "Ports are in .env. BIND_ADDRESS=127.0.0.1 means that only this computer reaches them."
        ),
    ]


# -- what stays behind -----------------------------------------------------------------------------


def left_behind(targets: Sequence[ModuleTarget], volumes: VolumeChoice) -> Iterator[Text]:
    """What of *targets* a Compose project can't take along, by name."""
    names = {target.name for target in targets}
    for target in targets:
        needs = target.module.needs.sysctls
        if needs:
            values = Listed(f"{name}={value}" for name, value in needs.items())
            yield Text(
                "{module} needs kernel settings: {values}", module=target.name, values=values
            )
        for provider in sorted({*target.module.tokens.values()} & names & {*target.requires}):
            if volumes == "new":
                yield Text(
                    "The connection of {module} to {provider}: new volumes don't know its token",
                    module=target.name,
                    provider=provider,
                )
        for service in target.services:
            yield from _left_of(service)


def _left_of(service: ServiceTarget) -> Iterator[Text]:
    for path in bound_folders(service):
        yield Text("{service} uses {path} where it is", service=service.address, path=path)
    if service.image.build and not service.image.name:
        path = service.image.build.context
        yield Text(
            "{service} is built from {path}, where it is", service=service.address, path=path
        )
    if service.post_start or service.pre_stop:
        yield Text("Hooks of {service} need Docker Compose 2.30", service=service.address)
    if service.proxies is not None:
        yield Text("The proxy of {service} alone", service=service.address)


# -- channels --------------------------------------------------------------------------------------


class ExportQuestion(Payload):
    """Modules to export."""

    modules: Annotated[Names, Field(min_length=1)]
    """what they require comes along"""
    folder: str = Field(default="", max_length=4000)
    """its full path on the owner's machine"""
    volumes: VolumeChoice = "named"
    """`named`: those that are here, with their data; `new`: empty ones"""


class ExportRequest(ExportQuestion):
    """Modules to export, and how."""

    secrets: SecretChoice = "file"
    """`file`: their values, in a file that only the user can read; `placeholders`: only names"""
    replace: bool = False
    """write into a folder that has other files"""


class ExportOffer(TypedDict):
    """What an export would have."""

    modules: list[str]
    """all of them, in the order of their start"""
    left: list[Text]
    """what can't go along, or stays where it is"""
    isTaken: bool
    """the folder has files already"""


class ExportResult(TypedDict):
    """An export was written."""

    folder: str
    files: list[str]
    """their names in it"""
    modules: list[str]
    left: list[Text]


class ExportFeature(Feature):
    """``ai/export/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._app = place.app

    @channel("ai/export/offer")
    def _offer(self, asked: ExportQuestion) -> ExportOffer:
        """Tell what a Compose project of modules would have, and what can't go along. Changes
        nothing."""
        targets = self._targets(asked.modules, self._app.preview)
        return {
            "modules": [target.name for target in targets],
            "left": [*self._left(targets, asked)],
            "isTaken": bool(asked.folder) and _is_taken(Path(asked.folder)),
        }

    @channel("ai/export/write")
    def _write(self, asked: ExportRequest, caller: Caller) -> ExportResult:
        """Write modules as a plain Compose project into a folder. Only for clients on the owner's
        computer."""
        refuse_elsewhere(caller.peer, _ONLY_HERE)
        folder = Path(asked.folder).expanduser()
        if not folder.is_absolute():
            raise RefusedError(Text("Enter the folder's full path."), ["folder"])
        if not asked.replace and _is_taken(folder):
            raise RefusedError(_TAKEN.with_values({"folder": folder}), ["folder"])
        targets = self._targets(asked.modules, self._app.target)
        for error in (target.untrusted for target in targets):
            if error:
                raise error.within("export {module} -o FOLDER")
        # Without an engine, volumes keep their names: Compose uses those that are there.
        existing = (self._volumes() or set()).__contains__ if asked.volumes == "named" else None
        names = [target.name for target in targets]
        parts = [self._part(name, existing) for name in names]
        export = Export(parts, self._app.settings.app.bind, existing)
        texts = readme(names, asked.volumes, asked.secrets)
        left = [*self._left(targets, asked)]
        lines = [text.render(caller.language) for text in texts]
        files = {"README.md": "\n\n".join(lines).encode() + b"\n", **export.files(asked.secrets)}
        try:
            _write_files(folder, files, export.contents)
        except OSError as error:
            why = Text("Can't write into {folder}: {why}.", folder=folder, why=error.strerror)
            raise RefusedError(why, ["folder"]) from None
        written = sorted([*files, *export.contents])
        return {"folder": str(folder), "files": written, "modules": names, "left": left}

    def _part(self, name: str, existing: Callable[[str], bool] | None) -> Part:
        target, project = self._app.targets.with_project(name)
        if existing:
            target, _ = with_declared(target, on_engine(self._place.core.engine))
        declared = self._app.in_scope(target.module)
        values = self._app.settings.values(declared)
        secrets = {
            address: setting.in_file(values[address])
            for address, setting in declared.items()
            if setting.is_secret and values.get(address)
        }
        return Part(target, project.to_compose(), secrets)

    def _targets(
        self, modules: Iterable[str], target_of: Callable[[str], ModuleTarget]
    ) -> list[ModuleTarget]:
        """Those of *modules* and of all that they require, each after those that it requires."""
        found: dict[str, ModuleTarget] = {}

        def add(name: str) -> None:
            if name in found or name == GATEWAY:
                return
            target = target_of(name)
            for other in target.requires:
                add(other)
            found[name] = target

        for name in modules:
            add(name)
        if not found:
            raise RefusedError(_GATEWAY, ["modules"])
        return [*found.values()]

    def _volumes(self) -> set[str] | None:
        """The names of the volumes here. None: the engine does not answer."""
        try:
            return {volume.name for volume in self._place.core.engine.volumes.all()}
        except AiServerError:
            return None

    def _left(self, targets: Sequence[ModuleTarget], asked: ExportQuestion) -> Iterator[Text]:
        names = {target.name for target in targets}
        if asked.volumes == "named" and self._volumes() is None:
            yield _OFF
        if GATEWAY in asked.modules:
            yield _GATEWAY
        for module, one in AccessFile(self._app.settings).read().open.items():
            if module in names:
                address = one.name or str(one.port)
                yield _ADDRESS.with_values({"module": module, "address": address})
        if "oneapi" in names:
            settings = self._app.settings
            used = UsedServers(self._place.kept_folder, settings.secrets, settings.notices)
            for server in (one for one in used.all() if one.gateway):
                yield _RELAY.with_values({"server": server.title})
        yield from left_behind(targets, asked.volumes)


_ONLY_HERE: Final = Text("An export has passwords, and can only be made on this computer itself.")
_TAKEN: Final = Text(
    "The folder {folder} is not empty. Choose another one, or allow to write into it (--replace)."
)
_OFF: Final = Text(
    "Volumes that only an image declares: Docker does not answer, so they can't be found. Start "
    "Docker, and export again"
)
_GATEWAY: Final = Text("The gateway: its addresses and certificates belong to AI-Server Tray")
_ADDRESS: Final = Text("The address {address} of {module}: the gateway of AI-Server Tray makes it")
_RELAY: Final = Text("The way to {server} on this computer: a relay of AI-Server Tray")


def _is_taken(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _write_files(folder: Path, files: Mapping[str, bytes], contents: Mapping[str, File]) -> None:
    """Write *files* and mounted *contents* into *folder*, which need not exist.

    Raises:
        OSError: it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if name == _SECRETS:
            write_private(folder / name, content)
        else:
            (folder / name).write_bytes(content)
    for name, file in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
