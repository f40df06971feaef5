"""A new notebook that runs as it is: notebook, run file, package, policy, test and playbook page.

Nothing that stands is edited: discovery is by file. The files come from ``templates/scaffold``.
"""

from __future__ import annotations

import json
import keyword
import re
from datetime import date
from importlib import resources
from pathlib import Path

from salesops_lib.core.errors import UserError

NAME = re.compile(r"[a-z]{2,}(_[a-z]+)*")
RESERVED = {
    "core", "inputs", "publish", "handbook", "cli", "init", "import", "check", "doctor", "list", "run",
    "site", "sample", "new", "playbooks", "stages", "utils", "helpers", "misc", "test", "tests",
}  # fmt: skip
_LENGTH = 30
_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class ScaffoldError(UserError):
    """The name cannot be a notebook's, or something of it stands already."""


def scaffold(name: str, root: Path) -> list[Path]:
    """Write everything a notebook called ``name`` needs under ``root``; the files, in reading order.

    Raises ScaffoldError for a name that is no word or is taken; then nothing is written.
    """
    refuse_name(name)
    code = f"F-{name.replace('_', '').upper()}-LOW"
    page = f"how-to/analytics/review-{name.replace('_', '-')}.md"
    facts = {
        "name": name,
        "words": name.replace("_", " "),
        "slug": name.replace("_", "-"),
        "title": name.replace("_", " ").capitalize(),
        "code": code,
        "anchor": code.lower(),
        "page": page,
        "today": date.today().isoformat(),  # noqa: DTZ011
    }
    files = {root / path: _render(template, facts) for path, template in _targets(name, page).items()}
    files[root / "notebooks" / f"{name}.ipynb"] = _notebook(_render("notebook.txt", facts))
    taken = [path for path in [*files, root / "salesops_lib" / name] if path.exists()]
    if taken:
        raise ScaffoldError(f"{taken[0].relative_to(root)} stands already; choose another name")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def refuse_name(name: str) -> None:
    """Raise ScaffoldError unless ``name`` can name a notebook, a package and a policy file at once."""
    if not NAME.fullmatch(name) or len(name) > _LENGTH:
        raise ScaffoldError(
            f"{name[:40]!r} is no notebook name; write lower-case words joined by _ (up to {_LENGTH} letters)"
        )
    if name in RESERVED or keyword.iskeyword(name):
        raise ScaffoldError(f"'{name}' is taken by the workbench itself; name the notebook by its question")


def _targets(name: str, page: str) -> dict[str, str]:
    package = f"salesops_lib/{name}"
    modules = {"__init__": "init", **{m: m for m in ("metrics", "win_rate", "findings", "outputs", "charts")}}
    return {
        f"notebooks/{name}.yaml": "run_file.yaml",
        **{f"{package}/{module}.py": f"{template}.py" for module, template in modules.items()},
        f"data/policy/{name}.yaml": "policy.yaml",
        f"tests/{name}/test_win_rate.py": "test.py",
        f"playbooks/{page}": "page.md",
    }


def _render(template: str, facts: dict[str, str]) -> str:
    from jinja2 import Environment, StrictUndefined

    # Square brackets, since braces are Python's and YAML's.
    environment = Environment(  # noqa: S701  (writes source, not HTML)
        variable_start_string="[[ ",
        variable_end_string=" ]]",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    source = resources.files("salesops_lib.publish").joinpath("templates", "scaffold", f"{template}.j2")
    return _imports_in_order(environment.from_string(source.read_text(encoding="utf-8")).render(facts))


def _imports_in_order(text: str) -> str:
    """Where the new package's name falls among the library's others depends on the name."""

    def in_order(block: re.Match) -> str:
        return "".join(sorted(block[0].splitlines(keepends=True), key=lambda line: line.split()[1]))

    return re.sub(r"(?:^from salesops_lib.*\n)+", in_order, text, flags=re.MULTILINE)


def _notebook(text: str) -> str:
    """Cells from a text in which ``%% kind id`` opens each one."""
    cells = []
    for block in re.split(r"^%% ", text, flags=re.MULTILINE)[1:]:
        head, _, source = block.partition("\n")
        kind, cell_id = head.split()
        cell = {"cell_type": "markdown" if kind == "markdown" else "code", "id": cell_id, "metadata": {}}
        if kind == "parameters":
            cell["metadata"] = {"tags": ["parameters"]}
        if kind != "markdown":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell | {"source": source.rstrip("\n").splitlines(keepends=True)})
    notebook = {"cells": cells, "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
