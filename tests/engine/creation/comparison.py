"""What the engine tells of two containers, brought to one form and compared field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.engine.creation.sides import Created

Fields = dict[tuple[str, ...], Any]
"""By path. A list of plain values is one value, in sorted order where order means nothing."""

ABSENT = "(absent)"

_UNORDERED = ("Env", "Binds", "ExtraHosts", "Links", "Aliases")
_ENDPOINT = ("Aliases", "IPAMConfig", "Links", "MacAddress", "DriverOpts", "GwPriority")
"""Of an endpoint, what was asked for; the rest is what the engine gave."""


def fields(created: Created, service: str) -> Fields:
    """``Config``, ``HostConfig`` and ``Networks`` of the container of *service*, with the file's
    names for other containers, networks and volumes."""
    container = created.containers[service]
    names = created.names
    networks = {
        names.get(name, name): {key: endpoint.get(key) for key in _ENDPOINT}
        for name, endpoint in container["NetworkSettings"]["Networks"].items()
    }
    for endpoint in networks.values():
        endpoint["Links"] = [_translated(link, names) for link in endpoint["Links"] or ()]
    whole = {
        "Config": container["Config"],
        "HostConfig": _host_config(container["HostConfig"], names),
        "Networks": networks,
    }
    return dict(_leaves(whole, ()))


def _host_config(config: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    config = dict(config)
    for mount in config.pop("Mounts", None) or ():
        source = mount.get("Source", "")
        named = {**mount, "Source": names.get(source, source)}
        config.setdefault("Mounts", {})[mount["Target"]] = named
    return {
        **config,
        "Ulimits": {limit["Name"]: limit for limit in config["Ulimits"] or ()},
        "Links": [_translated(link, names) for link in config["Links"] or ()],
        "VolumesFrom": [_translated(each, names) for each in config["VolumesFrom"] or ()],
        **{key: _shared(config[key], names) for key in ("NetworkMode", "IpcMode", "PidMode")},
    }


def _translated(text: str, names: Mapping[str, str]) -> str:
    """``NAME:rest`` in the file's names; the engine writes a leading slash in some places."""
    name, colon, rest = text.lstrip("/").partition(":")
    return f"{names.get(name, name)}{colon}{rest.rpartition('/')[2]}"


def _shared(mode: str, names: Mapping[str, str]) -> str:
    kind, _, name = mode.partition(":")
    return f"container:{names.get(name, name)}" if kind == "container" else names.get(mode, mode)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, str(index)))
    elif isinstance(value, list) and path[-1] in _UNORDERED:
        yield path, sorted(value)
    else:
        yield path, value


def differences(ours: Fields, theirs: Fields) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Path and both values of each field in which they differ."""
    for path in sorted(ours.keys() | theirs.keys()):
        values = ours.get(path, ABSENT), theirs.get(path, ABSENT)
        if values[0] != values[1]:
            yield path, *values
