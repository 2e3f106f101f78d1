"""A process that holds locks until it is ended: ``lock_holder.py ENGINE COMMAND INSTALLATION HOME
MODULE…``. Prints a line when it has them."""

import sys
from threading import Event

from aiserver_tray.operations.locks import Work, module_locks

if __name__ == "__main__":
    engine, command, installation, home, *modules = sys.argv[1:]
    with module_locks(engine, modules, Work(command, installation, home)):
        print("held", flush=True)  # noqa: T201 - its result
        Event().wait()
