"""``python -m salesops_lib`` is ``salesops``."""

from salesops_lib.cli import main

if __name__ == "__main__":
    main()
