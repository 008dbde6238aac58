"""PA-X Peace Agreements Database: the agreements that are ceasefires.

Source: Bell & Badanjak 2019, Journal of Peace Research 56(3):452-466, and the codebook
that comes with the files (CC BY-NC-SA: never part of this project). The columns differ
from release to release; those read here are in all of them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from forecast.cells import Cell, choice, identifier, parse, text, unique, usable
from forecast.raw import Raw, read
from forecast.schema import FIRST, LAST, LeftOut, Loaded, Truces

STAGES = {
    "Pre": "pre-negotiation or process",
    "Cea": "ceasefire or related",
    "SubPar": "framework or substance, partial",
    "SubComp": "framework or substance, comprehensive",
    "Imp": "implementation",
    "Ren": "renewal",
}
SUBSTAGES = ("Ceas", "CeaMix", "Rel")
REQUIRED = ("AgtId", "Agt", "Dat", "Con", "Stage", "StageSub", "Status", "Part")
OPTIONAL = ("UcdpCon", "UcdpAgr", "ThrdPart", "Agtp", "ImPK", "ImE")
YES_NO = {"0": False, "1": True}


def _known_id(column: str) -> Cell:
    """An id; ``NA`` and nothing mean that there is none."""
    cell = identifier(column)
    value = cell.value.replace("NA", None)
    bad = ~value.str.contains(r"^\d+$")
    return Cell(column, value, bad, "expected a number, NA or nothing")


def _date(column: str) -> Cell:
    """A day as the earlier releases write it (2008-08-18) or the later (18/08/2008)."""
    cell = text(column).value
    day = pl.coalesce(
        cell.str.to_date("%Y-%m-%d", strict=False),
        cell.str.to_date("%d/%m/%Y", strict=False),
    )
    written = cell.str.contains(r"^(\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})$")
    value = pl.when(written & day.is_between(FIRST, LAST)).then(day)
    expected = "expected a calendar day, YYYY-MM-DD or DD/MM/YYYY"
    return Cell(column, value, value.is_null(), expected)


CELLS = {
    "agreement_id": identifier("AgtId", required=True),
    "name": text("Agt", required=True),
    "start": _date("Dat"),
    "countries": text("Con", required=True),
    "stage": choice("Stage", tuple(STAGES), required=True),
    "substage": text("StageSub"),
    "status": text("Status", required=True),
    "signers": text("Part"),
    "third": text("ThrdPart"),
    "scope": text("Agtp"),
    "conflict_id": _known_id("UcdpCon"),
    "ucdp_agreement": _known_id("UcdpAgr"),
    "peacekeepers": choice("ImPK", YES_NO),
    "enforced": choice("ImE", YES_NO),
}
RULES = (unique("AgtId", pl.col("agreement_id")),)


def pax(
    path: str | Path,
    agreements: str | Path | None = None,
    substages: Sequence[str] = SUBSTAGES,
) -> Loaded[Truces]:
    """Load the ceasefire agreements of PA-X, one row an agreement.

    A ceasefire is an agreement whose stage is ``Cea``, "ceasefire or related". Its
    substages are ``Ceas`` (nothing but a ceasefire), ``CeaMix`` and ``Rel`` (related:
    monitoring, separation of forces, and also plain ceasefires). All other stages are
    left out, and counted by stage, though some of their agreements hold a ceasefire
    among other things: only some releases say which.

    Parameters
    ----------
    path : path
        A release of the agreements, of any vintage: days as 2008-08-18 or 18/08/2008,
        ids as 309 or 309.0.
    agreements : path, optional
        The UCDP Peace Agreements file, for the dyads: PA-X names none, but the UCDP
        agreement it matches (``UcdpAgr``); the dyad is taken where UCDP names only
        one. Without the file no dyad is known.
    substages : sequence of str
        Substages of ``Cea`` that count as truces.

    Returns
    -------
    Loaded[Truces]
        Sorted by ``truce_id``, which is ``pax-<AgtId>``.

    Raises
    ------
    forecast.raw.InputError
        If the file cannot be read, lacks a column, or no row can be used.
    ValueError
        If a substage is not one of ``Ceas``, ``CeaMix``, ``Rel``.

    Notes
    -----
    The start is the day of the agreement; no release says when its truce ended, so
    that the reason is ``unclear``. ``conflict_id`` is ``UcdpCon``. The country is the
    first that ``Con`` names (they are in alphabetical order). Parties are read from
    the free text of signatures by :func:`parties`, and are often none. ``side`` is
    known for unilateral documents only; ``partial`` is true for local agreements and
    else unknown; ``mediated`` is true where third parties signed, and else unknown;
    ``enforcement`` (``ImPK`` peacekeepers, ``ImE`` a mechanism of enforcement) is
    in some releases only. Every agreement is a document, so ``written`` is true. The
    class needs provisions that not every release lists: unknown.
    """
    if wrong := sorted(set(substages) - set(SUBSTAGES)):
        raise ValueError(
            f"no substage {wrong[0]!r} of ceasefires in PA-X; there are: "
            + ", ".join(SUBSTAGES)
        )
    table = read(path, REQUIRED, OPTIONAL)
    rows, rejected = parse(table, CELLS, RULES)
    usable(table.file, rows, rejected)
    kept = (pl.col("stage") == "Cea") & pl.col("substage").is_in(list(substages))
    ceasefires = rows.filter(kept.fill_null(False))
    files = {table.file: table.sha256}
    dyads = pl.DataFrame(schema={"ucdp_agreement": pl.String, "dyad_id": pl.String})
    if agreements is not None:
        ucdp = read(agreements, ("paid", "dyad_id"))
        files[ucdp.file] = ucdp.sha256
        dyads = _single_dyads(ucdp)
    truces = ceasefires.join(dyads, on="ucdp_agreement", how="left")
    return Loaded(
        frame=Truces.validate(_described(truces), cast=True),
        rejected=rejected,
        left_out=LeftOut.validate(_left_out(rows.filter(~kept.fill_null(False)))),
        read=table.read,
        accepted=ceasefires.height,
        files=files,
    )


def _single_dyads(ucdp: Raw) -> pl.DataFrame:
    """UCDP agreements of one dyad."""
    return (
        ucdp.frame.select(
            ucdp_agreement=identifier("paid").value, dyad_id=identifier("dyad_id").value
        )
        .filter(pl.col("dyad_id").str.contains(r"^\d+$"))
        .unique("ucdp_agreement", keep="none", maintain_order=True)
    )


def _left_out(rows: pl.DataFrame) -> pl.DataFrame:
    other = pl.col("stage") != "Cea"
    reason = (
        pl.when(other)
        .then(
            pl.format(
                "not a ceasefire: stage {}, {}",
                "stage",
                pl.col("stage").replace_strict(list(STAGES), list(STAGES.values())),
            )
        )
        .otherwise(
            pl.format(
                "a ceasefire of substage {}", pl.col("substage").fill_null("unknown")
            )
        )
    )
    return (
        rows.group_by(reason.alias("reason"))
        .agg(n=pl.len().cast(pl.Int64))
        .sort("reason")
        .select(pl.lit("pax").alias("source"), "reason", "n")
    )


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    country = pl.col("countries").str.split("/").list.first().str.strip_chars("() ")
    signed = [
        parties(part, con) for part, con in rows.select("signers", "countries").rows()
    ]
    return (
        rows.with_columns(
            truce_id=pl.format("pax-{}", "agreement_id"),
            name=pl.col("name").str.replace_all(r"\s+", " "),
            country=country,
            start_precision=pl.lit("day"),
            end=pl.lit(None, pl.Date),
            end_precision=pl.lit(None, pl.String),
            end_reason=pl.lit("unclear"),
            parties=pl.Series(signed, dtype=pl.List(pl.String)),
            excluded=pl.lit([], pl.List(pl.String)),
            side=pl.when(pl.col("status") == "Unilateral document").then(
                pl.lit("unilateral")
            ),
            written=pl.lit(True),
            mediated=pl.when(pl.col("third").str.contains(r"\p{L}")).then(pl.lit(True)),
            enforcement=pl.col("peacekeepers") | pl.col("enforced"),
            partial=pl.when(pl.col("scope") == "IntraLocal").then(pl.lit(True)),
            term_days=pl.lit(None, pl.Int64),
            purposes=pl.lit([], pl.List(pl.String)),
            source=pl.lit("pax"),
            **{"class": pl.lit(None, pl.String)},
        )
        .select(Truces.column_names())
        .sort("truce_id")
    )


#: of a text of signatures, no more is read: what a cell of a spreadsheet can hold
LONGEST = 32_767
# quantifiers are bounded, or a text of marks alone would take hours
ARTICLE = r"(?:(?:the|le|la|les|el|los)\s+|l['\u2019]\s*)?"
#: a signature on behalf of a group
ON_BEHALF = re.compile(
    r"(?:\bfor and on behalf of|\bon (?:the )?behalf of"
    r"|^[\W\d]{0,40}(?:for|pour|por)\b:?"
    r"|[,)]\s*for\b:?|\bp\.p\.|^[\W\d]{0,40}representatives? of)\s+"
    + ARTICLE
    + r"([^:;,\n(\[]{2,80})",
    re.IGNORECASE | re.MULTILINE,
)
#: a group, and then who signed for it
REPRESENTED = re.compile(
    r"(?:^|;)[\W\d]{0,40}" + ARTICLE + r"([^:;,\n(\[]{2,80}?),?\s{1,40}"
    r"(?:(?:is |are )?represented by|signed for by)\b",
    re.IGNORECASE | re.MULTILINE,
)
#: words of groups rather than of persons
GROUP = re.compile(
    r"\b(?:government|govt|republic|movement|front|party|army|forces|alliance|union"
    r"|tigers|council|command|resistance|delegation)\b",
    re.IGNORECASE,
)
PERSON = re.compile(
    r"\b(?:gen|lt|col|maj|brig|mr|mrs|dr|hon|general|president|minister|commander"
    r"|chairman|representatives?|leaders?|secretary|signed|unsigned|[A-Z]\.)(?!\w)",
    re.IGNORECASE,
)


def parties(part: str | None, countries: str = "") -> list[str]:
    r"""Names of groups in the text of an agreement's signatures, as far as it has any.

    First "for the …", "on behalf of …" and "…, represented by"; where there is none, a
    short list of names, if it names a group or a country of the conflict and no one's
    rank or office. Persons who sign without their group are no parties.

    Parameters
    ----------
    part : str or None
        The text of ``Part``.
    countries : str
        The text of ``Con``, names with ``/`` between them.

    Returns
    -------
    list of str
        In the order of the text; empty where it cannot be read so.

    Examples
    --------
    >>> parties("For the Government of X: A. Person;\nFor XLM: B. Person")
    ['Government of X', 'XLM']
    >>> parties("Northland, Southland", "Northland/Southland")
    ['Northland', 'Southland']
    >>> parties("Lt Gen A. Person; Gen B. Person")
    []
    """
    if not part:
        return []
    part = part[:LONGEST]
    matches = [*ON_BEHALF.finditer(part), *REPRESENTED.finditer(part)]
    found = [_clean(m.group(1)) for m in sorted(matches, key=lambda m: m.start())]
    names = found or _listed(part, countries)
    return list(dict.fromkeys(name for name in names if name))


def _listed(part: str, countries: str) -> list[str]:
    """Names in a short list with commas or semicolons."""
    line = re.sub(r"\[[^\]\n]{0,2000}\]|\([^)\n]{0,2000}\)", "", part).strip()
    places = [re.escape(c.strip("() ")) for c in countries.split("/") if c.strip("() ")]
    place = re.search("|".join(places), line) if places else None
    if len(line) > 150 or "\n" in line or PERSON.search(line):
        return []
    if not (place or GROUP.search(line)):
        return []
    between = next((mark for mark in (";", ",") if mark in line), " and ")
    return [_clean(name) for name in line.split(between)]


def _clean(name: str) -> str:
    """A group's name without articles before it and persons behind it."""
    before = r"^(?:\s*(?:and|the|on behalf of|delegation of)\s)+"
    behind = r"\s(?:on behalf of|by|was|were|is|are)(?:\s.*|$)"
    person = r"(?:^|\s)(?:[A-Z]\.|Dr|Mr|Mrs|Lt|Gen|Reverend)(?=\W).*"
    name = re.sub(f"{before}|{behind}", "", name, flags=re.IGNORECASE)
    return re.sub(r"\s+", " ", re.sub(person, "", name)).strip(" .-\u2013")
