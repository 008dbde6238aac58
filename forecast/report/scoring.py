"""The page of a scoring: which truces are in danger, how sure, why, and what moved."""

import base64
import hashlib
from importlib.resources import files

import polars as pl
from markupsafe import Markup

from forecast.report import charts, tables, truce, trust
from forecast.report.facts import Facts, accounted
from forecast.report.template import fill
from forecast.report.truce import Scored
from forecast.report.words import nearest
from forecast.schema import LAST_DAY

#: truces with a section of their own, in the chart, and in the table: 3 MB hold them
SECTIONS, CHARTED, LISTED = 20, 12, 400
#: rows that are looked through at a glance, and need no filter
GLANCE = 5


def render(scored: Scored, facts: Facts, proof: trust.Proof) -> str:
    """Write the report of a scoring as one HTML page that fetches nothing.

    Parameters
    ----------
    scored : Scored
        Its frames.
    facts : Facts
    proof : Proof
        What is known of the model.

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped. The page sorts and filters
        its table by a script of its own, and says all without it.
    """
    horizon = nearest(facts.horizons)
    top = tables.top_risks(scored.scores, facts.published, LISTED)
    moved = truce.moved(scored.lives, horizon, facts.as_of)
    rows = [
        row | {"moved": moved.get(row["truce_id"])} for row in tables.risk_rows(top)
    ]
    script = (files("forecast.report") / "scoring.js").read_text("utf-8")
    return fill(
        "scoring.html.j2",
        facts=facts,
        horizon=horizon,
        rows=rows,
        in_force=scored.panel.height,
        chart=charts.drawn(charts.risk_chart(top.head(CHARTED)), "risk")
        if top.height > 1
        else None,
        charted=min(CHARTED, top.height),
        moved=bool(moved),
        glance=GLANCE,
        truces=[
            truce.section(row, scored, horizon, facts.notes) for row in rows[:SECTIONS]
        ],
        trust=trust.section(proof, facts),
        lines=traced(scored),
        coded=scored.lines["event_id"].drop_nulls().n_unique(),
        **accounted(facts),
        # ours, and without a word of the data
        script=Markup(script),  # noqa: S704
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def traced(scored: Scored) -> list[dict[str, object]]:
    """Each line of a written source with the events that it was coded as."""
    if not scored.lines.height:
        return []
    events = (
        scored.events.unique("event_id", keep="first", maintain_order=True)
        .select("event_id", "kind", "code", "relation", day=LAST_DAY)
        .with_columns(pl.col("kind", "relation").cast(pl.String))
    )
    found = scored.lines.join(events, on="event_id", how="left", maintain_order="left")
    return [
        {"source": source, "line": line, "parts": list(part.iter_rows(named=True))}
        for (source, line), part in found.group_by(
            "source", "line", maintain_order=True
        )
    ]
