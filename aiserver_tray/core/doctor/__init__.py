"""What is wrong with an installation and its engine, and how to fix it."""

from aiserver_tray.core.doctor.examination import examine
from aiserver_tray.core.doctor.finding import Finding, Grade

__all__ = ["Finding", "Grade", "examine"]
