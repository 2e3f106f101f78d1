"""Windows: access lists for the owner only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pywintypes import SECURITY_ATTRIBUTES, error
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
