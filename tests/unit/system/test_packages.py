"""The list of packages with their licences."""

from aiserver_tray.system.engine_install import installed_packages


def test_packages_are_listed_with_version_and_licence_but_not_those_of_unused_extras() -> None:
    found = {package.name.lower(): package for package in installed_packages()}
    assert found["aiserver-tray"].licence == found["bottle"].licence == "MIT"
    assert {"pydantic", "pydantic_core", "bottle", "docker", "requests"} <= {*found}
    assert all(package.version for package in found.values())
    assert "pytest" not in found
