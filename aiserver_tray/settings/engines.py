"""What is remembered of each engine, in state.json."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiserver_tray.settings.content import EngineState, StateData
from aiserver_tray.settings.files import VersionedFile


class Engines:
    """The desired state and the learnt times of each engine, in *file*.

    Raises:
        SettingError: from every method, as `Settings` does.
    """

    def __init__(self, file: VersionedFile[StateData]) -> None:
        self._file = file

    def state(self, engine_id: str) -> EngineState:
        """The data about the engine."""
        return self._file.read().engines.get(engine_id, EngineState())

    def desired(self, engine_id: str) -> Sequence[str]:
        """The modules that the user asked for on the engine."""
        return self.state(engine_id).desired

    def stopped(self, engine_id: str) -> Sequence[str]:
        """The services (``module/service``) that the user stopped alone on the engine."""
        return self.state(engine_id).stopped

    @contextmanager
    def update(self, engine_id: str) -> Iterator[EngineState]:
        """The data about the engine, to change in place. It is stored if the block ends without an
        exception."""
        with self._file.update() as data:
            yield data.engines.setdefault(engine_id, EngineState())

    @property
    def asked_for(self) -> Sequence[str]:
        """The modules that the user asked for, on any engine."""
        engines = self._file.read().engines.values()
        return list(dict.fromkeys(name for engine in engines for name in engine.desired))

    def usual_start(self, host: str) -> float | None:
        """The seconds that the last start of the engine at *host* took. None: there was none."""
        return self._file.read().starts.get(host)

    def learn_start(self, host: str, seconds: float) -> None:
        """The start of the engine at *host* took *seconds*."""
        with self._file.update() as data:
            data.starts[host] = round(seconds, 1)
