"""The list of packages with their licences."""

from aiserver_tray.system.engine_install import installed_packages


def test_packages_are_listed_with_version_and_licence() -> None:
    found = {package.name.lower(): package for package in installed_packages()}
    assert found["aiserver-tray"].licence == "MIT"
    assert {"pydantic", "pydantic_core", "bottle", "docker", "requests"} <= {*found}
    assert all(package.version for package in found.values())
    assert found["bottle"].licence == "MIT"


def test_packages_of_unused_extras_are_not_listed() -> None:
    assert "pytest" not in {package.name for package in installed_packages()}
