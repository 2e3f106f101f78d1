"""The manifest for Windows' package manager
(https://learn.microsoft.com/windows/package-manager/package/manifest)."""

import hashlib
import json
from pathlib import Path
from typing import Final

IDENTIFIER: Final = "AIServerTray.AIServerTray"
_SCHEMA: Final = "1.6.0"
_IN_USE, _OLD_WINDOWS = 3, 4
"""Exit codes of the installer."""

_DESCRIPTIONS: Final = {
    "en-US": "Runs a local AI stack in Docker: n8n, Dify, OneAPI, RAGFlow and Open WebUI",
    "zh-CN": "在 Docker 中运行本地 AI 套件：n8n、Dify、OneAPI、RAGFlow 和 Open WebUI",
}
_DEFAULT: Final = "en-US"


def write_manifest(installer: Path, version: str, url: str, folder: Path) -> None:
    """Write to *folder* the manifest of *installer*, which users download from *url*."""
    folder.mkdir(parents=True, exist_ok=True)
    common = {"PackageIdentifier": IDENTIFIER, "PackageVersion": version}
    files: dict[str, dict[str, object]] = {
        "": {"DefaultLocale": _DEFAULT, "ManifestType": "version"},
        ".installer": {**_installer(installer, url), "ManifestType": "installer"},
        **{f".locale.{each}": _locale(each) for each in _DESCRIPTIONS},
    }
    for name, content in files.items():
        # JSON is YAML.
        text = json.dumps(
            {**common, **content, "ManifestVersion": _SCHEMA}, indent=2, ensure_ascii=False
        )
        (folder / f"{IDENTIFIER}{name}.yaml").write_text(f"{text}\n", encoding="utf-8")


def _installer(installer: Path, url: str) -> dict[str, object]:
    return {
        "Platform": ["Windows.Desktop"],
        "MinimumOSVersion": "10.0.17763.0",
        "InstallerType": "nullsoft",
        "Scope": "user",
        "InstallModes": ["interactive", "silent"],
        "InstallerSwitches": {"InstallLocation": "/D=<INSTALLPATH>"},
        "ExpectedReturnCodes": [
            {"InstallerReturnCode": _IN_USE, "ReturnResponse": "packageInUseByApplication"},
            {"InstallerReturnCode": _OLD_WINDOWS, "ReturnResponse": "systemNotSupported"},
        ],
        "UpgradeBehavior": "install",
        "ProductCode": "AIServerTray",
        "Installers": [
            {
                "Architecture": "x64",
                "InstallerUrl": url,
                "InstallerSha256": hashlib.sha256(installer.read_bytes()).hexdigest().upper(),
            }
        ],
    }


def _locale(language: str) -> dict[str, object]:
    is_default = language == _DEFAULT
    return {
        "PackageLocale": language,
        "Publisher": "AI-Server Tray project",
        "PackageName": "AI-Server Tray",
        "License": "MIT",
        "ShortDescription": _DESCRIPTIONS[language],
        "ManifestType": "defaultLocale" if is_default else "locale",
    }
