"""Files that make a scheduler call ``salesops run --due now``: cron, systemd, GitHub Actions, Airflow."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from pprint import pformat

from salesops_lib.core.errors import UserError
from salesops_lib.publish import catalog
from salesops_lib.publish.running import order

KINDS = ("cron", "systemd", "github", "airflow")
MINUTES = "*/15"
PYTHON = "3.12"
_TEMPLATES = "templates/schedule"


class TimetableError(UserError):
    """A scheduler's files cannot be written as asked."""


@dataclass(frozen=True)
class Place:
    """The workbench, and what ``run`` is given beside ``--due now``; empty: its own defaults.

    Each audience has files of its own: they carry its name, so that one scheduler holds several.
    """

    root: Path
    data: str = ""
    out: Path | None = None
    notify: tuple[str, ...] = ()
    audience: str = ""

    @property
    def mark(self) -> str:
        """What is put behind the name of each file: nothing, or the audience, a dash for each odd sign."""
        return re.sub(r"\W+", "-", f"-{self.audience}") if self.audience else ""

    @property
    def reports(self) -> Path:
        """Where reports go."""
        return (self.out or self.root / "reports").absolute()

    def command(self, *names: str, program: tuple[str, ...] = ()) -> list[str]:
        """The words of the command."""
        words = [*(program or _program()), "run", *names, "--due", "now", *self._where()]
        for channel in self.notify:
            words += [
                "--notify",
                channel if channel in {"mail", "webhook"} else str(Path(channel).absolute()),
            ]
        return words

    def site(self, program: tuple[str, ...] = ()) -> list[str]:
        """The words that make the site of what stands then, good or failed."""
        return [*(program or _program()), "site", *self._where()]

    def _where(self) -> list[str]:
        words = ["--data", self.data] if self.data else []
        words += ["--audience", self.audience] if self.audience else []
        return words + (["--out", str(self.reports)] if self.out else [])


def files(kind: str, place: Place) -> dict[str, str]:
    """The files of one scheduler, by name. Raises TimetableError for an unknown one or an odd path."""
    if kind not in KINDS:
        raise TimetableError(f"there is no scheduler {kind[:40]!r}; name one of {', '.join(KINDS)}")
    for text in [str(place.root), place.data, str(place.reports), *place.notify, place.audience, *_program()]:
        if not text.isprintable() and text:
            raise TimetableError(f"the path {text[:60]!r} holds a line break or control mark; rename it")
    return {"cron": _cron, "systemd": _systemd, "github": _github, "airflow": _airflow}[kind](place)


def write(made: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the files into ``folder``; one that stands there with other content is refused, and then none is
    written."""
    taken = [name for name, text in made.items() if _differs(folder / name, text)]
    if taken:
        raise TimetableError(
            f"{folder / taken[0]} stands with other content; move it away, or name another --to"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as fault:
        raise TimetableError(f"--to {folder}: {fault.strerror}; name another folder") from None
    return [folder / name for name in made]


def _differs(path: Path, text: str) -> bool:
    try:
        return path.exists() and path.read_text(encoding="utf-8") != text
    except (OSError, UnicodeDecodeError):
        return True


def _cron(place: Place) -> dict[str, str]:
    log = shlex.quote(str(place.reports / f"schedule{place.mark}.log"))
    reports = shlex.quote(str(place.reports))
    command = f"mkdir -p {reports} && {{ {shlex.join(place.command())} ; {shlex.join(place.site())} ; }}"
    words = {"CD": shlex.quote(str(place.root)), "COMMAND": command, "LOG": log}
    escaped = {name: text.replace("%", "\\%") for name, text in words.items()}  # % is a line end to cron
    name = f"salesops{place.mark}.crontab"
    return {name: _filled("crontab.txt", NAME=name, MINUTES=MINUTES, **escaped)}


def _systemd(place: Place) -> dict[str, str]:
    command = " ".join(_systemd_word(word) for word in place.command())
    made = " ".join(_systemd_word(word) for word in place.site())
    name = f"salesops{place.mark}"
    root = str(place.root).replace("%", "%%")
    service = _filled("salesops.service", NAME=name, CD=root, COMMAND=command, SITE=made)
    return {f"{name}.service": service, f"{name}.timer": _filled("salesops.timer", NAME=name)}


def _github(place: Place) -> dict[str, str]:
    if place.audience:
        raise TimetableError(
            f"--audience {place.audience}: what a runner keeps, everybody may read who may read the "
            "repository; schedule an audience with cron, systemd or airflow"
        )
    for name, path in (
        ("--data", place.data),
        ("--out", place.out),
        *(("--notify", n) for n in place.notify),
    ):
        is_path = path and "://" not in str(path) and str(path) not in {"mail", "webhook"}
        if is_path and not Path(path).absolute().is_relative_to(place.root):
            raise TimetableError(f"{name} {path}: a runner has only the repository; name a folder inside it")
    words = [_inside(word, place.root) for word in place.command(program=("salesops",))]
    site = [_inside(word, place.root) for word in place.site(program=("salesops",))]
    reports = _inside(str(place.reports), place.root)
    minutes = "7,22,37,52"  # full quarters are crowded there, and late
    filled = _filled(
        "github.yml",
        MINUTES=minutes,
        PYTHON=PYTHON,
        REPORTS=json.dumps(reports),
        COMMAND=json.dumps(shlex.join(words), ensure_ascii=False),
        SITE=json.dumps(shlex.join(site), ensure_ascii=False),
    )
    return {"reports.yml": filled}


def _airflow(place: Place) -> dict[str, str]:
    notebooks = catalog.discover(place.root)
    before = order.needed(notebooks)
    commands = {n.name: _no_macro(shlex.join(place.command(n.name))) for n in notebooks}
    filled = _filled(
        "airflow_dag.py.txt",
        NAME=f"salesops_reports{place.mark}",
        ROOT=repr(str(place.root)),
        COMMANDS=pformat(commands, width=100, sort_dicts=False),
        AFTER=pformat({name: sorted(needs) for name, needs in before.items() if needs}, width=100),
        SITE=repr(_no_macro(shlex.join(place.site()))),
        CRON=repr(f"{MINUTES} * * * *"),
    )
    return {f"salesops_reports{place.mark}.py": filled}


def _no_macro(command: str) -> str:
    """Airflow reads ``{{ }}`` in a command as a template, and a name that ends in .sh as a file."""
    if "{{" in command or "{%" in command or "{#" in command:
        raise TimetableError("a path holds {{, {% or {#, which Airflow reads as a template; rename it")
    return f"{command} "


def _filled(name: str, **words: str) -> str:
    path = resources.files("salesops_lib.publish").joinpath(_TEMPLATES, name)
    text = path.read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda found: words[found[1]], text)


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w./=-]+", escaped) else f'"{escaped}"'


def _inside(word: str, root: Path) -> str:
    path = Path(word)
    return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else word


def _program() -> tuple[str, ...]:
    """The command of this environment, by its full path: a scheduler has no PATH of yours."""
    script = Path(sys.executable).parent / "salesops"
    if script.is_file():
        return (str(script),)
    return (sys.executable, "-c", "from salesops_lib.cli import main; main()")
