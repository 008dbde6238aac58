"""ETH/PRIO Civil Conflict Ceasefires: one row an actor in the file, a dyad's here.

Source: Clayton, Nygård, Strand, Rustad, Wiehler, Sagård, Landsverk, Ryland, Sticher,
Wink & Bara 2023, Journal of Conflict Resolution 67(7-8):1430-1451. The file came
without a codebook: the meaning of ``ended`` is inferred (see ``END_REASON``).
"""

from pathlib import Path

import polars as pl

from forecast.cells import Cell, choice, identifier, parse, text, usable, whole
from forecast.raw import Raw, read
from forecast.schema import FIRST, LAST, LeftOut, Loaded, Rejected, Truces

#: inferred from dates and comments, not documented with the file
END_REASON = {
    "0": "ongoing",
    "1": "expired",
    "2": "collapsed",
    "3": "other",
    "4": "renewed",
    "-1": "unclear",
}
#: where rows of one truce end on one day, the worst of their reasons holds
WORST = ("collapsed", "other", "expired", "renewed", "unclear", "ongoing")
SIDE = {"1": "unilateral", "2": "bilateral", "3": "multilateral"}
CLASS = {"1": "cessation", "2": "preliminary", "3": "definitive"}
TRUE_FROM_1 = {"-1": None, "0": False, "1": True, "2": True, "3": True}
PURPOSES = {
    "p_humanitarian": "humanitarian",
    "p_peaceprocess": "peace process",
    "p_holiday": "holiday",
    "p_election": "election",
    "p_other": "other",
    "p_unclear": "unclear",
}
#: parts of a date, each −1 or 0 where it is not known, and the largest number
PARTS = {"yr": LAST.year, "month": 12, "day": 31}
TERM_MAX = 36_500
REQUIRED = (
    "uniq_id",
    "location",
    "actor_name",
    "ucdp_acd_id",
    "ucdp_dyad",
    *(f"cf_effect_{part}" for part in PARTS),
    "side",
    "partial",
    "ended",
    *(f"end_{part}" for part in PARTS),
)
OPTIONAL = (
    "written",
    "fixed",
    "fixed_time",
    "ceasefire_class",
    "mediator_nego",
    "enforcement",
    *PURPOSES,
)


def ethprio(path: str | Path, dyads: str | Path | None = None) -> Loaded[Truces]:
    """Load ETH/PRIO ceasefires, one row for each ceasefire and UCDP dyad.

    Where rows of one truce disagree, the earliest start holds, and the earliest end
    with the worst reason of that day. −1 means unknown in every column; an end known
    to the month or year only is dated the first day of it.

    Parameters
    ----------
    path : path
        ``ceasefires.csv`` of the publisher.
    dyads : path, optional
        The UCDP Conflict Termination dyad file, for the names of both parties;
        without it the parties are the actors that the ceasefire file names.

    Returns
    -------
    Loaded[Truces]
        Sorted by ``truce_id``, which is ``<uniq_id>-<dyad>``. Rows without a UCDP
        dyad are left out, and counted.
    """
    table = read(path, REQUIRED, OPTIONAL)
    rows, rejected = parse(table, CELLS, RULES)
    usable(table.file, rows, rejected)
    with_dyad = rows.filter(pl.col("dyad_id").str.contains(r"^\d+$"))
    files, read_rows = {table.file: table.sha256}, table.read
    truces = _merge(with_dyad)
    if dyads is not None:
        names = read(dyads, ("dyad_id", "side_a", "side_b"))
        truces = _name_parties(truces, names)
        files[names.file] = names.sha256
        # of its rows only those are of account that cannot be read
        read_rows += names.rejected.height
        rejected = Rejected.validate(pl.concat([rejected, names.rejected]))
    left_out = LeftOut.validate(
        pl.DataFrame(
            {
                "source": "ethprio",
                "reason": "row without a UCDP dyad",
                "n": rows.height - with_dyad.height,
            }
        )
    )
    return Loaded(
        frame=Truces.validate(_described(truces), cast=True),
        rejected=rejected,
        left_out=left_out,
        read=read_rows,
        accepted=with_dyad.height,
        files=files,
    )


def _part(prefix: str, part: str) -> pl.Expr:
    """A year, month or day; null where it is unknown (−1 or 0)."""
    number = whole(f"{prefix}_{part}", -1, PARTS[part]).value
    return pl.when(number > 0).then(number)


def _date(prefix: str) -> pl.Expr:
    year, month, dom = (_part(prefix, part) for part in PARTS)
    known = pl.when(month.is_null()).then(1).otherwise(dom.fill_null(1))
    # a string, because Polars raises on impossible dates of numbers
    value = pl.format(
        "{}-{}-{}",
        year,
        month.fill_null(1).cast(pl.String).str.zfill(2),
        known.cast(pl.String).str.zfill(2),
    ).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(value.is_between(FIRST, LAST)).then(value)


def _date_cell(prefix: str) -> Cell:
    year = _part(prefix, "yr")
    return Cell(
        f"{prefix}_day",
        _date(prefix),
        year.is_not_null() & _date(prefix).is_null(),
        f"expected a day that the calendar has, from {FIRST.year} to {LAST.year}",
    )


