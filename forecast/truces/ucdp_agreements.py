"""UCDP Peace Agreements: those with a ceasefire provision, one row a dyad.

Source: UCDP Peace Agreement Dataset 22.1 (CC BY 4.0); Davies, Pettersson & Öberg 2022,
Journal of Peace Research 59(4):593-610; Pettersson, Högbladh & Öberg 2019, Journal of
Peace Research 56(4):589-603. The file came without a codebook: what each column
means is inferred from its values and comments, and said where it is used.
"""

from pathlib import Path

import polars as pl

from forecast.cells import Cell, choice, day, identifier, parse, text, unique, usable
from forecast.raw import read
from forecast.schema import LeftOut, Loaded, Truces

YES_NO = {"0": False, "1": True}
ENDED = {"true": True, "false": False, "1": True, "0": False}
REQUIRED = ("paid", "conflict_id", "dyad_id", "dyad_name", "pa_name", "pa_date")
PROVISIONS = ("cease", "ddr", "pol_prov", "terr_prov", "pko", "co_impl")
OPTIONAL = ("conflict_name", "pa_3rd", "c_3rd", "ended", "duration")
ID = r"\d+(?:\.0)?"
IDS = rf"^{ID}(?: *, *{ID})*$"


def _several(column: str) -> Cell:
    """One id or several with commas between them."""
    cell = text(column).value
    value = cell.str.extract_all(ID).list.eval(pl.element().str.replace(r"\.0$", ""))
    expected = "expected an id, or ids with commas between them"
    return Cell(column, value, ~cell.str.contains(IDS).fill_null(False), expected)


def _flag(column: str) -> Cell:
    return choice(column, YES_NO, required=True)


def _ended() -> Cell:
    cell = text("ended").value.str.to_lowercase()
    value = cell.replace_strict(
        list(ENDED), list(ENDED.values()), default=None, return_dtype=pl.Boolean
    )
    bad = cell.is_not_null() & value.is_null()
    return Cell("ended", value, bad, "expected one of: True, False, or nothing")


def _name_count() -> pl.Expr:
    """Names of dyads: one, whatever commas it holds, or one behind each comma."""
    one = pl.col("dyad_ids").list.len() == 1
    split = pl.col("dyad_name").str.split(",")
    return pl.when(one).then(pl.lit(1)).otherwise(split.list.len())


CELLS = {
    "agreement_id": identifier("paid", required=True),
    "conflict_ids": _several("conflict_id"),
    "dyad_ids": _several("dyad_id"),
    "dyad_name": text("dyad_name", required=True),
    "conflict_name": text("conflict_name"),
    "name": text("pa_name", required=True),
    "start": day("pa_date", required=True),
    "third": text("pa_3rd"),
    "third_comment": text("c_3rd"),
    "ended": _ended(),
    "end": day("duration"),
    **{name: _flag(name) for name in PROVISIONS},
}
RULES = (
    unique("paid", pl.col("agreement_id")),
    Cell(
        "dyad_name",
        pl.col("dyad_name"),
        _name_count() != pl.col("dyad_ids").list.len(),
        "expected as many names of dyads as ids",
    ),
    Cell(
        "dyad_id",
        pl.col("dyad_ids"),
        pl.col("dyad_ids").list.n_unique() != pl.col("dyad_ids").list.len(),
        "expected each dyad once",
    ),
    Cell(
        "duration",
        pl.col("end"),
        pl.col("cease") & (pl.col("end") < pl.col("start")),
        "expected an end on or after the signing",
    ),
)


