"""The state as clients get it: with texts in one language, and the modules by title. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiserver_tray.base.codec import compact_json, from_json, to_json
from aiserver_tray.base.i18n import Language
from aiserver_tray.state.progress import sorted_by_name, sorted_by_title
from aiserver_tray.state.views import OperationSummary, OperationView, Snapshot, Status

_Encoded = tuple[object, bytes]
"""A view, and its JSON."""


class SnapshotEncoder:
    """Encodes one snapshot after the other in *language*. Encodes modules and operations again only
    if they have changed, which few have."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._modules: dict[str, _Encoded] = {}
        self._operations: dict[str, _Encoded] = {}

    def snapshot(self, snapshot: Snapshot) -> bytes:
        """The JSON of *snapshot*."""
        by_title = sorted_by_title(snapshot.modules, self._language)
        self._modules = {m.name: self._encoded(m, self._modules.get(m.name)) for m in by_title}
        self._operations = {
            o.id: self._encoded(o, self._operations.get(o.id), OperationSummary)
            for o in snapshot.operations
        }
        rest = to_json(replace(snapshot, modules=(), operations=()), self._language)
        parts = {name: compact_json(part) for name, part in rest.items()}
        parts |= {"modules": _joined(self._modules), "operations": _joined(self._operations)}
        return b"{" + b",".join(b'"%s":%s' % (n.encode(), part) for n, part in parts.items()) + b"}"

    def _encoded(self, view: object, known: _Encoded | None, kind: type | None = None) -> _Encoded:
        if known and known[0] == view:
            return known
        return view, compact_json(to_json(view, self._language, kind))


def _joined(items: Mapping[str, _Encoded]) -> bytes:
    return b"[" + b",".join(item for _, item in items.values()) + b"]"


def language_of(snapshot: bytes) -> Language:
    """The language of the texts in the JSON of a `SnapshotEncoder`. The JSON is not parsed."""
    return "zh" if snapshot.startswith(b'{"language":"zh"') else "en"


def by_title(snapshot: Snapshot, language: Language) -> Snapshot:
    """*snapshot* with the modules in the order of their titles in *language*."""
    return replace(snapshot, modules=tuple(sorted_by_title(snapshot.modules, language)))


def snapshot_json(snapshot: Snapshot, language: Language) -> dict[str, Any]:
    """*snapshot* as JSON for clients that read *language*."""
    return dict(to_json(by_title(snapshot, language), language))


def status_json(snapshot: Snapshot, language: Language = "en") -> dict[str, Any]:
    """The output of ``aiserver-tray status --json``."""
    modules = tuple(sorted_by_name(snapshot.modules))
    return dict(to_json(Status(snapshot.engine, snapshot.state, modules), language))


def snapshot_of(json: Mapping[str, Any]) -> Snapshot:
    """The snapshot in *json*, the result of `snapshot_json`."""
    return from_json(Snapshot, json, json["language"])


def operation_of(json: Mapping[str, Any]) -> OperationView:
    """The operation in *json*, with its steps if *json* has them."""
    return from_json(OperationView, json)
