"""Notebooks and their runs are discovered by file; what is wrong with one is said with file and key."""

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.publish import catalog


def changed(workshop, old: str, new: str):
    """Read the made run file with one text replaced."""
    notebook = workshop.notebook("made")
    path = notebook.path.with_suffix(".yaml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return catalog.read_run_file(path)


def test_a_notebook_is_found_by_its_two_files(workshop):
    workshop.notebook("beta")
    workshop.notebook("alpha")
    assert [n.name for n in catalog.discover(workshop.root)] == ["alpha", "beta"]


@pytest.mark.parametrize("missing", ["made.ipynb", "made.yaml"])
def test_one_file_without_the_other_is_refused(workshop, missing):
    workshop.notebook("made")
    (workshop.root / "notebooks" / missing).unlink()
    with pytest.raises(UserError, match=rf"notebooks/{missing} is missing"):
        catalog.discover(workshop.root)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Made report\n", "", "notebooks/made.yaml, title: field required"),
        ("owner: analyst", "owner: 7", "notebooks/made.yaml, owner: "),
        ("owner: analyst", "owners: x\nowner: analyst", "unknown key. Did you mean 'owner'?"),
        ("every: month", "every: year", "notebooks/made.yaml, cadence.every: "),
        ("business_day: 3, ", "", "'business_day' goes with every: month or quarter"),
        ("business_day: 3", "business_day: 30", "'business_day' is from 1 to 20"),
        ("every: month, business_day: 3", "every: week", "'on' goes with every: week"),
        ('at: "06:00"', 'at: "6 am"', "notebooks/made.yaml, cadence.at: "),
        ("domain: attainment", "domain: ../x", "notebooks/made.yaml, domain: "),
        ("audience: leadership", "audience: ../x", "notebooks/made.yaml, audience: "),
        ("runs: {company: {}}", "runs: [company", "not YAML"),
        ("runs: {company: {}}", "runs: !!python/object/apply:os.system ['true']", "not YAML"),
        ("runs: {company: {}}", "runs: {company: {}}\nneeds: {quotas: holder_id}", "needs.quotas"),
        ("playbooks: []", "playbooks: [" + "'" + "x" * 70_000 + "']", "larger than 64,000 bytes"),
    ],
)
def test_a_wrong_run_file_is_refused_with_file_and_key(workshop, old, new, said):
    with pytest.raises(UserError) as fault:
        changed(workshop, old, new)
    assert said in str(fault.value)


def test_on_is_a_key_and_no_is_a_word(workshop):
    weekly = changed(
        workshop, 'every: month, business_day: 3, at: "06:00"', 'every: week, on: Mon, at: "06:00"'
    )
    assert str(weekly.cadence) == "every Mon, 06:00"
    country = changed(
        workshop, "runs: {company: {}}", "runs: {norway: {period: NO}, day: {period: 2025-12-12}}"
    )
    assert country.runs == {"norway": {"period": "NO"}, "day": {"period": "2025-12-12"}}


def test_a_grid_gives_one_run_per_combination_with_safe_distinct_names(workshop):
    run_file = workshop.notebook("made").path.with_suffix(".yaml").read_text()
    grid = "grids: {by: {region: [EMEA, 'A/B', 'A B', '../../etc'], seed: [1, 2]}}\nruns: {}\n"
    cell = (
        'as_of: str = ""  # day\ndata: str = ""  # folder\nregion: str = ""  # one\nseed: int = 7  # draws\n'
    )
    run_file = run_file.replace("runs: {company: {}}\n", grid)
    runs = workshop.notebook("made", run_file=run_file, parameters=cell).runs()
    names = [run.name for run in runs]
    assert len(runs) == len(set(names)) == 8
    assert runs[0].parameters == {"region": "EMEA", "seed": 1}
    assert all("/" not in name and ".." not in name for name in names)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("runs: {'../x': {}}", "is no run name"),
        ("runs: {'a/b': {}}", "is no run name"),
        ("runs: {'': {}}", "is no run name"),
        ("runs: {}", "no run"),
        ("runs: {company: {perod: x}}", "Did you mean 'period'"),
        ("runs: {company: {data: x}}", "comes from --data"),
        ("runs: {company: {as_of: '2025-01-01'}}", "comes from --data and --as-of"),
        ("grids: {by: {seed: [1, 1.5]}}", "parameter 'seed'"),
    ],
)
def test_a_run_that_cannot_be_is_refused(workshop, runs, said):
    run_file = workshop.notebook("made").path.with_suffix(".yaml").read_text()
    notebook = workshop.notebook("made", run_file=run_file.replace("runs: {company: {}}", runs))
    with pytest.raises(UserError) as fault:
        notebook.runs()
    assert said in str(fault.value)


def test_a_file_that_is_no_notebook_is_refused_by_name(workshop):
    notebook = workshop.notebook("made")
    notebook.path.write_text("not json")
    with pytest.raises(UserError, match=r"made.ipynb: not a notebook"):
        catalog.discover(workshop.root)[0].runs()


def test_outside_a_workbench_the_librarys_own_is_taken(tmp_path, workshop):
    assert catalog.repository_root(workshop.root / "notebooks") == workshop.root.resolve()
