"""The rules for modules with an x-aiserver.

The modules of the built-in catalog follow them, so that each can be stopped, limited, restarted and
shown in the same way. `catalog check` notes what differs, and refuses scripts that would make the
administrator of a database server do what another module wants. A plain Compose file has no such
rules.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import Place, Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.reader import is_file
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.extension import EXTENSION, ServiceExtension, stated
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.catalog.setting import PLACEHOLDER

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.service import Service

ENV_EXAMPLE = "env.example"

_SIZE = "777m"
_FIRST_PORT = 50001
"""Values for settings that no file has. A limit or port with another value was written as it is."""
_LOGGING = {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}
_NAME = re.compile(r"\$\{(\w+)")
_REDIS_DATABASE = re.compile(r"@redis:6379(?:/(\d+))?")
_HOME = "postgres"
"""The database of PostgreSQL's administrator, who leaves it nowhere: a database is its owner's, and
triggers, functions and operators there run as whoever touches them."""
_LEAVING = re.compile(
    rf"""
    \\(?:c|connect)(?![A-Za-z_])(?![ \t]+{_HOME}[ \t]*$)       # also with a variable or a command
    | \\(?:i|ir|include|include_relative|setenv)(?![A-Za-z_])  # what they do is not seen here
    | \\set\b.*[`\\] | ^\s*:[A-Za-z_]                          # a variable with a command in it
    | (?:\b(?:PGDATABASE|PGSERVICE)|--dbname|--database)\b(?![= ]{_HOME}(?:["'\s]|$))
    | \bpostgres(?:ql)?://{_HOME}[:@]\S*?/(?!{_HOME}\b)
    | \b(?:psql|mysql|mariadb)\b[^\n]*?\s-[dD](?![= "',]*{_HOME}\b)
    | ^\s*(?:(?i:use)\s|\\u\b)                                 # of MySQL
    """,
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class ServiceUnderRules:
    """A service of a module, with values of our own for sizes and ports."""

    module: Module
    name: str
    model: "Service"
    is_job: bool
    ports: frozenset[str]
    """The values of the module's ports."""
    secrets: tuple[str, ...]
    """The names of the secrets that the service depends on."""
    addresses: frozenset[str] = frozenset()
    """The values of the module's texts, one of which may be the address of a port."""

    @property
    def extension(self) -> ServiceExtension:
        """Its own x-aiserver."""
        return stated(self.model.extensions)

    def note(self, text: Text, *key: str) -> Problem:
        """A note at *key* of the service."""
        return Problem(self.module.place("services", self.name, *key), text)


def whole_project(catalog: Catalog, module: Module) -> "Project":
    """*module* with its default settings, and with all services that some choice activates. Sizes
    and ports have values that no file has.

    Raises:
        CatalogError: a service is wrong.
    """
    # The models are slow to import, and a list of modules does not need them.
    from aiserver_tray.catalog.compose.load import load_project  # noqa: PLC0415

    sizes = [name for name, setting in module.settings.items() if setting.type == "size"]
    env = config_environment(catalog, module, None) | dict.fromkeys(sizes, _SIZE)
    return load_project(module.source, env | _odd_ports(module), profiles=["*"])


def services_under_rules(
    catalog: Catalog, module: Module, project: "Project"
) -> list[ServiceUnderRules]:
    """The services of *module*, whose `whole_project` is *project*."""
    jobs, ports = jobs_in(project), frozenset(_odd_ports(module).values())
    texts = frozenset(s.initial or "" for s in module.settings.values() if s.type == "text")
    secrets = {name: tuple(secrets_used(catalog, module, name)) for name in project.services}
    return [
        ServiceUnderRules(module, name, model, name in jobs, ports, secrets[name], texts)
        for name, model in project.services.items()
    ]


def _odd_ports(module: Module) -> dict[str, str]:
    return {name: str(n) for n, name in enumerate(_port_names(module), _FIRST_PORT)}


def _port_names(module: Module) -> list[str]:
    return [name for name, setting in module.settings.items() if setting.type == "port"]


def rule_notes(catalog: Catalog, services: Iterable[ServiceUnderRules]) -> list[Problem]:
    """Notes on what differs from the rules in *services*, all those of some modules, and in these
    modules."""
    services = list(services)
    modules = {service.module.name: service.module for service in services}.values()
    return [
        *(note for module in modules for rule in _MODULE_RULES for note in rule(catalog, module)),
        *(note for service in services for rule in _SERVICE_RULES for note in rule(service)),
        *_shared_databases(services),
    ]


def _summary(_: Catalog, module: Module) -> Iterator[Problem]:
    if not module.summary:
        text = Text("write a sentence that says what the module is for")
        yield Problem(module.place(EXTENSION, "summary"), text)


def _needs(_: Catalog, module: Module) -> Iterator[Problem]:
    missing = [key for key in ("memory", "disk", "download") if not getattr(module.needs, key)]
    if missing:
        text = Text("write what the module needs of the machine: {keys}", keys=", ".join(missing))
        yield Problem(module.place(EXTENSION, "needs"), text)


def _env_example(catalog: Catalog, module: Module) -> Iterator[Problem]:
    path = module.folder / ENV_EXAMPLE
    if not is_file(path):
        names = ", ".join(env_example_names(catalog, module))
        text = Text(
            "this file is missing. Create it with a line NAME=VALUE for each of: {names}",
            names=names,
        )
        if names:
            yield Problem(Place(path), text)


def env_example_names(catalog: Catalog, module: Module) -> list[str]:
    """The names that ``env.example`` of *module* lists.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    scope = catalog.scope(module)
    return [name for name in dict.fromkeys((*module.settings, *module.variables)) if name in scope]


def _port_defaults(catalog: Catalog, module: Module) -> Iterator[Problem]:
    for name in _port_names(module):
        default = module.settings[name].initial
        for address, other in catalog.declared.items():
            is_same = other.type == "port" and default and other.initial == default
            if is_same and address != f"{module.name}.{name}":
                text = Text("{address} has the same default. Write another port", address=address)
                yield Problem(module.place(EXTENSION, "settings", name, "default"), text)


_MODULE_RULES = (_summary, _needs, _env_example, _port_defaults)


def _privileges(service: ServiceUnderRules) -> Iterator[Problem]:
    if "no-new-privileges:true" not in service.model.security_opt:
        missing = 'security_opt: ["no-new-privileges:true"]'
        text = Text("write {text}, so that no process gains privileges", text=missing)
        yield service.note(text, "security_opt")
    if service.model.cap_drop != ["ALL"]:
        text = Text(
            "write {text}, and the capabilities that the service needs under cap_add",
            text="cap_drop: [ALL]",
        )
        yield service.note(text, "cap_drop")
    if service.model.privileged:
        text = Text("remove this, and write the capabilities that the service needs under cap_add")
        yield service.note(text, "privileged")


def _mounts(service: ServiceUnderRules) -> Iterator[Problem]:
    for index, mount in enumerate(service.model.volumes):
        if mount.type != "volume":
            text = Text(
                "write a named volume. Files of the module belong under configs, and temporary "
                "files under tmpfs"
            )
            yield service.note(text, "volumes", str(index))


def _limits(service: ServiceUnderRules) -> Iterator[Problem]:
    logging = service.model.logging
    if not logging or {"driver": logging.driver, "options": logging.options} != _LOGGING:
        wanted = 'logging: {driver: local, options: {max-size: 10m, max-file: "3"}}'
        text = Text("write {text}, so that its logs can't fill the disk", text=wanted)
        yield service.note(text, "logging")
    if service.is_job and not service.model.mem_limit:
        text = Text("write a memory limit, such as {text}", text="mem_limit: 256m")
        yield service.note(text, "mem_limit")
    # A job runs for a short time, and its memory does not grow with the data.
    if not service.is_job and service.model.mem_limit != parse_size(_SIZE):
        text = Text(
            "write {text}, with a setting NAME of type size, so that users can change the limit",
            text="mem_limit: ${NAME}",
        )
        yield service.note(text, "mem_limit")


def _restart(service: ServiceUnderRules) -> Iterator[Problem]:
    if service.is_job and service.model.restart != "no":
        text = Text("write {text}, because a job runs once", text='restart: "no"')
        yield service.note(text, "restart")
    if not service.is_job and service.model.restart != "unless-stopped":
        wanted = "restart: unless-stopped"
        text = Text("write {text}, so that the service restarts after a failure", text=wanted)
        yield service.note(text, "restart")


def _health(service: ServiceUnderRules) -> Iterator[Problem]:
    check = service.model.healthcheck
    if service.is_job and check:
        text = Text("remove this, because a job is done when it exits with 0")
        yield service.note(text, "healthcheck")
    if not service.is_job and (not check or check.disable or not check.test):
        text = Text("write a health check that passes once the service can be used")
        yield service.note(text, "healthcheck")
    words = " ".join(check.test) if check else ""
    if "wget" in words and "wget -Y off " not in words:
        text = Text("write {text}, because BusyBox's wget ignores NO_PROXY", text="wget -Y off")
        yield service.note(text, "healthcheck", "test")


def _stop(service: ServiceUnderRules) -> Iterator[Problem]:
    if service.is_job:
        return
    if not service.model.stop_signal:
        usual = "stop_signal: SIGTERM"
        text = Text("write the signal that the service stops at, such as {text}", text=usual)
        yield service.note(text, "stop_signal")
    if not service.model.stop_grace_period:
        usual = "stop_grace_period: 30s"
        text = Text("write how long the service may take to stop, such as {text}", text=usual)
        yield service.note(text, "stop_grace_period")


def _ports(service: ServiceUnderRules) -> Iterator[Problem]:
    for index, port in enumerate(service.model.ports):
        if port.host_ip and port.host_ip not in service.addresses:
            text = Text("remove the address, because app.bind decides where ports are published")
            yield service.note(text, "ports", str(index))
        if port.published not in service.ports:
            text = Text(
                "write {text}, with a setting NAME of type port, so that users can change the port",
                text=f'"${{NAME}}:{port.target}"',
            )
            yield service.note(text, "ports", str(index))


def _reasons(service: ServiceUnderRules) -> Iterator[Problem]:
    """Stored data and authentication are what a service lacks by mistake."""
    without = service.extension.without
    if not (service.is_job or service.model.volumes or without.volumes):
        reason = f"{EXTENSION}: {{without: {{volumes: …}}}}"
        text = Text("write a volume for its data, or why it has none: {text}", text=reason)
        yield service.note(text, "volumes")
    if not (service.secrets or without.secrets):
        text = Text(
            "use a secret that protects the service, or write why it has none: {text}",
            text=f"{EXTENSION}: {{without: {{secrets: …}}}}",
        )
        yield service.note(text, EXTENSION)
    for key, present in (("volumes", service.model.volumes), ("secrets", service.secrets)):
        if present and getattr(without, key):
            text = Text("remove this reason, because the service has {key}", key=key)
            yield service.note(text, EXTENSION, "without", key)


_SERVICE_RULES = (_privileges, _mounts, _limits, _restart, _health, _stop, _ports, _reasons)


def _shared_databases(services: Iterable[ServiceUnderRules]) -> Iterator[Problem]:
    """Several users of one database of the module ``redis`` would overwrite each other's keys. The
    services of one image are one user."""
    users: dict[str, ServiceUnderRules] = {}
    for service in services:
        for name, number in redis_databases(service.model.environment):
            first = users.setdefault(number, service) if number else service
            if (first.module.name, first.model.image) != (service.module.name, service.model.image):
                text = Text(
                    "{module} uses database {number} of Redis as well. Write another number",
                    module=first.module.name,
                    number=number,
                )
                yield service.note(text, "environment", name)
            if not number:
                text = Text("write the number of the database, such as {text}", text="redis:6379/9")
                yield service.note(text, "environment", name)


def redis_databases(environment: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """The variables that name a database of the module ``redis``, and its number; empty if that is
    missing."""
    for name, value in environment.items():
        if found := _REDIS_DATABASE.search(value or ""):
            yield name, found[1] or ""
        elif name.endswith("REDIS_DB") and environment.get(f"{name[:-2]}HOST") == "redis":
            yield name, value or ""


def secrets_used(catalog: Catalog, module: Module, service: str) -> list[str]:
    """The names of the secrets among `names_used`."""
    scope = catalog.scope(module)
    used = (name for name in names_used(module, service) if name in scope)
    return [name for name in used if catalog.declared[scope[name]].is_secret]


def names_used(module: Module, service: str) -> list[str]:
    """The NAMEs that *service* of *module* depends on, as its file is written: in its own lines
    and in the configuration and env files that it gets under the default choices."""
    written = module.section("services").get(service)
    if not isinstance(written, dict):  # another file has it
        return []
    configs = module.section("configs")
    sources = [c if isinstance(c, str) else c.get("source") for c in written.get("configs", ())]
    text = json.dumps([written, *(configs.get(source) for source in sources)], default=str)
    text += "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in _env_files(module, written)
        if is_file(path)
    )
    return list(dict.fromkeys(_NAME.findall(text)))


def _env_files(module: Module, written: Mapping[str, Any]) -> Iterator[Path]:
    given = written.get("env_file", ())
    for entry in [given] if isinstance(given, str) else given:
        path = entry if isinstance(entry, str) else entry["path"]
        yield module.folder / re.sub(r"\$\{(\w+)\}", lambda name: _default(module, name[1]), path)


def _default(module: Module, name: str) -> str:
    setting = module.settings.get(name)
    return (setting and setting.initial) or ""


def leaving_problems(catalog: Catalog, module: Module) -> Iterator[Problem]:
    """What leads an administrator of another module's server into a database of others, in
    *module*, with all services that some choice activates."""
    from aiserver_tray.catalog.compose.load import load_project  # noqa: PLC0415 - slow

    secrets = {
        account.secret: f"{PLACEHOLDER}{account.secret}"
        for other in catalog.modules.values()
        if other.name != module.name and other.store in ("postgres", "mysql")
        for account in other.accounts
        if account.secret
    }
    # Where secrets are hidden, one can't be told from another.
    env = config_environment(catalog, module, None) | secrets
    project = load_project(module.source, env, profiles=["*"])
    for name, service in project.services.items():
        scripts = dict(_scripts(project, service))
        if not any(secret in text for secret in secrets.values() for text in scripts.values()):
            continue
        for key, script in scripts.items():
            if found := _LEAVING.search(script):
                text = Text(
                    "{found}: a script of the server's administrator stays in the server's own "
                    "database. Log in as the database's owner, in a service of its own",
                    found=found[0].strip(),
                )
                yield Problem(module.place("services", name, *key.split(".")), text)


def _scripts(project: "Project", service: "Service") -> Iterator[tuple[str, str]]:
    """What *service* runs and is given, by its key."""
    for key in ("entrypoint", "command", "environment"):
        given = getattr(service, key)
        if isinstance(given, dict):
            given = [f"{name}={value}" for name, value in given.items()]
        yield key, " ".join([given] if isinstance(given, str) else map(str, given or ()))
    for index, mount in enumerate(service.configs):
        if config := project.configs.get(mount.source):
            file = Path(config.file)
            read = file.read_bytes() if is_file(file) else b""
            yield f"configs.{index}", config.content or read.decode(errors="replace")
