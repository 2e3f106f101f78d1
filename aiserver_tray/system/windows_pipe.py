"""Windows: a named pipe for its owner only. Python's own pipe is readable for everybody, and other
machines can connect."""

from multiprocessing.connection import PipeListener  # type: ignore[attr-defined] # on Windows only
from typing import Any

from win32file import FILE_FLAG_OVERLAPPED
from win32pipe import (
    FILE_FLAG_FIRST_PIPE_INSTANCE,
    PIPE_ACCESS_DUPLEX,
    PIPE_READMODE_MESSAGE,
    PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_MESSAGE,
    PIPE_UNLIMITED_INSTANCES,
    CreateNamedPipe,
)

from aiserver_tray.system.windows_owner import as_os_error, owners_only

_ACCESS = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED
_KIND = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS
_BUFFER_BYTES = 8192
"""Bytes each way, as Python's own."""


class OwnersPipe(PipeListener):  # type: ignore[misc]
    """Listens at the address.

    Raises:
        OSError: somebody does so already.
    """

    def _new_handle(self, first: bool = False) -> int:  # noqa: FBT001, FBT002 - as its base class
        access = _ACCESS | (FILE_FLAG_FIRST_PIPE_INSTANCE if first else 0)
        own = owners_only()
        with as_os_error(self._address):
            handle: Any = CreateNamedPipe(
                self._address,
                access,
                _KIND,
                PIPE_UNLIMITED_INSTANCES,
                _BUFFER_BYTES,
                _BUFFER_BYTES,
                0,
                own,
            )
        return int(handle.Detach())
