"""Building the package for Debian and Ubuntu, without root."""

import gzip
import hashlib
import os
import re
import shutil
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import window_icon
from aiserver_tray.cli import root as commands
from aiserver_tray.cli.complete import script
from bundler.inputs import cached, changed_at, fingerprint, homepage, version, wheel
from bundler.processes import must
from bundler.sbom import write_bill
from deb.contents import PACKAGES, add_environment, remove_unused
from deb.copyright import copyright_of, parts_of
from deb.dependencies import depends
from deb.manual import manual
from deb.releases import Release
from developer.machine import ROOT

NAME: Final = "aiserver-tray"
APP_ID: Final = "io.github.aiserver_tray.AIServerTray"
"""Of the application, for desktops and their shops."""

LEVEL = "6"
"""How hard xz compresses: as dpkg-deb does it by itself."""

FILES: Final = Path(__file__).parent / "files"
ICON_SIZES: Final = (16, 22, 24, 32, 48, 64, 128, 256)
_COMPLETIONS: Final = {
    "bash": f"bash-completion/completions/{NAME}",
    "zsh": f"zsh/vendor-completions/_{NAME}",
    "fish": f"fish/vendor_completions.d/{NAME}.fish",
}
_MAINTAINER: Final = ("The AI-Server Tray authors", "aiserver-tray@localhost")
"""Name and address, unless DEBFULLNAME and DEBEMAIL have others."""

_DEVELOPERS: Final = ("__init__", "machine", "packages", "processes")
SOURCES: Final = (
    FILES.parent,
    *(ROOT / name for name in ("LICENSE", "CHANGELOG.md", "build/window_icon.py")),
    *(ROOT / "build/developer" / f"{name}.py" for name in _DEVELOPERS),
)
"""What the package is made from, beside the wheel and the folder of the bundler."""

_CONTROL: Final = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
{homepage}Installed-Size: {size}
Depends: {depends}
Suggests: docker.io
Section: utils
Priority: optional
Description: system tray applet that runs a local AI stack in Docker
 AI-Server Tray runs n8n, Dify, OneAPI, RAGFlow and Open WebUI with the
 databases that they need. An icon on the task bar shows the state of all
 modules, and starts and stops them. Its dashboard shows logs, resources,
 settings and problems with their fixes.
 .
 It needs a Docker Engine. "aiserver-tray engine install" installs one.
"""


def deb_package(cache: Path, release: Release) -> Path:
    """The package of the files that are here for *release*, built unless it is in *cache*.

    Raises:
        CalledProcessError: a tool failed; its errors were shown.
    """
    with TemporaryDirectory() as name:
        archive = wheel(Path(name) / "dist")
        with cached(cache, release.name, package_key(archive, release)) as (folder, empty):
            if empty:
                root = Path(name) / "root"
                _build(archive, release, root, empty / file_name(release))
    return folder / file_name(release)


def package_key(archive: Path, release: Release) -> str:
    """Of everything that the package for *release* with the wheel *archive* is made from."""
    tools = [must(tool, "--version") for tool in ("dpkg-deb", "objdump", "strip")]
    about = [_architecture(), _maintainer(), homepage(), repr(release), LEVEL]
    return fingerprint(archive, PACKAGES, [*tools, *about], SOURCES)


def file_name(release: Release) -> str:
    """The package's own. GitHub would replace other characters in it."""
    return f"{NAME}_{version()}_{release.name}_{_architecture()}.deb"


def debian_version() -> str:
    """The version, in Debian's form: a pre-release comes before its release."""
    return re.sub(r"(?<=\d)(a|b|rc)(?=\d)", r"~\1", version())


