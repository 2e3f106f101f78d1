"""What is wrong with an installation and its engine, and how to mend it."""

from aiserver_tray.doctor.finding import Finding, Grade
from aiserver_tray.doctor.installation import examine_installation

__all__ = ["Finding", "Grade", "examine_installation"]
