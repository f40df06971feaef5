"""What the handbook is made from: metrics, rules, tables, policy values and run files, found by file name.

Of the library this package imports only the core. Domain packages and the input contracts are found by their
fixed file names and imported by name when :func:`discover` is called, so a new domain needs no edit here.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass, field
from pathlib import Path

import yaml

import salesops_lib
from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Rule
from salesops_lib.core.metrics import Metric
from salesops_lib.core.policy import Policy, PolicyValue

SHARED = frozenset({"core", "inputs", "publish", "handbook"})
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is compiled, and not in every build


@dataclass(frozen=True)
class Registry:
    """What the library declares: ``outputs`` and ``policies`` by domain, ``run_files`` by notebook."""

    metrics: tuple[Metric, ...] = ()
    rules: tuple[Rule, ...] = ()
    outputs: dict[str, tuple[Table, ...]] = field(default_factory=dict)
    inputs: tuple[Table, ...] = ()
    policies: dict[str, Policy] = field(default_factory=dict)
    run_files: dict[str, dict] = field(default_factory=dict)

    @property
    def domains(self) -> set[str]:
        """Every word that may stand before the dot of a metric id or a policy key."""
        return {m.id.split(".")[0] for m in self.metrics} | set(self.policies) | set(self.outputs)

    @property
    def policy_values(self) -> dict[str, PolicyValue]:
        """The newest value of each policy entry by ``domain.name``."""
        return {
            f"{domain}.{name}": policy.value(name, max(entry["values"]))
            for domain, policy in self.policies.items()
            for name, entry in policy.entries.items()
        }


def policy_key(rule: Rule) -> str:
    """``attainment.team_floor``: the policy value a rule is judged by."""
    return f"{rule.metric.id.split('.')[0]}.{rule.policy}"


def discover(root: Path) -> Registry:
    """Collect what the library declares, with ``data/policy`` and ``notebooks`` under ``root``.

    Raises PolicyError for a policy file that breaks its form and UserError for a file that is no mapping.
    """
    domains = sorted({m.name for m in pkgutil.iter_modules(salesops_lib.__path__) if m.ispkg} - SHARED)
    return Registry(
        metrics=tuple(m for d in domains for m in _declared(d, "metrics", "METRICS")),
        rules=tuple(r for d in domains for r in _declared(d, "findings", "RULES")),
        outputs={d: tables for d in domains if (tables := tuple(_declared(d, "outputs", "OUTPUTS")))},
        inputs=tuple(_declared("inputs", "tables", "TABLES").values()),
        policies=_policies(root / "data" / "policy"),
        run_files={path.stem: _mapping(path) for path in sorted((root / "notebooks").glob("*.yaml"))},
    )


def _declared(package: str, module: str, attribute: str):
    name = f"salesops_lib.{package}.{module}"
    if importlib.util.find_spec(name) is None:
        return {} if attribute == "TABLES" else ()
    return getattr(importlib.import_module(name), attribute)


def _policies(folder: Path) -> dict[str, Policy]:
    """Dated values only: ``stages.yaml`` is a list of stages, the list of audiences is no value either."""
    return {
        path.stem: Policy(path.stem, {k: v for k, v in _mapping(path).items() if k != "audiences"})
        for path in sorted(folder.glob("*.yaml"))
        if path.stem != "stages"
    }


def _mapping(path: Path) -> dict:
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  (a safe one)
    except yaml.YAMLError as fault:
        raise UserError(f"{path} is not YAML: {' '.join(str(fault).split())}; mend the file") from None
    if not isinstance(entries, dict):
        raise UserError(f"{path} holds no mapping of names to values; mend the file")
    return entries
