"""What the parties did by kind of event, with which weapons, and how gravely."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.features import KEYS, ratio
from forecast.kinds import KINDS, codes
from forecast.pairs import measured, usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import decayed, trailing

COUNTED = tuple(kind for kind in KINDS if kind != "other")
#: systems whose kind `strike` is itself "air, artillery, rockets, drones, bombs"
BY_KIND = ("hand", "simulated")
#: weapons of an army: aircraft, artillery, rockets, tanks, mass destruction
HEAVY = (
    *("194", "195", "1951", "1952", "204", "2041", "2042"),
    *("ASSAULT/aerial", "ASSAULT/drone", "ASSAULT/heavy-weapons"),
    "ASSAULT/unconventional",
    *("Air/drone strike", "Shelling/artillery/missile attack", "Chemical weapon"),
)


def kinds(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30),
    half_lives: Sequence[float] = (14,),
    fading: Sequence[str] = ("strike", "offensive", "violation", "threat"),
) -> pl.DataFrame:
    """Events of the parties by kind, share of heavy weapons, and severity.

    A model that only counts the dead misses that an offensive, a threat and a
    withdrawal move the risk differently. Counts are of coded events: a system that
    does not code a kind has none of it (UCDP: clashes and abuse alone).

    Heavy weapons are those of an army: aircraft, artillery, rockets, tanks, and weapons
    of mass destruction; CAMEO 194, 195, 204 and their leaves, PLOVER's assaults that
    are aerial, by drone, with heavy weapons or unconventional, ACLED's air and drone
    strikes, shelling and chemical weapons. Bombs laid or carried, suicide attacks and
    grenades are strikes as well, but anyone's who means to spoil a truce; they are not
    heavy, nor is a code that leaves the weapon open (CAMEO 190). In hand-coded and
    simulated events each strike is heavy.

    Severity is PLOVER's scale, from −10 (conflict) to 10 (cooperation), which
    ``forecast/codes`` holds for the codes of CAMEO and PLOVER; a code that has no
    entry of its own there has none.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; truces are not used.
    windows : sequence of int
        Days before the origin; they may reach back beyond the start.
    half_lives : sequence of float
        Days in which the weight of an event halves.
    fading : sequence of str
        Kinds to count with decay.

    Returns
    -------
    kinds_strike_<W>d : events
        Air strikes, artillery, rockets, drones, bombs: events of the parties of this
        kind with ``o - W <= e < o``. Force from afar answers force from afar. Null:
        never.
    kinds_offensive_<W>d : events
        The same of ground attacks to take or hold ground: who moves the line gives
        up the truce for what it was to freeze. Null: never.
    kinds_clash_<W>d : events
        The same of other fighting between the parties. Null: never.
    kinds_violation_<W>d : events
        The same of what is coded as a breach of the ceasefire: most truces are
        breached, and the answer decides. Null: never.
    kinds_abuse_<W>d : events
        The same of violence against civilians. Null: never.
    kinds_threat_<W>d : events
        The same of threats, ultimatums and shows of force. Null: never.
    kinds_rupture_<W>d : events
        The same of walk-outs, suspensions and expulsions of monitors. Null: never.
    kinds_talks_<W>d : events
        The same of negotiation and mediation, which give a breach another answer
        than a breach. Null: never.
    kinds_deal_<W>d : events
        The same of agreements and promises. Null: never.
    kinds_relief_<W>d : events
        The same of withdrawals, releases and access: steps that were kept. Null: never.
    kinds_decayed_<K>_<H>d : decayed events
        Sum of ``2 ** (-(o - 1 - e) / H)`` over events of the parties of kind K with
        ``e < o``. Null: never.
    kinds_heavy_share_<W>d : share of events
        Hostile events of the parties with ``o - W <= e < o`` by heavy weapons, over
        those of systems that name weapons, which is all but UCDP. Null: when there is
        none of these.
    kinds_scale_mean_<W>d : points of the scale
        Mean severity of events of the parties with ``o - W <= e < o``, hostile or not.
        Null: when none has one.
    kinds_scale_lowest_<W>d : points of the scale
        Lowest of the same, the gravest act. Null: when none has one.

    References
    ----------
    Goldstein (1992), "A Conflict-Cooperation Scale for WEIS Events Data", Journal of
    Conflict Resolution 36(2):369-385.
    Lundgren, Svensson & Karakuş (2023), Journal of Conflict Resolution
    67(7-8):1350-1375: steps that are kept help.
    Open Event Data Alliance, PLOVER manual, draft 0.8 (2021): the scale.
    Wiehler (2021), International Peacekeeping: most truces are violated, and what
    matters is the answer.
    """
    del truces
    origins = panel.select(KEYS)
    daily = _daily(events.filter(pl.col("relation") == "party"))
    counted = {f"kinds_{kind}": pl.col(kind) for kind in COUNTED}
    shared = {name: pl.col(name) for name in ("heavy", "armed", "scale", "scaled")}
    sums = trailing(origins, daily, counted | shared, list(windows))
    shares = {}
    for w in windows:
        heavy, armed, scale, scaled = (pl.col(f"{name}_{w}d") for name in shared)
        shares[f"kinds_heavy_share_{w}d"] = ratio(heavy, armed)
        shares[f"kinds_scale_mean_{w}d"] = ratio(scale, scaled)
    weights = {f"kinds_decayed_{kind}": pl.col(kind) for kind in fading}
    some = daily.filter(
        pl.any_horizontal(pl.lit(False), *(pl.col(kind) > 0 for kind in fading))
    )
    parts = [
        sums.select(r"^kinds_.*$"),
        decayed(origins, some, weights, half_lives if fading else ()).drop(KEYS),
        sums.select(**shares),
        _lowest(origins, daily, windows),
    ]
    return pl.concat([origins, *parts], how="horizontal")


def _daily(party: pl.DataFrame) -> pl.DataFrame:
    """Events of a day that came, and went, together: how many of each kind, and so on.

    ``heavy`` of those ``armed`` (hostile, in a system that names weapons) were with
    heavy weapons; ``scaled`` have a severity, ``scale`` is its sum, ``lowest`` the
    gravest.
    """
    scales = pl.concat(
        codes(system).select("code", "scale", system=pl.lit(system))
        for system in ("cameo", "plover")
    )
    words = pl.col("system", "kind", "code").cast(pl.String)
    armed = pl.col("hostile") & (pl.col("system") != "ucdp")
    heavy = (
        pl.when(pl.col("system").is_in(BY_KIND))
        .then(pl.col("kind") == "strike")
        .otherwise(pl.col("code").is_in(HEAVY))
    )
    return (
        party.select(*VERSION, "hostile", words)
        .join(scales, on=["system", "code"], how="left", maintain_order="left")
        .group_by(VERSION, maintain_order=True)
        .agg(
            *(
                (pl.col("kind") == kind).sum().cast(pl.Int64).alias(kind)
                for kind in COUNTED
            ),
            armed=armed.sum().cast(pl.Int64),
            heavy=(armed & heavy).sum().cast(pl.Int64),
            scaled=pl.col("scale").count().cast(pl.Int64),
            scale=pl.col("scale").sum(),
            lowest=pl.col("scale").min(),
        )
    )


def _lowest(
    origins: pl.DataFrame, daily: pl.DataFrame, windows: Sequence[int]
) -> pl.DataFrame:
    """Gravest act of each window: a minimum is no sum."""
    grave = daily.filter(pl.col("lowest").is_not_null()).select(*VERSION, "lowest")
    pairs = usable(origins, grave, max(windows, default=0))
    lowest = pl.col("lowest")
    told = {
        f"kinds_scale_lowest_{w}d": lowest.filter(pl.col("ago") <= w).min()
        for w in windows
    }
    return measured(origins, pairs, **told)
