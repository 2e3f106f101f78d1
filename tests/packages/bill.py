"""The list of parts that each package has."""

import json
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def parts_of(bill: Path) -> list[dict[str, Any]]:
    """The parts that *bill* lists, which is what programs that look for vulnerabilities read."""
    text = bill.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts: list[dict[str, Any]] = json.loads(text)["components"]
    assert all(part["licenses"] for part in parts)
    return parts
