"""A process that holds locks until it is ended: ``lock_holder.py ENGINE COMMAND MODULE…``. Prints a
line when it has them."""

import signal
import sys

from aiserver_tray.operations.locks import module_locks

if __name__ == "__main__":
    engine, command, *modules = sys.argv[1:]
    with module_locks(engine, modules, command):
        print("held", flush=True)  # noqa: T201 - its result
        signal.pause()
