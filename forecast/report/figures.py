"""How figures are written."""

import math

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def percent(risk: float | None) -> str:
    """A risk in whole percent; never a certainty.

    Examples
    --------
    >>> percent(0.004), percent(0.234), percent(0.999), percent(None)
    ('<1%', '23%', '>99%', '–')
    """
    if risk is None or math.isnan(risk):
        return DASH
    if risk < 0.01:
        return "<1%"
    return ">99%" if risk > 0.99 else f"{risk:.0%}"


def signed(skill: float | None, unit: str = "%") -> str:
    """A skill in percent with its sign and one decimal.

    Examples
    --------
    >>> signed(0.042), signed(-0.01), signed(0.3, unit=""), signed(None)
    ('+4.2%', '−1.0%', '+30.0', '–')
    """
    if skill is None or math.isnan(skill):
        return DASH
    return plus(100 * skill, 1) + unit


def share(part: float | None) -> str:
    """A share in percent: exact at both ends, one decimal between.

    Examples
    --------
    >>> share(0.0), share(0.0001), share(0.1234), share(0.9999), share(1.0)
    ('0%', '<0.1%', '12.3%', '>99.9%', '100%')
    """
    if part is None:
        return DASH
    if part in (0, 1):
        return f"{part:.0%}"
    if part < 0.001:
        return "<0.1%"
    return ">99.9%" if part > 0.999 else f"{part:.1%}"


def decimals(value: float | None, places: int = 2) -> str:
    """A score to so many places; a dash where it is not known.

    Examples
    --------
    >>> decimals(0.12345, 3), decimals(None)
    ('0.123', '–')
    """
    if value is None or math.isnan(value):
        return DASH
    # no minus before a figure that is rounded to nothing
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", MINUS)


def count(n: float | None) -> str:
    """A whole number with a thin space between thousands.

    Examples
    --------
    >>> count(3306).replace(chr(8239), "_")
    '3_306'
    """
    return DASH if n is None else f"{n:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def many(n: float, what: str) -> str:
    """So many of what is named by one.

    Examples
    --------
    >>> many(1, "day"), many(30, "death")
    ('1 day', '30 deaths')
    """
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def plus(value: float | None, places: int = 2) -> str:
    """A difference to so many places, with its sign.

    Examples
    --------
    >>> plus(0.1), plus(-0.004, 3), plus(-0.004), plus(None)
    ('+0.10', '−0.004', '0.00', '–')
    """
    if value is None or math.isnan(value):
        return DASH
    rounded = round(value, places) + 0.0
    return f"{rounded:{'+' if rounded else ''}.{places}f}".replace("-", MINUS)


def p_value(p: float | None) -> str:
    """A p-value: three places where it is small, and never nothing.

    Examples
    --------
    >>> p_value(0.31), p_value(0.0312), p_value(0.0004), p_value(None)
    ('0.31', '0.031', '<0.001', '–')
    """
    if p is not None and p < 0.001:
        return "<0.001"
    return decimals(p, 3 if p is not None and p < 0.1 else 2)


def attained(part: float | None) -> str:
    """What a model finds of what can be known, in whole percent; it may be below 0.

    Examples
    --------
    >>> attained(0.412), attained(-0.05), attained(-0.001), attained(None)
    ('41%', '−5%', '0%', '–')
    """
    if part is None or math.isnan(part):
        return DASH
    return f"{round(100 * part)}%".replace("-", MINUS)
