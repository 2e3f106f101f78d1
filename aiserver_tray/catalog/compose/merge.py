"""One tree over another: a later document, an override file, the service that extends.

Lists append, mappings merge key by key, anything else is replaced; some keys have rules of their
own (compose-go, ``override/merge.go``). Afterwards of list items that mean the same thing (two
ports with one target, one variable twice) the last stays, in the place of the first
(``override/uncity.go``).
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, Report
from aiserver_tray.catalog.compose.patterns import Trie, step, trie
from aiserver_tray.catalog.compose.scalars import text_of

Tree = dict[str, Any]
Merge = Callable[["_Merger", Any, Any, KeyPath, "Trie[Merge] | None"], Any]
_SERVICE = ("services", "*")


def merge(base: Tree, over: Tree, report: Report) -> Tree:
    """*over* over *base*; changes *base* and returns it."""
    return _Merger(report).mappings(base, over, (), _RULES)


def extend_service(base: Tree, over: Tree, path: KeyPath, report: Report) -> Tree:
    """The service *over* at *path*, completed from *base*, which is changed."""
    rules: Trie[Merge] | None = _RULES
    for key in _SERVICE:
        rules = step(rules, key)
    return _Merger(report).mappings(base, over, path, rules)


class _Merger:
    def __init__(self, report: Report) -> None:
        self._report = report

    def mappings(self, base: Tree, over: Tree, path: KeyPath, rules: "Trie[Merge] | None") -> Tree:
        for key, value in over.items():
            if key in base and not key.startswith("x-"):
                below = step(rules, key)
                rule = below.value if below and below.value else _Merger.values
                base[key] = rule(self, base[key], value, (*path, key), below)
            else:
                base[key] = value
        return base

    def values(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        if over is None:
            return base
        if isinstance(base, dict):
            if isinstance(over, dict):
                return self.mappings(base, over, path, rules)
            self._report(path, Text("expected a mapping, as in what this is merged with"))
        elif isinstance(base, list):
            if isinstance(over, list):
                return base + over
            self._report(path, Text("expected a list, as in what this is merged with"))
        return over

    def replaced(self, _base: Any, over: Any, _path: KeyPath, _rules: object) -> Any:  # noqa: ANN401
        return over

    def sequences(self, base: Any, over: Any, path: KeyPath, _rules: object) -> Any:  # noqa: ANN401
        return self._sequence(base, path) + self._sequence(over, path)

    def hosts(self, base: Any, over: Any, path: KeyPath, _rules: object) -> Any:  # noqa: ANN401
        first = self._sequence(base, path)
        return first + [item for item in self._sequence(over, path) if item not in first]

    def _sequence(self, value: Any, path: KeyPath) -> list[Any]:  # noqa: ANN401
        try:
            return _as_sequence(value)
        except ValueError:
            self._report(path, Text("expected names with a text, a number, true, false or null"))
            return []

    def build(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        return self.values(_as_build(base), _as_build(over), path, rules)

    def depends_on(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        started = {"condition": "service_started", "required": True}
        return self.values(_as_mapping(base, started), _as_mapping(over, started), path, rules)

    def networks(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        return self.values(_as_mapping(base, None), _as_mapping(over, None), path, rules)

    def logging(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        """Options of one driver mean nothing to another."""
        sides = [side for side in (base, over) if isinstance(side, dict) and "driver" in side]
        if len(sides) == 2 and sides[0]["driver"] != sides[1]["driver"]:
            return over
        return self.values(base, over, path, rules)

    def subnets(self, base: Any, over: Any, path: KeyPath, rules: "Trie[Merge] | None") -> Any:  # noqa: ANN401
        if not (_are_mappings(base) and _are_mappings(over)):
            return self.values(base, over, path, rules)
        pools: list[Tree] = []
        for original in base:
            for pool in over:
                subnet = pool.get("subnet")
                if all(subnet != known.get("subnet") for known in (original, *pools)):
                    pools.append(pool)
                else:
                    _put(pools, self.mappings(original, pool, path, None))
        return pools


def _put(pools: list[Tree], merged: Tree) -> None:
    for index, known in enumerate(pools):
        if known.get("subnet") == merged.get("subnet"):
            pools[index] = merged
            return
    pools.append(merged)


def _are_mappings(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _as_build(value: Any) -> Any:  # noqa: ANN401
    return {"context": value} if isinstance(value, str) else value


def _as_mapping(value: Any, default: Tree | None) -> Any:  # noqa: ANN401
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {item: dict(default) if default else None for item in value}
    return value


def _as_sequence(value: Any) -> list[Any]:  # noqa: ANN401
    """``{A: 1, B: null}`` as ``[A=1, B]``, sorted; one text as a list of it."""
    if isinstance(value, dict):
        return sorted(text for key, item in value.items() for text in _pairs(key, item))
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _pairs(key: str, value: Any) -> list[str]:  # noqa: ANN401
    if value is None:
        return [key]
    values = value if isinstance(value, list) else [value]
    return [f"{key}={text_of(item)}" for item in values]


_RULES: Trie[Merge] = trie(
    {
        _Merger.subnets: "networks.*.ipam.config",
        _Merger.build: "services.*.build",
        _Merger.depends_on: "services.*.depends_on",
        _Merger.networks: "services.*.networks",
        _Merger.logging: "services.*.logging",
        _Merger.hosts: "services.*.extra_hosts services.*.build.extra_hosts",
        _Merger.replaced: (
            "services.*.command services.*.entrypoint services.*.healthcheck.test"
            " services.*.ulimits.*"
        ),
        _Merger.sequences: (
            "networks.*.labels volumes.*.labels services.*.annotations services.*.build.args"
            " services.*.build.additional_contexts services.*.build.labels services.*.deploy.labels"
            " services.*.dns services.*.dns_opt services.*.dns_search services.*.env_file"
            " services.*.label_file services.*.environment services.*.labels services.*.sysctls"
            " services.*.tmpfs"
        ),
    }
)


def drop_repeated(tree: Tree) -> None:
    """Of list items with the same identity, keep the last one, in the place of the first."""
    _drop(tree, _IDENTITIES)


def _drop(value: Any, identities: "Trie[Identity] | None") -> None:  # noqa: ANN401
    if identities is None or not isinstance(value, dict):
        return
    for key, item in value.items():
        below = step(identities, key)
        if below and below.value and isinstance(item, list):
            value[key] = _unique(item, below.value)
        else:
            _drop(item, below)


def _unique(items: list[Any], identity: "Identity") -> list[Any]:
    found: dict[Hashable, Any] = {}
    for index, item in enumerate(items):
        # An item without an identity is wrong and will be rejected, so keep it separate.
        key = identity(item)
        found[("", index) if key is None else key] = item
    return list(found.values())


Identity = Callable[[Any], Hashable]


def _name(item: Any) -> Hashable:  # noqa: ANN401
    return item.partition("=")[0] if isinstance(item, str) else None


def _exposed(item: Any) -> Hashable:  # noqa: ANN401
    return text_of(item) if isinstance(item, int | str) else None


def _device(item: Any) -> Hashable:  # noqa: ANN401
    if isinstance(item, str):
        parts = item.split(":")
        return parts[1] if len(parts) > 1 else item
    return _field(item, "target")


def _env_file(item: Any) -> Hashable:  # noqa: ANN401
    return item if isinstance(item, str) else _field(item, "path")


def _mount(item: Any, folder: str) -> Hashable:  # noqa: ANN401
    if isinstance(item, str):
        return f"{folder}/{item}"
    if isinstance(item, dict) and "target" in item:
        return _field(item, "target")
    source = _field(item, "source")
    return None if source is None else f"{folder}/{source}"


def _port(item: Any) -> Hashable:  # noqa: ANN401
    if isinstance(item, dict):
        host = _field(item, "host_ip") or "0.0.0.0"
        # As in Docker Compose, the number 80 and the text "80" are two ports.
        parts = (host, _field(item, "published"), _field(item, "protocol") or "tcp")
        target = _field(item, "target")
        return None if target is None else (*parts, target)
    return text_of(item) if isinstance(item, int | str) else None


def _field(item: Any, name: str) -> Hashable:  # noqa: ANN401
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str | int) else None


_IDENTITIES: Trie[Identity] = trie(
    {
        partial(_field, name="target"): "services.*.volumes",
        _device: "services.*.devices",
        partial(_mount, folder=""): "services.*.configs",
        partial(_mount, folder="/run/secrets"): "services.*.secrets",
        _env_file: "services.*.env_file",
        _exposed: "services.*.expose",
        _port: "services.*.ports",
        _name: (
            "networks.*.labels networks.*.ipam.options services.*.annotations"
            " services.*.build.args services.*.build.additional_contexts services.*.build.tags"
            " services.*.build.labels services.*.cap_add services.*.cap_drop"
            " services.*.deploy.labels services.*.dns services.*.dns_opt services.*.dns_search"
            " services.*.environment services.*.labels services.*.links"
            " services.*.networks.*.aliases services.*.networks.*.link_local_ips"
            " services.*.profiles services.*.sysctls services.*.tmpfs"
        ),
    }
)
