"""Collapse risk of truces from coded conflict events."""

__version__ = "0.1.0"
