"""What compensation can find: the rules, and the functions that judge tables by them."""

from __future__ import annotations

from salesops_lib.compensation.rules import RULES, Setting

__all__ = ["RULES", "Setting"]
