"""Print environment.yml, the conda environment pyproject.toml asks for: Python, pip, and pip's section."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def environment(pyproject: dict) -> str:
    """The text of environment.yml for a parsed pyproject.toml."""
    project = pyproject["project"]
    pinned = [*project["dependencies"], *pyproject["dependency-groups"]["dev"]]
    lines = [
        "# Generated from pyproject.toml by tools/environment.py; `make lock` renews it.",
        f"name: {project['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python {project['requires-python']}",
        "  - pip",
        "  - pip:",
        *(f'      - "{requirement}"' for requirement in pinned),
        '      - "-e ."',
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(environment(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))), end="")
