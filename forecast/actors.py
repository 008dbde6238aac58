"""Names of groups in sources without UCDP ids, resolved to parties of truces.

A name is tried, in this order, against the user's own corrections, the names of
parties as they stand, a table of aliases, the government of a country ("Military
(Sudan)", "Sudan"), and at last by likeness of spelling. Whatever is left is said to be
left: a name that merely looks alike is worse than none.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.raw import InputError, read
from forecast.schema import Actors, Events, Truces

GOVERNMENT = "Government of "
#: what coders put before the name of a country for those who act for its government
OFFICE = re.compile(
    r"^(government|head of government|military|military personnel|army|armed forces|"
    r"navy|air force|police|ministry|foreign affairs|foreign ministry|defense|"
    r"defense ministry|defence ministry|cabinet|security forces?|special forces?|"
    r"coast guard|border guard|secret service|intelligence|head of state|president|"
    r"prime minister|royal administration|other authorities|envoy|representatives)\b"
)

#: as ACLED writes them: "Military Forces of Syria (2000-2024)"
FORCES = re.compile(r"^(Military|Police) Forces of (?P<country>[^(]+)")
#: names of people who bear no arms, as coders write them ("Citizen (Sudan)")
CIVILIAN = (
    r"(?i)^(civilians?|citizens?|villagers?|population|people|protesters?|"
    r"demonstrators?|rioters?|activists?|refugees?|displaced|students?|teachers?|wom[ae]n|"
    r"m[ae]n|children|child|families|famil[yi]|farmers?|workers?|employees?|medical|"
    r"doctors?|lawyers?|attorneys?|media|journalists?|clergy|priests?|aid workers?|"
    r"tourists?|passengers?|religion|religious|"
    r"ethnic|jews?|muslims?|christians?|hindus?|thie(f|ves)|criminals?|detainees?|"
    r"prisoners?|voters?|party members?)\b"
)


def civilian(column: str) -> pl.Expr:
    """Whether a name is that of civilians; an unknown name is not."""
    return pl.col(column).str.contains(CIVILIAN).fill_null(False)


def without_ids(events: dy.DataFrame[Events]) -> list[str]:
    """Names of actors in events that have no ids of UCDP to go by."""
    bare = events.filter(pl.col("dyad_id").is_null() & (pl.col("system") != "ucdp"))
    names = pl.concat([bare["actor_a"], bare["actor_b"]]).drop_nulls()
    return names.unique().to_list()


def resolve(
    names: Iterable[str],
    truces: dy.DataFrame[Truces],
    *,
    corrections: str | Path | None = None,
    min_score: float = 92,
) -> dy.DataFrame[Actors]:
    """Say which party of a truce, or group outside one, each name stands for.

    Parameters
    ----------
    names : iterable of str
        Names of actors, as a source writes them.
    truces : dy.DataFrame[Truces]
        Their ``parties`` and ``excluded`` are what a name can stand for.
    corrections : path, optional
        A CSV of the user with columns ``actor`` and ``party``; an empty party says
        that the actor is none. It goes before everything else.
    min_score : float
        Likeness of spelling (0 to 100, normalised Indel similarity) from which two
        names of groups count as one.

    Returns
    -------
    dy.DataFrame[Actors]
        One row a name: ``actor``, ``party`` (null: none), ``method``, ``score``.

    Raises
    ------
    forecast.raw.InputError
        If the corrections cannot be read, or name a party that no truce has.
    """
    parties = sorted(
        {name for column in ("parties", "excluded") for name in _flat(truces, column)}
    )
    own = _corrections(corrections, parties) if corrections is not None else {}
    exact = {_plain(name): name for name in parties}
    known = exact | {
        _plain(alias): party for alias, party in _aliases() if party in parties
    }
    governments = {
        _country(name.removeprefix(GOVERNMENT)): name
        for name in parties
        if name.startswith(GOVERNMENT)
    }
    groups = {p: name for p, name in known.items() if not name.startswith(GOVERNMENT)}
    rows = [
        (name, *_find(name, own, exact, known, governments, groups, min_score))
        for name in sorted(set(names))
    ]
    schema = Actors.create_empty().schema
    return Actors.validate(pl.DataFrame(rows, schema=schema, orient="row"), cast=True)


Found = tuple[str | None, str, float | None]


def _find(
    name: str,
    own: Mapping[str, str | None],
    exact: Mapping[str, str],
    known: Mapping[str, str],
    governments: Mapping[str, str],
    groups: Mapping[str, str],
    min_score: float,
) -> Found:
    if name in own:
        return own[name], "corrected", None
    whole = _plain(name)
    inner = _plain(_inside(name) or name)
    if whole in exact:
        return exact[whole], "exact", None
    for text in (whole, inner):
        if text in known:
            return known[text], "alias", None
    government = _government(name, governments)
    if government:
        return government, "government", None
    return _alike(inner, groups, min_score)


def _government(name: str, governments: Mapping[str, str]) -> str | None:
    forces = FORCES.match(name)
    if forces:
        return governments.get(_country(forces["country"]))
    inside = _inside(name)
    if inside is None:
        return governments.get(_country(name))
    if OFFICE.match(name.lower()):
        return governments.get(_country(inside))
    return None


def _alike(text: str, groups: Mapping[str, str], min_score: float) -> Found:
    from rapidfuzz import fuzz, process

    # initials are too short to be alike by anything but chance
    long = [plain for plain in groups if len(plain) > 6]
    best = process.extractOne(text, long, scorer=fuzz.ratio, score_cutoff=min_score)
    if best is None or len(text) <= 6:
        return None, "none", None
    return groups[best[0]], "spelling", round(float(best[1]), 1)


def _flat(truces: pl.DataFrame, column: str) -> list[str]:
    return truces[column].explode().drop_nulls().unique().to_list()


def _inside(name: str) -> str | None:
    """What stands in the last brackets: "Rebel Commander (FARC)"."""
    found = re.search(r"\(([^()]+)\)\s*$", name)
    return found[1] if found and not name.startswith(found[0]) else None


def _country(name: str) -> str:
    """A country without what sources put behind it."""
    return _plain(re.sub(r"[,(].*$", "", name))


def _plain(text: str) -> str:
    """Letters and digits only, without case and accents."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", bare.lower()).strip()


def _aliases() -> list[tuple[str, str]]:
    content = (files("forecast") / "aliases.csv").read_bytes()
    return pl.read_csv(content, infer_schema=False).rows()


def _corrections(path: str | Path, parties: Iterable[str]) -> dict[str, str | None]:
    table = read(path, ("actor", "party"), closed=True).frame
    for row, (actor, party) in enumerate(table.select("actor", "party").rows(), 2):
        if actor is None or (party is not None and party not in set(parties)):
            raise InputError(
                f"{path}, row {row}: party {party!r} of actor {actor!r}; expected the "
                "name of a party as a truce has it, or nothing"
            )
    return dict(table.select("actor", "party").rows())
