"""Who strikes whom, and how often, how fast and how hard each side answers."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.features import KEYS, ratio
from forecast.pairs import usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import trailing

#: systems in which ``actor_a`` acts on ``actor_b``; in the others order says nothing
DIRECTED = ("cameo", "plover", "hand", "simulated")
SIDES = ("first", "second")


def reciprocity(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (30, 90),
    memory_days: int = 90,
    answer_days: int = 7,
    quiet_days: int = 7,
) -> pl.DataFrame:
    """Measure how the two sides of the truce answer each other's attacks.

    A breach that is answered in kind feeds a spiral; one that is let pass, or punished
    once and no more, may not (Axelrod 1984). Which of the two a pair of enemies does is
    read from their last months.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin of what needs no order: shares and asymmetry.
    memory_days : int
        Days before the origin in which attacks and their answers are looked for.
    answer_days : int
        Days within which an attack counts as answered.
    quiet_days : int
        Days without any hostile event of the parties after which a strike is a first.

    Returns
    -------
    reciprocity_answered_<W>d : share
        Of the attacks of the last W days (``memory_days``), both sides pooled, those
        with an answer: ``n(u - t <= k) / n(u - t <= k or t + k < o)``, t the day of
        the attack, u that of its answer, k ``answer_days``. An attack whose k days are
        not over counts only once it is answered, so fresh fighting raises the share.
        Null: when there is no such attack.
    reciprocity_excess_<W>d : difference of shares
        ``answered`` less what would be answered if the other side's n attacks fell on
        the W days at random, ``1 - (1 - n / W) ** k`` on average over the same
        attacks: retaliation, as against mere density. Null: when ``answered`` is.
    reciprocity_delay_<W>d : days
        Mean of ``u - t`` over the attacks answered, 1 to k. Null: when none was.
    reciprocity_hardness_events_<W>d : ratio
        Events on the days of the answers over events on the days of the attacks that
        they answer. Null: when none was answered.
    reciprocity_hardness_deaths_<W>d : ratio
        The same of deaths, over the pairs in which those of both days are known. Null:
        when these attacks killed nobody, or there is no such pair.
    reciprocity_first_strikes_<W>d : share
        Of the first strikes after ``quiet_days`` without a hostile event, those of the
        first party, as a rule the government; days on which both struck left out.
        Null: when there was no first strike.
    reciprocity_run_<W>d : attacks
        Of the side that attacked last, since the other did; 0 if both did on the last
        day, or if no hostile event is known. Null: when some are known, but none with
        a direction and an exact day.
    reciprocity_open_<X>d : attacks
        Of the last X days (``answer_days``) that wait for an answer: ``t >= o - X``.
        Null: when ``run`` is.
    reciprocity_asymmetry_<W>d : share
        ``|a - b| / (a + b)`` of the hostile events by the first and by the second
        side. Null: when none has a direction.
    reciprocity_first_share_<W>d : share
        ``a / (a + b)``. Null: when none has a direction.
    reciprocity_one_sided_<W>d : share
        Of the days with an attack, those on which one side only attacked. Null: when
        there was no attack.

    Notes
    -----
    An attack is a side and a day with at least one hostile event by it against the
    other, dated to the day; its answer is the other's first attack on a later day. Of a
    party event actor_a is the source and actor_b the target in CAMEO, PLOVER, coding
    by hand and the built-in world. In UCDP and ACLED the order of actors says nothing,
    so they end a quiet spell but have no side. The source must stand for a party
    of the truce, and the target for another or be missing: violence against
    civilians has no answer of its own. The first party is the first that the truce
    lists, the second all others.

    References
    ----------
    Axelrod (1984), The Evolution of Cooperation, Basic Books.

    Goldstein & Freeman (1990), Three-Way Street: Strategic Reciprocity in World
    Politics, University of Chicago Press.

    Haushofer, Biletzki & Kanwisher (2010), "Both sides retaliate in the
    Israeli-Palestinian conflict", PNAS 107(42):17927-17932.

    Linke, Witmer & O'Loughlin (2012), "Space-Time Granger Analysis of the War in Iraq:
    A Study of Coalition and Insurgent Action-Reaction", International Interactions
    38(4):402-425.
    """
    origins = panel.select(KEYS)
    hostile = events.filter((pl.col("relation") == "party") & pl.col("hostile"))
    span = max(*windows, memory_days + quiet_days)
    days = (
        usable(origins, _attacks(hostile, truces), span)
        .group_by("row", "ago")
        .agg(pl.col("^(first|second)_.*$").sum())
    )
    count = {"hostile": pl.lit(1, pl.Int64)}
    quiet = trailing(origins, hostile, count, [memory_days]).to_series(2) == 0
    rows = origins.with_row_index("row")
    for part in (
        _balance(days, windows),
        _order(days, memory_days, quiet_days),
        _answers(days, memory_days, answer_days),
    ):
        rows = rows.join(part, on="row", how="left", maintain_order="left")
    # where nothing hostile is known there is no run, and nothing to answer
    none = pl.when(quiet).then(0).cast(pl.Int64)
    counts = pl.col(
        f"reciprocity_run_{memory_days}d", f"reciprocity_open_{answer_days}d"
    )
    return rows.drop("row").with_columns(counts.fill_null(none))


def named_parties(events: pl.DataFrame, truces: dy.DataFrame[Truces]) -> pl.DataFrame:
    """Say which party of its truce each actor of an event stands for.

    Parameters
    ----------
    events : pl.DataFrame
        Linked events, whose actors are named as :func:`forecast.link.linked` does.
    truces : dy.DataFrame[Truces]
        All records.

    Returns
    -------
    pl.DataFrame
        The events with ``party_a`` and ``party_b``: place in the truce's ``parties``,
        from 0; null for an actor who is none of them.
    """
    members = (
        truces.select("truce_id", name="parties")
        .explode("name")
        .with_columns(place=pl.int_range(pl.len()).over("truce_id"))
        .unique(["truce_id", "name"], keep="first")
    )
    for end in ("a", "b"):
        places = members.rename({"name": f"actor_{end}", "place": f"party_{end}"})
        events = events.join(places, on=["truce_id", f"actor_{end}"], how="left")
    return events


def _attacks(hostile: pl.DataFrame, truces: dy.DataFrame[Truces]) -> pl.DataFrame:
    """Days of hostile events, and what each side did on them, one row a version.

    A truce without one event that has a direction is left out: nothing of it is known.
    """
    directed = pl.col("system").is_in(DIRECTED)
    some = hostile.filter(directed).select("truce_id").unique()
    told = named_parties(hostile.join(some, on="truce_id", how="semi"), truces)
    source, target = pl.col("party_a") == 0, pl.col("party_b") == 0
    across = directed & ((source != target) | pl.col("actor_b").is_null())
    sides = zip(SIDES, (source, ~source), strict=True)
    return told.group_by(VERSION).agg(
        deed for side, own in sides for deed in _deeds(side, across & own)
    )


def _deeds(side: str, acts: pl.Expr) -> list[pl.Expr]:
    """A side's events of a day: all, those dated to the day, and their deaths."""
    exact = acts & (pl.col("date_precision") == "day")
    deaths = pl.col("deaths").filter(exact)
    return [
        acts.sum().cast(pl.Int64).alias(f"{side}_all"),
        exact.sum().cast(pl.Int64).alias(f"{side}_events"),
        deaths.sum().alias(f"{side}_deaths"),
        deaths.count().cast(pl.Int64).alias(f"{side}_told"),
    ]


