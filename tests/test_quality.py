"""Findings about data: they add up, and what is planted is found."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast.events.ged import ged
from forecast.quality import LIMITS, SECTIONS, Quality, exceeded, report
from forecast.quality.dates import gaps
from forecast.schema import Events, LeftOut, Loaded, Rejected, Truces, Unmapped
from forecast.truces.ethprio import ethprio

START = date(2010, 1, 1)


def events(rows, **more):
    """Loaded events; each row says only what matters."""
    made = [
        {
            "event_id": f"{i:05}",
            "date": row["date"],
            "known_from": (row.get("date_end") or row["date"]) + timedelta(days=1),
            "date_precision": "day",
            "kind": "clash",
            "system": "hand",
            "hostile": True,
            "source": "mine",
            **row,
        }
        for i, row in enumerate(rows)
    ]
    frame = pl.DataFrame(made, infer_schema_length=None)
    absent = [c for c in Events.column_names() if c not in frame.columns]
    frame = frame.with_columns(pl.lit(None).alias(c) for c in absent)
    valid = Events.validate(frame.select(Events.column_names()), cast=True)
    facts = {"read": len(rows), "accepted": len(rows)} | more
    return Loaded(frame=valid, **facts)


def truces(rows):
    made = [
        {
            "truce_id": f"t{i}",
            "name": f"truce {i}",
            "end_reason": "unclear",
            "parties": ["Government of X", "Rebels"],
            "excluded": [],
            "purposes": [],
            "source": "mine",
            "start_precision": "day" if row.get("start") else None,
            "end_precision": "day" if row.get("end") else None,
            **row,
        }
        for i, row in enumerate(rows)
    ]
    frame = pl.DataFrame(made, infer_schema_length=None)
    absent = [c for c in Truces.column_names() if c not in frame.columns]
    frame = frame.with_columns(pl.lit(None).alias(c) for c in absent)
    valid = Truces.validate(frame.select(Truces.column_names()), cast=True)
    return Loaded(frame=valid, read=len(rows), accepted=len(rows))


def daily(days, **more):
    return [{"date": START + timedelta(days=d), **more} for d in days]


def look(quality, section, item, detail=None, source=None):
    """Value and share of one finding."""
    found = quality.filter(
        pl.col("section") == section,
        pl.col("item") == item,
        pl.lit(True) if detail is None else pl.col("detail") == detail,
        pl.lit(True) if source is None else pl.col("source") == source,
    )
    assert found.height == 1, found
    return found.select("value", "share").row(0)


def detail(quality, section, item):
    rows = quality.filter(pl.col("section") == section, pl.col("item") == item)
    return rows["detail"].to_list()


@pytest.fixture(scope="module")
def real(shared: Path):
    data = shared / "data"
    return (
        {"ged": ged(data / "ucdp_ged/ged_global.csv.gz")},
        {
            "ethprio": ethprio(
                data / "ethprio/ceasefires.csv", data / "ucdp_termination/dyads.csv"
            )
        },
    )


@pytest.fixture(scope="module")
def found(real):
    return report(*real)


def test_counts_of_rows_add_up_to_the_account():
    left_out = LeftOut.validate(
        pl.DataFrame({"source": ["a", "a"], "reason": ["x", "y"], "n": [2, 3]}),
        cast=True,
    )
    rejected = Rejected.validate(
        pl.DataFrame(
            {
                "file": ["f"] * 4,
                "line": [2, 3, 4, 5],
                "column": ["date", "date", "date", "kind"],
                "value": ["?"] * 4,
                "reason": ["expected a day"] * 3 + ["expected a kind"],
            }
        ),
        cast=True,
    )
    source = events(daily([0]), read=10, left_out=left_out, rejected=rejected)
    quality = report({"a": source}, {})
    assert look(quality, "rows", "unaccounted")[0] == 0
    for total, parts in [("left out", "left out by"), ("refused", "refused by")]:
        each = quality.filter(pl.col("item") == parts)
        assert each["value"].sum() == look(quality, "rows", total)[0]
    assert look(quality, "rows", "refused by", "date: expected a day") == (3, 0.3)
    lossy = events(daily([0]), read=12, left_out=left_out, rejected=rejected)
    assert look(report({"a": lossy}, {}), "rows", "unaccounted")[0] == 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=20)
)
def test_gaps_are_the_days_that_no_event_covers(spans):
    covered = {d for first, n in spans for d in range(first, first + n + 1)}
    quiet = set(range(min(covered), 80)) - covered
    frame = pl.DataFrame(
        {
            "date": [START + timedelta(days=first) for first, _ in spans],
            "last": [START + timedelta(days=first + n) for first, n in spans],
        }
    )
    told = gaps(frame, through=START + timedelta(days=79))
    days = {(begins - START).days + i for begins, _, n in told.rows() for i in range(n)}
    assert days == quiet
    assert told["days"].sum() == len(quiet)
    assert told["days"].is_sorted(descending=True)


def test_a_planted_gap_is_found_in_all_and_by_dyad():
    rows = daily([*range(40), *range(140, 200)], dyad_id="7")
    rows += daily([0, 150], dyad_id="8", actor_a="A", actor_b="B")
    rows += daily([20], dyad_id="9")
    quality = report({"a": events(rows)}, {})
    assert look(quality, "span", "longest gap") == (100, None)
    assert detail(quality, "span", "longest gap") == ["2010-02-10 to 2010-05-20"]
    assert detail(quality, "span", "longest gap of a dyad") == [
        "dyad 8 (A \N{EN DASH} B): 2010-01-02 to 2010-05-30",
        "dyad 7: 2010-02-10 to 2010-05-20",
    ]
    assert detail(quality, "span", "month without an event") == ["2010-03", "2010-04"]
    assert look(quality, "span", "months without an event") == (2, 2 / 7)
    by_month = quality.filter(pl.col("item") == "events in month")
    assert by_month["value"].sum() == len(rows)


def test_silence_at_the_end_of_the_covered_days_is_a_gap():
    source = events(daily(range(10)), covered_through=START + timedelta(days=39))
    assert look(report({"a": source}, {}), "span", "longest gap")[0] == 30


def test_dates_and_versions():
    day, week = START, timedelta(days=7)
    rows = [
        {"date": day, "date_precision": "month"},
        {"date": day, "date_end": day + week},
        {"date": day, "known_from": day + week},
        {"date": day, "event_id": "r", "known_until": day + week},
        {"date": day, "event_id": "r", "known_from": day + week},
        {"date": day, "event_id": "w", "known_until": day + week},
    ]
    quality = report({"a": events(rows)}, {})
    assert look(quality, "dates", "events")[0] == 4
    assert look(quality, "dates", "imprecise") == (1, 0.25)
    assert look(quality, "dates", "multi-day") == (1, 0.25)
    assert look(quality, "dates", "longest event")[0] == 8
    # the revised event was known on time; only its revision came later
    assert look(quality, "dates", "known late") == (1, 0.2)
    assert look(quality, "dates", "median delay")[0] == 6
    assert look(quality, "dates", "several versions") == (1, 0.2)
    assert look(quality, "dates", "withdrawn") == (1, 0.2)


def test_a_planted_unmapped_code_is_found_with_what_was_used():
    unmapped = Unmapped.validate(
        pl.DataFrame(
            {
                "source": ["a", "a"],
                "system": ["cameo", "cameo"],
                "code": ["1999", "xx"],
                "used": ["19", None],
                "n": [3, 1],
            }
        ),
        cast=True,
    )
    quality = report({"a": events(daily(range(40)), unmapped=unmapped)}, {})
    assert look(quality, "codes", "unmapped") == (4, 0.1)
    assert detail(quality, "codes", "unmapped code") == [
        "cameo 1999, read as 19",
        "cameo xx, read as other, no entry",
    ]
    assert exceeded(quality, {"unmapped": 0.05}) == [
        "events a: 10.0% of the rows have a code without an entry; limits.unmapped=0.05"
    ]


def test_a_planted_unmatched_actor_is_found():
    rows = daily(range(6), actor_a="Rebels", actor_b="Government of X")
    rows += daily(range(3), actor_a="Rebels", actor_b="Zebra Herders of Nowhere")
    rows += daily(range(9), actor_a="Other", actor_b="Sides", dyad_id="1")
    rows += daily([1])
    quality = report({"a": events(rows)}, {"t": truces([{"start": START}])})
    assert look(quality, "actors", "without a dyad") == (10, 10 / 19)
    assert look(quality, "actors", "without an actor") == (1, 0.1)
    assert look(quality, "actors", "mentions")[0] == 18
    assert look(quality, "actors", "unmatched") == (3, 3 / 18)
    name = "Zebra Herders of Nowhere"
    assert look(quality, "actors", "unmatched name", name)[0] == 3
    resolved = quality.filter(pl.col("item") == "resolved")
    assert resolved["value"].sum() == 18
    assert exceeded(quality, {"unmatched": 0.1})
    assert not exceeded(report({"a": events(rows)}, {}), {"unmatched": 0.1})


def test_planted_overlaps_and_witnesses_are_found():
    def at(days):
        return START + timedelta(days=days)

    quality = report(
        {"a": events(daily([190, 230, 900, 1400], dyad_id="1"))},
        {
            "t": truces(
                [
                    {"dyad_id": "1", "start": at(200), "end": at(900)},
                    {"dyad_id": "1", "start": at(800)},
                    {"dyad_id": "1", "start": at(1100), "end": at(1150)},
                    {"dyad_id": "1", "start": at(1600)},
                    {"dyad_id": "2", "start": at(1100)},
                    {"dyad_id": "2", "start": at(1100), "end_reason": "ongoing"},
                    {"dyad_id": None, "start": at(1100)},
                    {"dyad_id": "1", "start": None},
                ]
            )
        },
        {"min_events": 1},
    )
    assert look(quality, "truces", "overlaps")[0] == 3
    for how in ("before the recorded end", "within 365 days", "on the same day"):
        assert look(quality, "truces", "overlap", how)[0] == 1
    seen = {
        "before and after": 1,
        "after only": 2,
        "neither": 3,
        "dyad not known": 1,
        "start not known": 1,
    }
    for which, n in seen.items():
        assert look(quality, "truces", "events", which)[0] == n
    assert look(quality, "truces", "followed")[0] == 1
    assert look(quality, "truces", "end recorded", "unclear, exact")[0] == 2
    assert look(quality, "truces", "not covered", "365 days after")[0] == 5


def test_two_sources_on_the_same_days():
    def source(n, **unit):
        return events(
            [
                {"date": START + timedelta(days=d), "deaths": deaths, **unit}
                for d, deaths in n
            ]
        )

    first = source([(0, 1), (1, 2), (2, 3), (3, 9)], country="Myanmar (Burma)")
    second = source([(1, 4), (2, 6), (3, 18), (9, 5)], country="Myanmar")
    quality = report({"a": first, "b": second}, {})
    assert detail(quality, "overlap", "unit") == ["country"]
    # days 0 and 9 lie outside the days that both span
    assert look(quality, "overlap", "days")[0] == 3
    assert look(quality, "overlap", "both") == (3, 1)
    assert look(quality, "overlap", "correlation of deaths")[0] == pytest.approx(1)
    assert look(quality, "overlap", "correlation of events")[0] is None
    ids = report(
        {
            "a": source([(0, 1), (3, 1), (9, 1)], dyad_id="1", country="X"),
            "b": source([(0, 1), (5, 1), (9, 1)], dyad_id="1", country="Y"),
        },
        {},
    )
    assert detail(ids, "overlap", "unit") == ["dyad"]
    assert look(ids, "overlap", "both") == (2, 0.5)
    assert look(ids, "overlap", "only the first") == (1, 0.25)
    assert look(ids, "overlap", "only the second") == (1, 0.25)


def test_effort_by_country_and_year():
    rows = daily([0, 1, 400], country="Mali", deaths=3)
    rows += daily([0], country="Mali", date_precision="month")
    rows += daily([0])
    quality = report({"a": events(rows)}, {})
    assert look(quality, "effort", "events", "Mali 2010")[0] == 3
    assert look(quality, "effort", "imprecise", "Mali 2010") == (1, 1 / 3)
    assert look(quality, "effort", "deaths", "Mali 2010")[0] == 6
    assert look(quality, "effort", "deaths", "(no country) 2010")[0] is None


def test_nothing_at_all_and_no_events_are_no_error():
    assert report({}, {}).is_empty()
    empty = Loaded(frame=Events.create_empty())
    quality = report({"a": empty}, {"t": truces([{"dyad_id": "1", "start": START}])})
    assert look(quality, "truces", "events", "neither")[0] == 1
    assert not exceeded(quality, dict.fromkeys(LIMITS, 0.0))


def test_every_limit_bears_on_something_that_is_measured(found):
    for section, item, _ in LIMITS.values():
        share = found.filter(pl.col("section") == section, pl.col("item") == item)
        assert share["share"].drop_nulls().len() > 0


def test_a_share_at_its_limit_is_not_past_it():
    quality = report({"a": events(daily([0], date_precision="week"))}, {})
    assert exceeded(quality, {"imprecise": 1.0}) == []
    assert exceeded(quality, {"imprecise": None}) == []
    assert len(exceeded(quality, {"imprecise": 0.99})) == 1


def test_real_data_are_counted_whole(found, real):
    source, records = real[0]["ged"], real[1]["ethprio"]
    assert Quality.is_valid(found)
    assert found.select("section", "kind", "source", "item", "detail").is_unique().all()
    assert found["section"].unique(maintain_order=True).to_list() == list(SECTIONS[:-1])
    assert look(found, "rows", "unaccounted", source="ged")[0] == 0
    assert look(found, "rows", "unaccounted", source="ethprio")[0] == 0
    n = source.frame.height
    for section, item in [
        ("codes", "kind"),
        ("codes", "system"),
        ("dates", "precision"),
        ("span", "events in month"),
        ("effort", "events"),
    ]:
        rows = found.filter(pl.col("section") == section, pl.col("item") == item)
        assert rows["value"].sum() == n, item
    deaths = found.filter(pl.col("section") == "effort", pl.col("item") == "deaths")
    assert deaths["value"].sum() == source.frame["deaths"].sum()
    for item in ("events", "start", "end", "end recorded"):
        rows = found.filter(pl.col("section") == "truces", pl.col("item") == item)
        assert rows["value"].sum() == records.frame.height, item
    left = found.filter(pl.col("item") == "not followed")["value"].sum()
    assert left + look(found, "truces", "followed")[0] == records.frame.height


def test_the_order_of_rows_makes_no_difference(found, real):
    def mixed(source, schema):
        frame = source.frame.sample(fraction=1, shuffle=True, seed=3)
        return Loaded(**(vars(source) | {"frame": schema.cast(frame)}))

    again = report(
        {"ged": mixed(real[0]["ged"], Events)},
        {"ethprio": mixed(real[1]["ethprio"], Truces)},
    )
    assert_frame_equal(found, again)
