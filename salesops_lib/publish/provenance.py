"""What a run was made from: hashes of data, policy, notebook and library; and the scan for secrets."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

from salesops_lib import __version__
from salesops_lib.core.errors import UserError
from salesops_lib.publish.catalog import Run

PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "matplotlib",
    "seaborn",
    "ibis-framework",
    "duckdb",
    "pyarrow",
    "pandera",
    "papermill",
    "nbconvert",
)
READ_LEDGERS = ("forecast_submissions.jsonl",)  # read as a table: a new entry makes reports due again
SECRET_MIN = 8
_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|CREDENTIAL|WEBHOOK|API_?KEY|(^|_)(KEY|PASS|PWD|PW|PAT|DSN|AUTH)(_|$)"
)
_NO_SECRET_NAME = re.compile(r"^(OLD)?PWD$|_(FILE|PATH|DIR|SOCK)$")  # says where something is
_LIBRARY = Path(__file__).resolve().parents[1]
_LIBRARY_SUFFIXES = {".py", ".html", ".css", ".j2", ".yaml", ".yml", ".md"}


class SecretError(UserError):
    """A report holds the value of a secret; nothing of it is published."""


def digest(paths: Iterable[Path], root: Path) -> str:
    """One hash over names (relative to ``root``) and contents, whatever the order."""
    total = hashlib.sha256()
    for path in sorted(set(paths)):
        name = path.relative_to(root).as_posix().encode()
        total.update(len(name).to_bytes(4, "big") + name + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def data_hash(data: str, root: Path) -> str | None:
    """Hash of a company folder but its policy and pages, and but ledgers no table is read from; None for a
    database."""
    folder = data_folder(data, root)
    if folder is None:
        return None
    skipped = {"policy", "ledger", "playbooks"}
    files = [p for p in _files(folder) if p.relative_to(folder).parts[0] not in skipped]
    read = [p for name in READ_LEDGERS if (p := folder / "ledger" / name).is_file()]
    return digest([*files, *read], folder)


def policy_hash(data: str, root: Path) -> str:
    """Hash of the shipped policy values and, where there are any, the company's own."""
    parts = [digest(_files(root / "data" / "policy"), root)]
    folder = data_folder(data, root)
    if folder is not None:
        parts.append(digest(_files(folder / "policy"), folder))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def data_folder(data: str, root: Path) -> Path | None:
    """The folder behind ``--data``; None where it is a database. A password in it is refused."""
    if "://" in data:
        if urlsplit(data).password:
            raise SecretError(
                "--data holds a password, which would be stored with every report; "
                "take it out and let the database driver read it from its own file or variable"
            )
        return None
    return root / Path(data or "data/sample").expanduser()


@cache
def library_hash() -> str:
    """Hash of the library's code, templates and mappings."""
    return digest([p for p in _files(_LIBRARY) if p.suffix in _LIBRARY_SUFFIXES], _LIBRARY)


def code_version() -> str:
    """``0.1.0+3f2a…``: the release and the code as it stood."""
    return f"{__version__}+{library_hash()[:12]}"


@cache
def packages() -> dict[str, str]:
    """Versions of what computes and renders a report."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


def ingredients(run: Run, parameters: Mapping, hashes: Mapping[str, str | None]) -> dict[str, str | None]:
    """What decides a report's content, part by part, so that a difference can be named."""
    cells = [[c["cell_type"], "".join(c["source"])] for c in run.notebook.document["cells"]]
    return {
        "data": hashes["data"],
        "policy": hashes["policy"],
        "notebook": _hash(cells),
        "run file": _hash(run.notebook.run_file.model_dump()),
        "library": library_hash(),
        "packages": _hash(packages()),
        "parameters": _hash(dict(parameters)),
    }


def fingerprint(parts: Mapping[str, str | None]) -> str:
    """One hash of all ingredients."""
    return _hash(dict(parts))


