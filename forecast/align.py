"""What may be compared: runs of one label, on the same rows with the same outcomes.

Anything else is refused, and it is said by how much: a difference of scores would be
one of rows. Only rows in common of runs on other rows or data may be asked for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from forecast.differences import Differences, differences
from forecast.raw import InputError

#: what a row is; its cutoff says only when the model was fitted
ROW = ["truce_id", "origin", "horizon"]
#: other processors round the last bits of a weight otherwise
SAME_WEIGHT = 1e-6


def check_labels(labels: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse runs that call another thing a collapse than the reference does.

    Parameters
    ----------
    labels : mapping of str to mapping
        By name of the run, the reference first: the collapse rule and its settings.

    Raises
    ------
    forecast.raw.InputError
        That names the settings which differ.

    Examples
    --------
    >>> check_labels({"a": {"floor": 5}, "b": {"floor": 5}})
    """
    reference, *others = labels
    problems = [
        f"{run}: {_settings(found)}"
        for run in others
        if (found := differences(labels[reference], labels[run]))
    ]
    if problems:
        raise InputError(
            f"labels differ from that of {reference}: {'; '.join(problems)}. Runs of "
            "different labels forecast different things and are never compared; "
            "labels=any sets them side by side, each against its own baseline"
        )


def _settings(found: Differences) -> str:
    """What differs in a label; another rule has settings of its own."""
    said = {"label": found["label"]} if "label" in found else found
    absent = "(not there)"
    return ", ".join(
        f"{key} is {theirs or absent}, not {ours or absent}"
        for key, (ours, theirs) in said.items()
    )


def check_data(
    inputs: Mapping[str, Mapping[str, str]], *, overlap: bool = False
) -> list[str]:
    """Refuse runs on other data than the reference, or say so where that is allowed.

    Parameters
    ----------
    inputs : mapping of str to mapping
        By name of the run, the reference first: digest of each input, by its path.
    overlap : bool
        Whether rows in common may be compared all the same.

    Returns
    -------
    list of str
        A sentence for each run on other data.

    Raises
    ------
    forecast.raw.InputError
        That names the inputs which differ.

    Examples
    --------
    >>> check_data({"a": {"x/ged.csv": "12"}, "b": {"y/ged.csv": "12"}})
    []
    """
    # data are the same wherever they lie
    known = {
        run: {(Path(path).name, digest) for path, digest in files.items()}
        for run, files in inputs.items()
    }
    reference, *others = known
    said = []
    for run in others:
        names = sorted({name for name, _ in known[run] ^ known[reference]})
        if names:
            of = len({name for name, _ in known[run] | known[reference]})
            said.append(f"{run}: {len(names)} of {of} inputs ({', '.join(names)})")
    if said and not overlap:
        raise InputError(
            f"data differ from those of {reference}: {'; '.join(said)}. overlap=true "
            "compares the rows in common, if their outcomes agree"
        )
    return [f"other data than {reference}: {line}" for line in said]


def align(
    forecasts: Mapping[str, pl.DataFrame], *, overlap: bool = False
) -> tuple[pl.DataFrame, list[str]]:
    """Put the forecasts of runs side by side, a row for each origin and horizon.

    Parameters
    ----------
    forecasts : mapping of str to pl.DataFrame
        By name of the run, the reference first: predictions of one model.
    overlap : bool
        Compare the rows that all runs have, instead of refusing other rows.

    Returns
    -------
    wide : pl.DataFrame
        `truce_id`, `origin`, `horizon`, `dyad_id`, `outcome`, `weight` (both of the
        reference), and the risk by each run under its name. Sorted.
    notes : list of str
        What was left out, and what does not agree where it need not.

    Raises
    ------
    forecast.raw.InputError
        If rows differ and `overlap` is not set, if there are none in common, or if
        outcomes or weights disagree; the message counts the rows.
    """
    reference, *others = forecasts
    ours = forecasts[reference]
    pairs = {run: _pair(ours, forecasts[run]) for run in others}
    _check_rows(reference, ours.height, forecasts, pairs, overlap)
    notes = _check_outcomes(reference, pairs, overlap)
    wide = ours.select(
        *ROW, "dyad_id", "outcome", "weight", pl.col("risk").alias(reference)
    )
    for run in others:
        risks = forecasts[run].select(*ROW, pl.col("risk").alias(run))
        wide = wide.join(risks, on=ROW, how="inner", validate="1:1")
    if wide.is_empty():
        raise InputError(f"no row of {reference} is in common with {', '.join(others)}")
    fewer = {run: f.height for run, f in forecasts.items() if f.height > wide.height}
    if fewer:
        of = ", ".join(f"{n:,} of {run}" for run, n in fewer.items())
        notes.insert(0, f"{wide.height:,} rows are in common and compared, out of {of}")
    return wide.sort(ROW), notes


