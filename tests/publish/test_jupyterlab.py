"""A person opens a notebook in JupyterLab and runs all of it: no command of ours, no environment of ours."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = "attainment.ipynb"
TOKEN = "let-me-in"
LAST_RAN = """
(last) => [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputArea-prompt")]
  .some((prompt) => prompt.textContent.trim() === `[${last}]:`)
"""


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on a copy of the notebook, in a folder that is not the repository; its address."""
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, tmp_path / NOTEBOOK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.root_dir": tmp_path,
        "ServerApp.open_browser": False, "IdentityProvider.token": TOKEN, "ServerApp.allow_root": True,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    private = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in settings.items())]
    server = subprocess.Popen(
        command, env=os.environ | private, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server)
        yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("JupyterLab did not start")


def test_run_all_in_jupyterlab_runs_every_cell_to_the_findings(chromium, lab, tmp_path):
    from playwright.sync_api import sync_playwright

    count = sum(cell["cell_type"] == "code" for cell in _cells(tmp_path))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.goto(lab)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
        page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
        page.wait_for_function(LAST_RAN, arg=count, timeout=90_000)
        page.keyboard.press("Control+s")
        page.locator(".lm-TabBar-tab.jp-mod-current:not(.jp-mod-dirty)").first.wait_for(timeout=30_000)
        browser.close()
    ran = [cell for cell in _cells(tmp_path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in ran] == list(range(1, count + 1))
    outputs = [output for cell in ran for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert any("Next step" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs)


def _cells(folder: Path) -> list[dict]:
    return json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
