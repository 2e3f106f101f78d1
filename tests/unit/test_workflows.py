"""Steps of the workflows that are more than a command of ``build/dev.py``."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from aiserver_tray.core.app import built_in_catalog

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((built_in_catalog() / "features/n8n/compose.yaml").read_text("utf-8"))
VERSION = SERVICES["services"]["n8n"]["image"].rpartition(":")[2]


IN_BASH = pytest.mark.skipif(not Path("/proc").exists(), reason="runs on the workflow's Ubuntu")


def program(folder: Path, name: str, script: str) -> None:
    """Write *script* as the program *name*."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@IN_BASH
@pytest.mark.parametrize(("found", "code"), [("", 0), ("high\nhttps://a.test/GHSA\n", 1)])
def test_advisories_about_the_catalogs_n8n_fail_the_job(
    tmp_path: Path, found: str, code: int
) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    step = next(s for s in steps["jobs"]["advisories"]["steps"] if "n8n" in s.get("name", ""))
    asked = tmp_path / "asked"
    # GitHub's command answers from the internet, so this one stands for it.
    program(tmp_path, "gh", f"echo \"$2\" > '{asked}'\nprintf '%s' '{found}'")
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


@IN_BASH
def test_nsis_is_installed_only_if_its_setup_has_the_hash_that_is_written_here(
    tmp_path: Path,
) -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))["jobs"]
    (step,) = [each for each in jobs["windows"]["steps"] if each.get("name") == "Install NSIS"]
    (written,) = re.findall(r"[0-9a-f]{64}", step["run"])
    installed, setup = tmp_path / "installed", tmp_path / "setup"
    # The setup itself can't be had here, so another file stands for it.
    program(tmp_path, "setup", f"echo \"$@\" > '{installed}'")
    program(tmp_path, "curl", f'test "$9" = "$URL" && cp -p "{setup}" "$8"')
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path)}

    def run(script: str) -> int:
        words = ["bash", "-e", "-c", script]
        return subprocess.run(words, env=env | step["env"], check=False).returncode

    assert run(step["run"]) != 0
    assert not installed.exists()
    assert run(step["run"].replace(written, hashlib.sha256(setup.read_bytes()).hexdigest())) == 0
    assert installed.read_text() == "//S\n"
