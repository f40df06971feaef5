import json
import re
from datetime import date

import pytest

from salesops_lib.core.followup import decision
from salesops_lib.publish.history import read_reports
from salesops_lib.publish.site import build_site
from salesops_lib.publish.site_pages import SiteError
from salesops_lib.publish.sparkline import sparkline

NOW = date(2025, 12, 12)
THEN = date(2025, 11, 14)
LATER = "2025-12-12T09:00:00Z"


@pytest.fixture
def reports(made, tmp_path):
    made.bundle(tmp_path / "reports", THEN, shift=-0.1)
    made.bundle(tmp_path / "reports", NOW)
    return tmp_path / "reports"


@pytest.fixture
def playbooks(tmp_path):
    folder = tmp_path / "playbooks" / "how-to" / "analytics"
    folder.mkdir(parents=True)
    (tmp_path / "playbooks" / "index.md").write_text(
        "# Playbooks\n\n[Review](how-to/analytics/review-attainment.md)\n"
    )
    (folder / "review-attainment.md").write_text(
        "---\ntitle: Review attainment\n---\n# Review attainment\n\n"
        "### F-ATTN-TEAM { #f-attn-team }\n\nTalk.\n"
    )
    (folder / "another.md").write_text("# Another page\n")
    return tmp_path / "playbooks"


def text(path):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", path.read_text()))


def test_the_first_page_puts_act_first_and_by_money(reports):
    page = build_site(reports).read_text()
    cards = re.findall(
        r'<article class="finding (\w+)">.*?(?:<dd class="stake">USD ([\d,]+)|</article>)', page, re.DOTALL
    )
    kinds = [kind for kind, _ in cards]
    assert kinds == ["act"] * 8 + ["watch"]
    stakes = [int(stake.replace(",", "")) for kind, stake in cards if kind == "act"]
    assert stakes == sorted(stakes, reverse=True)


def test_the_first_page_shows_findings_of_standing_bundles_only(reports):
    page = text(build_site(reports))
    assert "10 judged" in page and "EMEA stands at 0.61" in page
    assert page.count("EMEA stands at") == 1


def test_printed_pages_are_listed_and_every_attachment_is_copied(reports):
    folder = next(reports.glob("*/*/current")).resolve()
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {"letters.html": True, "letter_R1.html": False}
    manifest["attachments"] = [{"name": name, "bytes": 1, "pdf": pdf} for name, pdf in names.items()]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "attachments").mkdir()
    for name in (*names, "letters.pdf"):
        (folder / "attachments" / name).write_text("x")
    site = build_site(reports).resolve().parent
    copied = {path.name: path for path in site.rglob("attachments/*")}
    assert set(copied) == {"letters.html", "letters.pdf", "letter_R1.html"}
    page = (copied["letters.pdf"].parents[2] / f"{copied['letters.pdf'].parents[1].name}.html").read_text()
    assert 'attachments/letters.html"' in page and 'attachments/letters.pdf"' in page
    assert "letter_R1" not in page


def test_a_report_page_carries_its_files_beside_it(reports):
    folder = build_site(reports).parent / "reports" / "attainment"
    page = (folder / "company.html").read_text()
    for file in re.findall(r'href="(company/[^"]+)"', page):
        assert (folder / file).is_file(), file
    assert (folder / "company" / "tables" / "made_attainment.csv").is_file()


def test_every_relative_link_of_every_page_leads_somewhere(reports, playbooks):
    site = build_site(reports, playbooks=playbooks).parent
    broken = [
        f"{page.relative_to(site)}: {href}"
        for page in site.rglob("*.html")
        if page.name != "404.html"
        for href in re.findall(
            r'<(?:a|link|script|img)[^>]+(?:href|src)="([^"#:]+)(?:#[^"]*)?"', page.read_text()
        )
        if not (page.parent / href.split("?")[0]).exists()
    ]
    assert broken == []


def test_findings_lead_to_the_section_of_their_playbook(reports, playbooks):
    page = build_site(reports, playbooks=playbooks)
    assert 'href="playbooks/how-to/analytics/review-attainment.html#f-attn-team"' in page.read_text()
    assert (
        'id="f-attn-team"' in (page.parent / "playbooks/how-to/analytics/review-attainment.html").read_text()
    )


def test_the_first_page_lists_the_index_and_the_pages_findings_name(reports, playbooks):
    page = build_site(reports, playbooks=playbooks).read_text()
    listed = page[page.index('class="playbooks"') :].split("</ul>")[0]
    assert "Review attainment" in listed and "Another page" not in listed


def test_a_failed_run_is_shown_as_failed_beside_the_last_good_report(made, reports):
    made.bundle(
        reports, NOW, "2", status="failed", started_at=LATER, error={"cell": 5, "message": "no quota <b>"}
    )
    site = build_site(reports).parent
    page = (site / "reports/attainment/company.html").read_text()
    assert "The newest run, as of 2025-12-12, failed" in page and "no quota &lt;b&gt;" in page
    assert "last good report, as of 2025-12-12" in text(site / "reports/attainment/company.html")
    assert "Company attainment" in page
    assert 'class="badge failed"' in (site / "index.html").read_text()
    assert (site / "reports/attainment/company/failed.html").is_file()


def test_a_failure_before_a_later_good_run_is_over(made, reports):
    made.bundle(
        reports,
        NOW,
        "0",
        status="failed",
        started_at="2025-12-12T01:00:00Z",
        error={"cell": 1, "message": "x"},
    )
    assert read_reports(reports)[0].failed is None
    assert 'class="badge failed"' not in build_site(reports).read_text()


