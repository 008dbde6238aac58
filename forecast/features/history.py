"""Earlier truces of the dyad and of its government and how they went, as known then."""

import dataframely as dy
import polars as pl

from forecast.actors import GOVERNMENT
from forecast.features import ratio
from forecast.schema import Panel, Truces
from forecast.windows import trailing

#: ends that say how a truce went; "unclear" and "ongoing" do not
DECIDED = ("collapsed", "expired", "renewed", "other")
WAYS = ("collapsed", "expired", "renewed")
REASON = pl.col("reason")
HELD = (pl.col("ended") - pl.col("began")).dt.total_days()
#: what is added up over truces whose end is known
VALUES = {
    "ended": pl.lit(1, pl.Int64),
    "decided": REASON.is_in(DECIDED).cast(pl.Int64),
    **{way: REASON.eq(way).cast(pl.Int64) for way in WAYS},
    "held": HELD,
    "held_log": HELD.log1p(),
}


def history(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    strength: float = 4,
) -> pl.DataFrame:
    """Earlier truces of the dyad and of its government: how long, and how they ended.

    Parties that have dealt with each other before deal better (Lundgren et al. 2023);
    parties whose truces failed fail again; and a government has a name for keeping
    truces or not (Bara & Clayton 2022). A dyad has few truces, so that its own share
    of collapses says little: it is shrunk to that of its government, and this to that
    of all truces, as if ``strength`` more truces had gone as those did.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events are not used.
    strength : float
        Truces that a parent's share counts for, above 0.

    Returns
    -------
    history_truces : truces
        Earlier truces of the dyad: their start is known to the day and lies before
        the start of this one. Null: never.
    history_ended : truces
        Those of them that had ended in any recorded way: on a day before ``o`` that
        is known to the day. Null: never.
    history_collapsed, history_expired, history_renewed : truces
        Those of them that had ended by collapse, expiry or renewal. Null: never.
    history_held_days : days
        Mean over the ended ones of end - start. Null: when none had ended.
    history_days_since : days
        From the start of the last earlier truce to ``o``. Null: when there is none.
    history_days_since_end : days
        From the last of the known ends to ``o``; 1 is yesterday. Null: when none had
        ended.
    history_last_held_days : days
        End - start of the truce that ended last; of several the one that began last,
        and then one that collapsed. Null: when none had ended.
    history_last_collapsed : 0 or 1
        Whether the truce that ended last collapsed. Null: when none had ended, or
        when the end of the last one is unclear.
    history_government_truces : truces
        As ``history_truces``, of any dyad in which a government of this truce is a
        party ("Government of ..."). Null: when no party of the truce is a government.
    history_government_ended, history_government_collapsed : truces
        Those of them that had ended by ``o``, and had collapsed. Null: when no party
        of the truce is a government.
    history_rate : share
        Collapses among the dyad's earlier truces of which it was known how they had
        ended (collapsed, expired, renewed or other), shrunk: (collapses + strength *
        history_government_rate) / (ended + strength), which is the posterior mean of
        a beta-binomial. Null: never.
    history_government_rate : share
        The same of the government's, shrunk to ``history_all_rate``, which it equals
        where no party is a government. Null: never.
    history_all_rate : share
        The same of all other truces there are, shrunk to one half. Null: never.
    history_held_log : log days
        Mean over the ended ones of log(1 + end - start), shrunk in the same way to
        that of the government's, and this to the plain mean over all other truces.
        Null: when no other truce at all had ended.

    References
    ----------
    Lundgren, Svensson & Karakuş (2023), "Local Ceasefires and De-escalation: Evidence
    From the Syrian Civil War", Journal of Conflict Resolution 67(7-8):1350-1375.

    Bara & Clayton (2022), "Your Reputation Precedes You: Ceasefires and Cooperative
    Credibility During Civil Conflict", Journal of Conflict Resolution.

    Robbins (1956), "An Empirical Bayes Approach to Statistics", Proceedings of the
    Third Berkeley Symposium 1:157-163.

    Efron & Morris (1975), "Data Analysis Using Stein's Estimator and Its
    Generalizations", Journal of the American Statistical Association 70:311-319.
    """
    if strength <= 0:
        raise ValueError(f"history: strength={strength}: expected a number above 0")
    del events
    origins = panel.select("truce_id", "origin")
    records = _records(truces)
    mine = panel.select("truce_id", "dyad_id", "start").join(
        truces.select("truce_id", government=_governments()),
        on="truce_id",
        how="left",
        maintain_order="left",
    )
    dyad = _earlier(mine, records, "dyad_id")
    government = _earlier(
        mine.unique("truce_id").explode("government"),
        records.explode("government"),
        "government",
    )
    alike = pl.lit("").alias("truce_id")
    known = pl.concat(
        [
            origins,
            _ended(origins, dyad, "dyad"),
            _ended(origins, government, "government"),
            # of all truces, less what the truce itself would tell of itself
            _ended(origins.with_columns(alike), records.with_columns(alike), "all")
            - _ended(origins, records, "own"),
            _began(origins, dyad, "dyad"),
            _began(origins, government, "government"),
            _last_ended(origins, dyad),
            mine.select(ruled=pl.col("government").list.len() > 0),
        ],
        how="horizontal",
    )
    return known.select(
        "truce_id", "origin", **_dyad(), **_government(), **_shrunk(strength)
    )


