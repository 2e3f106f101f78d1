"""The request for an operation: the one model of it for command line, channels and core."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal

from aiserver_tray.model import MAX_NAMES, OperationKind


class _MaxLength:
    """Limits a field for pydantic, which the command line must not import."""

    def __get_pydantic_core_schema__(self, source: object, handler: Callable[[object], Any]) -> Any:  # noqa: ANN401
        return {**handler(source), "max_length": MAX_NAMES}


@dataclass(frozen=True)
class Request:
    """One user request. The text below a field is its meaning; documentation has it, too."""

    kind: OperationKind
    modules: Annotated[tuple[str, ...], _MaxLength()] = ()
    """if empty: the chosen modules for `up` and `restart`; the chosen modules with all their
    requirements for `pull` and `build`; everything of ours for `stop` and `down`"""
    services: Annotated[tuple[str, ...], _MaxLength()] = ()
    """only these services of the one module in `modules`, for `up`, `stop` and `restart`; `up` and
    `restart` also start what they depend on. The desired modules stay as they are"""
    all: bool = False
    """every module of the catalog"""
    cascade: bool = False
    """`stop` and `down` also stop the modules that need these; otherwise the request is refused
    (`E_IN_USE`)"""
    volumes: Annotated[frozenset[str], _MaxLength()] | Literal["all"] = frozenset()
    """the names of the volumes that `down` may remove, which the user has seen; `"all"`: every
    volume of its modules"""
    recreate: bool = False
    """`up` recreates the containers of `modules`, even if nothing has changed; data is kept"""
    detach: bool = False
    """`up` ends once everything is started, and waits only for services that other services wait
    for"""
    wait: bool = True
    """wait for another operation that has locked the modules; false: fail with `E_BUSY`"""

    revives: ClassVar[bool] = False
    restores: ClassVar[bool] = False
    """It is a part of a restore, which has replaced the data of its modules."""

    def __str__(self) -> str:
        names = [f"{m}/{s}" for m in self.modules for s in self.services] or self.modules
        return " ".join([self.kind, *(["--all"] if self.all else names)])

    def may_remove(self, volume: str) -> bool:
        """Whether the user agreed to lose the data in *volume*."""
        return self.volumes == "all" or volume in self.volumes

    def as_json(self) -> dict[str, Any]:
        """The fields, as the channel ``ai/operation/start`` takes them."""
        volumes = self.volumes if self.volumes == "all" else sorted(self.volumes)
        lists = {"modules": list(self.modules), "services": list(self.services)}
        return {**asdict(self), **lists, "volumes": volumes}


@dataclass(frozen=True)
class Revival(Request):
    """Starts the desired modules, as far as they can start. The operation finds out which ones
    these are when its turn has come, and adds none to them. Only the owner of the core asks for
    this: it has no JSON form of its own."""

    kind: OperationKind = "up"

    revives: ClassVar[bool] = True