def _balance(days: pl.DataFrame, windows: Sequence[int]) -> pl.DataFrame:
    """How evenly attacks are shared between the sides: no order needed."""
    measures: dict[str, pl.Expr] = {}
    for window in windows:
        near = pl.col("ago") <= window
        a, b = (pl.col(f"{side}_all").filter(near).sum() for side in SIDES)
        struck = [pl.col(f"{side}_events") > 0 for side in SIDES]
        measures |= {
            f"reciprocity_asymmetry_{window}d": ratio((a - b).abs(), a + b),
            f"reciprocity_first_share_{window}d": ratio(a, a + b),
            f"reciprocity_one_sided_{window}d": ratio(
                ((struck[0] ^ struck[1]) & near).sum(),
                ((struck[0] | struck[1]) & near).sum(),
            ),
        }
    return days.group_by("row", maintain_order=True).agg(**measures)


def _order(days: pl.DataFrame, memory: int, quiet: int) -> pl.DataFrame:
    """Who struck first after a quiet spell, and who struck last."""
    gap = (pl.col("ago").shift(1) - pl.col("ago")).over("row")
    since = days.sort("row", "ago", descending=[False, True]).with_columns(
        # the days reach back further than the memory by a quiet spell
        opens=(gap > quiet).fill_null(True)
    )
    a, b = (pl.col(f"{side}_events") > 0 for side in SIDES)
    last_a, last_b = (pl.col("ago").filter(struck).min() for struck in (a, b))
    alone = pl.col("opens") & (a ^ b)
    after = (a & (pl.col("ago") < last_b.fill_null(memory + 1))).sum() + (
        b & (pl.col("ago") < last_a.fill_null(memory + 1))
    ).sum()
    return (
        since.filter(pl.col("ago") <= memory)
        .group_by("row", maintain_order=True)
        .agg(
            ratio((alone & a).sum(), alone.sum()).alias(
                f"reciprocity_first_strikes_{memory}d"
            ),
            pl.when((a | b).any())
            .then(after.cast(pl.Int64))
            .alias(f"reciprocity_run_{memory}d"),
        )
    )


