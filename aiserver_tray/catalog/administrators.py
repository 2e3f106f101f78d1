"""Scripts that run as the administrator of another module's database server.

A database is its owner's: triggers, functions and operators there run as whoever touches them. So
the administrator stays in the server's own database, and a script that needs another one logs in as
its owner."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.reader import is_file
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.catalog.setting import PLACEHOLDER

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.service import Service

_HOME = "postgres"
"""The database of PostgreSQL's administrator, who leaves it nowhere."""
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
