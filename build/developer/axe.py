"""axe-core, which checks pages for what people with assistive technology need."""

from pathlib import Path

from developer.npm import Package

AXE = Package(
    "axe-core",
    "4.14.1",
    "axe",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)


def script() -> Path:
    """The script to run in a page. Exits if it can't be downloaded."""
    return AXE.set_up() / "axe.min.js"
