"""The lines of one container on their way into the log store."""

from collections.abc import Callable, Mapping, Sequence

from aiserver_tray.core.logs.collect.masking import Masker
from aiserver_tray.core.logs.collect.writer import LogWriter
from aiserver_tray.core.logs.parser import LineParser
from aiserver_tray.core.logs.position import Position
from aiserver_tray.core.logs.store.line import Gap, Line, Mark
from aiserver_tray.engine.values import LogLine, LogStreamName
from aiserver_tray.model import Container

_FLUSH_SECONDS = 5.0


class ContainerLines:
    """Masks and parses the lines of *container* from *position* on, and gives them to *writer*."""

    def __init__(
        self,
        container: Container,
        position: Position,
        masker: Callable[[], Masker],
        writer: LogWriter,
    ) -> None:
        self._container = container
        self._masker = masker
        self._writer = writer
        self._position = position
        self._parsers: Mapping[LogStreamName, LineParser] = {
            "stdout": LineParser(),
            "stderr": LineParser(),
        }
        self._time = 0

    def reopen(self) -> int | None:
        """The time from which to read the log on; None: from its beginning."""
        return self._position.reopen()

    def put(self, lines: Sequence[LogLine]) -> None:
        """Store those of *lines*, the next of the log, that are new. Waits while the writer has
        enough to do."""
        position = self._position
        new = position.take(lines)
        missing, position.missing = position.missing, []
        if new:
            id = self._container.id
            marks = [Mark(id, stream, *mark) for stream, mark in position.marks.items()]
            self._writer.put(self._parsed(new), marks, [self._gap(*gap) for gap in missing])

    def flush(self) -> None:
        """Wait until all lines are stored, unless that takes too long."""
        self._writer.flush(_FLUSH_SECONDS)

    def _gap(self, begin: int, end: int) -> Gap:
        return Gap(self._container.module, self._container.service, begin, end)

    def _parsed(self, lines: Sequence[LogLine]) -> list[Line]:
        module, service, parsers = self._container.module, self._container.service, self._parsers
        texts = self._masker().mask([line.text for line in lines])
        found = []
        for (stream, time, _), text in zip(lines, texts, strict=True):
            if time is not None:  # otherwise it is a part of the line before
                self._time = time
            level, continues, _, _ = parsers[stream].parse(text, self._time)
            found.append(Line(self._time, module, service, stream, level, continues, text))
        return found
