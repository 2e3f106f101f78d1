"""What a person does in one desktop session of its own, with a real Secret Service.

Run under ``dbus-run-session``: ``keyring_session.py HOME unlocked|locked``. Unlocked, GNOME
Keyring is started as a log-in does it. Locked, it is started by the bus, and nobody answers its
prompt. Prints the secret, the key's record and the notices as JSON, or the error.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jeepney import message_bus  # type: ignore[import-untyped, import-not-found, unused-ignore]
from jeepney.io.blocking import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    open_dbus_connection,
)

from aiserver_tray.base.errors import SettingError
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from tests.support.waiting import eventually

DECLARED = {"m.SECRET": Setting(type="secret", generate="hex32")}
DAEMON = ("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")


@contextmanager
def logged_in() -> Iterator[None]:
    """GNOME Keyring, unlocked by the log-in password and on the bus."""
    daemon = subprocess.Popen(DAEMON, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        assert daemon.stdin
        daemon.stdin.write(b"log-in password")
        daemon.stdin.close()
        with open_dbus_connection("SESSION") as bus:
            asked = message_bus.NameHasOwner("org.freedesktop.secrets")
            eventually(lambda: bus.send_and_get_reply(asked).body[0], "GNOME Keyring")
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def use_secret(home: Home) -> dict[str, str | None]:
    """The secret, where its key is and what was told, or the error."""
    settings = Settings(home)
    try:
        secret = settings.values(DECLARED)["m.SECRET"]
    except SettingError as error:
        return {"error": str(error)}
    record = settings.secrets.key_record
    assert record
    told = "\n".join(map(str, settings.notices))
    return {"secret": secret, "store": record.store, "backend": record.backend, "told": told}


def main(folder: str, session: str) -> None:
    """Use the home *folder* in a *session*."""
    home = Home(Path(folder), "credential store")
    if session == "unlocked":
        with logged_in():
            result = use_secret(home)
    else:
        result = use_secret(home)
    print(json.dumps(result))  # noqa: T201 - its result


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
