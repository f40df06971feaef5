"""One maths thread: the engines' matrices are small, and sums then do not depend on the cores."""

from __future__ import annotations

from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager:
    """A context in which numpy's and scipy's linear algebra run on one thread.

    Threads that wait for each other cost ten times the work where other processes want the cores too.
    """
    import scipy.linalg  # noqa: F401  a library that is loaded later would not be held to it
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)
