"""Print the notes of a release: its part of CHANGELOG.md, and what users must know of packages that
are not signed. The release workflow runs it.

python3 build/release_notes.py v0.2.0 --unsigned windows --unsigned macos
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

WINDOWS = """\
> [!WARNING]
> The setup for Windows is not signed. Windows shows *Windows protected your PC*, and an antivirus
> program may ask, too. First compare the file with `SHA256SUMS`: `Get-FileHash FILE` in PowerShell
> must print its hash (in capital letters). Then choose *More info* and *Run anyway*.
"""
MACOS = """\
> [!NOTE]
> There is no application for macOS in this release, because macOS refuses one without a
> signature. Download the wheel, and use
> `pipx install "./aiserver_tray-{version}-py3-none-any.whl[desktop]"` in its folder.
"""
UNSIGNED = {"windows": WINDOWS, "macos": MACOS}


def notes(changelog: str, version: str, unsigned: Sequence[str]) -> str:
    """The notes of *version*. The packages that *unsigned* names, by keys of `UNSIGNED`, have no
    signature.

    Raises:
        SystemExit: the *changelog* has no such version, or not its date.
    """
    found = re.search(
        rf"^## {re.escape(version)} – (\d{{4}}-\d\d-\d\d)\n(.*?)(?=^## |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if not found:
        raise SystemExit(f"CHANGELOG.md has no part '## {version} – DATE'")
    warnings = [UNSIGNED[each].format(version=version) for each in unsigned]
    return "\n".join([*warnings, found[2].strip(), ""])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tag", help="such as v0.2.0")
    parser.add_argument("--unsigned", action="append", default=[], choices=UNSIGNED)
    given = parser.parse_args()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    print(notes(changelog, given.tag.removeprefix("v"), given.unsigned), end="")  # noqa: T201


if __name__ == "__main__":
    main()
