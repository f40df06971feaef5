import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core.errors import UserError
from salesops_lib.core.followup import decision
from salesops_lib.core.metrics import Reading
from salesops_lib.core.periods import monthly
from salesops_lib.core.policy import PolicyValue
from salesops_lib.publish.history import read_reports
from salesops_lib.publish.site.build import build_site
from salesops_lib.publish.site.history_chart import _ticks
from salesops_lib.publish.site.shell import SiteError
from salesops_lib.publish.site.sources import Sources
from salesops_lib.publish.site.sparkline import sparkline

NOW = date(2025, 12, 12)
THEN = date(2025, 11, 14)
LATER = "2025-12-12T09:00:00Z"


@pytest.fixture
def generator():
    """The site's own generator, for tests of what comes from it; see :func:`plain_pages`."""


@pytest.fixture(autouse=True)
def plain_pages(request):
    """Where a test does not ask for the generator, pages are made without its theme, which is much faster."""
    if "generator" not in request.fixturenames:
        request.getfixturevalue("plain_generator")


@pytest.fixture(scope="session")
def two_runs(made, tmp_path_factory):
    """One report as of two days, made once."""
    folder = tmp_path_factory.mktemp("two") / "reports"
    made.bundle(folder, THEN, shift=-0.1)
    made.bundle(folder, NOW)
    return folder


@pytest.fixture
def reports(two_runs, tmp_path):
    """A copy of :func:`two_runs`."""
    return Path(shutil.copytree(two_runs, tmp_path / "reports", symlinks=True))


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


def test_the_first_page_puts_act_first_and_by_money(generator, reports):
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


def test_every_relative_link_of_every_page_leads_somewhere(generator, reports, playbooks):
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


def test_findings_lead_to_the_section_of_their_playbook(generator, reports, playbooks):
    page = build_site(reports, playbooks=playbooks)
    assert 'href="playbooks/how-to/analytics/review-attainment.html#f-attn-team"' in page.read_text()
    assert (
        'id="f-attn-team"' in (page.parent / "playbooks/how-to/analytics/review-attainment.html").read_text()
    )


def test_the_first_page_leads_to_playbooks_metrics_and_the_report_by_its_rhythm(reports, playbooks):
    page = build_site(reports, playbooks=playbooks).read_text()
    assert 'href="playbooks/index.html"' in page and 'href="metrics/index.html"' in page
    assert "<caption>Every month</caption>" in page


def test_a_playbook_leads_to_the_latest_report_that_names_it(generator, reports, playbooks):
    (playbooks / "how-to" / "by-name.md").write_text("# By name\n\nType `salesops run attainment`.\n")
    site = build_site(reports, playbooks=playbooks).parent / "playbooks" / "how-to"
    for path, up in [("analytics/review-attainment.html", "../../../"), ("by-name.html", "../../")]:
        page = (site / path).read_text()
        assert f'<a href="{up}reports/attainment/company.html">Attainment</a>, as of 2025-12-12' in page, path
        assert "8 Act" in page
    assert "Latest report" not in (site / "analytics" / "another.html").read_text()


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
    page = (build_site(reports).parent / "reports/attainment/company.html").read_text()
    page = page[page.index('id="trend"') :]
    row = next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "team EMEA" in r and "spark" in r)
    assert re.findall(r'"num">([^<]+)<', row) == ["41 %", "51 %", "61 %"]
    assert "2025-09-12: 41 %; 2025-11-14: 51 %; 2025-12-12: 61 %" in row


def test_one_run_makes_no_trend(made, tmp_path):
    made.bundle(tmp_path, NOW)
    site = build_site(tmp_path).parent
    assert 'id="trend"' not in (site / "reports/attainment/company.html").read_text()
    assert "one run" in (site / "metrics/index.html").read_text()


