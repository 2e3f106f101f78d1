"""The support bundle of an installation whose service writes its password."""

from pathlib import Path
from zipfile import ZipFile

from tests.support.installation import Installation, script


def test_bundle_masks_a_password_that_a_service_logged(here: Installation, tmp_path: Path) -> None:
    service = script("echo hello; echo I use $KEY; exec sleep 86400", init=True)
    here.write(
        "web",
        {"web": {**service, "environment": {"KEY": "${KEY}"}}},
        settings={"KEY": {"type": "secret", "generate": "alnum32"}},
    )
    here.cli.run("up", "web").succeeded()
    secret = here.app.settings.secrets.values(["web.KEY"])["web.KEY"]
    file = tmp_path / "bundle.zip"

    assert here.cli.run("support-bundle", "-o", str(file)).succeeded().output == f"{file}\n"

    with ZipFile(file) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not [name for name, text in files.items() if secret in text]
    log = files["logs/web-web.log"]
    assert "hello" in log
    assert "I use ********" in log
