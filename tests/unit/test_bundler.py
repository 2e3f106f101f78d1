"""What the packages for users say of themselves."""

import hashlib
import json
import operator
import os
import plistlib
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import IcnsImagePlugin

import bundle
from bundler import inputs, mac, windows, windows_python
from bundler.inputs import cached
from bundler.notices import MissingLicenceError, of_bundle, unknown_files
from bundler.processes import MissingProgramError
from bundler.winget import write_manifest
from deb import package
from deb.releases import DEBIAN_12, DEBIAN_13

ROOT = Path(__file__).parents[2]


def test_the_manifest_for_winget_has_the_hash_of_the_installer(tmp_path: Path) -> None:
    setup = tmp_path / "setup.exe"
    setup.write_bytes(b"program")
    write_manifest(setup, "1.2.3", "https://example.org/setup.exe", tmp_path / "winget")
    contents = [json.loads(path.read_bytes()) for path in (tmp_path / "winget").iterdir()]
    kinds = {content["ManifestType"]: content for content in contents}
    assert set(kinds) == {"version", "installer", "defaultLocale", "locale"}
    assert {content["PackageVersion"] for content in contents} == {"1.2.3"}
    (told,) = kinds["installer"]["Installers"]
    assert told["InstallerUrl"] == "https://example.org/setup.exe"
    assert told["InstallerSha256"] == hashlib.sha256(b"program").hexdigest().upper()


@pytest.mark.parametrize(
    ("there", "sign", "said"),
    [("none", "", "makensis. Install NSIS"), ("makensis", "no-such a", "no-such. Install it, or")],
)
def test_a_missing_program_is_named_before_the_bundle_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, sign: str, said: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name == there else None)
    monkeypatch.setenv("AISERVER_SIGN", sign)
    monkeypatch.setattr(bundle, "native_bundle", lambda _: pytest.fail("made"))
    with pytest.raises(MissingProgramError, match=said):
        bundle.on_windows(tmp_path)


def test_a_package_without_a_licence_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "bare-1.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.4\nName: bare\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingLicenceError, match="bare"):
        of_bundle(["bare"], ROOT / "ui/vendor")


def test_a_file_that_nothing_accounts_for_is_found(tmp_path: Path) -> None:
    record = tmp_path / "known-1.0.dist-info/RECORD"
    record.parent.mkdir()
    record.write_text("known/part.pyd,sha256=x,1\n")
    for name in ("known/part.pyd", "known/other.pyd", "LIBCRYPTO-3.dll", "stray/libcrypto-3.dll"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert unknown_files(tmp_path) == ["known/other.pyd", "stray/libcrypto-3.dll"]


def test_a_build_that_fails_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), cached(tmp_path, "kind", "key"):
        raise ZeroDivisionError
    with cached(tmp_path, "kind", "key") as (_, empty):
        assert empty
        (empty / "result").touch()
    with cached(tmp_path, "kind", "key") as (place, again):
        assert (again, (place / "result").exists()) == (None, True)


