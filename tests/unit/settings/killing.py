"""Kills a process in the middle of a write, again and again, and checks that nothing is lost.

Run as a program of its own, since it forks: ``killing.py HOME TIMES SEED``. Prints, as JSON, how
often it killed, how many writes had been acknowledged, how many kills left a half-made file
behind, and what was lost.
"""

import json
import os
import random
import select
import signal
import struct
import sys
from pathlib import Path
from typing import NoReturn

from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home

NUMBER = struct.Struct("!I")


def declared(times: int) -> Declared:
    """Each turn has a setting and a secret of its own."""
    return {
        f"m.{kind}{turn}": Setting(type=kind)
        for turn in range(times)
        for kind in ("text", "secret")
    }


def write_until_killed(home: Home, settings: Declared, name: str, acks: int) -> NoReturn:
    """Write 000000001, 000000002 … and acknowledge each when it is stored."""
    store = Settings(home)
    number = 0
    while True:
        number += 1
        store.change(settings, {name: f"{number:09}"})
        os.write(acks, NUMBER.pack(number))


def last_acknowledged(home: Home, settings: Declared, name: str, delay: float) -> int:
    """Let a child write, kill it *delay* seconds after its first acknowledgement, and tell its
    last one."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        write_until_killed(home, settings, name, writer)
    os.close(writer)
    select.select([reader], [], [])
    select.select([], [], [], delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        acks = pipe.read()
    return int(NUMBER.unpack(acks[-NUMBER.size :])[0])


def main(folder: str, times: int, seed: int) -> None:
    """Kill *times* times and print what came of it."""
    chance = random.Random(seed)
    home = Home(Path(folder), "home")
    settings = declared(times)
    acknowledged: dict[str, int] = {}
    half_made = 0
    lost: list[str] = []
    notices: list[str] = []
    for turn in range(times):
        name = f"m.{'secret' if turn % 2 else 'text'}{turn}"
        acknowledged[name] = last_acknowledged(home, settings, name, chance.uniform(0, 0.02))
        half_made += bool(list(home.folder.glob("*.tmp")))
        store = Settings(home)
        values = store.values(settings)
        notices += map(str, store.notices)
        # The last write may have been stored without its acknowledgement having been sent.
        lost += [
            f"turn {turn}: {key} is {values.get(key)}, acknowledged {number}"
            for key, number in acknowledged.items()
            if int(values.get(key, 0)) not in (number, number + 1)
        ]
    result = {
        "kills": times,
        "acknowledged": sum(acknowledged.values()),
        "half_made": half_made,
        "lost": lost,
        "notices": notices,
    }
    print(json.dumps(result))  # noqa: T201 - its result


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
