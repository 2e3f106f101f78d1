"""JSON without spaces, as it is sent and stored."""

import json


def compact_json(value: object) -> bytes:
    """*value* as JSON, in one line."""
    return json.dumps(value, separators=(",", ":")).encode()
