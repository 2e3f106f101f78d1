"""Backs up, restores and upgrades a module while the disk of the home is full. Run in a mount
namespace of its own.

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
from tests.lab.engine import Client
from tests.lab.fixtures import have_image
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import facts, names, said
from tests.support.owning import owned

UPGRADE: dict[str, Any] = {"module": "files", "version": "2.0", "how": "direct"}


def main(folder: Path, host: str) -> None:
    disk, backups = folder / "disk", folder / "backups"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], check=True)
    here = Installation(disk / "home", folder / "catalog", host)
    service = checked("true", volumes=["data:/data"], stop_signal="SIGKILL")
    here.write(
        "files",
        {"files": service | {"image": "files:${FILES_VERSION}"}},
        top={"volumes": {"data": {}}},
        settings={"FILES_VERSION": {"default": "1.0", "title": {"en": "Version", "zh": "版本"}}},
        updates=[{"setting": "FILES_VERSION", "images": ["files"], "range": ">=1 <3"}],
    )
    here.set("app.backup_folder", str(backups))
    with closing(Client(host, timeout=60)) as engine:
        have_image(engine, IMAGE)
        for version in ("1.0", "2.0"):
            engine.images.get(IMAGE).tag("files", version)
        check(here, engine, disk)
        what_an_upgrade_has_replaced_is_put_back(here, engine, disk)


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
        asking = {"backup/create": {}, "backup/restore": restore, "upgrade/start": UPGRADE}
        with kept_full(disk):
            for channel, payload in asking.items():
                assert "No space left" in failed(owner, f"ai/{channel}", **payload)
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


def what_an_upgrade_has_replaced_is_put_back(
    here: Installation, engine: docker.DockerClient, disk: Path
) -> None:
    """See that, once there is space again."""
    with owned(here) as (owner, modules):
        modules.wait_for(files="running")
        with ExitStack() as over:
            with before(Settings, "adopt", lambda: over.enter_context(kept_full(disk))):
                assert "No space left" in failed(owner, "ai/upgrade/start", **UPGRADE)
            assert "restart AI-Server Tray" in asked(owner, "ai/upgrade/list")["unended"]
            assert len(leftovers(engine)) == 1, "the way back is kept"
    with owned(here) as (owner, modules):
        view = found(owner, partial(is_over, "upgrade"))
        assert "Everything is as it was before" in str(view.error)
        modules.wait_for(files="running")
        assert engine.containers.get("ai-files").attrs["Config"]["Image"] == "files:1.0"
        assert said(engine, "ai-files", "cat", "/data/text") == "second"
        assert leftovers(engine) == []


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
