"""Keeps a browser from noticing that networks of this machine come and go, as those of other tests'
containers do all the time: it gives up what it fetches then."""

import ctypes
import os
import struct

_SYSTEM_CALL_SOCKET = {"x86_64": 41, "aarch64": 198}
_AF_NETLINK, _EAFNOSUPPORT = 16, 97

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER, _FIRST_ARGUMENT = 0, 16
"""Places in what a filter gets of a system call (seccomp(2))."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def _filter() -> list[tuple[int, int, int, int]]:
    """Code, steps to leave out if it is true, and if not, value."""
    return [
        (_LOAD, 0, 0, _NUMBER),
        (_IF_EQUAL, 0, 3, _SYSTEM_CALL_SOCKET[os.uname().machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 0, 1, _AF_NETLINK),
        (_RETURN, 0, 0, _FAIL | _EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]


_STEPS = b"".join(struct.pack("HBBI", *step) for step in _filter())
_PROGRAM = _Program(len(_filter()), _STEPS)
_LIBC = ctypes.CDLL(None, use_errno=True)


def refuse_network_news() -> None:
    """From now on, this process and those that it starts can't ask the kernel for such news.

    Raises:
        OSError: the kernel does not allow that.
    """
    for call in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_PROGRAM), 0, 0),
    ):
        if _LIBC.prctl(*call):
            raise OSError(ctypes.get_errno(), "prctl")