def test_what_a_killed_build_left_is_removed_and_a_result_in_use_stays(tmp_path: Path) -> None:
    left, other = tmp_path / "making-kind-x", tmp_path / "making-another-x"
    for number, folder in enumerate((left, other, *(tmp_path / f"kind-{key}" for key in "abcd"))):
        folder.mkdir()
        (folder / "part").touch()
        days = 2 if folder.name in ("kind-a", "kind-b") else 0
        os.utime(folder, (time.time() - days * 86400 + number,) * 2)
    with cached(tmp_path, "kind", "new") as (_, empty):
        assert empty
    assert {each.name for each in tmp_path.iterdir() if each.is_dir()} == {
        *("making-another-x", "kind-c", "kind-d", "kind-new")
    }


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    made = []

    def build() -> None:
        with cached(tmp_path, "kind", "key") as (_, empty):
            if empty:
                time.sleep(0.05)
                made.append(empty)

    threads = [threading.Thread(target=build) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1


class Inputs:
    """What a package would be made from, in a folder."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.patch = root, patch
        self.locked = {"packages": "a==1", "builders": "b==1"}
        for name in ("build/bundler/part.py", "build/other/part.py", "CHANGES"):
            self.write(name, "text")
        self.write_wheel("x.py", "content")
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        patch.setattr(inputs, "ROOT", root)
        patch.setattr(inputs, "HERE", root / "build/bundler")
        patch.setattr(inputs, "exported", lambda packages: f"{packages} {self.locked['packages']}")
        patch.setattr(inputs, "builders", lambda: self.locked["builders"])

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def write_wheel(self, name: str, text: str) -> None:
        with zipfile.ZipFile(self.root / "some.whl", "w") as files:
            files.writestr(name, text)

    def key(self, *tools: str, packages: Sequence[str] = ("--all",)) -> str:
        sources = [self.root / "build/other", self.root / "CHANGES"]
        return inputs.fingerprint(self.root / "some.whl", packages, tools, sources)


CHANGED: dict[str, Callable[[Inputs], object]] = {
    "product": lambda it: it.write_wheel("x.py", "contents"),
    "name in the product": lambda it: it.write_wheel("y.py", "content"),
    "lock": lambda it: it.locked.update(packages="a==2"),
    "builders": lambda it: it.locked.update(builders="b==2"),
    "bundler": lambda it: it.write("build/bundler/part.py", "texts"),
    "new file": lambda it: it.write("build/other/deep/new", ""),
    "file's name": lambda it: (it.root / "build/other/part.py").rename(it.root / "build/other/p"),
    "single file": lambda it: it.write("CHANGES", "texts"),
    "Python": lambda it: it.patch.setattr(sys, "version", "another"),
    "time": lambda it: it.patch.setenv("SOURCE_DATE_EPOCH", "1"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_change_of_an_input_changes_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    it = Inputs(tmp_path, monkeypatch)
    before = it.key("tool 1")
    assert before not in (it.key("tool 2"), it.key("tool 1", packages=("--some",)))
    it.write("build/other/part.pyc", "bytecode")
    os.utime(tmp_path / "CHANGES", (1, 1))
    assert it.key("tool 1") == before, "neither counts"
    CHANGED[change](it)
    assert it.key("tool 1") != before


def test_each_program_that_builds_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = Inputs(tmp_path, monkeypatch)
    known = dict[str, str]()
    for module in (windows, windows_python, package):
        monkeypatch.setattr(module, "must", lambda *words: known.setdefault(words[0], "1"))
    monkeypatch.setattr(windows, "makensis", lambda: "makensis")
    monkeypatch.setattr(windows_python, "exported", str)
    monkeypatch.setattr(windows_python, "builders", lambda: "")
    for module in (windows, package):
        monkeypatch.setattr(module, "SOURCES", ())
    archive = it.root / "some.whl"

    def keys() -> list[str]:
        return [windows.package_key(archive), package.package_key(archive, DEBIAN_12)]

    first, tools = keys(), [*known]
    assert {*tools} == {
        *("wine", "makensis", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-objdump"),
        *("dpkg-deb", "objdump", "strip", "dpkg"),
    }
    for tool in tools:
        known[tool] = "2"
        assert sum(map(operator.ne, first, keys())) == 1, tool
        known[tool] = "1"
    for name in ("AISERVER_SIGN", "NSISDIR", "DEBEMAIL", "AISERVER_HOMEPAGE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "another")
            assert sum(map(operator.ne, first, keys())) == 1, name
    assert package.package_key(archive, DEBIAN_13) != first[1]


@pytest.mark.parametrize(
    ("name", "sources"), [("bundler.windows", windows.SOURCES), ("deb.package", package.SOURCES)]
)
def test_every_module_that_builds_counts(name: str, sources: Sequence[Path]) -> None:
    code = f"import sys, {name}; print(*(getattr(m, '__file__', '') for m in sys.modules.values()))"
    folders = f"{ROOT}{os.pathsep}{ROOT / 'build'}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": folders},
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {Path(word) for word in done.stdout.split() if word.startswith(f"{ROOT / 'build'}/")}
    assert len(loaded) > 5
    assert loaded <= {*inputs.files_in(inputs.HERE, *sources)}


def test_the_application_for_macos_lives_in_the_menu_bar_and_has_all_icons(tmp_path: Path) -> None:
    told = plistlib.loads(plistlib.dumps(mac.properties("1.2.3")))
    assert (told["LSUIElement"], told["LSBackgroundOnly"]) == (True, False)
    assert told["CFBundleShortVersionString"] == "1.2.3"
    assert plistlib.loads((ROOT / "build/bundler/entitlements.plist").read_bytes())
    mac.write_icon(tmp_path / "icon.icns")
    with IcnsImagePlugin.IcnsImageFile(tmp_path / "icon.icns") as icon:
        sizes = {size * scale for size, _, scale in icon.info["sizes"]}
    assert sizes == set(mac.ICON_SIZES)