def _build(archive: Path, release: Release, root: Path, package: Path) -> None:
    """Collect all files of the *package* below *root*, and pack them."""
    time = changed_at()
    root.mkdir()
    site = add_environment(root, archive, release)
    documents = root / "usr/share/doc" / NAME
    documents.mkdir(parents=True)
    parts = parts_of(site)
    (documents / "copyright").write_text(copyright_of(parts), encoding="utf-8")
    write_bill(documents / f"{NAME}.cdx.json", version(), (notice for _, notice in parts))
    remove_unused(site)
    _compressed(documents / "changelog.gz", _changelog(time))
    _compressed(documents / "CHANGELOG.md.gz", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    _add_desktop(root / "usr/share", time)
    _add_help(root / "usr/share")
    _add_control(root, site, release)
    _set_modes(root)
    words = ["--root-owner-group", "-Zxz", f"-z{LEVEL}", "--build", str(root), str(package)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(int(time.timestamp()))}
    must("dpkg-deb", *words, env=env)


def _add_desktop(share: Path, time: datetime) -> None:
    """Add what makes it an application of a desktop: menu entry, description, icons."""
    menu = share / f"applications/{NAME}.desktop"
    menu.parent.mkdir()
    shutil.copy(FILES / menu.name, menu)
    about = share / f"metainfo/{APP_ID}.metainfo.xml"
    about.parent.mkdir()
    text = (FILES / about.name).read_text(encoding="utf-8")
    text = text.replace("@VERSION@", debian_version()).replace("@DATE@", f"{time:%Y-%m-%d}")
    text = text.replace("@HOMEPAGE@", f'<url type="homepage">{homepage()}</url>' * bool(homepage()))
    about.write_text(text, encoding="utf-8")
    icons = share / "icons/hicolor"
    for size in ICON_SIZES:
        file = icons / f"{size}x{size}/apps/{NAME}.png"
        file.parent.mkdir(parents=True)
        window_icon.drawn(size).save(file)
    drawing = icons / f"scalable/apps/{NAME}.svg"
    drawing.parent.mkdir(parents=True)
    shutil.copy(window_icon.UI / "favicon.svg", drawing)


def _add_help(share: Path) -> None:
    """Add manual page and completions."""
    page = share / f"man/man1/{NAME}.1.gz"
    page.parent.mkdir(parents=True)
    _compressed(page, manual(version()))
    for shell, place in _COMPLETIONS.items():
        (share / place).parent.mkdir(parents=True)
        (share / place).write_text(script(commands, shell))


def _add_control(root: Path, site: Path, release: Release) -> None:
    """Add what describes the package to dpkg, and the exceptions for lintian."""
    exceptions = root / f"usr/share/lintian/overrides/{NAME}"
    exceptions.parent.mkdir(parents=True)
    shutil.copy(FILES / "lintian-overrides", exceptions)
    control = root / "DEBIAN"
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    control.mkdir()
    for name in ("postinst", "prerm"):
        shutil.copy(FILES / name, control / name)
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(root)}\n"
        for path in files
    ]
    (control / "md5sums").write_text("".join(sums))
    (control / "control").write_text(
        _CONTROL.format(
            name=NAME,
            version=debian_version(),
            architecture=_architecture(),
            maintainer=_maintainer(),
            homepage=f"Homepage: {homepage()}\n" * bool(homepage()),
            size=sum(path.stat().st_size + 1023 for path in files) // 1024,
            depends=depends(site, release),
        )
    )


def _set_modes(root: Path) -> None:
    """Give files and folders the usual permissions, whatever the builder's are."""
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            is_program = path.parent.name in ("bin", "DEBIAN") and path.read_bytes()[:2] == b"#!"
            path.chmod(0o755 if path.is_dir() or is_program else 0o644)


def _changelog(time: datetime) -> str:
    return (
        f"{NAME} ({debian_version()}) unstable; urgency=medium\n\n"
        "  * See CHANGELOG.md.gz beside this file.\n\n"
        f" -- {_maintainer()}  {format_datetime(time)}\n"
    )


def _compressed(file: Path, text: str) -> None:
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def _architecture() -> str:
    return must("dpkg", "--print-architecture").strip()


def _maintainer() -> str:
    name, address = _MAINTAINER
    name, address = os.environ.get("DEBFULLNAME", name), os.environ.get("DEBEMAIL", address)
    return f"{name} <{address}>"
