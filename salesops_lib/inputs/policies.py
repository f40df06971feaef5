"""Policy files: shipped ones under ``data/policy``, overridden key by key by the company's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from salesops_lib.core.errors import PolicyError, nearest
from salesops_lib.core.policy import Policy
from salesops_lib.inputs.company import read_yaml, repository_root

OUTCOMES = ("open", "won", "lost")
STAGE_COLUMNS = (
    "stage", "position", "outcome", "entry", "exit_evidence", "evidence_fields", "evidence_activities",
    "max_age_days", "guessed",
)  # fmt: skip


def read_policy(domain: str, company_root: Path | None) -> Policy:
    """All dated values of a domain. Raises PolicyError for a domain without a file."""
    if not re.fullmatch(r"[a-z_]+", domain) or domain == "stages":
        raise PolicyError(f"policy '{domain}' is no domain; write its name, such as attainment")
    shipped = repository_root() / "data" / "policy" / f"{domain}.yaml"
    own = company_root / "policy" / f"{domain}.yaml" if company_root else None
    files = [path for path in (shipped, own) if path and path.is_file()]
    if not files:
        known = [path.stem for path in shipped.parent.glob("*.yaml") if path.stem != "stages"]
        raise PolicyError(f"policy '{domain}' has no file {shipped}. {nearest(domain, known)}")
    entries: dict = {}
    for path in files:
        content = read_yaml(path) or {}
        if not isinstance(content, dict):
            raise PolicyError(f"{path} is no mapping of names; see data/policy for the form")
        entries |= content
    return Policy(domain, entries)


def read_routing(company_root: Path | None) -> dict[str, Any] | None:
    """``policy/routing.yaml`` of a company; None where there is none. Raises PolicyError where it is no
    mapping."""
    path = company_root / "policy" / "routing.yaml" if company_root else None
    if path is None or not path.is_file():
        return None
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise PolicyError(f"{path} is no mapping; write rules and absent, see salesops_lib.leads.routing")
    return content


def read_process(company_root: Path | None) -> dict[str, Any]:
    """What ``stages.yaml`` says beside its stages: ``readiness`` (owner, trained) and ``renamed`` (a list of
    from, to, until). Raises PolicyError where either has another form."""
    shipped = repository_root() / "data" / "policy" / "stages.yaml"
    own = company_root / "policy" / "stages.yaml" if company_root else None
    path = own if own and own.is_file() else shipped
    content = read_yaml(path) or {}
    readiness, renamed = content.get("readiness") or {}, content.get("renamed") or []
    if not isinstance(readiness, dict):
        raise PolicyError(f"{path}: 'readiness' is a mapping of owner and trained")
    if not isinstance(renamed, list) or any(
        not isinstance(r, dict) or not {"from", "to"} <= set(r) for r in renamed
    ):
        raise PolicyError(f"{path}: 'renamed' is a list, each with from, to and perhaps until")
    return {"readiness": readiness, "renamed": renamed}


def read_stages(company_root: Path | None) -> pd.DataFrame:
    """The stages in order: ``stage``, ``position``, ``outcome`` (open, won, lost), ``entry``,
    ``exit_evidence``, ``evidence_fields`` (columns of opportunities that are filled once a deal has left the
    stage, or is in it where it is an end; a list, empty where none is named), ``evidence_activities`` (kinds
    of activity, as the company calls them, that took place with a deal by the day it left the open stage; a
    list), ``max_age_days`` (missing where none is set), ``guessed`` (true where an import placed
    the stage and nobody has checked it). A company's list replaces the shipped.
    """
    shipped = repository_root() / "data" / "policy" / "stages.yaml"
    own = company_root / "policy" / "stages.yaml" if company_root else None
    path = own if own and own.is_file() else shipped
    content = read_yaml(path)
    listed = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise PolicyError(f"{path} has no list 'stages'; see data/policy/stages.yaml for the form")
    for number, stage in enumerate(listed, 1):
        _refuse_stage(stage, f"{path}, stage {number}")
    frame = pd.DataFrame(listed, columns=list(STAGE_COLUMNS))
    for column in ("stage", "position"):
        doubled = frame.loc[frame[column].duplicated(), column]
        if not doubled.empty:
            raise PolicyError(f"{path}: {column} '{doubled.iloc[0]}' stands twice; keep one")
    frame["max_age_days"] = frame["max_age_days"].astype("float64")
    frame["guessed"] = frame["guessed"].eq(True)
    for column in ("evidence_fields", "evidence_activities"):
        frame[column] = [v if isinstance(v, list) else [] for v in frame[column]]
    for column in ("entry", "exit_evidence"):
        frame[column] = frame[column].astype("object").where(frame[column].notna(), None)
    return frame.sort_values("position", ignore_index=True)


def _refuse_stage(stage: object, where: str) -> None:
    if not isinstance(stage, dict):
        raise PolicyError(f"{where} is no mapping; give stage, position and outcome")
    unknown = [name for name in stage if name not in STAGE_COLUMNS]
    if unknown:
        raise PolicyError(f"{where} has '{unknown[0]}'. {nearest(str(unknown[0]), STAGE_COLUMNS)}")
    if not isinstance(stage.get("stage"), str) or not stage["stage"]:
        raise PolicyError(f"{where} has the name {stage.get('stage')!r}; write it as text")
    if not isinstance(stage.get("position"), int) or isinstance(stage["position"], bool):
        raise PolicyError(f"{where}, '{stage['stage']}', has no position; write 1, 2, 3 in their order")
    if stage.get("outcome") not in OUTCOMES:
        raise PolicyError(f"{where}, '{stage['stage']}', has no outcome; write one of {', '.join(OUTCOMES)}")
    if not isinstance(stage.get("guessed", False), bool):
        raise PolicyError(
            f"{where}, '{stage['stage']}', has guessed {stage['guessed']!r}; write true, or strike it"
        )
    for name, of in (("evidence_fields", "columns of opportunities"), ("evidence_activities", "kinds")):
        listed = stage.get(name) or []
        if not isinstance(listed, list) or not all(isinstance(v, str) and v for v in listed):
            raise PolicyError(f"{where}, '{stage['stage']}', has {name} {listed!r}; list {of}")
    if stage.get("evidence_activities") and stage["outcome"] != "open":
        raise PolicyError(
            f"{where}, '{stage['stage']}', has evidence_activities and is an end; only an open stage is left"
        )
    age = stage.get("max_age_days")
    if age is not None and (not isinstance(age, int | float) or isinstance(age, bool) or age <= 0):
        raise PolicyError(f"{where}, '{stage['stage']}', has max_age_days {age!r}; write days above 0")
