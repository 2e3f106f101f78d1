"""Listeners of this computer that pass connections on: ports of its loopback that lead to those of
another computer."""

import logging
import socket
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, suppress
from functools import partial
from threading import Event, Lock, Thread
from typing import Final

from aiserver_tray.state.facts import PortsForwarded
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.state.state import StateFields
from aiserver_tray.state.store import Store
from aiserver_tray.system import ports

_LOOPBACK: Final = "127.0.0.1"
_ANY: Final = ("0.0.0.0", "::", "")
_PIECE_BYTES: Final = 65536
_CLOSE_TIMEOUT_SECONDS: Final = 5.0

_logger = logging.getLogger(__name__)

Connect = Callable[[socket.socket], AbstractContextManager[socket.socket]]
"""Makes a connection for one that was accepted. Raises OSError: there is none for it."""


class Relay:
    """Accepts the connections of *listener*, and passes each on to one that *connect* makes."""

    def __init__(self, connect: Connect, listener: socket.socket) -> None:
        self._connect = connect
        self._listener = listener
        self.port: int = self._listener.getsockname()[1]
        self._lock = Lock()
        self._ends: set[socket.socket] = set()
        self._is_closed = False
        Thread(target=self._accept, name=f"forward-{self.port}", daemon=True).start()

    def close(self) -> None:
        """Stop to listen, and end all connections."""
        with self._lock:
            self._is_closed = True
            for end in (self._listener, *self._ends):
                _end(end)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                Thread(target=self._serve, args=[near], name="forwarded", daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                with self._connect(near) as far:
                    self._pass_both(near, far)
            except OSError as error:
                _logger.debug("port %s leads nowhere: %s", self.port, error)

    def _pass_both(self, near: socket.socket, far: socket.socket) -> None:
        far.settimeout(None)
        with self._lock:
            if self._is_closed:
                return
            self._ends |= {near, far}
        back = Thread(target=_pass, args=(far, near), name="forwarded-back", daemon=True)
        back.start()
        _pass(near, far)
        back.join()
        with self._lock:
            self._ends -= {near, far}


def loopback_listener(number: int = 0, reserved: Collection[int] = ()) -> socket.socket:
    """Listens on this computer's loopback address at *number*, or near it if that is in use or one
    of *reserved*; at any for 0.

    Raises:
        OSError: no port is free.
    """
    found: list[socket.socket] = []

    def can_listen(number: int) -> bool:
        # Windows would share a port with a program that listens on all addresses.
        if number and (number in reserved or not ports.is_free(_LOOPBACK, number, "tcp")):
            return False
        with suppress(OSError):
            found.append(socket.create_server((_LOOPBACK, number)))
        return bool(found)

    if not can_listen(number):
        ports.free_port_near(number, can_listen)
    if not found:
        raise OSError(f"no port near {number} is free")
    return found[0]


def _pass(source: socket.socket, drain: socket.socket) -> None:
    """Pass on what *source* sends, and its end. If one of them is lost, so is the other."""
    piece = memoryview(bytearray(_PIECE_BYTES))
    try:
        while size := source.recv_into(piece):
            drain.sendall(piece[:size])
        drain.shutdown(socket.SHUT_WR)
    except OSError:
        _end(source)
        _end(drain)


def _end(one: socket.socket) -> None:
    with suppress(OSError):  # it has ended
        one.shutdown(socket.SHUT_RDWR)


class Forwards:
    """A relay for each TCP port that the containers in *store* publish on the computer of the
    engine at *host*."""

    def __init__(self, store: Store, host: str) -> None:
        from aiserver_tray.engine.stdio import connected  # noqa: PLC0415 - few need a program

        self._store = store
        self._connect = partial(connected, host)
        self._relays: dict[tuple[str, int], Relay] = {}
        self._lock = Lock()
        self._changed = Event()
        self._is_closing = False
        self._leave: Callable[[], None] = lambda: None
        self._thread = Thread(target=self._run, name="forwarding", daemon=True)

    def start(self) -> None:
        """Begin to follow the containers."""
        self._leave = self._store.observe(lambda _state: self._changed.set())
        self._thread.start()

    def close(self) -> None:
        """Stop to forward."""
        self._leave()
        self._is_closing = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)
        with self._lock:
            for relay in self._relays.values():
                relay.close()
            self._relays = {}

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._is_closing:
                return
            self.refresh()

    def refresh(self) -> None:
        """Forward the ports that are published now, and no others."""
        with self._lock:
            places = _published(self._store.state)
            wanted = {_there(*place) for place in places}
            for target in self._relays.keys() - wanted:
                self._relays.pop(target).close()
            for target in sorted(wanted - self._relays.keys()):
                self._open(target, {number for _, number in wanted if number != target[1]})
            known = {place: self._relays.get(_there(*place)) for place in places}
        forwarded = {place: relay.port for place, relay in known.items() if relay}
        if forwarded != self._store.state.forwarded:
            self._store.put(PortsForwarded(forwarded))

    def _open(self, target: tuple[str, int], reserved: Collection[int]) -> None:
        try:
            listener = loopback_listener(target[1], reserved)
        except OSError as error:
            _logger.warning("port %s is not forwarded: %s", target[1], error)
            return
        self._relays[target] = Relay(lambda _near: self._connect(*target), listener)


def _published(state: StateFields) -> set[tuple[str, int]]:
    """Address and number of each TCP port that a container publishes; while the engine does not
    answer, of each that it published before."""
    known = state.containers if state.engine.running else state.last_containers
    running = (container for container in known.values() if container.status in ALIVE)
    return {(p.address, p.host) for one in running for p in one.ports if p.protocol == "tcp"}


def _there(address: str, number: int) -> tuple[str, int]:
    """Where the engine's computer itself reaches what is published on *address*."""
    return ("localhost" if address in _ANY else address), number