def _precision_cell(prefix: str) -> Cell:
    year, month, dom = (_part(prefix, part) for part in PARTS)
    value = (
        pl.when(year.is_null())
        .then(None)
        .when(month.is_null())
        .then(pl.lit("year"))
        .when(dom.is_null())
        .then(pl.lit("month"))
        .otherwise(pl.lit("day"))
    )
    return Cell(f"{prefix}_yr", value, pl.lit(False), "")


def _ucdp(column: str, required: bool = False) -> Cell:
    cell = identifier(column)
    number = cell.value.str.contains(r"^-?\d+$")
    bad = ~number.fill_null(not required)
    return Cell(column, cell.value, bad, "expected a number of UCDP's, or -1 for none")


CELLS = {
    "agreement_id": identifier("uniq_id", required=True),
    "country": text("location", required=True),
    "actor": text("actor_name", required=True),
    "conflict_id": _ucdp("ucdp_acd_id"),
    "dyad_id": _ucdp("ucdp_dyad", required=True),
    # before the dates, so that what is named is the part that is no number
    **{
        f"{prefix}_{part}": whole(f"{prefix}_{part}", -1, high)
        for prefix in ("cf_effect", "end")
        for part, high in PARTS.items()
    },
    "start": _date_cell("cf_effect"),
    "start_precision": _precision_cell("cf_effect"),
    "end": _date_cell("end"),
    "end_precision": _precision_cell("end"),
    "end_reason": choice("ended", END_REASON, required=True),
    "side": choice("side", SIDE | {"-1": None}),
    "class": choice("ceasefire_class", CLASS | {"-1": None}),
    "partial": choice("partial", TRUE_FROM_1),
    "written": choice("written", TRUE_FROM_1),
    "mediated": choice("mediator_nego", TRUE_FROM_1),
    "enforcement": choice("enforcement", TRUE_FROM_1),
    "fixed": choice("fixed", TRUE_FROM_1),
    # a number of days, or words where the term is no number: then unknown
    "term": identifier("fixed_time"),
    **{name: choice(name, TRUE_FROM_1) for name in PURPOSES},
}
RULES = (
    Cell(
        "end_day",
        pl.col("end"),
        (pl.col("end") < pl.col("start"))
        & (pl.col("end_precision") == "day")
        & (pl.col("start_precision") == "day"),
        "expected an exact end on or after the start",
    ),
)


def _merge(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a ceasefire and dyad, from the rows of its actors."""
    reason = pl.col("end_reason").replace_strict(WORST, range(len(WORST)))
    exact_start = pl.col("start_precision") == "day"
    exact_end = (pl.col("end_precision") == "day").fill_null(False)
    starts = [pl.col("start").is_null(), ~exact_start.fill_null(False), "start"]
    # the last key only so that equal ends are in one order
    ends = [pl.col("end").is_null(), "end", reason, exact_end]
    flags = ("partial", "written", "mediated", "enforcement", *PURPOSES)
    days = pl.col("term").cast(pl.Int64, strict=False)
    term = days.filter(pl.col("fixed") & days.is_between(1, TERM_MAX)).min()
    return (
        rows.group_by("agreement_id", "dyad_id", maintain_order=True)
        .agg(
            pl.col("country", "conflict_id", "side", "class").first(),
            pl.col("actor").unique(maintain_order=True).alias("parties"),
            pl.col("start", "start_precision").sort_by(starts).first(),
            pl.col("end", "end_precision", "end_reason").sort_by(ends).first(),
            pl.col(*flags).max(),
            term.alias("term_days"),
        )
        .with_columns(truce_id=pl.format("{}-{}", "agreement_id", "dyad_id"))
    )


def _name_parties(truces: pl.DataFrame, dyads: Raw) -> pl.DataFrame:
    sides = [text(side).value.alias(side) for side in ("side_a", "side_b")]
    names = (
        dyads.frame.select(identifier("dyad_id").value, *sides)
        .drop_nulls()
        .unique("dyad_id", keep="first", maintain_order=True)
        .select("dyad_id", both=pl.concat_list("side_a", "side_b"))
    )
    return truces.join(names, on="dyad_id", how="left").with_columns(
        parties=pl.coalesce("both", "parties")
    )


def _described(truces: pl.DataFrame) -> pl.DataFrame:
    purposes = pl.concat_list(
        pl.when(pl.col(column)).then(pl.lit(word)) for column, word in PURPOSES.items()
    ).list.drop_nulls()
    return (
        truces.with_columns(
            name=pl.format(
                "{}, {}",
                pl.col("parties").list.join(" - "),
                pl.col("start").cast(pl.String).fill_null("start unknown"),
            ),
            conflict_id=pl.when(pl.col("conflict_id").str.contains(r"^\d+$")).then(
                "conflict_id"
            ),
            excluded=pl.lit([], pl.List(pl.String)),
            purposes=purposes,
            source=pl.lit("ethprio"),
        )
        .select(Truces.column_names())
        .sort("truce_id")
    )
