"""Looks at everything that the settings name, and changes nothing."""

from bootstrap.doctor.examination import examine

__all__ = ["examine"]
