"""Backs up and restores a module while the disk of the home is full. Run in a mount namespace of
its own.

python -m tests.engine.faults.full_home_restore FOLDER HOST
"""

import subprocess
import sys
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import docker

from aiserver_tray.settings.store import Settings
from tests.engine.backups import before, files_of, leftovers
from tests.engine.faults.full_home import kept_full
from tests.engine.through_owner import asked, done, failed, found, is_over
from tests.support.installation import Installation, checked
from tests.support.observed import facts, names, said
from tests.support.owning import owned


def main(folder: Path, host: str) -> None:
    disk, backups = folder / "disk", folder / "backups"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], check=True)
    here = Installation(disk / "home", folder / "catalog", host)
    service = checked("true", volumes=["data:/data"], stop_signal="SIGKILL")
    here.write("files", {"files": service}, top={"volumes": {"data": {}}})
    here.set("app.backup_folder", str(backups))
    with closing(docker.DockerClient(base_url=host)) as engine:
        check(here, engine, disk)


def check(here: Installation, engine: docker.DockerClient, disk: Path) -> None:
    """Nothing stops if that can't be stored; what was replaced by then is put back later."""
    with owned(here) as (owner, _):
        start: dict[str, Any] = {"kind": "up", "modules": ["files"]}
        done(owner, "ai/operation/start", **start)
        said(engine, "ai-files", "sh", "-c", "echo first > /data/text")
        done(owner, "ai/backup/create")
        (file,) = files_of(owner)
        restore: dict[str, Any] = {"id": Path(file).stem, "modules": ["files"]}
        said(engine, "ai-files", "sh", "-c", "echo second > /data/text")
        running = facts(engine, "ai-files")
        with kept_full(disk):
            for channel, payload in (("create", {}), ("restore", restore)):
                assert "No space left" in failed(owner, f"ai/backup/{channel}", **payload)
        assert facts(engine, "ai-files") == running
        with ExitStack() as over:
            with before(Settings, "adopt", lambda: over.enter_context(kept_full(disk))):
                assert "No space left" in failed(owner, "ai/backup/restore", **restore)
            assert "restart AI-Server Tray" in asked(owner, "ai/backup/list")["problem"]
            assert "ai-files" not in names(engine)
            assert len(leftovers(engine)) == 2, "both contents are kept"
            assert "was interrupted" in failed(owner, "ai/operation/start", **start)
    with owned(here) as (owner, modules):
        view = found(owner, partial(is_over, "restore"))
        assert "Everything is as it was before" in str(view.error)
        modules.wait_for(files="running")
        assert said(engine, "ai-files", "cat", "/data/text") == "second"
        assert leftovers(engine) == []


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