def test_every_page_has_a_policy_and_no_address_of_another_host_to_load(generator, reports, playbooks):
    site = build_site(reports, playbooks=playbooks).parent
    for page in site.rglob("*.html"):
        html = page.read_text()
        assert "Content-Security-Policy" in html
        assert not re.search(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//', html), page


def test_hostile_titles_and_companies_are_escaped_where_the_generator_does_not(generator, made, tmp_path):
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


def test_search_knows_findings_and_playbooks(generator, reports, playbooks):
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


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.42, 0.67, [0.4, 0.5, 0.6, 0.7]),  # by hand: steps of a tenth
        (-3.0, 12.0, [-5.0, 0.0, 5.0, 10.0, 15.0]),
        (0.0, 1_940_000.0, [0, 500_000, 1_000_000, 1_500_000, 2_000_000]),
        (0.5510, 0.5531, [0.551, 0.552, 0.553, 0.554]),
    ],
)
def test_a_scale_is_marked_at_round_values(low, high, told):
    assert _ticks(low, high) == pytest.approx(told)


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_a_scale_reaches_over_its_range_in_three_to_seven_marks(low, span):
    marks = _ticks(low / 100, (low + span) / 100)
    assert 3 <= len(marks) <= 7
    slack = span / 100 * 1e-5
    assert marks[0] <= low / 100 + slack and marks[-1] >= (low + span) / 100 - slack


def test_an_accepted_finding_is_listed_apart_with_its_reason(reports):
    history = read_reports(reports)[0]
    first = next(f for f in history.current.findings if f.severity == "ACT")
    entry = decision(history.key, history.current.as_of, first, "accepted", why="the <b>team</b> ramps")
    before = build_site(reports).read_text()
    page = build_site(reports, decisions=[entry]).read_text()
    assert 'id="settled"' not in before and 'id="settled"' in page
    assert "the &lt;b&gt;team&lt;/b&gt; ramps" in page and "<b>team" not in page


def test_a_card_says_in_words_where_its_finding_stands(reports):
    history = read_reports(reports)[0]
    act = [f for f in history.current.findings if f.severity == "ACT"][:2]
    told = [
        decision(history.key, "2025-12-12", act[0], "assigned", owner="Dana", due="2025-12-01"),
        decision(history.key, "2025-11-14", act[1], "closed", why="done"),
    ]
    page = text(build_site(reports, decisions=told))
    assert "Assigned to Dana" in page and "Due 2025-12-01 Overdue" in page
    assert "Returned after it was settled" in page
    assert page.index("Assigned to Dana") < page.index("Returned after")  # what is overdue rises


def test_a_finding_nobody_decided_on_is_overdue_by_the_day_its_first_run_asked_for(reports):
    first, last = read_reports(reports)[0].good
    wanted = next(f for f in last.findings if f.scope.get("team") == "EMEA")
    before = next(f for f in first.findings if f.scope.get("team") == "EMEA")
    assert before.due.isoformat() < last.as_of < wanted.due.isoformat()
    page = text(build_site(reports))
    assert (
        f"State Not decided At stake USD 1,240,000 Owner regional sales director Due {before.due} Overdue"
        in page
    )


def test_the_first_page_counts_what_the_brief_counts_and_tells_the_briefs_own_findings_beside(made, reports):
    made.bundle(reports, NOW, notebook="brief", title="The brief")
    page = text(build_site(reports, sources=Sources(gathering=frozenset({"brief"}))))
    assert "10 judged: Act" in page  # of the one report, as without a brief
    assert "The brief judges the reports themselves: Act 8, Watch 1, Unknown 1, OK 1." in page


def test_each_report_is_judged_by_the_ledger_of_its_own_company(made, reports):
    other = {"as_of": "2025-12-12", "seed": 7, "data": "/elsewhere"}
    made.bundle(reports, NOW, notebook="data_quality", title="Other", parameters=other)
    finding = next(f for f in read_reports(reports)[0].current.findings if f.severity == "ACT")
    entries = {
        "/elsewhere": [
            decision("data_quality/company", "2025-12-12", finding, "accepted", why="lives there")
        ],
    }
    page = text(build_site(reports, sources=Sources(decisions=lambda data: entries.get(data, ()))))
    assert "Reports of 2 sources of data stand here side by side" in page
    assert page.count("lives there") == 1


def test_a_ledger_that_cannot_be_read_is_said_on_the_first_page(reports):
    def lost(_):
        raise UserError("entry 3 of finding_states was changed")

    page = text(build_site(reports, sources=Sources(decisions=lost)))
    assert "is not known here: entry 3 of finding_states was changed" in page