def ucdp_agreements(path: str | Path) -> Loaded[Truces]:
    """Load UCDP peace agreements that provide for a ceasefire.

    Agreements without such a provision (``cease`` is 0) are left out, and counted.
    One that several dyads signed becomes a row a dyad, ``<paid>-<dyad>``.

    Parameters
    ----------
    path : path
        The CSV of the publisher.

    Returns
    -------
    Loaded[Truces]
        Sorted by ``truce_id``; ``accepted`` counts agreements, not dyads.

    Raises
    ------
    forecast.raw.InputError
        If the file cannot be read, lacks a column, or no row can be used.

    Notes
    -----
    Inferred, with no codebook at hand:

    start
        The day of signing, always given to the day. The file does not say from
        which day on the guns were to be silent, which may be later.
    end
        ``duration`` holds a date wherever ``ended`` is True: the day on which the
        agreement ended. The comments beside it tell nearly always of renewed
        fighting, of a party that withdrew or of a plan never carried out, so that
        the reason is ``collapsed``; one or two simply ran out, and no column says
        so. A date on the first or last day of a month stands for "September 1994" or
        "by the end of August": month precision. Without an end the agreement is
        ``ongoing`` as far as the file goes.
    class
        As Clayton & Sticher 2021 (International Studies Quarterly 65(3))
        draw the lines: definitive with demobilisation (``ddr``) and provisions on
        what the war was about (``pol_prov`` or ``terr_prov``); else preliminary with
        a mechanism of compliance (``co_impl``, a commission to oversee it, or
        ``pko``, peacekeepers); else cessation.
    side
        Bilateral for one dyad, multilateral for several.
    written
        Always: UCDP lists signed texts.
    mediated
        True if third parties signed (``pa_3rd``); unknown if none did and a comment
        (``c_3rd``) says more; else false.
    enforcement
        ``pko`` or ``co_impl``.
    partial
        Unknown. ``pa_type`` (1 full, 2 partial, 3 peace process) says how much of
        the dispute an agreement settles, not how much of the zone falls silent.
    country
        What stands before the colon in ``conflict_name``; none for a war between
        states.
    """
    table = read(path, [*REQUIRED, *PROVISIONS], OPTIONAL)
    rows, rejected = parse(table, CELLS, RULES)
    usable(table.file, rows, rejected)
    ceasefires = rows.filter("cease")
    left_out = LeftOut.validate(
        pl.DataFrame(
            {
                "source": "ucdp_agreements",
                "reason": "agreement without a ceasefire provision",
                "n": rows.height - ceasefires.height,
            }
        )
    )
    return Loaded(
        frame=Truces.validate(_described(_by_dyad(ceasefires)), cast=True),
        rejected=rejected,
        left_out=left_out,
        read=table.read,
        accepted=ceasefires.height,
        files={table.file: table.sha256},
    )


def _by_dyad(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an agreement and dyad, ids and names paired by their order."""
    dyads, conflicts = pl.col("dyad_ids"), pl.col("conflict_ids")
    one_name = pl.concat_list("dyad_name")
    several = pl.col("dyad_name").str.split(",")
    # one conflict for all dyads, or one for each; anything else pairs no one
    paired = (
        pl.when(conflicts.list.len() == dyads.list.len())
        .then(conflicts)
        .when(conflicts.list.len() == 1)
        .then(conflicts.list.first().repeat_by(dyads.list.len()))
        .otherwise(pl.lit(None, pl.String).repeat_by(dyads.list.len()))
    )
    return (
        rows.with_columns(
            side=pl.when(dyads.list.len() == 1)
            .then(pl.lit("bilateral"))
            .otherwise(pl.lit("multilateral")),
            dyad_id=dyads,
            conflict_id=paired,
            dyad_name=pl.when(dyads.list.len() == 1).then(one_name).otherwise(several),
        )
        .explode("dyad_id", "conflict_id", "dyad_name")
        .with_columns(
            pl.col("dyad_name")
            .str.splitn(" - ", 2)
            .struct.rename_fields(["side_a", "side_b"])
            .alias("sides")
        )
        .unnest("sides")
        .with_columns(
            parties=pl.concat_list(
                pl.col("side_a").str.strip_chars(), pl.col("side_b").str.strip_chars()
            ).list.drop_nulls()
        )
    )


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    end = pl.col("end")
    month = (end == end.dt.month_start()) | (end == end.dt.month_end())
    watched = pl.col("pko") | pl.col("co_impl")
    settles = pl.col("ddr") & (pl.col("pol_prov") | pl.col("terr_prov"))
    return (
        rows.with_columns(
            truce_id=pl.format("{}-{}", "agreement_id", "dyad_id"),
            country=pl.col("conflict_name").str.extract(r"^([^:]+):").str.strip_chars(),
            start_precision=pl.lit("day"),
            end_precision=pl.when(month)
            .then(pl.lit("month"))
            .when(end.is_not_null())
            .then(pl.lit("day")),
            end_reason=pl.when(end.is_not_null() | pl.col("ended").fill_null(False))
            .then(pl.lit("collapsed"))
            .otherwise(pl.lit("ongoing")),
            mediated=pl.when(pl.col("third").is_not_null())
            .then(pl.lit(True))
            .when(pl.col("third_comment").is_null())
            .then(pl.lit(False)),
            written=pl.lit(True),
            enforcement=watched,
            partial=pl.lit(None, pl.Boolean),
            term_days=pl.lit(None, pl.Int64),
            excluded=pl.lit([], pl.List(pl.String)),
            purposes=pl.lit(["peace process"], pl.List(pl.String)),
            source=pl.lit("ucdp_agreements"),
            **{
                "class": pl.when(settles)
                .then(pl.lit("definitive"))
                .when(watched)
                .then(pl.lit("preliminary"))
                .otherwise(pl.lit("cessation"))
            },
        )
        .select(Truces.column_names())
        .sort("truce_id")
    )
