"""The browsable site: reports, what they ask for, and the playbooks, as plain files without any server.

``reports/site`` is a link that is switched to a finished site in one step; a reader never meets half of one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import yaml

from salesops_lib.publish import provenance
from salesops_lib.publish.history import ReportHistory, read_reports
from salesops_lib.publish.render import stylesheet
from salesops_lib.publish.site_pages import SiteError, report_title, write_now, write_report
from salesops_lib.publish.store import Store, next_name

_ASSETS = "assets/salesops"
_FOLDERS = ("start-here", "charter", "how-to", "reference", "explanation", "templates", "registers")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
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


def build_site(
    reports: Path,
    out: Path | None = None,
    playbooks: Path | None = None,
    decisions: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Build the site of all bundles under ``reports`` and switch ``out`` (``reports/site``) to it.

    ``playbooks``: folder of Markdown pages to include. ``decisions``: entries made by
    :func:`salesops_lib.core.followup.decision`, oldest first; what they settle is no card.
    Returns the path of the first page. Raises SiteError
    where a bundle cannot be shown or ``out`` is something else than a site.
    """
    out = out or reports / "site"
    store = Store(reports)
    with store.lock("site/build"), store.staging() as stage:
        histories = read_reports(reports)
        docs = stage / "docs"
        docs.mkdir()
        pages = _copy_playbooks(playbooks, docs) if playbooks and playbooks.is_dir() else []
        for history in histories:
            write_report(history, docs)
        write_now(histories, pages, docs, decisions)
        _write_assets(docs)
        company = next((h.current.manifest["company"] for h in histories if h.current), "")
        _generate(stage, _nav(histories, pages), company or "Sales operations")
        for page in (stage / "site").rglob("*.html"):
            _secure(page)
        provenance.refuse_secrets(stage / "site", provenance.secrets())
        _switch(stage / "site", out)
    return out / "index.html"


def _copy_playbooks(playbooks: Path, docs: Path) -> list[tuple[str, str]]:
    """Copy the folder; returns title and path of every page, index pages first in each folder."""
    target = docs / "playbooks"
    shutil.copytree(playbooks, target, ignore=shutil.ignore_patterns(".*"))
    paths = sorted(target.rglob("*.md"), key=lambda p: (p.parent, p.name != "index.md", p.name))
    return [(_title(path), path.relative_to(docs).as_posix()) for path in paths]


def _title(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if front := _FRONT.match(text):
        title = (yaml.safe_load(front[1]) or {}).get("title")
        if title:
            return str(title)
    heading = re.search(r"^# (.+?)\s*(?:\{.*\})?$", text, re.MULTILINE)
    return heading[1] if heading else path.stem.replace("-", " ").capitalize()


def _write_assets(docs: Path) -> None:
    folder = docs / _ASSETS
    folder.mkdir(parents=True)
    for name in ("parts.css", "site.css", "iframe-worker.js"):
        (folder / name).write_text(stylesheet(name), encoding="utf-8")


def _nav(histories: Sequence[ReportHistory], pages: Sequence[tuple[str, str]]) -> str:
    """The navigation as TOML; titles escaped because the generator does not."""
    entries = [_entry("What needs a decision", '"index.md"')]
    if histories:
        inside = ", ".join(_entry(report_title(h), json.dumps(f"reports/{h.key}.md")) for h in histories)
        entries.append(_entry("Reports", f"[{inside}]"))
    if pages:
        entries.append(_entry("Playbooks", _tree(pages, 1)))
    return f"[{', '.join(entries)}]"


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


def _generate(stage: Path, nav: str, name: str) -> None:
    config = _CONFIG.format(
        name=json.dumps(escape(name, quote=False), ensure_ascii=False), nav=nav, assets=_ASSETS
    )
    (stage / "zensical.toml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--config-file", str(stage / "zensical.toml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=stage)  # noqa: S603
    if done.returncode or not (stage / "site" / "index.html").is_file():
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SiteError(f"the site generator failed: {said[-1] if said else 'no message'}")


def _secure(page: Path) -> None:
    """Give a page its content security policy: its own scripts, and the theme's inline ones by hash.

    The part that holds data is left out when hashing, so a script that got in there stays without permission.
    """
    html = page.read_text(encoding="utf-8")
    if "<head>" not in html:
        return  # the self-contained reports bring their own, without any script
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


def _switch(built: Path, out: Path) -> None:
    """Move the finished site beside ``out`` and let ``out`` point to it in one step."""
    if out.exists() and not out.is_symlink():
        raise SiteError(f"{out} is a folder of its own and not a site; remove it or name another with --out")
    versions = out.parent / f".{out.name}"
    versions.mkdir(parents=True, exist_ok=True)
    shown = out.resolve().name
    for left in out.parent.glob(f".{out.name}-*"):  # by a build killed below; we hold the lock
        left.unlink(missing_ok=True)
    target = versions / next_name(path.name for path in versions.iterdir())
    shutil.move(built, target)
    fresh = out.parent / f".{out.name}-{uuid.uuid4().hex}"
    fresh.symlink_to(target.relative_to(out.parent), target_is_directory=True)
    fresh.replace(out)
    for old in versions.iterdir():
        if old.name not in {shown, target.name}:  # a reader may still be on the one shown before
            shutil.rmtree(old)