def _records(truces: pl.DataFrame) -> pl.DataFrame:
    """Truces that began on a known day, with their end where its day is known."""
    exact_end = (pl.col("end_precision") == "day") & (pl.col("end") >= pl.col("start"))
    return truces.filter(pl.col("start_precision") == "day").select(
        "truce_id",
        "dyad_id",
        government=_governments(),
        began="start",
        ended=pl.when(exact_end).then("end"),
        reason=pl.col("end_reason").cast(pl.String),
    )


def _governments() -> pl.Expr:
    is_one = pl.element().str.starts_with(GOVERNMENT)
    return pl.col("parties").list.eval(pl.element().filter(is_one))


def _earlier(mine: pl.DataFrame, records: pl.DataFrame, on: str) -> pl.DataFrame:
    """Pairs of a truce of the panel and an earlier one with the same dyad, or so."""
    return (
        mine.select("truce_id", "start", on)
        .unique()
        .join(records.rename({"truce_id": "other"}), on=on)
        .filter(pl.col("began") < pl.col("start"))
        .unique(["truce_id", "other"])
        .select("truce_id", "began", "ended", "reason")
    )


def _ended(origins: pl.DataFrame, records: pl.DataFrame, whose: str) -> pl.DataFrame:
    """Sums over records whose end was known at each origin: from the day after it."""
    ends = (
        records.filter(pl.col("ended").is_not_null())
        # one order, so that sums of fractions are the same to the last bit
        .sort("truce_id", "ended", "began")
        .with_columns(
            day="ended",
            known_from=pl.col("ended").dt.offset_by("1d"),
            known_until=pl.lit(None, pl.Date),
        )
    )
    sums = trailing(origins, ends, VALUES, [None])
    return sums.select(
        pl.col(f"{name}_ever").alias(f"{whose}_{name}") for name in VALUES
    )


def _began(origins: pl.DataFrame, earlier: pl.DataFrame, whose: str) -> pl.DataFrame:
    counts = earlier.group_by("truce_id").agg(
        pl.len().cast(pl.Int64).alias(f"{whose}_truces"),
        pl.col("began").max().alias(f"{whose}_began"),
    )
    return origins.join(
        counts, on="truce_id", how="left", maintain_order="left"
    ).select(pl.col(f"{whose}_truces").fill_null(0), f"{whose}_began")


def _last_ended(origins: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """The earlier truce that ended last before each origin."""
    collapsed = pl.when(REASON.is_in(DECIDED)).then(REASON == "collapsed")
    ends = (
        earlier.filter(pl.col("ended").is_not_null())
        .select("truce_id", "ended", "began", last_collapsed=collapsed, last_held=HELD)
        # of several, the one that began last; of those still, one that collapsed
        .sort("ended", "began", "last_collapsed")
    )
    return (
        origins.with_row_index("_i")
        .sort("origin")
        .join_asof(
            ends,
            left_on="origin",
            right_on="ended",
            by="truce_id",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .sort("_i")
        .select(
            last_ended="ended", last_collapsed="last_collapsed", last_held="last_held"
        )
    )


def _dyad() -> dict[str, pl.Expr]:
    return {
        **{f"history_{n}": pl.col(f"dyad_{n}") for n in ("truces", "ended", *WAYS)},
        "history_held_days": ratio(pl.col("dyad_held"), pl.col("dyad_ended")),
        "history_days_since": _days("dyad_began"),
        "history_days_since_end": _days("last_ended"),
        "history_last_held_days": pl.col("last_held"),
        "history_last_collapsed": pl.col("last_collapsed"),
    }


def _government() -> dict[str, pl.Expr]:
    return {
        f"history_government_{n}": pl.when("ruled").then(f"government_{n}")
        for n in ("truces", "ended", "collapsed")
    }


def _shrunk(strength: float) -> dict[str, pl.Expr]:
    """Shares and means, as if ``strength`` more truces had gone as the parent's did."""

    def shrink(total: str, n: str, parent: pl.Expr) -> pl.Expr:
        return (pl.col(total) + strength * parent) / (pl.col(n) + strength)

    everyone = shrink("all_collapsed", "all_decided", pl.lit(0.5))
    government = shrink("government_collapsed", "government_decided", everyone)
    all_held = ratio(pl.col("all_held_log"), pl.col("all_ended"))
    held = shrink(
        "government_held_log",
        "government_ended",
        all_held,
    )
    return {
        "history_rate": shrink("dyad_collapsed", "dyad_decided", government),
        "history_government_rate": government,
        "history_all_rate": everyone,
        "history_held_log": shrink("dyad_held_log", "dyad_ended", held),
    }


def _days(day: str) -> pl.Expr:
    """Days from a day to the origin."""
    return (pl.col("origin") - pl.col(day)).dt.total_days()
