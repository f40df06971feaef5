"""What a browser makes of reports and site: nothing from the data runs, nothing leaves the machine."""

from __future__ import annotations

import re
import threading
from datetime import date
from itertools import pairwise

import pytest

from salesops_lib.publish.site.build import build_site
from salesops_lib.publish.site.serve import serve, site_server

NOW = date(2025, 12, 12)
PAGES = [
    "index.html",
    "reports/attainment/company.html",
    "reports/attainment/company/report.html",
    "reports/attainment/company/failed.html",
    "playbooks/how-to/analytics/review-attainment.html",
    "metrics/attainment-team.html",
    "metrics/index.html",
]
FOR_PEOPLE = [PAGES[0], PAGES[1], PAGES[4], PAGES[5]]  # first page, a report, a playbook, a metric
PLAYBOOK = """---
title: Review attainment
---
# Review attainment

The zebra crossing of quotas.

### F-ATTN-TEAM: a team below its floor { #f-attn-team }

Talk to the regional director.
"""
CONTRAST = """
() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("main.report *")]
    .filter((node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
    .filter((node) => node.offsetParent && !node.closest(".skip"))
    .map((node) => {
      const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), node.className + ": " + node.textContent.trim().slice(0, 40)];
    })
    .filter(([ratio]) => ratio < 4.5);
}
"""
TOO_WIDE = """
() => [...document.querySelectorAll(".report *")]
  .filter((node) => node.getBoundingClientRect().right > window.innerWidth + 1 && !node.closest(".scroll"))
  .map((node) => node.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """A site of hostile names: three past runs, a failed one after the last good, one playbook."""
    root = tmp_path_factory.mktemp("browser")
    for day, shift in [(date(2025, 10, 10), -0.1), (date(2025, 11, 14), -0.03), (NOW, 0.0)]:
        made.bundle(root / "reports", day, shift=shift)
    message = f"TableError: row holder_id={made.hostile[0]} breaks ge(0)"
    made.bundle(
        root / "reports",
        NOW,
        "2",
        status="failed",
        started_at="2025-12-12T07:00:00Z",
        error={"cell": 5, "message": message},
    )
    page = root / "playbooks" / "how-to" / "analytics" / "review-attainment.md"
    page.parent.mkdir(parents=True)
    page.write_text(PLAYBOOK)
    return build_site(root / "reports", playbooks=root / "playbooks").parent


@pytest.fixture(scope="module")
def served(site):
    """The site's address over http on this machine."""
    server = site_server(site, port=0)
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Watched:
    """A page whose every complaint, dialog and request is written down."""

    def __init__(self, browser, width: int = 1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on(
            "console", lambda m: self.faults.append(m.text) if m.type in {"error", "warning"} else None
        )
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on(
            "dialog", lambda dialog: (self.faults.append(f"dialog {dialog.message}"), dialog.dismiss())
        )
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, address: str):
        self.page.goto(address, wait_until="load")
        return self.page

    def outside(self, *allowed: str) -> list[str]:
        return [url for url in self.requests if not url.startswith(("data:", "about:", *allowed))]


@pytest.mark.parametrize("path", PAGES)
def test_hostile_names_do_nothing_and_no_request_leaves_over_http(browser, served, path):
    watched = Watched(browser)
    page = watched.open(f"{served}/{path}")
    page.wait_for_timeout(200)
    assert "PWN" not in re.sub(r"<script>document.title='PWN'</script>", "", page.title())
    assert watched.faults == []
    assert watched.outside(served) == []
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_reads_from_a_file(browser, site, path):
    watched = Watched(browser)
    page = watched.open((site / path).as_uri())
    page.wait_for_timeout(200)
    assert "PWN" not in re.sub(r"<script>document.title='PWN'</script>", "", page.title())
    assert watched.faults == []
    assert watched.outside("file:") == []
    assert page.locator("h1").count() == 1
    page.context.close()


