"""Choices: what a model chose while it was fitted rests on no row that is tested."""

import polars as pl

from forecast.audits import FAULT, HELD, NOT_APPLICABLE, Finding, Run


def choices(run: Run) -> list[Finding]:
    """Report the choices that models told of, and those whose rows are at fault.

    It goes by what a model says in ``choices_``, see :mod:`forecast.choices`, and
    claims no more: a model that says nothing, or something else than it does, is not
    found out.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.

    Returns
    -------
    list of Finding
        One a model and choice.
    """
    if not run.choices:
        said = "no model says that it made a choice by some of its training rows"
        return [Finding("models", NOT_APPLICABLE, said)]
    made = pl.DataFrame(run.choices).sort("model", "what", "cutoff")
    return [
        _finding(f"{model}, {what}", rows)
        for (model, what), rows in made.group_by("model", "what", maintain_order=True)
    ]


def _finding(subject: str, rows: pl.DataFrame) -> Finding:
    wrong = rows.filter(pl.col("trouble") != "")
    if wrong.height:
        first = wrong.row(0, named=True)
        said = (
            f"at {wrong.height} of {rows.height} cutoffs its rows are at fault; "
            f"at {first['cutoff']}: {first['trouble']}"
        )
        return Finding(subject, FAULT, said)
    last = rows.row(-1, named=True)
    return Finding(
        subject,
        HELD,
        f"{rows.height} choices rest on training rows that end before the cutoff; the "
        f"last on {last['n']:,} rows with the digest {last['digest'][:12]}",
    )
