"""The operating system's credential store, through ``keyring``: Windows Credential Manager, macOS
Keychain, Secret Service or KWallet. It searches for back ends during its import. This is slow, so
it is imported at first use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiserver_tray.base.i18n import Text

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "aiserver-tray"


class CredentialStore:
    """One back end of keyring. ``name`` identifies it; entries are text, by name. The argument of
    its errors is the reason: a `Text`, or a message of the library."""

    def __init__(self, backend: "KeyringBackend") -> None:
        self._backend = backend
        self.name = f"{type(backend).__module__}.{type(backend).__qualname__}"

    def get(self, entry: str) -> str | None:
        """The value of *entry*. None if it does not exist.

        Raises:
            ConnectionError: the store can't be reached, or stays locked.
        """
        with _reached():
            return self._backend.get_password(SERVICE, entry)

    def set(self, entry: str, value: str) -> None:
        """Store *value* as *entry*, and check that the store has it.

        Raises:
            ConnectionError: it has not.
        """
        with _reached():
            self._backend.set_password(SERVICE, entry, value)
        if self.get(entry) != value:
            raise ConnectionError(Text("it does not store entries"))


def preferred_store() -> CredentialStore | None:
    """The store that keyring is configured for or recommends. None if there is none.

    Raises:
        ConnectionError: the one it is set up for can't be loaded.
    """
    return next(iter(_stores()), None)


def store_named(name: str) -> CredentialStore:
    """The store called *name*.

    Raises:
        ConnectionError: there is none here now.
    """
    for store in _stores():
        if store.name == name:
            return store
    raise ConnectionError(Text("this credential store does not exist in this session"))


def _stores() -> list[CredentialStore]:
    """The stores that keyring recommends, best first. Some are listed twice."""
    from keyring import get_keyring  # noqa: PLC0415 - slow
    from keyring.backend import get_all_keyring  # noqa: PLC0415 - slow
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415 - slow
    from keyring.core import recommended  # noqa: PLC0415 - slow

    with _reached():
        first = get_keyring()
        chained = first.backends if isinstance(first, ChainerBackend) else [first]
        return [
            CredentialStore(backend)
            for backend in (*chained, *get_all_keyring())
            if recommended(backend) and not isinstance(backend, ChainerBackend)
        ]


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a back end is a plug-in and can raise anything
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
