"""What is shipped: the catalog and the dashboard travel inside the wheel and are found there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_unpacked_wheel_lists_its_own_catalog(tmp_path: Path) -> None:
    build = sources()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert sources() == build, "build/ is source"
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    for table in ("locale/zh.json", "_data/ui/js/locale/zh.js"):
        assert (tmp_path / "site/aiserver_tray" / table).is_file()
    assert not list((tmp_path / "site").rglob("*.d.ts")), "only the type check needs them"
    scripts = [*(tmp_path / "site/aiserver_tray/_data/orchestration").rglob("*.sh")]
    assert scripts
    assert [path for path in scripts if b"\r" in path.read_bytes()] == [], "containers run them"
    listed = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", "catalog", "show", "n8n", "--json"],
        cwd=tmp_path / "site",
        env={"PATH": os.environ["PATH"], "AISERVER_HOME": str(tmp_path / "home")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(tmp_path / "site/aiserver_tray/_data/orchestration/features/n8n") in listed.stdout


def sources() -> set[str]:
    """What is in the build folder, but the bytecode of its Python, which any command may leave."""
    return {entry.name for entry in (ROOT / "build").iterdir()} - {"__pycache__"}