def test_a_report_is_stale_by_its_own_cadence_and_not_because_another_runs_more_often(made, reports):
    monthly_ = {"every": "month", "business_day": 3, "at": "06:00"}
    made.bundle(reports, date(2025, 12, 3), notebook="fresh", title="Fresh monthly", cadence=monthly_)
    made.bundle(reports, date(2025, 11, 28), notebook="late", title="Late monthly", cadence=monthly_)
    page = build_site(reports, sources=Sources(calendar=monthly(2, range(2024, 2028)))).read_text()
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    assert "Stale" not in next(r for r in rows if "Fresh monthly" in r)
    # By hand: the third working day of December 2025 is Wednesday the 3rd.
    assert "a run was due on 2025-12-03" in next(r for r in rows if "Late monthly" in r)


def test_what_is_late_and_what_a_policy_says_is_told_by_the_company_the_reports_are_of(made, reports):
    cadence = {"every": "month", "business_day": 3, "at": "06:00"}
    ours = {"as_of": "2025-11-28", "seed": 7, "data": "/ours"}
    shutil.rmtree(reports)
    made.bundle(reports, date(2025, 11, 28), notebook="late", title="Late", cadence=cadence, parameters=ours)
    made.bundle(
        reports, date(2025, 12, 2), notebook="other", title="Other", parameters=ours | {"as_of": "2025-12-02"}
    )
    own = PolicyValue("attainment.team_floor", 0.7, "ratio", date(2025, 1, 1), "our board", "Ours.")
    asked = []

    def settings(data):
        asked.append(data)
        # By hand: with Monday the 1st a holiday the third working day of December is Thursday the 4th.
        return monthly(1, range(2024, 2028), holidays=(date(2025, 12, 1),)), {own.key: own}

    page = build_site(reports, sources=Sources(settings=settings)).read_text()
    assert asked == ["/ours"]
    assert "Stale" not in next(r for r in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "Late" in r)
    shipped = Sources(settings=lambda _: (monthly(1, range(2024, 2028)), {}))
    assert shipped.of(read_reports(reports)).policies == {}
    assert Sources(settings=settings).of(read_reports(reports)).policies == {own.key: own}
    made.bundle(reports, NOW, notebook="foreign", title="Foreign", parameters=ours | {"data": "/elsewhere"})
    assert Sources(settings=settings).of(read_reports(reports)).calendar is None  # of several nobody can say


def test_the_report_that_gathers_the_others_stands_before_them(made, reports):
    made.bundle(reports, NOW, notebook="brief", title="The brief")
    page = build_site(reports, sources=Sources(gathering=frozenset({"brief"}))).read_text()
    assert page.index('class="brief"') < page.index('class="tally"')


def test_a_metric_page_tells_meaning_past_policy_and_use(made, reports):
    rule = made.rule("F-ATTN-TEAM", "Team below its floor")
    site = build_site(reports, sources=Sources(metrics=(rule.metric,), rules=(rule,))).parent
    page = (site / "metrics/attainment-team.html").read_text()
    chart, narrow = page[page.index('class="history wide"') :].split("</svg>")[:2]
    assert 'class="history narrow"' in narrow and narrow.count("<circle") == 2
    assert chart.count("<circle") == 2 and "2025-11-14: 51 % (45 % to 57 %)" in chart
    assert "limit 80 %" in page and "attainment.team_floor since 2025-02-01" in page
    assert 'href="../reports/attainment/company.html#f-attn-team' in page
    assert 'href="../playbooks/how-to/analytics/review-attainment.html#f-attn-team"' in page


def test_a_metric_no_finding_judges_says_that_it_has_no_past(made, tmp_path):
    from dataclasses import replace

    silent = replace(made.rule("F-ATTN-TEAM", "x").metric, id="attainment.silent")
    site = build_site(tmp_path, sources=Sources(metrics=(silent,))).parent
    assert "No report states it yet" in text(site / "metrics/attainment-silent.html")


