"""Values of services from variables and files: names without a value, such as ``environment:
[FOO]``, ``env_file`` and ``label_file``."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.dotenv import parse_env_file
from aiserver_tray.catalog.compose.keypath import KeyPath, mappings
from aiserver_tray.catalog.compose.problems import Problems
from aiserver_tray.catalog.compose.template import Lookup

Tree = dict[str, Any]


def fill_environment(tree: Tree, env: Mapping[str, str]) -> None:
    """Gives ``environment: [FOO]``, and configs and secrets from a variable, their values."""
    for _, service in mappings(tree.get("services")):
        environment = service.get("environment")
        if isinstance(environment, list):
            service["environment"] = [_with_value(item, env) for item in environment]
    for kind, key in (("secrets", "x-#value"), ("configs", "content")):
        for _, item in mappings(tree.get(kind)):
            name = item.get("environment")
            if isinstance(name, str) and name in env:
                item[key] = env[name]


def _with_value(item: Any, env: Mapping[str, str]) -> Any:  # noqa: ANN401
    return f"{item}={env[item]}" if isinstance(item, str) and item in env else item


def complete_services(
    tree: Tree, env: Mapping[str, str], active: Collection[str], problems: Problems
) -> None:
    """Set names without a value in ``environment`` and ``build.args`` from *env*. Add the content
    of env files and label files of the *active* services below their own values, and remove the
    file references. Wrong shapes are left for the models to reject."""
    for name, service in mappings(tree.get("services")):
        _complete(service, env)
        files = _Files(("services", name), env, problems)
        if name in active:
            _add(service, "environment", files.variables(service.get("env_file")))
            _add(service, "labels", files.labels(service.get("label_file")))
        service.pop("env_file", None)
        service.pop("label_file", None)


def _complete(service: Tree, env: Mapping[str, str]) -> None:
    if environment := _pairs(service.get("environment")):
        service["environment"] = {
            key: env.get(key) if value is None else value for key, value in environment.items()
        }
    build = service.get("build")
    if isinstance(build, dict) and (args := _pairs(build.get("args"))):
        build["args"] = {
            key: env[key] if value is None else value
            for key, value in args.items()
            if value is not None or key in env
        }


def _pairs(value: Any) -> Tree | None:  # noqa: ANN401
    """A list of ``KEY=VALUE`` as a mapping. None for anything else."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        parts = (item.partition("=") for item in value)
        return {key: text if equals else None for key, equals, text in parts}
    return value if isinstance(value, dict) else None


def _add(service: Tree, key: str, variables: Mapping[str, str]) -> None:
    own = _pairs(service.get(key, {}))
    if variables and own is not None:
        service[key] = {**variables, **own}


class _Files:
    """The env files and label files of the service at *path*."""

    def __init__(self, path: KeyPath, env: Mapping[str, str], problems: Problems) -> None:
        self._path = path
        self._env = env
        self._problems = problems

    def variables(self, env_files: Any) -> dict[str, str]:  # noqa: ANN401 - the value may be anything
        found: dict[str, str] = {}

        def lookup(name: str) -> str | None:
            return found.get(name, self._env.get(name))

        for index, entry in enumerate(env_files if isinstance(env_files, list) else ()):
            file = entry.get("path") if isinstance(entry, dict) else None
            if not isinstance(file, str):
                continue
            where = (*self._path, "env_file", index)
            if not _exists(file):
                if entry.get("required") is not False:
                    self._problems.report(where, _missing(file))
                continue
            if entry.get("format"):
                text = Text("expected no format, found {found!r}", found=entry["format"])
                self._problems.report((*where, "format"), text)
                continue
            found.update(self._read(file, where, lookup))
        return found

    def labels(self, label_files: Any) -> dict[str, str]:  # noqa: ANN401
        found: dict[str, str] = {}
        for index, file in enumerate(label_files if isinstance(label_files, list) else ()):
            if isinstance(file, str):
                found.update(self._read(file, (*self._path, "label_file", index), found.get))
        return found

    def _read(self, file: str, where: KeyPath, lookup: Lookup) -> dict[str, str]:
        path, place = Path(file), self._problems.place(where)

        def parse() -> dict[str, str]:
            self._problems.budget.take_env_file(path, place)
            return parse_env_file(path, place, lookup)

        return self._problems.attempt(where, parse) or {}


def _missing(file: str) -> Text:
    return Text(
        "can't read {file}: the file does not exist. Create it (there may be an example in the "
        "same folder), or set required: false",
        file=file,
    )


def _exists(file: str) -> bool:
    """Whether something is there, be it unreadable."""
    try:
        Path(file).stat()
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        pass  # reading it says why not
    return True
