"""One look for every chart: colours colour-blind readers tell apart, sizes, labels; matplotlib is lazy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

# Okabe and Ito (2008): distinguishable under the common colour deficiencies and in grey print.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#000000"
GREY, LIGHT = "#6B7280", "#D1D5DB"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW, BLACK)

WIDTH = 8.6  # inches: fills the report's column at 144 dpi

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "text.parse_math": False,  # a '$' in a name is a dollar, not a formula
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12.0,
    "axes.labelsize": 10.0,
    "axes.labelcolor": "#374151",
    "axes.edgecolor": "#9CA3AF",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 144,
}


@contextmanager
def theme() -> Iterator[None]:
    """Draw inside it: sets fonts, colours, sizes, and restores what was there."""
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=PALETTE)}):
        yield


def axes(height: float = 3.6, *, grid: str = "x") -> Axes:
    """One empty chart of the report's width in the theme; ``grid``: "x", "y" or "" for none."""
    from matplotlib.figure import Figure

    with theme():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        made = figure.add_subplot()
    made.grid(visible=False)
    if grid:
        made.grid(visible=True, axis=grid)
    return made


def say(chart: Axes, title: str, *, x: str = "", y: str = "") -> Axes:
    """Give a chart its finding as title and its units as axis labels; long titles are wrapped."""
    import textwrap

    with theme():
        chart.set_title(
            "\n".join(textwrap.wrap(title, 84)), loc="left", fontsize=12, fontweight="bold", pad=12
        )
        chart.set_xlabel(x)
        chart.set_ylabel(y)
    for text in (chart.title, chart.xaxis.label, chart.yaxis.label):
        text.set_parse_math(False)
    return chart


def percent_axis(chart: Axes, which: str = "x") -> None:
    """Show ratios on an axis as whole percent with a thin space."""
    from matplotlib.ticker import FuncFormatter

    getattr(chart, f"{which}axis").set_major_formatter(FuncFormatter(lambda v, _: percent(v)))


def money_axis(chart: Axes, which: str = "x") -> None:
    """Show money on an axis in thousands or millions."""
    from matplotlib.ticker import FuncFormatter

    getattr(chart, f"{which}axis").set_major_formatter(FuncFormatter(lambda v, _: short_money(v)))


def label(chart: Axes, x: float, y: float, text: str, **options) -> None:
    """Write text beside a mark, as it is (no formulas)."""
    with theme():
        chart.annotate(
            text, (x, y), xytext=options.pop("offset", (5, 0)), textcoords="offset points", va="center",
            parse_math=False, **{"fontsize": 9, **options},
        )  # fmt: skip


def literal(figure) -> None:
    """Show every text of a figure as it is written: a ``$`` in a name is a dollar, whoever placed the text.

    Tick labels of a logarithmic axis stay formulas, or their powers of ten would stand as code.
    """
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    for axis in (axis for chart in figure.axes for axis in (chart.xaxis, chart.yaxis)):
        for minor, formatter in ((False, axis.get_major_formatter()), (True, axis.get_minor_formatter())):
            if isinstance(formatter, LogFormatter):
                for text in axis.get_ticklabels(minor=minor):
                    text.set_parse_math(True)


def percent(value: float | None) -> str:
    """``0.714`` as ``71 %``; missing is ``–``; beyond a thousandfold it is ``>99,999 %``."""
    if value is None or value != value:
        return "–"
    if abs(value) >= 1000:
        return f"{'<−' if value < 0 else '>'}99,999 %"
    return f"{100 * float(value):,.0f} %"


def short_money(value: float | None) -> str:
    """``1234567`` as ``1.23M``, ``45600`` as ``46k``, a million million as ``1T``; missing is ``–``."""
    if value is None or value != value:
        return "–"
    value = 0.0 if abs(value) < 0.5 else float(value)  # "-0" says nothing
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{unit}" if abs(value) < 999.5 * size else f"{value / size:,.0f}{unit}"
    return f"{value / 1e3:.0f}k" if abs(value) >= 1e3 else f"{value:.0f}"


def draw_once() -> None:
    """Draw a picture and throw it away: processes forked later then have fonts and image formats loaded."""
    import io

    say(axes(), "0123456789", x="days").figure.savefig(io.BytesIO(), format="png")
