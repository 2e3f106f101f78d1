"""Windows: files and named pipes for their owner only."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import PipeListener  # type: ignore[attr-defined] # on Windows only
from typing import TYPE_CHECKING, Any

from pywintypes import SECURITY_ATTRIBUTES, error
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
from win32security import SDDL_REVISION_1, ConvertStringSecurityDescriptorToSecurityDescriptor

if TYPE_CHECKING:
    from _win32typing import PySECURITY_ATTRIBUTES

_OWNERS_ONLY = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)"
"""Full access for the owner, administrators and the system; nothing is inherited
(https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format)."""


def owners_only() -> "PySECURITY_ATTRIBUTES":
    """The security attributes for a new file or pipe."""
    access = SECURITY_ATTRIBUTES()
    access.SECURITY_DESCRIPTOR = ConvertStringSecurityDescriptorToSecurityDescriptor(
        _OWNERS_ONLY, SDDL_REVISION_1
    )
    return access


@contextmanager
def as_os_error(path: str) -> Iterator[None]:
    """Raise errors of the block as the OSError that Python's own functions raise for *path*."""
    try:
        yield
    except error as failure:
        raise OSError(0, failure.strerror, path, failure.winerror) from failure


_ACCESS = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED
_KIND = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS
_BUFFER_BYTES = 8192
"""Bytes each way, as Python's own."""


class OwnersPipe(PipeListener):  # type: ignore[misc]
    """Listens at the address. Python's own pipe is readable for everybody, and other machines can
    connect.

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
