"""``upturn exposure``: what reaches plasma and receptor after one dose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from upturn.cli.output import print_json
from upturn.errors import UnitError
from upturn.protocol import read_dose
from upturn.units import hours, quantity

if TYPE_CHECKING:
    from upturn.trials import Exposure

__all__ = ["command"]

NAMES = {
    "ketamine": "ketamine",
    "ketamine_venous": "ketamine, venous",
    "norketamine": "norketamine",
    "hydroxynorketamine": "hydroxynorketamine",
    "occupancy": "occupancy",
}


def command(
    drug: Annotated[str, typer.Option(help="ketamine or esketamine.")],
    route: Annotated[str, typer.Option(help="intravenous, intramuscular, subcutaneous, intranasal, sublingual, oral.")],
    dose: Annotated[str, typer.Option(help='Amount with unit: "0.5 mg/kg" or "84 mg".')],
    over: Annotated[str | None, typer.Option(help='Duration of an infusion: "40 min".')] = None,
    weight: Annotated[str | None, typer.Option(help='Body weight with unit: "70 kg"; needed for mg/kg.')] = None,
    age: Annotated[float, typer.Option(min=18, max=100, help="Age in years.")] = 45.0,
    asian: Annotated[bool, typer.Option(help="Asian ancestry (nasal esketamine only).")] = False,
    japanese: Annotated[bool, typer.Option(help="Japanese ancestry (nasal esketamine only).")] = False,
    at: Annotated[list[str] | None, typer.Option(help='A further time: "40 min"; may be repeated.')] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show plasma concentrations and receptor occupancy after one dose, by every model that describes it."""
    given = read_dose(drug=drug, route=route, amount=dose, over=over, file="the options")
    if weight is None and given.amount.per_kg:
        raise UnitError(
            "The dose is per kilogram, but no body weight was given.",
            expected='--weight, such as "70 kg"', came="none", where="--weight",
            remedy="give the weight, or an absolute amount such as 35 mg",
        )  # fmt: skip
    weight_kg = quantity(weight, "kilogram", what="weight", where="--weight") if weight else 70.0
    times = [hours(t, where="--at") for t in at or ()]
    if any(t < 0 for t in times):
        raise UnitError("A time lies before the dose.", expected="zero or more", where="--at")
    from upturn.trials import exposure  # noqa: PLC0415

    found = exposure(given, weight_kg=weight_kg, age_y=age, asian=asian, japanese=japanese, at_h=times)
    if as_json:
        print_json(found.as_dict())
        return
    console = Console(highlight=False)
    for table in _tables(found, times):
        console.print(table)
    console.print("Typical person; in brackets the range of 90 % of people. RO scale is a convention.", style="dim")
    console.print("For research and education; decisions belong to the treating clinician.", style="dim")


def _tables(found: Exposure, times: list[float]) -> list[Table]:
    tables = []
    for model in found.models:
        words = [model.model, model.site, *([model.variant] if model.variant else [])]
        title = f"{found.drug} {found.amount_mg:g} mg {found.route}: {', '.join(words)}"
        table = Table(title=title, caption=model.limits if model.default else None, title_justify="left")
        table.add_column("analyte")
        for column in ("peak", "90 % of people", "at", "area 0-24 h", *(f"at {t:g} h" for t in times)):
            table.add_column(column, justify="right")
        for a in model.analytes:
            share = a.name == "occupancy"
            scale, digits = (100.0, 0) if share else (1.0, 1)
            low, high = a.peak_people.low90 or 0.0, a.peak_people.high90 or 0.0
            table.add_row(
                NAMES[a.name] + (" [%]" if share else " [ng/mL]"),
                f"{a.peak * scale:.{digits}f}",
                f"{low * scale:.{digits}f}-{high * scale:.{digits}f}",
                f"{a.peak_h * 60:.0f} min",
                "" if share else f"{a.area_24h:.0f}",
                *(f"{a.at[f'{t:g}'] * scale:.{digits}f}" for t in times),
            )
        tables.append(table)
    return tables
