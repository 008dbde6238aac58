"""Fill a page: every text escaped, figures written alike, nothing fetched."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from forecast.report import figures, rules, words


def fill(name: str, **values: Any) -> str:
    """Fill a template of this package.

    Parameters
    ----------
    name : str
        A file beside this one; it may include others (``style.css.j2``).
    **values
        What the template uses. A name that it uses and is not given is an error.

    Returns
    -------
    str

    Examples
    --------
    >>> "--paper" in fill("style.css.j2")
    True
    """
    folder = files("forecast.report")
    env = Environment(
        loader=FunctionLoader(lambda part: (folder / part).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters |= {
        "percent": figures.percent,
        "signed": figures.signed,
        "decimals": figures.decimals,
        "count": figures.count,
        "many": figures.many,
        "share": figures.share,
        "plus": figures.plus,
        "p_value": figures.p_value,
        "listed": words.listed,
        "days": words.days,
        "moved": words.moved,
        "attained": figures.attained,
        "meaning": rules.meaning,
    }
    return env.get_template(name).render(**values)
