"""The plan language: plans as text, their checks, curves and windows."""
