"""How long the site of 300 reports takes: all of it against the generator alone, and again after one run.

The reference is the generator alone on the same pages, with the report in 30 of the 300 (all take
minutes), so the true ratio is smaller. The build hands it every page as a gap instead (``gaps_seconds``).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUNDLES = 300
WRITTEN_OUT = 30  # pages the generator meets whole
DAY, NEXT = "2025-12-12", "2025-12-13"
_SETTLED = 2.1  # seconds after which the disk's word on a file counts, as of 300 reports made over months
WHOLE_BOUND, AGAIN_BOUND = 2.0, 0.1


def measure() -> list[dict[str, str | float]]:
    """Build the site of 300 copies of one real report, then once more after one of them ran again.

    Returns two results: the whole build ÷ the generator in it, and the second build ÷ the first.
    """
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        bundle = _bundle(Path(folder) / "one")
        for number in range(BUNDLES):
            _copy(bundle, reports, f"r{number:03d}", DAY)
        time.sleep(_SETTLED)
        stage = Path(folder) / "stage"
        whole, gaps = _build(reports, stage)
        generator = _generator(stage, bundle)
        _copy(bundle, reports, "r000", NEXT)
        again, _ = _build(reports)
    return [
        {
            "name": f"site_{BUNDLES}_reports",
            "ratio": round(whole / generator, 2),
            "bound": WHOLE_BOUND,
            "seconds": round(whole, 2),
            "generator_seconds": round(generator, 2),
            "gaps_seconds": round(gaps, 2),
        },
        {
            "name": f"site_{BUNDLES}_reports_after_one_run",
            "ratio": round(again / whole, 3),
            "bound": AGAIN_BOUND,
            "seconds": round(again, 2),
            "whole_seconds": round(whole, 2),
        },
    ]


def _bundle(folder: Path) -> Path:
    """One real report of the sample."""
    command = [sys.executable, "-m", "salesops_lib", "run", "pipeline_process", "--as-of", DAY]
    subprocess.run(  # noqa: S603
        [*command, "--out", str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    return (folder / "pipeline_process" / "company" / "current").resolve()


def _copy(bundle: Path, reports: Path, run: str, day: str) -> None:
    """The same report as another run, or of another day, whole by its hashes."""
    from salesops_lib.publish import integrity

    target = reports / "pipeline_process" / run / day / bundle.name
    shutil.copytree(bundle, target)
    told = json.loads((target / "run.json").read_text(encoding="utf-8")) | {"run": run, "as_of": day}
    (target / "run.json").write_text(json.dumps(told), encoding="utf-8")
    integrity.write_hashes(target)


def _generator(stage: Path, bundle: Path) -> float:
    """Seconds of the generator on the pages kept in ``stage``, each report in its gap."""
    from salesops_lib.publish.rendering import render
    from salesops_lib.publish.site import shell

    html = (bundle / "report.html").read_text(encoding="utf-8")
    body = html.split(render.BODY_START)[1].split(render.BODY_END)[0]
    for page in sorted((stage / "docs" / "reports").rglob("*.md"))[:WRITTEN_OUT]:
        gapped = page.read_text(encoding="utf-8")
        page.write_text(gapped.replace(shell.GAP, f'<div class="report">{body}</div>'), encoding="utf-8")
    before = time.perf_counter()
    shell.generate(stage, (stage / "zensical.toml").read_text(encoding="utf-8"))
    return time.perf_counter() - before


def _build(reports: Path, keep: Path | None = None) -> tuple[float, float]:
    """Seconds of a build, and of the generator in it, whose pages go to ``keep``."""
    from salesops_lib.handbook.registry import discover
    from salesops_lib.publish.site import build, shell
    from salesops_lib.publish.site import sources as site_sources

    registry = discover(ROOT)
    sources = site_sources.Sources(
        metrics=registry.metrics, rules=registry.rules, policies=registry.policy_values
    )
    spent, generate = [0.0], shell.generate

    def timed(stage, config):
        before = time.perf_counter()
        built = generate(stage, config)
        spent[0] += time.perf_counter() - before
        if keep is not None:
            shutil.copytree(stage / "docs", keep / "docs")
            shutil.copyfile(stage / "zensical.toml", keep / "zensical.toml")
        return built

    shell.generate = timed
    try:
        before = time.perf_counter()
        build.build_site(reports, None, ROOT / "playbooks", sources=sources)
        return time.perf_counter() - before, spent[0]
    finally:
        shell.generate = generate
