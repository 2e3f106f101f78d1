"""Making relative paths absolute, from the folder of the file that contains them."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiserver_tray.base.file_paths import user_home
from aiserver_tray.catalog.compose.patterns import Trie, step, trie

Resolver = Callable[[Any, Path], Any]

_WINDOWS_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[\\/]{2}[^\\/.][^\\/]*[\\/][^\\/.][^\\/]*[\\/]")
_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")


def expand(text: str, folder: Path) -> Path:
    """The path *text* means in a file of *folder*; ``~`` is the user's home folder."""
    return Path(_absolute(text, folder))


def resolve_paths(tree: dict[str, Any], folder: Path) -> None:
    """Make the paths of the canonical *tree* absolute. Values that aren't text are left for the
    models."""
    _resolve(tree, folder, _RESOLVERS)


def _resolve(value: Any, folder: Path, resolvers: Trie[Resolver] | None) -> Any:  # noqa: ANN401
    if resolvers is None:
        return value
    if resolvers.value:
        return resolvers.value(value, folder)
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _resolve(item, folder, step(resolvers, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            value[index] = _resolve(item, folder, step(resolvers, index))
    return value


def _absolute(text: str, folder: Path) -> str:
    if text.startswith("~"):
        text = os.path.normpath(os.path.join(user_home(), text[1:].lstrip("/\\")))  # noqa: PTH118
    if os.path.isabs(text):  # noqa: PTH117
        return text
    # Lexically, like Go's filepath.Join, because the folder may be a link.
    return os.path.normpath(os.path.join(folder, text))  # noqa: PTH118


def _path(value: Any, folder: Path) -> Any:  # noqa: ANN401
    return _absolute(value, folder) if isinstance(value, str) and value else value


def _unix_or_windows_path(value: Any, folder: Path) -> Any:  # noqa: ANN401
    """Make a path absolute that may be on the engine's machine, with any operating system."""
    if not isinstance(value, str) or value.startswith("/") or _WINDOWS_ABSOLUTE.match(value):
        return value
    return _absolute(value, folder)


def _context(value: Any, folder: Path) -> Any:  # noqa: ANN401
    if isinstance(value, str) and (is_remote(value) or value.startswith("service:")):
        return value
    return _path(value, folder)


def is_remote(context: str) -> bool:
    """Whether a build's *context* is a URL and not a folder of this machine."""
    return "://" in context or context.startswith(_REMOTE)


def _watched(value: Any, folder: Path) -> Any:  # noqa: ANN401
    """Links are followed, since changes are seen at their targets."""
    if not isinstance(value, str) or not value:
        return value
    path = Path(_absolute(value, folder))
    for part in (*reversed(path.parents), path):
        if os.path.islink(part):  # noqa: PTH114 - False instead of an error without permission
            return str(path).replace(str(part), os.path.realpath(part), 1)
    return str(path)


def _mount(value: Any, folder: Path) -> Any:  # noqa: ANN401
    if isinstance(value, dict) and value.get("type") == "bind" and "source" in value:
        value["source"] = _unix_or_windows_path(value["source"], folder)
    return value


def _volume(value: Any, folder: Path) -> Any:  # noqa: ANN401
    """Resolve a volume of the local driver that is a folder of the host."""
    if not isinstance(value, dict) or value.get("driver") != "local":
        return value
    options = value.get("driver_opts")
    if isinstance(options, dict) and options.get("o") == "bind" and "device" in options:
        options["device"] = _unix_or_windows_path(options["device"], folder)
    return value


_RESOLVERS: Trie[Resolver] = trie(
    {
        _context: "services.*.build.context services.*.build.additional_contexts.*",
        _path: "services.*.env_file.*.path services.*.label_file.* services.*.extends.file",
        _unix_or_windows_path: "services.*.build.ssh.* configs.*.file secrets.*.file",
        _watched: "services.*.develop.watch.*.path",
        _mount: "services.*.volumes.*",
        _volume: "volumes.*",
    }
)
