"""A company folder cut for one audience: rows, fields and files it may see, before any kernel starts."""
