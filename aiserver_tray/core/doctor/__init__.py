"""Checks of an installation and its engine, with a fix for each problem."""

from aiserver_tray.core.doctor.examination import examine
from aiserver_tray.core.doctor.finding import Finding, Grade

__all__ = ["Finding", "Grade", "examine"]
