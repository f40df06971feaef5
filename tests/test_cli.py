"""The command line: one line for every mistake, exit codes, no traceback, nothing heavy for nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from salesops_lib import __version__, cli


def salesops(capfd, *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr."""
    code = cli.run_command(list(arguments))
    told = capfd.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize(
    "program", [["-m", "salesops_lib"], ["-c", "from salesops_lib.cli import main; main()"]]
)
def test_the_version_is_said(program):
    done = subprocess.run([sys.executable, *program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"salesops {__version__}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'?"),
        (["run"], "say what to run"),
        (["run", "atainment"], "there is no notebook 'atainment'. Did you mean 'attainment'?"),
        (["run", "attainment", "-p", "perod=FY26-Q4"], "Did you mean 'period'?"),
        (["run", "attainment", "-p", "seed=seven"], "'seven' is not int"),
        (["run", "attainment", "--jobs", "many"], "'--jobs'"),
        (["run", "attainment", "--as-of", "yesterday"], "write it as 2025-12-12"),
        (["run", "attainment", "--data", "/nowhere"], "is no company folder"),
        (["run", "--all", "--due", "2025-12-12"], "say what to run"),
        (["run", "attainment", "--out", "/proc/none"], "name another with --out"),
        (["import"], "Missing argument"),
        (["import", "sugar", "data", "--to", "x"], "sugar"),
        (["check", "/nowhere"], "/nowhere"),
        (["init", "data/sample"], "stands already"),
        (["new", "Churn-Rate"], "is no notebook name"),
        (["new", "attainment"], "stands already"),
        (["list", "--verbose"], "No such option"),
        (["playbooks", "paint"], "No such command 'paint'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capfd, arguments, said):
    code, out, err = salesops(capfd, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_help_is_shown_without_arguments(capfd):
    code, out, _ = salesops(capfd)
    assert code == 2
    assert {"init", "import", "check", "doctor", "list", "run", "site", "sample", "new", "playbooks"} <= set(
        out.replace("│", " ").split()
    )


def test_the_list_names_notebooks_cadence_and_parameters(capfd):
    code, out, _ = salesops(capfd, "list")
    assert code == 0
    assert "every month, business day 3, 06:00" in out
    assert "-p period=''  str: fiscal period" in out


def test_an_unexpected_fault_is_one_line_with_the_log(capfd, monkeypatch):
    monkeypatch.delenv(cli.DEBUG, raising=False)
    monkeypatch.setattr("salesops_lib.publish.catalog.discover", lambda root: 1 / 0)
    code, _, err = salesops(capfd, "list")
    assert code == 1
    assert err.count("\n") == 1
    log = Path(err.strip().rsplit(" ", 1)[1])
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_a_developer_sees_the_traceback(capfd, monkeypatch):
    monkeypatch.setenv(cli.DEBUG, "1")
    monkeypatch.setattr("salesops_lib.publish.catalog.discover", lambda root: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division"):
        cli.run_command(["list"])


def test_a_user_who_stops_it_is_told_that_nothing_is_half_written(capfd, monkeypatch):
    def stop(root):
        raise KeyboardInterrupt

    monkeypatch.setattr("salesops_lib.publish.catalog.discover", stop)
    code, _, err = salesops(capfd, "list")
    assert code == 130
    assert err == f"error: {cli.STOPPED}\n"


def test_a_domain_adds_its_commands_by_file(capfd, tmp_path, monkeypatch):
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "commands.py").write_text(
        "import typer\napp = typer.Typer(help='Of churn.')\n"
        "@app.command()\ndef score(limit: int = 3):\n    typer.echo(f'limit {limit}')\n"
        "@app.command()\ndef other():\n    pass\n"
    )
    import salesops_lib

    monkeypatch.setattr(cli, "_LIBRARY", tmp_path)
    monkeypatch.setattr(salesops_lib, "__path__", [*salesops_lib.__path__, str(tmp_path)])
    assert cli.domains_with_commands() == {"churn": "churn.commands"}
    assert salesops(capfd, "churn", "score", "--limit", "5")[:2] == (0, "limit 5\n")
    assert "Of churn." in salesops(capfd, "--help")[1]


def test_a_domain_may_name_its_group_of_commands(capfd, tmp_path, monkeypatch):
    (tmp_path / "churning").mkdir()
    (tmp_path / "churning" / "commands.py").write_text(
        'import typer\nNAME = "churn"\napp = typer.Typer(help="Of churn.")\n'
        "@app.command()\ndef score():\n    typer.echo('scored')\n"
        "@app.command()\ndef other():\n    pass\n"
    )
    import salesops_lib

    monkeypatch.setattr(cli, "_LIBRARY", tmp_path)
    monkeypatch.setattr(salesops_lib, "__path__", [*salesops_lib.__path__, str(tmp_path)])
    assert cli.domains_with_commands() == {"churn": "churning.commands"}
    assert salesops(capfd, "churn", "score")[:2] == (0, "scored\n")
    code, _, err = salesops(capfd, "churning", "score")
    assert (code, "No such command 'churning'" in err) == (2, True)


def test_a_dry_run_says_what_and_why_and_writes_no_report(capfd, tmp_path):
    code, out, _ = salesops(
        capfd, "run", "--all", "--dry-run", "--as-of", "2025-12-12", "--out", str(tmp_path)
    )
    assert code == 0
    assert "attainment/company 2025-12-12 would run: no report for this day" in " ".join(out.split())
    assert not (tmp_path / "attainment").exists()


def test_json_is_one_object_and_a_failed_run_is_exit_code_1(capfd, tmp_path):
    # A text passes the parameter's type; that the quotas have no such measure only the notebook can tell.
    code, out, err = salesops(
        capfd,
        *("run", "attainment", "-p", "measure=spring", "--as-of", "2025-12-12"),
        *("--json", "--out", str(tmp_path)),
    )
    told = json.loads(out)
    assert (code, err, told["status"], told["counts"]) == (1, "", "failed", {"failed": 1})
    assert told["runs"][0]["error"].startswith("cell ")
    assert told["runs"][0]["folder"].startswith(str(tmp_path))
