"""The browsable site: reports, what they ask for, their metrics and the playbooks, as plain files.

``reports/site`` is a link that is switched to a finished site in one step; a reader never meets half of one.
What did not change since the site that stands is linked from it, so one new report costs one page.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from salesops_lib.publish import provenance
from salesops_lib.publish.checked import Checked, walk
from salesops_lib.publish.history import ReportHistory, read_reports
from salesops_lib.publish.site.files import beside, copy_files, link, link_all
from salesops_lib.publish.site.latest import fill_latest, latest
from salesops_lib.publish.site.metrics import metric_pages
from salesops_lib.publish.site.now import now_page
from salesops_lib.publish.site.pages import Page, report_page, report_title
from salesops_lib.publish.site.search import write_search
from salesops_lib.publish.site.shell import GAP, SiteError, documents, navigation, playbook_titles, shell
from salesops_lib.publish.site.sources import Sources, companies
from salesops_lib.publish.store import Store, next_name

_LISTED = 40  # reports in the navigation; with more, the first page lists them


def build_site(
    reports: Path,
    out: Path | None = None,
    playbooks: Path | None = None,
    decisions: Sequence[Mapping[str, Any]] = (),
    sources: Sources | None = None,
) -> Path:
    """Build the site of all bundles under ``reports`` and switch ``out`` (``reports/site``) to it.

    Parameters
    ----------
    playbooks
        Folder of Markdown pages to include.
    decisions
        Entries made by :func:`salesops_lib.core.followup.decision`, oldest first; what they settle is no
        card. Unless ``sources`` knows the ledger of each company itself.
    sources
        What else the pages tell: metrics, rules, policies, calendar, ledgers.

    Returns the path of the first page. Raises SiteError where a bundle cannot be shown or ``out`` is
    something else than a site.
    """
    out = out or reports / "site"
    sources = sources or Sources(decisions=lambda _: decisions)
    store = Store(reports)
    with store.lock("site/build"), store.staging() as stage:
        versions = out.parent / f".{out.name}"
        checked = Checked(reports, versions / ".checked.json")
        histories = read_reports(reports, checked)
        pages = _pages(histories, sources, playbooks)
        frame = _frame(stage, histories, pages, playbooks, versions / ".shell")
        _refuse_foreign(out)
        made = _Version(stage / "made", frame, _standing(out, frame), checked.signature)
        made.fill(histories, pages)
        made.refuse_secrets()
        _switch(made, out)
        checked.save()
    return out / "index.html"


def _pages(histories: Sequence[ReportHistory], sources: Sources, playbooks: Path | None) -> list[Page]:
    """Every page of ours except the reports' own, which are made only where they changed."""
    found = companies(histories, sources)
    metrics = metric_pages(histories, sources)
    return [now_page(histories, sources, found, playbooks), *metrics]


def _frame(
    stage: Path,
    histories: Sequence[ReportHistory],
    pages: Sequence[Page],
    playbooks: Path | None,
    cache: Path,
) -> Path:
    """The generated frame with a gap for every page."""
    reports = {f"reports/{h.key}.html": report_title(h) for h in histories}
    titles = {page.path: page.title for page in pages} | reports
    docs = documents(titles, playbooks)
    books = playbook_titles(docs)
    listed = [(title, path.replace(".html", ".md")) for path, title in reports.items()]
    nav = navigation(listed if len(listed) <= _LISTED else [], books, "metrics/index.html" in titles)
    company = next((h.current.manifest["company"] for h in histories if h.current), "")
    return shell(stage, docs, nav, company or "Sales operations", cache)


