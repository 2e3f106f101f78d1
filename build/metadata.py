"""Hatchling's hook for the parts of the wheel's metadata that only a publisher knows. Pages of a
package index show README elsewhere, so its links and pictures need whole addresses."""

import os
import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE: Final = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)([^)\s]+)\)")


def with_addresses(text: str, homepage: str, version: str) -> str:
    """The Markdown *text*, whose relative links lead to the files of *version* at *homepage*."""

    def whole(found: re.Match[str]) -> str:
        kind = "raw" if found[1] else "blob"
        return f"{found[1]}{found[2]}({homepage}/{kind}/v{version}/{found[3]})"

    return _RELATIVE.sub(whole, text)


class Metadata(MetadataHookInterface):
    """Adds the address of the project, from AISERVER_HOMEPAGE, and README."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Change *metadata* in place."""
        root, homepage = Path(self.root), os.environ.get("AISERVER_HOMEPAGE", "")
        text = (root / "README.md").read_text(encoding="utf-8")
        if homepage:
            source = (root / "aiserver_tray/__init__.py").read_text(encoding="utf-8")
            version = re.findall(r'__version__ = "(.+)"', source)[0]
            text = with_addresses(text, homepage, version)
            changes = f"{homepage}/blob/v{version}/CHANGELOG.md"
            metadata["urls"] = {"Homepage": homepage, "Changelog": changes}
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
