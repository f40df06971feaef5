"""The sample company: a plausible business with planted, known effects."""

from salesops_lib.inputs.sample.generate import generate

__all__ = ["generate"]
