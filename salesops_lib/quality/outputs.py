"""The tables of the data quality report. Names and columns are kept from release to release."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table
from salesops_lib.quality.faults import DIMENSIONS
from salesops_lib.quality.measure import MEASURED, NEVER_FILLED, NO_COLUMN, NO_TABLE, NOTHING_DUE

_TABLE = Column("table", "text", "Table the fault is in.", nullable=False)
_FIELD = Column("field", "text", "Column, or derived field, the fault is in.", nullable=False)
_DIMENSION = Column("dimension", "text", "What kind of quality it lacks.", nullable=False, values=DIMENSIONS)
_FAULT = Column("fault", "text", "Stable name of the fault: table.field.kind.", nullable=False)
_TITLE = Column("title", "text", "The fault in words.", nullable=False)
_DUE = Column("due", "count", "Rows in which the fault can happen.", nullable=False, low=0)
_FAULTY = Column("faulty", "count", "Rows in which it did.", nullable=False, low=0)
_SCORE = Column("score", "ratio", "1 - faulty / due; missing where no row is due.", low=0, high=1)
_OWNER = Column("owner", "text", "Role that ends the fault.", nullable=False)
_MEND = Column("mend", "text", "How to end it at the source.", nullable=False)
_MONEY = Column("money_base", "money", "Value of the distinct deals with the fault, open or closed lately.")
_UNPRICED = Column("unpriced", "count", "Deals with the fault whose value is unknown.", nullable=False, low=0)

STATES = (MEASURED, NOTHING_DUE, NEVER_FILLED, NO_COLUMN, NO_TABLE)

RECEIVED = Table(
    "received",
    "one row per table of the company",
    ("table",),
    (
        Column("table", "text", "Name of the table.", nullable=False),
        Column("rows", "count", "Rows as known on the day.", nullable=False, low=0),
        Column("newest_day", "date", "Day of the newest event."),
        Column("age_days", "days", "Days from it to the day.", low=0),
        Column("living", "bool", "Whether every week should leave rows here.", nullable=False),
        *(
            Column(d, "ratio", f"Rows without a judged fault of {d}, of the rows due.", low=0, high=1)
            for d in DIMENSIONS
        ),
    ),
)
SCORES = Table(
    "scores",
    "one row per table, field and dimension that could be measured",
    ("table", "field", "dimension"),
    (_TABLE, _FIELD, _DIMENSION, _DUE, _FAULTY, _SCORE),
)


def _faults(dimension: str) -> Table:
    return Table(
        dimension,
        f"one row per fault of {dimension} looked for",
        ("fault",),
        (
            _FAULT,
            _TABLE,
            _FIELD,
            _TITLE,
            Column("counted", "text", "The rows due, in words.", nullable=False),
            Column("state", "text", "Measured, or why not.", nullable=False, values=STATES),
            _DUE,
            _FAULTY,
            _SCORE,
            Column("due_base", "money", "Value of the distinct deals in which the fault can happen."),
            _MONEY,
            _UNPRICED,
            Column("required", "bool", "Whether the policy holds the field to a limit.", nullable=False),
            Column("judged", "bool", "Whether it counts in totals and in what to fix.", nullable=False),
            _OWNER,
            _MEND,
        ),
    )


COMPLETENESS, VALIDITY, UNIQUENESS, TIMELINESS, CONSISTENCY = (_faults(d) for d in DIMENSIONS)
PLACES = Table(
    "places",
    "one row per fault and place with a faulty row",
    ("fault", "place"),
    (
        _FAULT,
        Column("place", "text", "Team of the owner, else segment or region.", nullable=False),
        _DUE,
        _FAULTY,
    ),
)
WORTH = Table(
    "worth",
    "one row per outcome",
    ("outcome",),
    (
        Column("outcome", "text", "What became of the deal.", nullable=False, values=("open", "won", "lost")),
        Column("deals", "count", "Deals, open or closed lately.", nullable=False, low=0),
        Column("deals_base", "money", "Their value."),
        Column(
            "affected", "count", "Deals with at least one judged fault, each once.", nullable=False, low=0
        ),
        Column("affected_base", "money", "Their value."),
    ),
)
TO_FIX = Table(
    "to_fix",
    "one row per fault, the ten that matter most",
    ("rank",),
    (
        Column("rank", "count", "1 is worth most.", nullable=False, low=1),
        _FAULT,
        _TABLE,
        _FIELD,
        _TITLE,
        _FAULTY,
        _DUE,
        Column("share", "ratio", "faulty / due.", nullable=False, low=0, high=1),
        _MONEY,
        _UNPRICED,
        Column("where", "text", "Teams or segments with most faulty rows, of the rows due there."),
        _OWNER,
        _MEND,
    ),
)
TREND = Table(
    "trend",
    "one row per fault measured on either day",
    ("fault",),
    (
        _FAULT,
        _TABLE,
        _FIELD,
        _DIMENSION,
        _TITLE,
        Column("due_now", "count", "Rows due now.", low=0),
        Column("faulty_now", "count", "Rows faulty now.", low=0),
        Column("score_now", "ratio", "Score now.", low=0, high=1),
        Column("money_base_now", "money", "Value of the deals with the fault now."),
        Column("due_then", "count", "Rows due on the earlier day.", low=0),
        Column("faulty_then", "count", "Rows faulty on the earlier day.", low=0),
        Column("score_then", "ratio", "Score on the earlier day.", low=0, high=1),
        Column("money_base_then", "money", "Value of the deals with the fault then."),
        Column("change", "ratio", "Score now less score then; above 0 is better.", low=-1, high=1),
    ),
)
NOT_MEASURED = Table(
    "not_measured",
    "one row per field that could not be judged",
    ("table", "field"),
    (
        _TABLE,
        _FIELD,
        Column("state", "text", "Why not.", nullable=False, values=STATES),
        Column("required", "bool", "Whether the policy holds the field to a limit.", nullable=False),
        Column("rows", "count", "Rows where the field is due.", nullable=False, low=0),
    ),
)
DUPLICATES = Table(
    "duplicates",
    "one row per account that seems to stand twice",
    ("account_id",),
    (
        Column("account_id", "text", "The account that seems surplus.", nullable=False),
        Column("name", "text", "Its name."),
        Column("country", "text", "Its country."),
        Column("same_as", "text", "The account to keep: the oldest of the name.", nullable=False),
        Column("kept_name", "text", "Name of that account."),
        Column(
            "match", "text", "How sure.", nullable=False, values=("same name", "one letter apart")
        ),
        Column("deals_base", "money", "Value of the surplus account's deals, open or closed lately."),
    ),
)  # fmt: skip
IMPORTS = Table(
    "imports",
    "one row per import",
    ("import_at",),
    (
        Column("import_at", "text", "When.", nullable=False),
        Column("source", "text", "Kind of source.", nullable=False),
        Column("rows_in", "count", "Rows read.", nullable=False, low=0),
        Column("rows_out", "count", "Rows written.", nullable=False, low=0),
        Column("reported", "count", "Rows reported.", nullable=False, low=0),
        Column("repaired", "count", "Rows repaired and kept.", nullable=False, low=0),
        Column("lost", "count", "Rows dropped or left unplaced.", nullable=False, low=0),
        Column("lost_share", "ratio", "lost / rows_in.", low=0),
    ),
)
IMPORT_REASONS = Table(
    "import_reasons",
    "one row per import, table, action and reason",
    ("import_at", "table", "action", "reason"),
    (
        Column("import_at", "text", "When.", nullable=False),
        Column("table", "text", "Table the row was for."),
        Column("action", "text", "What was done with the row."),
        Column("reason", "text", "Why."),
        Column("rows", "count", "Rows.", nullable=False, low=0),
        Column("money_base", "money", "Their money, where the row names any."),
    ),
)

OUTPUTS: tuple[Table, ...] = (
    RECEIVED,
    SCORES,
    COMPLETENESS,
    VALIDITY,
    UNIQUENESS,
    TIMELINESS,
    CONSISTENCY,
    PLACES,
    WORTH,
    TO_FIX,
    TREND,
    NOT_MEASURED,
    DUPLICATES,
    IMPORTS,
    IMPORT_REASONS,
)
