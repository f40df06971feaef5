"""The form of the code: sizes, docstrings, no swallowed errors, tests that say what they test."""

import ast
import re
from pathlib import Path

import pytest

import salesops_lib

LIBRARY = Path(salesops_lib.__file__).parent
TESTS = LIBRARY.parent / "tests"
MODULE_LINES, FUNCTION_LINES, POSITIONAL = 300, 60, 6
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def library_faults(module: Path) -> list[str]:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = text.split("\n")
    faults = []
    if text.count("\n") > MODULE_LINES:
        faults.append(f"{module.name}: {text.count(chr(10))} lines; split it by idea")
    if text.strip() and not ast.get_docstring(tree):
        faults.append(f"{module.name}: no module docstring")
    for node in ast.walk(tree):
        where = f"{module.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, FUNCTIONS):
            faults += [f"{where} {node.name}: {fault}" for fault in function_faults(node, lines)]
        if isinstance(node, ast.ExceptHandler) and all(isinstance(b, ast.Pass) for b in node.body):
            faults.append(f"{where} swallows an exception")
    faults += [
        f"{module.name}:{node.lineno} {node.name} is public and has no docstring"
        for node in public(tree)
        if not ast.get_docstring(node)
    ]
    for number, line in enumerate(lines, 1):
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line):
            faults.append(f"{module.name}:{number} leaves work undone")
    return faults


def function_faults(node: ast.FunctionDef, lines: list[str]) -> list[str]:
    documented = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
    code = [text for text in lines[documented : node.end_lineno] if text.strip() and text.strip()[0] != "#"]
    faults = []
    if len(code) > FUNCTION_LINES:
        faults.append(f"{len(code)} code lines; split it by idea")
    positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in {"self", "cls"}]
    if len(positional) > POSITIONAL and not is_command(node):
        faults.append(f"{len(positional)} positional parameters")
    return faults


def is_command(node: ast.FunctionDef) -> bool:
    """A typer command's parameters are its options."""
    return any("command" in ast.unparse(d) or "callback" in ast.unparse(d) for d in node.decorator_list)


def public(tree: ast.Module):
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (m for m in node.body if isinstance(m, FUNCTIONS) and not m.name.startswith("_"))


def suite_faults(module: Path) -> list[str]:
    faults = []
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and node.name.startswith("test"):
            where = f"{module.name}:{node.lineno} {node.name}"
            if len(node.name.split("_")) < 4:
                faults.append(f"{where}: the name is no sentence")
            if not any(asserts(n) for n in ast.walk(node)):
                faults.append(f"{where}: asserts nothing")
        if isinstance(node, ast.withitem) and unmatched(node, tree):
            faults.append(f"{module.name}:{node.context_expr.lineno} pytest.raises without match")
        if isinstance(node, ast.Attribute) and node.attr in {"flaky", "reruns"}:
            faults.append(f"{module.name}:{node.lineno} reruns a flaky test")
    return faults


def unmatched(item: ast.withitem, tree: ast.Module) -> bool:
    """Whether an error's words go unread: neither ``match=`` nor the error itself looked at afterwards."""
    call = item.context_expr
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "pytest.raises":
        return False
    kept = ast.unparse(item.optional_vars) if item.optional_vars else ""
    read = kept and f"{kept}.value" in ast.unparse(tree)
    return not read and not any(k.arg == "match" for k in call.keywords)


def asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in {"raises", "warns", "fail", "wait_for"} or str(name).startswith("assert")


def written(folder: Path, text: str) -> Path:
    path = folder / "module.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_a_library_module_keeps_its_form(path):
    assert library_faults(path) == []


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda p: str(p.relative_to(TESTS)))
def test_a_test_module_keeps_its_form(path):
    assert suite_faults(path) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "no module docstring"),
        ('"""Doc."""\n' + "x = 1\n" * 300, "301 lines"),
        ('"""Doc."""\ndef f():\n    return 1\n', "f is public and has no docstring"),
        ('"""Doc."""\nclass A:\n    x = 1\n', "A is public and has no docstring"),
        ('"""Doc."""\nclass A:\n    """Doc."""\n    def f(self):\n        return 1\n', "f is public"),
        ('"""Doc."""\ndef _f():\n' + "    x = 1\n" * 61, "61 code lines"),
        ('"""Doc."""\ndef _f(a, b, c, d, e, f, g):\n    return a\n', "7 positional parameters"),
        ('"""Doc."""\ntry:\n    x = 1\nexcept ValueError:\n    pass\n', "swallows an exception"),
        ('"""Doc."""\nx = 1  # TODO later\n', "leaves work undone"),
    ],
)
def test_a_module_out_of_form_is_found(tmp_path, text, said):
    assert said in "; ".join(library_faults(written(tmp_path, text)))


def test_docstrings_and_comments_do_not_count_as_code(tmp_path):
    long = (
        '"""Doc."""\ndef _f():\n    """One.\n'
        + "    more\n" * 40
        + '    """\n'
        + "    # why\n" * 40
        + "    x = 1\n"
    )
    assert library_faults(written(tmp_path, long)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def test_it():\n    assert 1\n", "no sentence"),
        ("def test_a_sum_is_kept():\n    x = 1\n", "asserts nothing"),
        (
            "import pytest\ndef test_a_sum_is_kept():\n    with pytest.raises(ValueError):\n        f()\n",
            "match",
        ),
        ("import pytest\n@pytest.mark.flaky\ndef test_a_sum_is_kept():\n    assert 1\n", "reruns"),
    ],
)
def test_a_test_out_of_form_is_found(tmp_path, text, said):
    assert said in "; ".join(suite_faults(written(tmp_path, text)))