def test_a_reading_has_a_past_without_a_limit(made, tmp_path):
    from dataclasses import replace

    attained = replace(made.rule("F-ATTN-TEAM", "x").metric, id="attainment.attained", name="Attained")
    for day, value in ((date(2025, 10, 10), None), (date(2025, 11, 14), 0.5), (date(2025, 12, 12), 0.71)):
        folder = made.bundle(tmp_path, day)
        told = (
            {"value": value, "low": 0.64, "high": 0.78, "level": 0.9} if value == 0.71 else {"value": value}
        )
        reading = Reading(attained, **told, scope={"period": f"M{day.month}"}, rests_on="40 reps")
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"readings": [reading.to_dict()]}))
    site = build_site(tmp_path, sources=Sources(metrics=(attained,))).parent
    markup = (site / "metrics/attainment-attained.html").read_text()
    chart = markup[markup.index('class="history wide"') :].split("</svg>")[0]
    assert chart.count("<circle") == 2 and "2025-10-10: –; 2025-11-14: 50 %" in chart, chart
    assert "2025-12-12: 71 % (64 % to 78 %)" in chart and "imit" not in chart
    page = text(site / "metrics/attainment-attained.html")
    assert "rests on 40 reps; as of 2025-12-12" in page, page
    line = re.search(r'class="line" d="([^"]*)"', chart)[1]
    assert line.count("M") == 2 and "L" not in line  # each month starts anew: no line leads to the next
    assert "No finding judges this metric" in page and "M12" in page
    assert 'href="../reports/attainment/company.html"' in markup
    listed = text(site / "metrics/index.html")
    assert "Attained" in listed and "no report that stands states it" not in listed


def test_a_build_after_one_new_bundle_is_the_same_as_a_whole_one(
    generator, made, reports, playbooks, monkeypatch
):
    from salesops_lib.publish.site import shell

    made.bundle(reports, THEN, notebook="data_quality", title="Data quality")
    first = build_site(reports, playbooks=playbooks).parent.resolve()
    kept = (first / "reports/data_quality/company.html").stat().st_ino
    made.bundle(reports, NOW, "9", shift=0.02, started_at=LATER)
    with monkeypatch.context() as patched:
        patched.setattr(shell, "generate", lambda *_: pytest.fail("the generator ran again"))
        second = build_site(reports, playbooks=playbooks).parent.resolve()
    assert (second / "reports/data_quality/company.html").stat().st_ino == kept
    whole = build_site(reports, reports / "whole", playbooks).parent.resolve()
    read = {p.relative_to(whole): p.read_bytes() for p in whole.rglob("*") if p.is_file()}
    assert {p.relative_to(second): p.read_bytes() for p in second.rglob("*") if p.is_file()} == read
    assert (first / "search.json").read_bytes() != read[next(p for p in read if p.name == "search.json")]


def test_who_edits_a_table_of_the_site_changes_no_bundle(reports):
    from salesops_lib.publish import integrity

    bundle = (reports / "attainment/company/current").resolve()
    integrity.write_hashes(bundle)
    site = build_site(reports).parent / "reports/attainment/company"
    table = site / "tables/made_attainment.csv"
    before = table.read_bytes()
    table.write_text("edited by hand")
    assert integrity.verify(bundle) == []
    build_site(reports)
    assert table.read_bytes() == before


def test_a_bundle_found_whole_is_read_again_when_touched_with_its_time_set_back(reports, monkeypatch):
    import os

    from salesops_lib.publish import checked, integrity

    monkeypatch.setattr(checked, "_FRESH_NS", 0)
    bundle = (reports / "attainment/company/current").resolve()
    integrity.write_hashes(bundle)
    with monkeypatch.context() as patched:
        read = []
        whole = integrity.damage
        patched.setattr(integrity, "damage", lambda folder: read.append(folder) or whole(folder))
        build_site(reports)
        build_site(reports)
        assert read == [bundle]
    table = bundle / "tables/made_attainment.csv"
    stat, content = table.stat(), table.read_bytes()
    table.write_bytes(content.replace(b"R", b"S"))
    os.utime(table, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    page = text(build_site(reports).parent / "reports/attainment/company.html")
    assert "the stored report is damaged (tables/made_attainment.csv was changed)" in page


def test_a_bundle_written_a_moment_ago_is_read_again(reports, monkeypatch):
    from salesops_lib.publish import integrity

    read = []
    monkeypatch.setattr(integrity, "damage", lambda folder: read.append(folder) or "")
    build_site(reports)
    build_site(reports)
    assert len(read) == 2