def secrets(environ: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """Texts that must not occur in anything published, by the variable that holds them.

    A variable is secret by its name: it contains PASSWORD, PASSWD, PASSPHRASE, TOKEN, SECRET, CREDENTIAL,
    WEBHOOK or APIKEY, or one of its words is KEY, PASS, PWD, PW, PAT, DSN or AUTH; unless it ends in _FILE,
    _PATH, _DIR or _SOCK. Whatever the name, the password inside a URL is secret. A text counts from
    ``SECRET_MIN`` characters on (``1`` and ``true`` are everywhere); of several lines each counts alone,
    because a notebook stores them apart.
    """
    environ = os.environ if environ is None else environ
    found = {name: _secret_texts(name, value) for name, value in environ.items()}
    return {name: texts for name, texts in found.items() if texts}


def _secret_texts(name: str, value: str) -> list[str]:
    upper = name.upper()
    named = _SECRET_NAME.search(upper) and not _NO_SECRET_NAME.search(upper)
    lines = [line.strip() for line in value.splitlines()] if named else []
    texts = [line for line in lines if not line.startswith("-----")]  # the frame of a PEM is no secret
    if "://" in value:
        with contextlib.suppress(ValueError):
            password = urlsplit(value).password or ""
            texts += [password, unquote(password)]
    return list(dict.fromkeys(text for text in texts if len(text) >= SECRET_MIN))


def same_secrets(
    values: Mapping[str, Sequence[str]], before: Mapping[str, str]
) -> tuple[dict[str, str], bool]:
    """A mark of all secrets together, to be kept, and whether ``before`` is a mark of the same ones.

    The mark is salted and slow to try (scrypt), so it helps nobody to a secret.
    """
    text = json.dumps(sorted(values.items())).encode("utf-8", "surrogateescape")

    def mark(salt: str) -> str:
        return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()

    if not values:
        return {}, False
    if before and mark(before["salt"]) == before["mark"]:
        return dict(before), True
    salt = os.urandom(16).hex()
    return {"salt": salt, "mark": mark(salt)}, False


def refuse_secrets(folder: Path, values: Mapping[str, Sequence[str]], known: Collection[str] = ()) -> None:
    """Raise SecretError naming variable and file where a secret stands in any byte of ``folder``.

    ``known``: files (paths seen from ``folder``) that were read for these very secrets before. Archives
    (``.xlsx``) are read unpacked. An image cannot be read: what a chart draws stands in the notebook beside
    it (``Report.chart``); a PDF holds nothing but its page (:mod:`salesops_lib.publish.rendering.printing`).
    """
    if not values:
        return
    wanted = {name: {s for text in texts for s in _spellings(text)} for name, texts in values.items()}
    for path in _files(folder):
        if path.relative_to(folder).as_posix() in known:
            continue
        for content in _contents(path):
            for name, spellings in wanted.items():
                if any(spelling in content for spelling in spellings):
                    raise SecretError(
                        f"{path.relative_to(folder)} holds the value of ${name}; "
                        f"take it out of the notebook's outputs, nothing was published"
                    )


def redacted(text: str) -> str:
    """``text`` with the name of the variable for each secret in it, for lines that go to logs and mail."""
    for name, values in secrets().items():
        for value in values:
            text = text.replace(value, f"${name}")
    return text


def _spellings(value: str) -> set[bytes]:
    """How a text may stand in HTML, XML, JSON, CSV, a URL, a Python literal, or an HTTP header."""
    plain = {value, repr(value)[1:-1], value.replace('"', '""'), quote(value, safe=""), quote_plus(value)}
    marked = {html.escape(text, quote=q) for text in (value, repr(value)[1:-1]) for q in (True, False)}
    texts = plain | marked
    texts |= {json.dumps(text, ensure_ascii=ascii)[1:-1] for text in texts for ascii in (True, False)}
    return {text.encode("utf-8", "surrogateescape") for text in texts} | {
        base64.b64encode(value.encode("utf-8", "surrogateescape")).rstrip(b"=")[:-1]
    }


def _contents(path: Path) -> Iterable[bytes]:
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def _files(folder: Path) -> list[Path]:
    skipped = {"__pycache__", ".ipynb_checkpoints", ".cache"}
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not skipped & set(p.parts)]


def _hash(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
