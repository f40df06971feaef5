"""``salesops sample``: the made-up company, of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "sample"
app = typer.Typer(help="Write the made-up sample company, of any size.")


@app.command()
def sample(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write it.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    scale: Annotated[float, typer.Option(min=0.01, max=1000, help="Sellers, deals, leads times this.")] = 1.0,
) -> None:
    """Write the made-up sample company, of any size."""
    from salesops_lib.inputs.sample.generate import generate

    generate(out, seed=seed, scale=scale)
    typer.echo(f"made {out}")
