"""Defaults and checks of a canonical Compose tree, after its files are merged."""

from collections.abc import Iterable, Iterator
from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, Report, value_at

_Tree = dict[str, Any]


def apply_defaults(tree: _Tree, report: Report) -> None:
    """Fill defaults into *tree*, in place, and report keys that exclude each other.

    To be done for each file set (included projects too) before its paths are resolved, since
    the default build context is a path.
    """
    for path, service in _entries(tree.get("services"), ("services",)):
        _complete_service(service)
        for request_path, request in _device_requests(service, path):
            _complete_request(request, request_path, report)
        for mount_path, mount in _entries(service.get("volumes"), (*path, "volumes")):
            if mount.get("type") == "bind" and "source" not in mount:
                report(mount_path, Text("expected the key {key}, which is missing", key="source"))
    for path, volume in _entries(tree.get("volumes"), ("volumes",)):
        _check_external(volume, path, report)
    for section, sources in (
        ("configs", ("file", "environment", "content")),
        ("secrets", ("file", "environment")),
    ):
        for path, resource in _entries(tree.get(section), (section,)):
            _check_source(resource, sources, path, report)


def _entries(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, _Tree]]:
    """The mappings directly in a mapping or list."""
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, entry in pairs:
        if isinstance(entry, dict):
            yield (*path, key), entry


def _complete_service(service: _Tree) -> None:
    build = service.get("build")
    if isinstance(build, dict):
        build.setdefault("context", ".")
    for _, port in _entries(service.get("ports"), ()):
        port.setdefault("protocol", "tcp")
        port.setdefault("mode", "ingress")
    for _, secret in _entries(service.get("secrets"), ()):
        secret.setdefault("target", f"/run/secrets/{secret.get('source')}")


def _device_requests(service: _Tree, path: KeyPath) -> Iterator[tuple[KeyPath, _Tree]]:
    yield from _entries(service.get("gpus"), (*path, "gpus"))
    keys = ("deploy", "resources", "reservations", "devices")
    yield from _entries(value_at(service, keys), (*path, *keys))


def _complete_request(request: _Tree, path: KeyPath, report: Report) -> None:
    if "count" in request and "device_ids" in request:
        report(path, Text("expected either count or device_ids, found both"))
    if "device_ids" not in request:
        request.setdefault("count", "all")


def _check_external(volume: _Tree, path: KeyPath, report: Report) -> None:
    if volume.get("external") is not True:
        return
    for key in volume:
        if key not in ("external", "name") and not key.startswith("x-"):
            report(
                (*path, key),
                Text("expected only name together with external: true, found {found!r}", found=key),
            )


def _check_source(resource: _Tree, sources: tuple[str, ...], path: KeyPath, report: Report) -> None:
    given, expected = [key for key in sources if key in resource], ", ".join(sources)
    if len(given) > 1:
        found = ", ".join(given)
        text = Text("expected one of {expected}, found {found}", expected=expected, found=found)
        report(path, text)
    elif not given and "external" not in resource:
        report(path, Text("expected one of {expected}, found none", expected=expected))