def test_a_failed_backfill_of_an_earlier_day_does_not_make_the_standing_report_failed(made, reports):
    made.bundle(reports, THEN, "2", status="failed", started_at=LATER, error={"cell": 1, "message": "x"})
    assert read_reports(reports)[0].failed is None


def test_a_report_that_never_succeeded_has_a_page_and_no_number(made, tmp_path):
    error = {"cell": 2, "message": "the kernel died"}
    made.bundle(tmp_path, NOW, status="failed", error=error)
    site = build_site(tmp_path).parent
    assert "the kernel died" in text(site / "reports/attainment/company.html")
    assert "never (2025-12-12 failed)" in text(site / "index.html")
    assert "Nothing has been judged yet" in text(site / "index.html")


def test_a_failed_run_without_a_page_of_its_own_is_still_shown(made, tmp_path):
    folder = made.bundle(
        tmp_path, NOW, status="failed", render=False, error={"cell": None, "message": "secret met"}
    )
    assert not (folder / "report.html").exists()
    page = text(build_site(tmp_path).parent / "reports/attainment/company.html")
    assert "secret met" in page and "There is no good report of this kind yet" in page


def test_a_report_behind_the_others_is_stale(made, reports):
    made.bundle(reports, THEN, notebook="data_quality", title="Data quality")
    page = build_site(reports).read_text()
    row = next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "Data quality" in r)
    assert "Stale" in row and "2025-11-14" in row


def test_past_runs_make_a_trend_across_periods(made, reports):
    made.bundle(reports, date(2025, 9, 12), shift=-0.2)  # FY26-Q3: another period, the same question
    history = read_reports(reports)[0]
    emea = next(f for f in history.current.findings if f.scope["team"] == "EMEA")
    assert [value for _, value in history.trend(emea)] == pytest.approx([0.41, 0.51, 0.61])
    page = build_site(reports).read_text()
    row = next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "team EMEA" in r and "spark" in r)
    assert re.findall(r'"num">([^<]+)<', row) == ["41 %", "51 %", "61 %"]
    assert "2025-09-12: 41 %; 2025-11-14: 51 %; 2025-12-12: 61 %" in row


def test_one_run_makes_no_trend(made, tmp_path):
    made.bundle(tmp_path, NOW)
    assert 'id="trends"' not in build_site(tmp_path).read_text()


def test_every_page_has_a_policy_and_no_address_of_another_host_to_load(reports, playbooks):
    site = build_site(reports, playbooks=playbooks).parent
    for page in site.rglob("*.html"):
        html = page.read_text()
        assert "Content-Security-Policy" in html
        assert not re.search(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//', html), page


def test_hostile_titles_and_companies_are_escaped_where_the_generator_does_not(made, tmp_path):
    made.bundle(tmp_path, NOW, title=made.hostile[0])
    site = build_site(tmp_path).parent
    for page in ("index.html", "reports/attainment/company.html"):
        assert "<script>document.title='PWN'" not in (site / page).read_text()


def test_a_second_build_replaces_the_first_in_one_step_and_old_ones_go(reports):
    first = build_site(reports).parent
    assert first.is_symlink()
    targets = [first.resolve()]
    for _ in range(3):
        targets.append(build_site(reports).parent.resolve())
    assert len(set(targets)) == 4
    assert [t.is_dir() for t in targets] == [False, False, True, True]
    assert list((reports / ".staging").iterdir()) == []


def test_a_failing_build_keeps_the_site_that_stands(made, reports):
    page = build_site(reports)
    standing = page.read_bytes()
    folder = made.bundle(reports, date(2025, 12, 13), render=False)
    with pytest.raises(SiteError, match=r"has no report\.html; run the report again"):
        build_site(reports)
    assert page.read_bytes() == standing
    (folder / "report.html").write_text("<html>old</html>")
    with pytest.raises(SiteError, match="is of another version"):
        build_site(reports)


def test_a_folder_that_is_no_site_is_not_replaced(reports, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(SiteError, match="is a folder of its own and not a site"):
        build_site(reports, mine)
    assert (mine / "thesis.txt").is_file()


def test_an_empty_reports_folder_gives_a_site_that_says_so(tmp_path):
    assert "Nothing has been judged yet" in build_site(tmp_path / "reports").read_text()


def test_search_knows_findings_and_playbooks(reports, playbooks):
    site = build_site(reports, playbooks=playbooks).parent
    found = json.loads((site / "search.json").read_text())["items"]
    assert any("APAC stands at" in item["text"] for item in found)
    assert any("playbooks/how-to" in item["location"] for item in found)


def test_a_line_has_gaps_where_a_run_could_not_judge():
    import base64

    svg = base64.b64decode(sparkline([0.1, None, 0.3, 0.4], 0.2).split(",")[1]).decode()
    assert svg.count("M") == 3  # the limit, the start, and after the gap
    assert sparkline([0.1, None], 0.2) == ""
    assert sparkline([0.1, 0.1]) != ""


def test_an_accepted_finding_is_listed_apart_with_its_reason(reports):
    history = read_reports(reports)[0]
    first = next(f for f in history.current.findings if f.severity == "ACT")
    entry = decision(history.key, history.current.as_of, first, "accepted", why="the <b>team</b> ramps")
    before = build_site(reports).read_text()
    page = build_site(reports, decisions=[entry]).read_text()
    assert 'id="settled"' not in before and 'id="settled"' in page
    assert "the &lt;b&gt;team&lt;/b&gt; ramps" in page and "<b>team" not in page