def _pair(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Rows in common with the reference: outcome and weight of both."""
    columns = [*ROW, "outcome", "weight"]
    return ours.select(columns).join(
        theirs.select(columns), on=ROW, how="inner", validate="1:1", suffix="_run"
    )


def _check_rows(
    reference: str,
    height: int,
    forecasts: Mapping[str, pl.DataFrame],
    pairs: Mapping[str, pl.DataFrame],
    overlap: bool,
) -> None:
    problems = []
    for run, pair in pairs.items():
        lacks, more = height - pair.height, forecasts[run].height - pair.height
        if lacks or more:
            problems.append(f"{run} lacks {lacks:,} of them and has {more:,} others")
    if problems and not overlap:
        raise InputError(
            f"rows differ from the {height:,} of {reference}: {'; '.join(problems)}. "
            "overlap=true compares the rows in common"
        )


def _check_outcomes(
    reference: str, pairs: Mapping[str, pl.DataFrame], overlap: bool
) -> list[str]:
    """Refuse outcomes and weights that disagree; say what only one run knows."""
    problems, notes = [], []
    both_known = pl.col("outcome").is_not_null() & pl.col("outcome_run").is_not_null()
    differ = pl.col("outcome").ne_missing(pl.col("outcome_run"))
    apart = (pl.col("weight") - pl.col("weight_run")).abs() > SAME_WEIGHT
    for run, pair in pairs.items():
        other = pair.filter(differ & both_known if overlap else differ).sort(ROW)
        unequal = pair.filter(apart & ~differ)
        if other.height:
            problems.append(_example(run, other, pair.height))
        elif unequal.height and not overlap:
            problems.append(f"{run}: {_weights(unequal, pair.height)}")
        elif unequal.height:
            said = _weights(unequal, pair.height)
            notes.append(f"weights are those of {reference}; of {run}: {said}")
        half = pair.filter(differ & ~both_known).height
        if overlap and half:
            notes.append(
                f"the outcome of {half:,} rows is known to only one of {reference} "
                f"and {run}; what {reference} knows is used"
            )
    if problems:
        raise InputError(
            f"outcomes disagree with those of {reference}: {'; '.join(problems)}. "
            "Such runs cannot be compared"
        )
    return notes


def _example(run: str, other: pl.DataFrame, height: int) -> str:
    row = other.row(0, named=True)
    ours, theirs = (
        "unknown" if row[name] is None else row[name]
        for name in ("outcome", "outcome_run")
    )
    return (
        f"{run}: {other.height:,} of {height:,} rows in common, such as truce "
        f"{row['truce_id']} on {row['origin']} within {row['horizon']} days: "
        f"{theirs}, not {ours}"
    )


def _weights(unequal: pl.DataFrame, height: int) -> str:
    most = float((unequal["weight"] - unequal["weight_run"]).abs().to_numpy().max())
    return (
        f"weights of {unequal.height:,} of {height:,} rows differ by up to {most:.3g}"
    )
