import base64
import hashlib
import re
from datetime import date

import pytest

from salesops_lib.publish.rendering.render import BODY_END, BODY_START, gathered, notebook_body, render_report

DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def page(made):
    findings = made.findings(DAY)
    return render_report(made.notebook(findings), made.run(DAY), findings, made.manifest())


def test_the_code_the_prompts_and_the_warnings_are_not_shown(page):
    for hidden in ("secret_code", "In [", "Out[", "secret-warning"):
        assert hidden not in page
    assert "1 lines on stderr, kept in notebook.ipynb" in page


def test_title_and_question_stand_once(page):
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert page.count("Who is on plan?") == 1


def test_headline_cards_stand_once_and_at_the_top(page):
    assert page.count('class="headline"') == 1
    assert ">card<" not in page
    assert page.index("64–78 % at 90 %") < page.index("What to decide")


def test_findings_say_range_limit_next_step_owner_due_stake_and_playbook(page):
    card = page[page.index("<article") : page.index("</article>")]
    for part in (
        "Act</span>",
        "range 55 % to 67 % at 90 %",
        "limit at least 80 %",
        "Move two deals of EMEA forward",
        "regional sales director",
        "2025-12-26",
        "USD 1,240,000",
        'href="../../../../site/playbooks/how-to/analytics/review-attainment.html#f-attn-team"',
    ):
        assert part in card
    assert "10 judged" in page and "1 could not be judged" in page


def test_every_detail_link_leads_to_something_on_the_page(page):
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets - set(re.findall(r'id="([^"]+)"', page)) == set()


def test_unknown_is_never_green_nor_zero(page):
    line = next(
        li for li in re.findall(r"<li>.*?</li>", page, re.DOTALL) if "New hires behind the ramp" in li
    )
    assert 'class="badge unknown"' in line and "not known" in line
    assert "ok" not in line and "0 %" not in line.replace("80 %", "")


def test_nothing_on_the_page_runs_or_loads(page):
    assert not re.search(r"<(script|iframe|object|embed|link|form|svg|base)\b", page)
    assert not re.search(r"<[^>]+\son\w+\s*=", re.sub(r"\"[^\"]*\"|'[^']*'", '""', page))
    sources = re.findall(r'\ssrc="([^"]{0,30})', page)
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)


def test_the_policy_allows_its_own_style_and_inline_images_only(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    css = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert 'style="' not in page


def test_provenance_names_hashes_version_parameters_and_time(page):
    foot = page[page.index("Where this comes from") :]
    for part in ("5f1d" * 16, "9a0c" * 16, "0.1.0+g3a67fd8", "3.2 s", "seed = 7", "2025-12-12T06:00:00Z"):
        assert part in foot


def test_limits_stand_once_whether_the_notebook_shows_them_or_not(made, page):
    assert page.count("<li>Ramp is not known for two reps.</li>") == 1
    bare = made.notebook([])
    bare.cells = bare.cells[:1]
    without = render_report(bare, made.run(DAY), [], made.manifest())
    assert "<li>Ramp is not known for two reps.</li>" in without[without.index("What could not be told") :]


def test_the_body_can_be_cut_out_for_the_site(page):
    assert page.count(BODY_START) == page.count(BODY_END) == 1


def test_the_same_run_gives_the_same_bytes(made):
    findings = made.findings(DAY)
    args = made.notebook(findings), made.run(DAY), findings, made.manifest()
    assert render_report(*args).encode() == render_report(*args).encode()


def test_the_notebook_itself_is_not_changed(made):
    notebook = made.notebook(made.findings(DAY))
    before = notebook.copy()
    notebook_body(notebook, made.run(DAY), "p/")
    assert notebook == before


def test_a_question_in_bold_is_not_asked_twice(made):
    notebook = made.notebook([])
    notebook.cells[0].source = "# Attainment\n\n**Who is on plan?**\n\nMonthly."
    body = notebook_body(notebook, made.run(DAY), "p/")
    assert "on plan" not in body and "Monthly." in body


def failed_page(made, **options):
    run = made.run(DAY, status="failed", error={"cell": 5, "message": f"TableError: {made.hostile[0]}"})
    return render_report(made.notebook(made.findings(DAY)), run, [], None, **options)


def test_a_failed_run_says_where_and_why_and_shows_no_number(made):
    page = failed_page(made)
    assert "This run failed" in page and "In cell 5" in page
    assert "TableError: &lt;script&gt;" in page
    assert "There is no good report of this kind yet." in page
    assert "Rep 001" not in page and "badge ok" not in re.sub(
        r"<style>.*?</style>", "", page, flags=re.DOTALL
    )


def test_a_failed_run_leads_to_the_last_good_report_under_its_own_date(made):
    page = failed_page(made, last_good={"href": "../../2025-11-14/1/report.html", "as_of": "2025-11-14"})
    assert 'href="../../2025-11-14/1/report.html">as of 2025-11-14</a>' in page


def test_a_run_that_died_before_any_cell_still_has_a_page(made):
    run = made.run(
        DAY, status="failed", error={"cell": None, "message": "the kernel died"}, duration_seconds=None
    )
    import nbformat.v4 as nbf

    assert "the kernel died" in render_report(nbf.new_notebook(), run, [])


def test_like_findings_are_gathered_into_the_most_pressing_which_names_the_rest():
    views = [
        {"code": c, "scope": s, "title": "t"}
        for c, s in [("F-A-X", "team A"), ("F-B-Y", ""), ("F-A-X", "team B")]
    ]
    cards = gathered(views)
    assert [(card["code"], card["scope"], card["more"]) for card in cards] == [
        ("F-A-X", "team A", ["team B"]),
        ("F-B-Y", "", []),
    ]
