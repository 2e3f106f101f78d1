"""The hash that detects whether the definition of an object has changed."""

import hashlib
import json


def digest(whole: object) -> str:
    """SHA-256 over *whole*, as JSON."""
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
