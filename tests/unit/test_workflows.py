"""Steps of the workflows that are more than a command of ``build/dev.py``."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from aiserver_tray.core.app import built_in_catalog

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((built_in_catalog() / "features/n8n/compose.yaml").read_text("utf-8"))
VERSION = SERVICES["services"]["n8n"]["image"].rpartition(":")[2]


@pytest.mark.skipif(not Path("/proc").exists(), reason="runs on the workflow's Ubuntu")
@pytest.mark.parametrize(("found", "code"), [("", 0), ("high\nhttps://a.test/GHSA\n", 1)])
def test_advisories_about_the_catalogs_n8n_fail_the_job(
    tmp_path: Path, found: str, code: int
) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    step = next(s for s in steps["jobs"]["advisories"]["steps"] if "n8n" in s.get("name", ""))
    asked = tmp_path / "asked"
    # GitHub's command answers from the internet, so this one stands for it.
    gh = tmp_path / "gh"
    gh.write_text(f"#!/bin/sh\necho \"$2\" > '{asked}'\nprintf '%s' '{found}'\n")
    gh.chmod(0o755)
    (tmp_path / "orchestration").symlink_to(built_in_catalog())
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.read_text().strip() == f"/advisories?ecosystem=npm&affects=n8n@{VERSION}"
    assert (done.returncode, done.stdout) == (code, found)
