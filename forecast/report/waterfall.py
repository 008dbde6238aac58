"""From the risk of a typical truce to that of this one: reasons as steps."""

from typing import Any

import polars as pl


def waterfall(reasons: pl.DataFrame) -> dict[str, Any]:
    """Lay out the reasons of one risk as steps between two risks.

    Parameters
    ----------
    reasons : pl.DataFrame
        Rows of :class:`~forecast.schema.Reasons` of one truce and horizon.

    Returns
    -------
    dict
        `reference` and `risk`; `steps`, largest first: `words`, `points`, and where
        their bar lies, `left` and `width` in percent of the axis; `base` and `end`,
        widths of the bars of both risks. Empty where there are no reasons.

    Examples
    --------
    >>> rows = pl.DataFrame({"group": ["a", "b"], "words": ["a", "b"],
    ...     "points": [-10.0, 20.0], "reference_risk": [0.3] * 2, "risk": [0.4] * 2})
    >>> found = waterfall(rows)
    >>> [(s["words"], s["left"], s["width"]) for s in found["steps"]]
    [('b', 60.0, 40.0), ('a', 80.0, 20.0)]
    """
    if not reasons.height:
        return {}
    reference, risk = reasons.select("reference_risk", "risk").row(0)
    order = reasons.sort(pl.col("points").abs(), "group", descending=[True, False])
    at, steps = reference, []
    for words, points in order.select("words", "points").iter_rows():
        steps.append((words, points, at, at + points / 100))
        at += points / 100
    axis = max(reference, risk, *(max(low, high) for *_, low, high in steps))
    scale = 100 / axis if axis > 0 else 0.0

    def share(value: float) -> float:
        return round(max(value, 0.0) * scale, 2)

    return {
        "reference": reference,
        "risk": risk,
        "base": share(reference),
        "end": share(risk),
        "steps": [
            {
                "words": words,
                "points": points,
                "left": share(min(low, high)),
                "width": share(abs(high - low)),
            }
            for words, points, low, high in steps
        ],
    }
