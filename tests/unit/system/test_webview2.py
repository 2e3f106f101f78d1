"""Whether the registry has WebView2. A fake of it: there is none on the systems of these tests."""

import pytest

from aiserver_tray.system.desktop import is_registered
from aiserver_tray.system.registry import Hive, Registry

RUNTIME = "{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"


class Fake(Registry):
    """Has one version, in one place."""

    def __init__(self, hive: Hive, version: object) -> None:
        self._hive, self._version = hive, version

    def get(self, hive: Hive, key: str, name: str) -> object:
        is_it = (hive, key.rpartition("\\")[2], name) == (self._hive, RUNTIME, "pv")
        return self._version if is_it else None

    def put(self, key: str, name: str, value: str) -> None: ...

    def remove(self, key: str, name: str) -> None: ...


@pytest.mark.parametrize("hive", ["machine", "user"])
@pytest.mark.parametrize(
    ("version", "is_there"), [("130.0.2849.46", True), ("0.0.0.0", False), ("", False)]
)
def test_the_version_decides(hive: Hive, version: str, is_there: bool) -> None:  # noqa: FBT001
    assert is_registered(Fake(hive, version)) is is_there