class _Version:
    """One site being made in ``folder`` from a frame, and from the site before where that is the same."""

    def __init__(
        self, folder: Path, frame: Path, before: tuple[Path, dict] | None, signature: Callable[[Path], str]
    ) -> None:
        self.folder, self.frame, self._signature = folder, frame, signature
        self.before, was = before or (None, {})
        self._was: dict[str, Any] = was.get("reports", {})
        self._scanned: dict[str, str] = was.get("scanned", {})
        self.built: dict[str, Any] = {"frame": frame.name, "reports": {}}
        self._kept: set[str] = set()

    def fill(self, histories: Sequence[ReportHistory], pages: Sequence[Page]) -> None:
        """Put every page into its gap; link what stands unchanged."""
        ours = {page.path: page for page in pages}
        reports = {f"reports/{h.key}.html": h for h in histories}
        books = latest(histories, self.frame)
        kept: list[str] = []
        for path, _ in walk(self.frame):
            if path in reports:
                if self._report(reports[path], path, ours):
                    kept.append(path)
            elif path in ours:
                self._write(path, ours[path].markup)
            elif path in books:
                self._put(path, fill_latest(self.frame / path, books[path]))
            else:
                link(f"{self.frame}/{path}", f"{self.folder}/{path}")
                self._kept.add(path)
        write_search(self.frame, self.folder, list(ours.values()), self.before, kept)

    def refuse_secrets(self) -> None:
        """Raise SecretError where one is in this site; what stood in the last is not read for them again."""
        values = provenance.secrets()
        self.built["scanned"], known = provenance.same_secrets(values, self._scanned)
        kept = self._kept if known and self.before else set()
        provenance.refuse_secrets(self.folder, values, kept)

    def _report(self, history: ReportHistory, path: str, ours: dict[str, Page]) -> bool:
        """One report's page and files; True where they stand as before."""
        digest = _digest(history, self._signature)
        stands = beside(self.before, path) if self.before else {}
        if stands and self._was.get(path) == [digest, stands]:
            link_all(self.before, self.folder, list(stands))
            self._kept |= set(stands)
            self.built["reports"][path] = [digest, stands]
            return True
        folder = self.folder / "reports" / history.key
        folder.mkdir(parents=True)
        page = report_page(history, copy_files(history, folder))
        ours[path] = page
        self._write(path, page.markup)
        self.built["reports"][path] = [digest, beside(self.folder, path)]
        return False

    def _write(self, path: str, markup: str) -> None:
        html = (self.frame / path).read_text(encoding="utf-8")
        if html.count(GAP) != 1:
            raise SiteError(f"the generator left no gap in {path}; is it the pinned version?")
        self._put(path, html.replace(GAP, markup))

    def _put(self, path: str, html: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html, encoding="utf-8")


def _digest(history: ReportHistory, signature: Callable[[Path], str]) -> str:
    """What a report's page is made from: this library, and its attempts; of those shown every file."""
    total = hashlib.sha256(_library().encode())
    shown = {id(bundle) for bundle in (history.current, history.failed) if bundle}
    for bundle in [*history.good, *([history.failed] if history.failed else [])]:
        record = bundle.folder / "run.json"  # not there where the stored report is damaged
        stamp = record.stat().st_mtime_ns if record.is_file() else bundle.run.get("error")
        whole = signature(bundle.folder) if id(bundle) in shown else ""
        total.update(f"\0{bundle.folder}\0{stamp}\0{whole}".encode())
    return total.hexdigest()[:32]


@cache
def _library() -> str:
    total = hashlib.sha256()
    for path in sorted([*Path(__file__).parent.glob("*.py"), *Path(__file__).parent.glob("templates/*.*")]):
        total.update(path.read_bytes())
    return total.hexdigest()


def _standing(out: Path, frame: Path) -> tuple[Path, dict] | None:
    """The site that stands and what it was built from, where it has the same frame."""
    record = out.parent / f".{out.name}" / ".built.json"
    try:
        built = json.loads(record.read_text(encoding="utf-8"))
        folder = out.resolve(strict=True)
    except (OSError, ValueError):
        return None
    same = built.get("version") == folder.name and built.get("frame") == frame.name
    return (folder, built) if same else None


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not out.is_symlink():
        raise SiteError(f"{out} is a folder of its own and not a site; remove it or name another with --out")


def _switch(made: _Version, out: Path) -> None:
    """Move the finished site beside ``out`` and let ``out`` point to it in one step."""
    versions = out.parent / f".{out.name}"
    versions.mkdir(parents=True, exist_ok=True)
    shown = out.resolve().name
    for left in out.parent.glob(f".{out.name}-*"):  # by a build killed below; we hold the lock
        left.unlink(missing_ok=True)
    target = versions / next_name(path.name for path in versions.iterdir())
    shutil.move(made.folder, target)
    fresh = out.parent / f".{out.name}-{uuid.uuid4().hex}"
    fresh.symlink_to(target.relative_to(out.parent), target_is_directory=True)
    fresh.replace(out)
    record = versions / ".built.json"
    record.with_suffix(".new").write_text(json.dumps(made.built | {"version": target.name}), encoding="utf-8")
    record.with_suffix(".new").replace(record)
    for old in [p for p in versions.iterdir() if not p.name.startswith(".")]:
        if old.name not in {shown, target.name}:  # a reader may still be on the one shown before
            shutil.rmtree(old)
