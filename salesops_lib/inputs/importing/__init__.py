"""A CRM export becomes a company folder: read, convert, account for every row, write whole.

One module per step: ``mapping`` (what the YAML may say), ``reading`` (files to text columns), ``dates``,
``expressions`` (mapping to SQL), ``convert`` (one table), ``keys`` (duplicates, references, near matches),
``money`` (reporting currency), ``history`` (stage changes), ``notes`` (what looks wrong and stays),
``versions`` (re-import), ``store`` (written whole), ``run`` (the order of it all).
"""

from salesops_lib.inputs.importing.mapping import Mapping, load_mapping
from salesops_lib.inputs.importing.run import ImportResult, import_export

__all__ = ["ImportResult", "Mapping", "import_export", "load_mapping"]
