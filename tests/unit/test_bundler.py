"""What the packages for users say of themselves."""

import hashlib
import json
import plistlib
from pathlib import Path

import pytest
from PIL import IcnsImagePlugin

import bundle
from bundler import mac
from bundler.inputs import cached
from bundler.notices import MissingLicenceError, of_bundle, unknown_files
from bundler.processes import MissingProgramError
from bundler.winget import write_manifest

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


def test_the_application_for_macos_lives_in_the_menu_bar_and_has_all_icons(tmp_path: Path) -> None:
    told = plistlib.loads(plistlib.dumps(mac.properties("1.2.3")))
    assert (told["LSUIElement"], told["LSBackgroundOnly"]) == (True, False)
    assert told["CFBundleShortVersionString"] == "1.2.3"
    assert plistlib.loads((ROOT / "build/bundler/entitlements.plist").read_bytes())
    mac.write_icon(tmp_path / "icon.icns")
    with IcnsImagePlugin.IcnsImageFile(tmp_path / "icon.icns") as icon:
        sizes = {size * scale for size, _, scale in icon.info["sizes"]}
    assert sizes == set(mac.ICON_SIZES)
