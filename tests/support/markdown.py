"""What Markdown files consist of, for the tests of the documents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".", "build", "docs", "docs/guide", "orchestration", "tests/lab")

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\](?:\([^)]*\))?)*)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def files() -> list[Path]:
    """Every Markdown file of the project."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))


@dataclass(frozen=True)
class Page:
    """A Markdown file, by its parts. ``prose``: without code. ``spans``: inline code."""

    path: Path
    prose: str
    spans: tuple[str, ...]
    blocks: tuple[tuple[str, str], ...]
    """Language and text of each fenced block"""

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each."""
        return [(len(marks), text) for marks, text in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives the headings."""
        found: dict[str, int] = {}
        for _, text in self.headings:
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found[anchor] = found.get(anchor, -1) + 1
            if found[anchor]:
                found[f"{anchor}-{found[anchor]}"] = 0
        return set(found)

    @property
    def links(self) -> list[str]:
        """Where the links lead, except for pictures."""
        return [target for kind, target in self._targets() if not kind]

    @property
    def pictures(self) -> list[str]:
        return [target for kind, target in self._targets() if kind]

    @property
    def console(self) -> list[str]:
        """The commands that a reader is told to type."""
        lines = [
            line for kind, text in self.blocks if kind == "console" for line in text.split("\n")
        ]
        return [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]

    def _targets(self) -> Iterator[tuple[str, str]]:
        for kind, text, target in _LINK.findall(self.prose):
            yield kind, target
            # A picture may be the text of a link.
            yield from ((inner, to) for inner, _, to in _LINK.findall(text))


@cache
def page(path: Path) -> Page:
    """The file at *path*."""
    text = path.read_text(encoding="utf-8")
    blocks = tuple((found[2], found[3]) for found in _FENCED.finditer(text))
    text = _FENCED.sub("", text)
    spans = tuple(" ".join(found[2].split()) for found in _CODE.finditer(text))
    # In a heading, code counts as its text.
    prose = _CODE.sub(lambda found: re.sub(r"[\[\]()#]", "", found[2]), text)
    return Page(path, prose, spans, blocks)
