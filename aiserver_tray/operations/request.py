"""What a user asks for."""

from dataclasses import dataclass

from aiserver_tray.model import OperationKind


@dataclass(frozen=True)
class Request:
    """One user request.

    ``modules``: none means the chosen ones for up, and all of ours for stop and down. ``all``:
    every module of the catalog. ``cascade``: stop the modules that need these, too. ``volumes``:
    remove volumes with down. ``detach``: don't wait for what nothing else waits for. ``wait``:
    for another operation that has the modules, rather than failing.
    """

    kind: OperationKind
    modules: tuple[str, ...] = ()
    all: bool = False
    cascade: bool = False
    volumes: bool = False
    detach: bool = False
    wait: bool = True

    def __str__(self) -> str:
        words = [self.kind, *(["--all"] if self.all else self.modules)]
        return " ".join(words)
