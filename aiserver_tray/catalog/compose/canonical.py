"""Converting short forms in a Compose tree to long forms.

Unknown content stays unchanged, so that the models reject it with its place. All short forms and
their meaning: https://docs.docker.com/reference/compose-file/.
"""

from collections.abc import Callable
from typing import Any, TypeGuard

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, Report, mappings
from aiserver_tray.catalog.compose.problems import found
from aiserver_tray.catalog.compose.shortforms import (
    parse_device,
    parse_pairs,
    parse_port,
    parse_ssh,
    parse_volume,
)

_Tree = dict[str, Any]
_Convert = Callable[[object], object]

MAX_PORTS = 20_000
"""Ports that all services together can publish. It is enough for the media ports of a telephone
system. Without a limit, a few ranges of 65535 ports fill the memory."""


def canonicalize(tree: _Tree, report: Report) -> _Tree:
    """Replace every short form in *tree*, in place, and report those that are not valid.

    A second call changes nothing.
    """
    services = mappings(tree.get("services"))
    for name, service in services:
        _canonical_service(service, ("services", name), report)
    _canonical_ports(services, report)
    for section in ("networks", "volumes", "secrets", "configs"):
        for name, resource in mappings(tree.get(section)):
            _canonical_external(resource, (section, name), report)
    return tree


def _canonical_service(service: _Tree, path: KeyPath, report: Report) -> None:
    for key, convert in _WHOLE.items():
        _replace(service, key, convert, path, report)
    for key, convert in _EACH.items():
        _replace_each(service.get(key), convert, (*path, key), report)
    if isinstance(service.get("dns"), list):
        service["dns"] = [server for server in service["dns"] if server not in (None, "")]
    build = service.get("build")
    if isinstance(build, dict):
        for key, convert in _WHOLE_BUILD.items():
            _replace(build, key, convert, (*path, "build"), report)
        _replace_each(build.get("secrets"), _file_mount, (*path, "build", "secrets"), report)


def _replace(tree: _Tree, key: str, convert: _Convert, path: KeyPath, report: Report) -> None:
    if key in tree:
        tree[key] = _converted(tree[key], convert, (*path, key), report)


def _replace_each(items: object, convert: _Convert, path: KeyPath, report: Report) -> None:
    if isinstance(items, list):
        items[:] = [_converted(e, convert, (*path, n), report) for n, e in enumerate(items)]


def _converted(value: object, convert: _Convert, path: KeyPath, report: Report) -> object:
    try:
        return convert(value)
    except ValueError as error:
        report(path, _expected(error, value))
        return value


def _canonical_ports(services: list[tuple[str, _Tree]], report: Report) -> None:
    """Convert the lists as a whole, because one entry may mean several ports. Ports beyond
    `MAX_PORTS` are dropped."""
    free = MAX_PORTS
    for name, service in services:
        if not isinstance(given := service.get("ports"), list):
            continue
        service["ports"] = canonical = []
        for index, port in enumerate(given if free >= 0 else ()):
            path = ("services", name, "ports", index)
            ports = _canonical_port(port, path, report)
            free -= len(ports)
            if free < 0:
                report(path, _too_many_ports())
                break
            canonical += ports


def _canonical_port(port: Any, path: KeyPath, report: Report) -> list[Any]:  # noqa: ANN401
    if isinstance(port, int | str) and not isinstance(port, bool):
        try:
            return parse_port(str(port))
        except ValueError as error:
            report(path, _expected(error, port))
    return [port]


def _too_many_ports() -> Text:
    return Text(
        "expected at most {limit} published ports in all services together, found more. Publish "
        "a smaller range",
        limit=MAX_PORTS,
    )


def _expected(error: ValueError, value: object) -> Text:
    return Text("expected {expected}, found {found}", expected=error.args[0], found=found(value))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _unique(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ValueError(Text("each item once"))
    return names


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _named(value: object) -> object:
    """Rejected here, because a list's ``=VALUE``, which is allowed, becomes an empty key later."""
    if isinstance(value, dict) and "" in value:
        raise ValueError(Text("keys that are not empty"))
    return value


def _depends_on(value: object) -> object:
    if not _are_texts(value):
        return value
    return {name: {"condition": "service_started", "required": True} for name in _unique(value)}


def _env_files(value: object) -> object:
    value = _listed(value)
    return [_env_file(item) for item in value] if isinstance(value, list) else value


def _env_file(value: object) -> object:
    if isinstance(value, str):
        return {"path": value, "required": True}
    return {"required": True, **value} if isinstance(value, dict) else value


def _gpus(value: object) -> object:
    return [{"count": "all"}] if value == "all" else value


def _service_networks(value: object) -> object:
    return dict.fromkeys(_unique(value)) if _are_texts(value) else value


def _parsed(parse: Callable[[str], Any]) -> _Convert:
    return lambda value: parse(value) if isinstance(value, str) else value


def _parsed_list(parse: Callable[[list[Any]], Any]) -> _Convert:
    return lambda value: parse(value) if isinstance(value, list) else value


_file_mount = _parsed(lambda text: {"source": text})

_WHOLE: dict[str, _Convert] = {
    "annotations": _named,
    "build": _parsed(lambda text: {"context": text}),
    "depends_on": _depends_on,
    "dns": _listed,
    "env_file": _env_files,
    "environment": _named,
    "gpus": _gpus,
    "label_file": _listed,
    "labels": _named,
    "networks": _service_networks,
    "sysctls": _named,
}
_EACH: dict[str, _Convert] = {
    "configs": _file_mount,
    "devices": _parsed(parse_device),
    "secrets": _file_mount,
    "volumes": _parsed(parse_volume),
}
_WHOLE_BUILD: dict[str, _Convert] = {
    "args": _named,
    "labels": _named,
    "additional_contexts": _parsed_list(parse_pairs),
    "ssh": _parsed_list(parse_ssh),
}


def _canonical_external(resource: _Tree, path: KeyPath, report: Report) -> None:
    """``external: {name: N}`` is the old form of ``external: true`` with ``name: N``."""
    external = resource.get("external")
    if not isinstance(external, dict):
        return
    if path[0] in ("networks", "volumes"):
        for key in external:
            if key != "name" and not key.startswith("x-"):
                report((*path, "external", key), Text("expected only name, found {key!r}", key=key))
    resource["external"] = True
    name = external.get("name", resource.get("name"))
    if "name" in external and resource.setdefault("name", name) != name:
        other = found(resource["name"])
        text = Text("expected {name!r} as in external.name, found {found}", name=name, found=other)
        report((*path, "name"), text)
