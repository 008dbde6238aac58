"""What `kinds` says, against a plain loop over its definition, and small cases."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from strategies import (
    CODES,
    RULE,
    Change,
    Laid,
    Row,
    changes,
    day,
    events,
    laid_out,
    may_use,
    truces,
)

import forecast.kinds
from forecast.features.kinds import HEAVY, kinds
from forecast.link import link, linked
from forecast.panel import panel

TABLES = Path(forecast.kinds.__file__).parent / "codes"
#: the codes of the small worlds that name a heavy weapon
HEAVY_THERE = {"195", "ASSAULT/aerial", "Air/drone strike"}


def with_party_events(laid: Laid) -> Iterator[tuple[Row, list[Row]]]:
    """Each origin, and the events of the parties that it may use, with ``ago``."""
    rows, coded, _ = laid
    party = coded.filter(pl.col("relation") == "party").to_dicts()
    for row in rows.iter_rows(named=True):
        yield (
            row,
            [
                e | {"ago": (row["origin"] - e["day"]).days}
                for e in party
                if may_use(row, e)
            ],
        )


def severities() -> dict[tuple[str, str], float]:
    found = {}
    for system in ("cameo", "plover"):
        with (TABLES / f"{system}.csv").open(encoding="utf-8") as file:
            for entry in csv.DictReader(file):
                if entry["scale"]:
                    found[system, entry["code"]] = float(entry["scale"])
    return found


SCALE = severities()


def is_heavy(event: Row) -> bool:
    if event["system"] in ("hand", "simulated"):
        return bool(event["kind"] == "strike")
    return event["code"] in HEAVY_THERE


def by_hand(party: list[Row]) -> Row:
    """The definition of every column, with the default settings."""
    said: Row = {}
    for w in (7, 30):
        inside = [e for e in party if e["ago"] <= w]
        for kind in forecast.kinds.KINDS[:-1]:
            said[f"kinds_{kind}_{w}d"] = sum(e["kind"] == kind for e in inside)
        armed = [e for e in inside if e["hostile"] and e["system"] != "ucdp"]
        scales = [SCALE.get((e["system"], e["code"])) for e in inside]
        known = [scale for scale in scales if scale is not None]
        said[f"kinds_heavy_share_{w}d"] = (
            sum(map(is_heavy, armed)) / len(armed) if armed else None
        )
        said[f"kinds_scale_mean_{w}d"] = sum(known) / len(known) if known else None
        said[f"kinds_scale_lowest_{w}d"] = min(known, default=None)
    for kind in ("strike", "offensive", "violation", "threat"):
        said[f"kinds_decayed_{kind}_14d"] = float(
            sum(0.5 ** ((e["ago"] - 1) / 14) for e in party if e["kind"] == kind)
        )
    return said


def agrees(laid: Laid) -> None:
    found = kinds(*laid).drop("truce_id", "origin")
    expected = [by_hand(party) for _, party in with_party_events(laid)]
    loop = pl.DataFrame(expected, schema=found.schema)
    assert set(found.columns) == set(expected[0] if expected else found.columns)
    assert_frame_equal(found, loop, abs_tol=1e-9)


def test_the_simulated_world_is_the_plain_loop(simulated: Laid) -> None:
    agrees(simulated)


@settings(max_examples=40, database=None)
@given(changes())
def test_a_revised_world_is_the_plain_loop(change: Change) -> None:
    agrees(laid_out(change.truces[0], change.events[0]))


def test_every_heavy_code_is_a_strike_of_some_system() -> None:
    strikes: set[str] = set()
    for system in ("acled", "cameo", "plover"):
        table = forecast.kinds.codes(system)
        strikes |= set(table.filter(pl.col("kind") == "strike")["code"])
    assert set(HEAVY) < strikes
    assert {"1831", "ASSAULT/suicide-attack", "Grenade"} <= strikes - set(HEAVY)
    # what the naive loop calls heavy is all that the small worlds can hold
    assert {c for of in CODES.values() for c in of} & set(HEAVY) == HEAVY_THERE


def test_bounds(simulated: Laid) -> None:
    found = kinds(*simulated)
    for w in (7, 30):
        assert found[f"kinds_heavy_share_{w}d"].drop_nulls().is_between(0, 1).all()
    for kind in forecast.kinds.KINDS[:-1]:
        assert (found[f"kinds_{kind}_7d"] <= found[f"kinds_{kind}_30d"]).all()
    for kind in ("strike", "threat"):
        some = found[f"kinds_decayed_{kind}_14d"]
        # an event of the last thirty days weighs at least 2 ** (-29 / 14)
        assert (some >= found[f"kinds_{kind}_30d"] * 2 ** (-29 / 14) - 1e-9).all()


def morning(*rows: Row, **options: Any) -> Row:
    """Features on day 20 of a truce that began on day 0, events on day 19."""
    of = [{"dyad_id": "d1", "date": day(19), **row} for row in rows]
    records, coded = truces([{"start": day(0)}]), events(of)
    origins = panel(records, coded, day(300), RULE, min_events=0, as_of=day(20))[0]
    frame = kinds(origins, linked(coded, link(records, coded)), records, **options)
    return frame.row(0, named=True)


def test_ucdp_names_no_weapon() -> None:
    found = morning({"system": "ucdp", "code": "1"}, {"system": "ucdp", "code": "3"})
    assert found["kinds_clash_7d"] == 2
    assert found["kinds_heavy_share_7d"] is None
    assert found["kinds_scale_mean_7d"] is None
    # beside another source, its share is that of the other
    both = morning({"system": "ucdp"}, {"system": "cameo", "code": "194"})
    assert both["kinds_heavy_share_7d"] == 1


@pytest.mark.parametrize(
    ("system", "code", "kind", "heavy"),
    [
        ("cameo", "194", "strike", 1),
        ("cameo", "1952", "strike", 1),
        ("cameo", "1831", "strike", 0),
        ("cameo", "190", "clash", 0),
        ("cameo", None, "strike", 0),
        ("plover", "ASSAULT/heavy-weapons", "strike", 1),
        ("plover", "ASSAULT/suicide-attack", "strike", 0),
        ("acled", "Shelling/artillery/missile attack", "strike", 1),
        ("acled", "Remote explosive/landmine/IED", "strike", 0),
        ("acled", "Armed clash", "clash", 0),
        ("hand", "barrage", "strike", 1),
        ("hand", "194", "clash", 0),
        ("hand", None, "violation", 0),
        # a threat is no attack, whatever it threatens with
        ("hand", None, "threat", None),
        ("plover", "MOBILIZE/weapons", "threat", None),
    ],
)
def test_what_is_heavy(
    system: str, code: str | None, kind: str, heavy: int | None
) -> None:
    found = morning({"system": system, "code": code, "kind": kind})
    assert found["kinds_heavy_share_7d"] == heavy
    assert found[f"kinds_{kind}_7d"] == 1


def test_severity_goes_from_war_to_peace() -> None:
    talks = {"system": "plover", "code": "CONSULT/visit", "kind": "talks"}
    strike = {"system": "plover", "code": "ASSAULT/aerial", "kind": "strike"}
    unscaled = {"system": "cameo", "code": "010", "kind": "other"}
    long_ago = {"system": "cameo", "code": "204", "date": day(0)}
    found = morning(talks, strike, unscaled, long_ago)
    assert found["kinds_scale_mean_7d"] == (4.0 - 9.5) / 2
    assert found["kinds_scale_lowest_7d"] == -9.5
    assert found["kinds_scale_mean_30d"] == pytest.approx((4.0 - 9.5 - 9.0) / 3)
    assert morning(talks)["kinds_scale_lowest_7d"] == 4
    assert morning(unscaled)["kinds_scale_lowest_7d"] is None


def test_no_settings_no_columns() -> None:
    assert len(morning(windows=(), half_lives=())) == 2
    assert len(morning(windows=(), fading=())) == 2