def _answers(days: pl.DataFrame, memory: int, within: int) -> pl.DataFrame:
    """Attacks of the memory, and the first later attack of the other side."""
    attacks = pl.concat(
        days.filter((pl.col(f"{side}_events") > 0) & (pl.col("ago") <= memory)).select(
            "row",
            "ago",
            side=pl.lit(side == "first"),
            events=f"{side}_events",
            deaths=pl.when(pl.col(f"{side}_told") > 0).then(f"{side}_deaths"),
        )
        for side in SIDES
    ).sort("ago")
    pairs = attacks.join_asof(
        attacks.with_columns(~pl.col("side"), at="ago"),
        on="ago",
        by=["row", "side"],
        suffix="_back",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    delay = pl.col("ago") - pl.col("at")
    answered = (delay <= within).fill_null(False)
    judged = answered | (pl.col("ago") > within)
    # null where the deaths of one of the two days are not known
    told = answered & (pl.col("deaths") + pl.col("deaths_back") >= 0)

    def hardness(what: str, where: pl.Expr) -> pl.Expr:
        made, met = pl.col(f"{what}_back").filter(where), pl.col(what).filter(where)
        return ratio(made.sum(), met.sum())

    def chance(side: pl.Expr) -> pl.Expr:
        """Of an answer to a side's attack, if the other's days were any."""
        return (judged & side).sum() * (1 - (1 - (~side).sum() / memory) ** within)

    share = ratio(answered.sum(), judged.sum())
    first = pl.col("side")
    return pairs.group_by("row", maintain_order=True).agg(
        share.alias(f"reciprocity_answered_{memory}d"),
        (share - ratio(chance(first) + chance(~first), judged.sum())).alias(
            f"reciprocity_excess_{memory}d"
        ),
        delay.filter(answered).mean().alias(f"reciprocity_delay_{memory}d"),
        hardness("events", answered).alias(f"reciprocity_hardness_events_{memory}d"),
        hardness("deaths", told).alias(f"reciprocity_hardness_deaths_{memory}d"),
        (~judged).sum().cast(pl.Int64).alias(f"reciprocity_open_{within}d"),
    )