def test_the_watch_sees_a_script_that_runs_and_a_request_that_leaves(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<title>t</title><script>document.title='PWN'</script><img src='http://127.0.0.1:9/x'>")
    watched = Watched(browser)
    page = watched.open(bad.as_uri())
    assert page.title() == "PWN"
    assert watched.outside("file:") == ["http://127.0.0.1:9/x"]
    assert watched.faults
    page.context.close()


@pytest.mark.parametrize("path", PAGES[:3])
def test_a_script_that_got_into_a_page_after_all_is_refused_by_its_policy(browser, site, tmp_path, path):
    html = (site / path).read_text()
    spot = html.index("</h1>")
    attack = "<script>document.title='PWN'</script><img src=x onerror=\"document.title='PWN'\">"
    (tmp_path / "attacked.html").write_text(html[:spot] + attack + html[spot:])
    watched = Watched(browser)
    page = watched.open((tmp_path / "attacked.html").as_uri())
    page.wait_for_timeout(200)
    assert page.title() != "PWN"
    assert any("Content Security Policy" in fault for fault in watched.faults)
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_the_screen(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
        assert page.evaluate(TOO_WIDE) == [], width
    page.context.close()


def test_a_wide_table_scrolls_in_its_own_box(browser, site):
    page = Watched(browser, 390).open((site / PAGES[2]).as_uri())
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].some((n) => n.scrollWidth > n.clientWidth)"
    )
    page.context.close()


