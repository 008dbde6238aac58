"""The charts of a report as pages of their own, for those who show one at a time."""

import re

FOUND = re.compile(
    r'aria-label="(?P<said>[^"]*)">\s*'
    r'(?P<svg><svg data-chart="(?P<name>[\w-]+)".*?</svg>)',
    re.DOTALL,
)
PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title>
<style>
body {{ margin: 1.5rem; background: #fff; color: #1B2733; font-family: sans-serif; }}
svg {{ max-width: 100%; height: auto; overflow: visible; }}
figure {{ margin: 0; }} figcaption {{ margin-top: 1rem; max-width: 40rem; }}
</style></head>
<body><figure>{svg}<figcaption>{said}</figcaption></figure></body>
</html>
"""


def charts(page: str) -> dict[str, str]:
    """Cut the charts out of a report.

    Parameters
    ----------
    page : str
        The report, as HTML of this package.

    Returns
    -------
    dict of str to str
        A page of each chart by its name, with what the report says of it to those who
        cannot see it; a number tells those of one name apart.

    Examples
    --------
    >>> page = '<div aria-label="Two dots."><svg data-chart="dots"><g/></svg></div>'
    >>> list(charts(page)), "Two dots." in charts(page)["dots"]
    (['dots'], True)
    """
    cut: dict[str, str] = {}
    for found in FOUND.finditer(page):
        name, number = found["name"], 2
        while name in cut:
            name, number = f"{found['name']}-{number}", number + 1
        # texts were escaped when the report was written
        cut[name] = PAGE.format(name=name, svg=found["svg"], said=found["said"])
    return cut
