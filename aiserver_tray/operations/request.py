"""What a user asks for."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from aiserver_tray.model import OperationKind


class _Every:
    """Holds every name."""

    def __contains__(self, _name: object) -> bool:
        return True


EVERY_VOLUME: Final[Container[str]] = _Every()


@dataclass(frozen=True)
class Request:
    """One user request.

    ``modules``: none means the chosen ones for up, these with all that they require for pull and
    build, and all of ours for stop and down. ``all``: every module of the catalog. ``cascade``:
    stop the modules that need these, too. ``volumes``: the names of those that down may remove;
    the user has seen them, or wants all gone (`EVERY_VOLUME`). ``detach``: don't wait for what
    nothing else waits for. ``wait``: for another operation that has the modules, rather than
    failing. ``revives``: rather than ``modules``, those that are desired once its turn has come, as
    far as they can be had; nothing else is desired for it. Only the host itself asks for that.
    """

    kind: OperationKind
    modules: tuple[str, ...] = ()
    all: bool = False
    cascade: bool = False
    volumes: Container[str] = frozenset()
    detach: bool = False
    wait: bool = True
    revives: bool = False

    def __str__(self) -> str:
        words = [self.kind, *(["--all"] if self.all else self.modules)]
        return " ".join(words)
