"""Windows: the ends of a child's stdio. Ours are overlapped, those of the child are as usual."""

import io
import msvcrt
import os
import socket
from collections.abc import Callable
from typing import Any, Literal
from uuid import uuid4

import pywintypes
import win32event
import win32file
import win32pipe

from aiserver_tray.system.windows_owner import owners_only

_Handle = Any
"""A `PyHANDLE`, which the stubs take for a number here and there."""
_PIPE_BYTES = 1 << 16
_GONE = (6, 109, 232, 233, 995)
"""Errors of a pipe without another end: invalid handle, broken, no data, not connected, aborted."""


class Pipes:
    """What HTTP and our streams use of a socket, over two pipes: on one for both ways, a waiting
    read would block writes."""

    def __init__(self, incoming: _Handle, outgoing: _Handle) -> None:
        self._in, self._out = incoming, outgoing
        self._milliseconds: int = win32event.INFINITE
        self._ended = _event()

    def settimeout(self, seconds: float | None) -> None:
        """Of each read and write from now on."""
        self._milliseconds = win32event.INFINITE if seconds is None else int(seconds * 1000)

    def recv_into(self, buffer: Any) -> int:  # noqa: ANN401 - writable bytes
        """Read into *buffer*; 0 at the end."""
        return self._moved(self._in, lambda how: win32file.ReadFile(self._in, buffer, how))

    def sendall(self, data: bytes) -> None:
        """Write all of *data*; empty: the end of input."""
        if not data:
            self.shutdown(socket.SHUT_WR)
        for at in range(0, len(data), _PIPE_BYTES):
            self._write(bytes(data[at : at + _PIPE_BYTES]))

    def _write(self, part: bytes) -> None:
        """Write *part*: a pipe of bytes takes all of it at once."""
        if not self._moved(self._out, lambda how: win32file.WriteFile(self._out, part, how)):
            raise BrokenPipeError(32, "the program has ended")

    def _moved(self, handle: _Handle, begin: Callable[[Any], object]) -> int:
        """The bytes that *begin* moves; 0 at the end."""
        overlapped = pywintypes.OVERLAPPED()
        overlapped.hEvent = _event()
        try:
            begin(overlapped)
            events = [overlapped.hEvent, self._ended]
            found = win32event.WaitForMultipleObjects(events, 0, self._milliseconds)
            if found != win32event.WAIT_OBJECT_0:
                win32file.CancelIo(handle)  # the buffer must live as long as the operation
                win32event.WaitForSingleObject(overlapped.hEvent, win32event.INFINITE)
                if found == win32event.WAIT_TIMEOUT:
                    raise TimeoutError("timed out")
                return 0
            return win32file.GetOverlappedResult(handle, overlapped, 1)
        except pywintypes.error as error:
            if error.winerror in _GONE:
                return 0
            raise OSError(0, error.strerror, None, error.winerror) from error

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        """A reader; closing it closes nothing else."""
        return io.BufferedReader(_Reader(self), _PIPE_BYTES)

    def is_quiet(self) -> bool:
        """Whether it is open, and nothing waits to be read."""
        if win32event.WaitForSingleObject(self._ended, 0) == win32event.WAIT_OBJECT_0:
            return False
        try:
            return bool(win32pipe.PeekNamedPipe(self._in, 0)[1] == 0)
        except pywintypes.error:
            return False

    def shutdown(self, how: int) -> None:
        """Close the child's stdin, or end all reads and writes, from any thread."""
        if how == socket.SHUT_WR:
            self._out.Close()
        else:
            win32event.SetEvent(self._ended)

    def close(self) -> None:
        """End all reads and writes, and close both pipes."""
        self.shutdown(socket.SHUT_RDWR)
        self._out.Close()
        self._in.Close()


class _Reader(io.RawIOBase):
    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the method has it
        return self._pipes.recv_into(buffer)

    def readable(self) -> bool:
        return True


def pipes() -> tuple[Pipes, int, int]:
    """Our ends, and the descriptors for the child's stdin and stdout."""
    outgoing, stdin = _pipe("out")
    incoming, stdout = _pipe("in")
    return Pipes(incoming, outgoing), stdin, stdout


def _pipe(way: Literal["in", "out"]) -> tuple[_Handle, int]:
    name, is_out = rf"\\.\pipe\aiserver-tray-stdio-{uuid4()}", way == "out"
    mode = win32pipe.PIPE_ACCESS_OUTBOUND if is_out else win32pipe.PIPE_ACCESS_INBOUND
    mode |= win32file.FILE_FLAG_OVERLAPPED | win32pipe.FILE_FLAG_FIRST_PIPE_INSTANCE
    kind, size = win32pipe.PIPE_REJECT_REMOTE_CLIENTS, _PIPE_BYTES
    ours = win32pipe.CreateNamedPipe(name, mode, kind, 1, size, size, 0, owners_only())
    access = win32file.GENERIC_READ if is_out else win32file.GENERIC_WRITE
    theirs = win32file.CreateFile(name, access, 0, None, win32file.OPEN_EXISTING, 0, None)
    flags = os.O_RDONLY if is_out else os.O_WRONLY
    end: int = msvcrt.open_osfhandle(int(theirs.Detach()), flags)  # type: ignore[attr-defined]
    return ours, end


def _event() -> _Handle:
    return win32event.CreateEvent(None, True, False, None)  # noqa: FBT003 - as Windows has it
