"""Channels that open terminals in services, and pass on what is typed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Timer
from typing import Final, Literal, TypedDict
from uuid import uuid4

from pydantic import Field

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.place import Place, refuse_elsewhere
from aiserver_tray.features.stack.channels import running_container
from aiserver_tray.features.terminal.session import Session
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller, CallerKind, Peer
from aiserver_tray.settings.entries import TerminalEntry

MAX_TERMINALS: Final = 16
"""Open at once."""

RETURN_SECONDS: Final = 15.0
"""Seconds for a client whose connection broke to come back. Browsers lose theirs when a network of
the machine changes, as it does whenever a container starts."""

_PAGES: Final[tuple[CallerKind, ...]] = ("window", "browser")

_Rows = Field(ge=1, le=1000)


class TerminalOpening(Payload):
    """A terminal in a service."""

    module: str = Name
    service: str = Name
    """its name in the Compose file"""
    user: Literal["image", "root"] = "image"
    """`image`: the user that the image names"""
    rows: int = _Rows
    columns: int = _Rows


class TerminalId(Payload):
    """A terminal."""

    terminal: str = Name
    """its id"""


class TerminalInput(TerminalId):
    """What is typed in a terminal."""

    text: str = Field(max_length=1 << 16)


class TerminalSize(TerminalId):
    """The size of a terminal."""

    rows: int = _Rows
    columns: int = _Rows


class TerminalProgress(TerminalId):
    """How far a client is with the output of a terminal."""

    number: int = Field(ge=0)
    """of the last event that it has; 0: it has none"""


class TerminalOpened(TypedDict):
    """A terminal is open."""

    terminal: str
    """its id"""
    shell: str
    """the shell's name"""
    imageUser: str
    """the user that the image names"""


class TerminalClosed(TypedDict):
    """A terminal is closed."""

    left: list[int]
    """processes that could not be ended: their ids in the container"""


class TerminalFeature(Feature):
    """``ai/terminal/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sessions: dict[str, Session] = {}

    @channel("ai/terminal/open", callers=_PAGES)
    def _open(self, asked: TerminalOpening, caller: Caller) -> TerminalOpened:
        """Open a terminal in a service that runs. Its output arrives as `ai/terminal/output`. It
        ends with the client, and all that was started in it ends, too."""
        refuse_elsewhere(caller.peer)
        snapshot = self._place.core.store.snapshot
        container = running_container(snapshot, asked.module, asked.service)
        if sum(not one.has_ended for one in tuple(self._sessions.values())) >= MAX_TERMINALS:
            raise RefusedError(Text("Too many terminals are open. Close one, then try again."))
        user = "0" if asked.user == "root" else ""
        terminal = self._place.core.engine.containers.terminal(container, user)
        session = Session(uuid4().hex, terminal, caller.peer)
        self._sessions[session.id] = session  # before it is open: the client may go meanwhile
        try:
            session.open(asked.rows, asked.columns)
        except BaseException:
            self._sessions.pop(session.id, None)
            raise
        entry = TerminalEntry(
            actor=caller.actor,
            module=asked.module,
            service=asked.service,
            user="root" if user else terminal.image_user,
        )
        self._journal(entry)
        session.start(lambda left: self._report(entry, left))
        shell = terminal.shell.rpartition("/")[2]
        return {"terminal": session.id, "shell": shell, "imageUser": terminal.image_user}

    @channel("ai/terminal/attach", callers=_PAGES)
    def _attach(self, asked: TerminalProgress, caller: Caller) -> None:
        """Go on with a terminal after the client's connection broke: its output after an event
        arrives again. Possible for 15 seconds."""
        self._session(asked, caller).attach(caller.peer, asked.number)

    @channel("ai/terminal/acknowledge", callers=_PAGES)
    def _acknowledge(self, asked: TerminalProgress, caller: Caller) -> None:
        """Tell which output is shown, every 65536 characters at least: no more is sent while
        262144 characters are not acknowledged."""
        self._session(asked, caller).acknowledge(asked.number)

    @channel("ai/terminal/input", callers=_PAGES)
    def _input(self, asked: TerminalInput, caller: Caller) -> None:
        """Type a text in a terminal. Answers once it is passed on: clients wait for that, because
        requests may overtake each other."""
        self._session(asked, caller).type(asked.text)

    @channel("ai/terminal/resize", callers=_PAGES)
    def _resize(self, asked: TerminalSize, caller: Caller) -> None:
        """Tell the size of a terminal."""
        self._session(asked, caller).resize(asked.rows, asked.columns)

    @channel("ai/terminal/close", callers=_PAGES)
    def _close(self, asked: TerminalId, caller: Caller) -> TerminalClosed:
        """End a terminal, with all that was started in it."""
        session = self._session(asked, caller)
        self._end(session)
        return {"left": list(session.left)}

    def forget(self, peer: Peer) -> None:
        """Close the terminals of *peer*, unless it comes back soon."""
        for session in tuple(self._sessions.values()):
            if loss := session.detach(peer):
                timer = Timer(RETURN_SECONDS, self._end_lost, [session, loss])
                timer.daemon = True
                timer.start()

    def close(self) -> None:
        """End all terminals."""
        if sessions := tuple(self._sessions.values()):
            with ThreadPoolExecutor(len(sessions), "terminals") as threads:
                threads.map(self._end, sessions)

    def _end_lost(self, session: Session, loss: int) -> None:
        if session.is_lost_since(loss):  # not when it came back and was lost again
            self._end(session)

    def _end(self, session: Session) -> None:
        session.close()
        self._sessions.pop(session.id, None)

    def _session(self, asked: TerminalId, caller: Caller) -> Session:
        refuse_elsewhere(caller.peer)
        session = self._sessions.get(asked.terminal)
        if session is None:
            raise RefusedError(Text("This terminal has ended."), ["terminal"])
        return session

    def _report(self, entry: TerminalEntry, left: tuple[int, ...]) -> None:
        """Journal the processes that a terminal has left behind."""
        if left:
            self._journal(replace(entry, left=left))

    def _journal(self, entry: TerminalEntry) -> None:
        self._place.app.settings.journal.add(entry)
