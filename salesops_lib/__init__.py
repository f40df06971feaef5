"""The library behind the sales operations workbench."""

__version__ = "0.1.0"
