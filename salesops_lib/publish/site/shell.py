"""The frame of the site: navigation, search and theme made by the generator, with a gap on every page.

What changes from run to run is put into the gaps afterwards, so the generator works only where pages come or
go or a playbook changes, and never reads a report.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from importlib import metadata
from pathlib import Path

import yaml

from salesops_lib.core.errors import UserError
from salesops_lib.publish.rendering.render import stylesheet

GAP = '<div class="report"><h1>salesops-gap-page</h1></div>'  # replaced whole by a page's own markup
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is compiled, and not in every build
LATEST = re.compile(
    r"salesops-gap-latest\(([a-z0-9_ ]*)\)"
)  # in every playbook page; notebooks it spells out
_NAMED = re.compile(r"salesops run ([a-z][a-z0-9_]*)|notebooks/([a-z][a-z0-9_]*)\.(?:ipynb|yaml)")
_ASSETS = "assets/salesops"
_FOLDERS = ("start-here", "charter", "how-to", "reference", "explanation", "templates", "registers")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_HEADING = re.compile(r"^# .+$", re.MULTILINE)
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ARTICLE = re.compile(r'<article class="md-content__inner.*</article>', re.DOTALL)
_CONFIG = """
[project]
site_name = {name}
site_description = "Reports and playbooks of sales operations"
use_directory_urls = false
extra_css = ["{assets}/parts.css", "{assets}/site.css"]
nav = {nav}
[project.extra]
generator = false
polyfills = ["{assets}/iframe-worker.js"]
[project.theme]
language = "en"
font = false
features = ["navigation.indexes", "navigation.sections", "navigation.top", "search.highlight", "toc.follow"]
[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Switch to dark mode"
[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Switch to light mode"
[project.plugins.offline]
enabled = true
[project.markdown_extensions]
admonition = {{}}
attr_list = {{}}
def_list = {{}}
footnotes = {{}}
tables = {{}}
toc.permalink = true
pymdownx.details = {{}}
pymdownx.highlight.pygments_lang_class = true
pymdownx.superfences = {{}}
pymdownx.tasklist = {{}}
"""


class SiteError(UserError):
    """The site cannot be built from what the reports folder holds."""


def documents(titles: dict[str, str], playbooks: Path | None) -> dict[str, bytes]:
    """What the generator reads, by path: a gap per page of ``titles`` (path → title), playbooks, style."""
    made = {}
    for path, title in titles.items():
        front = f"---\ntitle: {json.dumps(escape(title, quote=False))}\nhide:\n  - toc\n---\n\n"
        # Titles are escaped here, because the generator does not.
        made[path.removesuffix(".html") + ".md"] = f"{front}{GAP}\n".encode()
    for name in ("parts.css", "site.css", "iframe-worker.js"):
        made[f"{_ASSETS}/{name}"] = stylesheet(name).encode()
    for path in sorted(playbooks.rglob("*")) if playbooks and playbooks.is_dir() else ():
        inside = path.relative_to(playbooks)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            content = path.read_bytes()
            made[f"playbooks/{inside.as_posix()}"] = _gapped(content) if path.suffix == ".md" else content
    return made


def playbook_titles(docs: dict[str, bytes]) -> list[tuple[str, str]]:
    """Title and path (``playbooks/index.md``) of every playbook, index pages first in each folder."""
    paths = [path for path in docs if path.startswith("playbooks/") and path.endswith(".md")]
    paths.sort(key=lambda path: (path.rpartition("/")[0].split("/"), not path.endswith("/index.md"), path))
    return [(_title(path, docs[path].decode()), path) for path in paths]


def navigation(listed: Sequence[tuple[str, str]], pages: Sequence[tuple[str, str]], has_metrics: bool) -> str:
    """The navigation as TOML: ``listed`` reports and playbook ``pages``, each title and path of a ``.md``."""
    entries = [_entry("What needs a decision", '"index.md"')]
    if listed:
        inside = ", ".join(_entry(title, json.dumps(path)) for title, path in listed)
        entries.append(_entry("Reports", f"[{inside}]"))
    if has_metrics:
        entries.append(_entry("Metrics and trends", '"metrics/index.md"'))
    if pages:
        entries.append(_entry("Playbooks", _tree(pages, 1)))
    return f"[{', '.join(entries)}]"


def shell(stage: Path, docs: dict[str, bytes], nav: str, name: str, cache: Path) -> Path:
    """The generated frame of ``docs``, made in ``stage`` unless ``cache`` holds it; its folder in ``cache``.

    Raises SiteError with the generator's last line where it fails.
    """
    config = _CONFIG.format(
        name=json.dumps(escape(name, quote=False), ensure_ascii=False), nav=nav, assets=_ASSETS
    )
    made = cache / _digest(docs, config)
    if not (made / "index.html").is_file():
        for path, content in docs.items():
            target = stage / "docs" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        built = generate(stage, config)
        for page in built.rglob("*.html"):
            _secure(page)
        cache.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(made, ignore_errors=True)
        shutil.move(built, made)
    for old in cache.iterdir():
        if old != made:
            shutil.rmtree(old)
    return made


def generate(stage: Path, config: str) -> Path:
    """Run the generator on ``stage/docs``; the folder it wrote."""
    (stage / "zensical.toml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--config-file", str(stage / "zensical.toml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=stage)  # noqa: S603
    if done.returncode or not (stage / "site" / "index.html").is_file():
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SiteError(f"the site generator failed: {said[-1] if said else 'no message'}")
    return stage / "site"


def _digest(docs: dict[str, bytes], config: str) -> str:
    total = hashlib.sha256(f"{metadata.version('zensical')}\n{config}".encode())
    total.update(Path(__file__).read_bytes())
    for path, content in docs.items():
        total.update(f"\0{path}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:32]


def _gapped(content: bytes) -> bytes:
    """A playbook with a gap below its heading, which carries the names of the notebooks it spells out."""
    text = content.decode("utf-8")
    spelled = " ".join(sorted({a or b for a, b in _NAMED.findall(text)}))
    gap = f'\n\n<div class="latest">salesops-gap-latest({spelled})</div>\n'
    return _HEADING.sub(lambda found: found[0] + gap, text, count=1).encode()


def _title(path: str, text: str) -> str:
    if front := _FRONT.match(text):
        line = re.search(r"^title:.*$", front[1], re.MULTILINE)
        title = yaml.load(line[0], Loader=YAML)["title"] if line else None  # noqa: S506  (a safe one)
        if title:
            return str(title)
    heading = re.search(r"^# (.+?)\s*(?:\{.*\})?$", text, re.MULTILINE)
    return (
        heading[1] if heading else path.rpartition("/")[2].removesuffix(".md").replace("-", " ").capitalize()
    )


def _tree(pages: Sequence[tuple[str, str]], depth: int) -> str:
    """A folder as a TOML array: its index, its folders as sections, its other pages."""
    here = [(title, path) for title, path in pages if path.count("/") == depth]
    below: dict[str, list] = {}
    for title, path in pages:
        if path.count("/") > depth:
            below.setdefault(path.split("/")[depth], []).append((title, path))
    index = [json.dumps(path) for _, path in here if path.endswith("/index.md")]
    folders = [
        _entry(name.replace("-", " ").capitalize(), _tree(below[name], depth + 1))
        for name in sorted(
            below, key=lambda name: (_FOLDERS.index(name) if name in _FOLDERS else len(_FOLDERS), name)
        )
    ]
    others = [_entry(title, json.dumps(path)) for title, path in here if not path.endswith("/index.md")]
    return f"[{', '.join(index + folders + others)}]"


def _entry(title: str, value: str) -> str:
    return f"{{ {json.dumps(escape(title, quote=False), ensure_ascii=False)} = {value} }}"


def _secure(page: Path) -> None:
    """Give a page its content security policy: its own scripts, and the theme's inline ones by hash.

    Nothing inside the article is hashed, so a script that got in there stays without permission.
    """
    html = page.read_text(encoding="utf-8")
    if "<head>" not in html:
        return
    inline = sorted({_sha256(script) for script in _SCRIPT.findall(_ARTICLE.sub("", html))})
    policy = (
        "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"script-src 'self' {' '.join(inline)}; connect-src 'self'; worker-src 'self'; base-uri 'self'; "
        "form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page.write_text(html.replace("<head>", f"<head>{meta}", 1), encoding="utf-8")


def _sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
