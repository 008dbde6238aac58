"""Event kinds, and the map from each coding system's codes to them.

A kind is what an event *does* to a truce. Every event keeps its raw code beside the
kind, because mapping loses information (CAMEO 196 "violate ceasefire" becomes a plain
assault in PLOVER, and that is the signal).

Systems: UCDP (Sundberg & Melander 2013), ACLED (Raleigh et al. 2010), CAMEO (Schrodt
2012, codebook 1.1b3, with the labels of ICEWS), PLOVER (manual draft 0.8, 2021).
"""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import polars as pl

KINDS = (
    "strike",  # air strikes, artillery, rockets, drones, bombs
    "offensive",  # a ground attack to take or hold ground
    "clash",  # any other fighting between armed groups
    "violation",  # coded as a breach of a ceasefire
    "abuse",  # violence against civilians
    "threat",  # threats, ultimatums, accusations that precede them
    "rupture",  # walk-out, suspension, expulsion of monitors
    "talks",  # negotiation, mediation, and its announcement
    "deal",  # an agreement or a promise
    "relief",  # withdrawal, release, access
    "other",
)
HOSTILE = ("strike", "offensive", "clash", "violation", "abuse")
SYSTEMS = ("ucdp", "acled", "cameo", "plover", "hand", "simulated")


@lru_cache
def codes(system: str) -> pl.DataFrame:
    """The code table of one coding system.

    Parameters
    ----------
    system : str
        Name of a table in ``forecast/codes``.

    Returns
    -------
    pl.DataFrame
        Columns ``code``, ``kind``, ``hostile``, ``label``, ``note`` (the judgement
        behind a kind, where it is not obvious); ACLED also ``root`` (its event type),
        CAMEO ``label_icews`` and ``plover`` (its type in PLOVER), CAMEO and PLOVER
        ``scale`` (PLOVER's score from −10, conflict, to 10, cooperation).

    Raises
    ------
    ValueError
        If there is no table for the system.

    Examples
    --------
    >>> codes("ucdp").select("code", "kind").rows()
    [('1', 'clash'), ('2', 'clash'), ('3', 'abuse')]
    """
    folder = files("forecast") / "codes"
    names = sorted(s for s in SYSTEMS if (folder / f"{s}.csv").is_file())
    if system not in names:
        raise ValueError(
            f"no code table for the coding system {system!r}; there are: "
            + ", ".join(names)
        )
    table = pl.read_csv((folder / f"{system}.csv").read_bytes(), infer_schema=False)
    if "scale" in table.columns:
        table = table.with_columns(pl.col("scale").cast(pl.Float64))
    return table.with_columns(pl.col("hostile") == "true")


def coded(frame: pl.DataFrame, system: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add the kind of every code, and count the codes that have no entry of their own.

    Such a code falls back to its root: in CAMEO the longest beginning of at least two
    characters that is a code, in PLOVER the type before ``/``, in any system the value
    of the column ``root`` if the frame has one (ACLED: the event type). Without a root
    it is of kind other and not hostile.

    Parameters
    ----------
    frame : pl.DataFrame
        With a text column ``code``, and perhaps ``root``.
    system : str
        Name of a table in ``forecast/codes``.

    Returns
    -------
    frame : pl.DataFrame
        The same rows in the same order with ``kind`` and ``hostile``.
    unmapped : pl.DataFrame
        ``system``, ``code`` (empty where the row has none), ``used`` (the entry used
        instead, null if none), ``n`` rows; sorted.

    Raises
    ------
    ValueError
        If there is no table for the system.

    Examples
    --------
    >>> events, unmapped = coded(pl.DataFrame({"code": ["196", "1999"]}), "cameo")
    >>> events.rows()
    [('196', 'violation', True), ('1999', 'clash', True)]
    >>> unmapped.rows()
    [('cameo', '1999', '19', 1)]
    """
    table = codes(system)
    known = set(table["code"])
    key = ["code", "root"] if "root" in frame.columns else ["code"]
    # one look at each code, not at each row: files have millions of rows
    seen = frame.group_by(key).len("n").sort(key)
    used = [_entry(row, known, system) for row in seen.select(key).iter_rows()]
    seen = seen.with_columns(pl.Series("used", used, pl.String)).join(
        table.select("kind", "hostile", used="code"), "used", "left"
    )
    made = frame.join(
        seen.select(
            *key, pl.col("kind").fill_null("other"), pl.col("hostile").fill_null(False)
        ),
        on=key,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    unmapped = (
        seen.with_columns(pl.col("code").fill_null(""), system=pl.lit(system))
        .filter(~pl.col("code").eq_missing(pl.col("used")))
        .group_by("system", "code", "used")
        .agg(pl.col("n").sum().cast(pl.Int64))
        .sort("code", "used")
    )
    return made, unmapped


def _entry(row: tuple[str | None, ...], known: set[str], system: str) -> str | None:
    code = row[0] or ""
    tries: Iterable[str | None] = (code, *_roots(code, system), *row[1:])
    return next((entry for entry in tries if entry in known), None)


def _roots(code: str, system: str) -> list[str]:
    if system == "cameo":
        return [code[:n] for n in range(min(len(code) - 1, 4), 1, -1)]
    return [code.split("/")[0]] if system == "plover" else []


def by_label(labels: pl.Series, system: str) -> pl.Series:
    """Codes of the labels of a source that gives no codes.

    Both spellings of a CAMEO label are read, that of the codebook and that of ICEWS;
    case, and underscores for blanks, make no difference. Where a root and its general
    leaf share a label (04 and 040 "Consult") it is the leaf. A label that no table
    knows comes back as it is, so that :func:`coded` counts it.

    Parameters
    ----------
    labels : pl.Series
        Text.
    system : str
        Name of a table in ``forecast/codes``.

    Returns
    -------
    pl.Series
        Text of the same length.

    Raises
    ------
    ValueError
        If there is no table for the system.

    Examples
    --------
    >>> labels = ["Violate_ceasefire", "Declare truce, ceasefire", "Dance"]
    >>> by_label(pl.Series(labels), "cameo").to_list()
    ['196', '0871', 'Dance']
    """
    of = _labels(system)
    tidy = labels.str.replace_all(r"[_\s]+", " ").str.strip_chars().str.to_lowercase()
    return tidy.replace_strict(of, default=labels, return_dtype=pl.String)


@lru_cache
def _labels(system: str) -> dict[str, str]:
    table = codes(system)
    found: dict[str, str] = {}
    for column in ("label", "label_icews"):
        if column in table.columns:
            # in order of the codes, so that a leaf comes after its root and stays
            for label, code in table.sort("code").select(column, "code").iter_rows():
                found[label.lower()] = code
    return found