@pytest.mark.parametrize("path", [PAGES[1], PAGES[2], PAGES[6]])
def test_all_images_are_loaded_and_described(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    images = page.evaluate(
        "[...document.querySelectorAll('.report img')].map((i) => [i.naturalWidth, i.alt])"
    )
    assert images
    assert all(width > 0 and alt for width, alt in images)
    page.context.close()


@pytest.mark.parametrize("path", [*PAGES[:3], PAGES[5]])
def test_a_page_prints_whole(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.context.close()


@pytest.mark.parametrize("path", PAGES[2:4])
def test_a_report_is_accessible(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert page.get_attribute("html", "lang") == "en"
    assert page.get_attribute("a.skip", "href") == "#main"
    assert page.evaluate("[...document.querySelectorAll('table.data')].every((t) => t.caption)")
    assert page.evaluate("[...document.querySelectorAll('table.data th')].every((h) => h.scope)")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((n) => n.id)")
    assert len(ids) == len(set(ids))
    page.context.close()


@pytest.mark.parametrize("path", PAGES[2:4])
def test_text_stands_out_from_its_ground_by_day_and_by_night(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_no_serious_fault_on_any_kind_of_page(browser, served, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    # axe is put into the page as a script, which the pages' own policy would refuse.
    watched = Watched(browser, width, bypass_csp=True, color_scheme=scheme)
    for path in FOR_PEOPLE:
        page = watched.open(f"{served}/{path}")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light"), ground
        found = Axe().run(page).response["violations"]
        grave = [(f["id"], f["nodes"][0]["html"]) for f in found if f["impact"] in {"serious", "critical"}]
        assert grave == [], path
    assert watched.outside(served) == []
    page.context.close()


def test_the_first_screen_of_the_site_holds_a_range_a_limit_a_state_and_a_next_step(browser, site):
    page = Watched(browser).open((site / "index.html").as_uri())
    for selector in [".headline .range", ".badge.act", ".evidence", ".step", "dd.stake"]:
        box = page.locator(selector).first.bounding_box()
        assert box and box["y"] + box["height"] <= 900, selector
    assert "limit at least 80 %" in page.locator("article.finding .evidence").first.inner_text()
    page.context.close()


@pytest.mark.parametrize(
    "path", ["index.html", "reports/attainment/company.html", "metrics/attainment-team.html"]
)
def test_the_first_screen_of_a_phone_holds_a_range_a_limit_and_a_next_step(browser, site, path):
    page = Watched(browser, 390).open((site / path).as_uri())
    said = page.evaluate(
        """() => [...document.querySelectorAll('.first, .now-line, .figure .range')].filter(e => {
             const box = e.getBoundingClientRect(); return box.height && box.bottom <= 844;
           }).map(e => e.innerText).join(' ')"""
    )
    assert "Next step" in said and "limit at least 80 %" in said
    assert "range 55 % to 67 % at 90 %" in said
    page.context.close()


def test_a_finding_leads_to_its_metric_and_the_metric_back_to_report_and_playbook(browser, site):
    page = Watched(browser).open((site / "index.html").as_uri())
    page.locator("article.finding .links a", has_text="Metric").first.click()
    page.locator("svg.history.wide").wait_for()
    assert "Limit 80 %" in page.locator("svg.history.wide").get_attribute("aria-label")
    page.locator("#places ~ .scroll a").first.click()
    page.locator(f"[id='{page.url.split('#')[1]}']").wait_for()
    page.go_back()
    page.locator(".step a").first.click()
    page.locator("#f-attn-team").wait_for()
    page.locator(".latest a").first.click()
    page.wait_for_url("**/reports/attainment/company.html")
    page.context.close()


def test_the_first_screen_holds_headline_finding_range_and_next_step(browser, site):
    page = Watched(browser).open((site / PAGES[2]).as_uri())
    for selector in [
        "h1",
        ".headline .value",
        ".headline .range",
        ".badge.act",
        ".evidence",
        ".step",
        "dd.stake",
    ]:
        box = page.locator(selector).first.bounding_box()
        assert box and box["y"] + box["height"] <= 900, selector
    page.context.close()


def test_a_finding_leads_from_the_first_page_to_its_playbook_and_its_report(browser, site):
    page = Watched(browser).open((site / "index.html").as_uri())
    page.locator("article.finding .links a", has_text="Playbook").first.click()
    assert page.url.endswith("playbooks/how-to/analytics/review-attainment.html#f-attn-team")
    page.locator("#f-attn-team").wait_for()
    page.go_back()
    page.locator("article.finding .links a", has_text="Attainment").first.click()
    assert "reports/attainment/company.html#f-attn-team" in page.url
    page.locator(f"[id='{page.url.split('#')[1]}']").wait_for()
    page.context.close()


@pytest.mark.parametrize("path", PAGES[1:3])
def test_a_report_in_the_site_leads_to_the_playbook_section(browser, site, path):
    page = Watched(browser).open((site / path).as_uri())
    page.locator("article.finding .links a", has_text="Playbook").first.click()
    assert page.url.endswith("site/playbooks/how-to/analytics/review-attainment.html#f-attn-team")
    page.locator("#f-attn-team").wait_for()
    page.context.close()


def test_a_report_in_its_bundle_leads_to_the_playbook_in_the_site(browser, site):
    bundle = site.parent / "attainment" / "company" / "2025-12-12" / "1" / "report.html"
    page = Watched(browser).open(bundle.as_uri())
    page.locator("article.finding .links a", has_text="Playbook").first.click()
    page.locator("#f-attn-team").wait_for()
    assert page.url.endswith("site/playbooks/how-to/analytics/review-attainment.html#f-attn-team")
    page.context.close()


@pytest.mark.parametrize("over", ["http", "file"])
@pytest.mark.parametrize(
    ("words", "found"), [("zebra", "Review attainment"), ("APAC", "Team below its floor")]
)
def test_search_finds_a_playbook_and_a_finding(browser, site, served, over, words, found):
    watched = Watched(browser)
    page = watched.open(f"{served}/index.html" if over == "http" else (site / "index.html").as_uri())
    page.locator(".md-search__button").click()
    page.get_by_role("combobox").fill(words)
    page.get_by_role("option").filter(has_text=found).first.wait_for()
    assert watched.faults == []
    assert watched.outside("file:", served) == []
    page.context.close()


def test_a_hostile_name_does_nothing_in_the_search_results(browser, served):
    watched = Watched(browser)
    page = watched.open(f"{served}/index.html")
    page.locator(".md-search__button").click()
    page.get_by_role("combobox").fill("onerror")
    page.get_by_role("option").first.wait_for()
    assert "PWN" not in re.sub(r"<script>document.title='PWN'</script>", "", page.title())
    assert watched.faults == []
    assert watched.outside(served) == []
    page.context.close()
