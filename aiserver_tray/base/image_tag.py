"""The tag in the name of an image."""


def image_tag(name: str) -> str | None:
    """``1.2`` of ``registry:5000/web:1.2@sha256:…``; None without a tag, as of an image's ID."""
    if name.startswith("sha256:"):
        return None
    return name.partition("@")[0].rpartition("/")[2].partition(":")[2] or None
