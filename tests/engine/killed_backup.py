"""A process of its own that owns a home and kills itself in the middle of a backup, restore,
upgrade or adoption.

``python -m tests.engine.killed_backup HOME CATALOG HOST CHANNEL PAYLOAD MODULE:CLASS.METHOD
[RUNNING]``: once the module RUNNING (notes; -: none) runs, the process gets signal 9 when it first
calls the method after the request.
"""

import json
import os
import signal
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from tests.engine.through_owner import found, has_ended
from tests.support.installation import Installation
from tests.support.limits import SECONDS
from tests.support.owning import PEER, owned

PATIENCE = 4
"""An upgrade takes several starts of a module."""


def main(  # noqa: PLR0917 - the words of the command line
    home: str, catalog: str, host: str, channel: str, payload: str, where: str, module: str = ""
) -> None:
    """Do it. Returns only if the method was not called."""
    here = Installation(Path(home), Path(catalog), host)
    with owned(here) as (owner, modules):
        asked = json.loads(payload)
        if module != "-":
            modules.wait_for(**{module or asked.get("module", "notes"): "running"})
        place, _, name = where.partition(":")
        owning, _, method = name.partition(".")
        kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        setattr(getattr(import_module(place), owning), method, kill)
        begun = owner.api.invoke(channel, asked, PEER)
        assert begun["success"], begun
        found(owner, partial(has_ended, begun["data"]["operationId"]), PATIENCE * SECONDS)
        raise AssertionError(owner.core.store.state.operations)


if __name__ == "__main__":
    main(*sys.argv[1:])
