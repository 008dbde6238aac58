"""Every test row belongs to one stratum of each kind."""

import polars as pl
import pytest

from forecast.backtest import KEYS
from forecast.collapse import resumption
from forecast.features.outsiders import outsiders
from forecast.features.recent import recent
from forecast.link import link, linked
from forecast.panel import panel
from forecast.simulated import World
from forecast.split import Rolling, Unseen
from forecast.strata import regions, strata

KINDS = ["state", "age", "dyad", "country", "region", "class", "period", "outsiders"]


@pytest.fixture(scope="module")
def found(world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = panel(world.truces, world.events, world.covered_through, resumption)[0]
    coded = linked(world.events, link(world.truces, world.events))
    features = recent(rows, coded, world.truces).join(
        outsiders(rows, coded, world.truces), on=KEYS
    )
    folds = Rolling("2002-01-01").folds(world.covered_through)
    described = strata(rows, folds, world.truces, features)
    whole = rows.join(features, on=KEYS).join(described, on=KEYS)
    return described, whole


def test_a_row_an_origin_and_nothing_without_a_stratum(found):
    described, whole = found
    assert described.columns == [*KEYS, *KINDS]
    assert not described.select(KEYS).is_duplicated().any()
    assert described.null_count().sum_horizontal().item() == 0
    assert (whole["origin"].dt.year() >= 2002).all()


def test_what_the_strata_say(found):
    _, whole = found
    eroding = (pl.col("state") == "eroding") == (pl.col("recent_filled") > 0)
    near = (pl.col("outsiders") == "present") == (pl.col("outsiders_events_30d") > 0)
    young = (pl.col("age") == "first month") == (pl.col("age_days") <= 30)
    assert whole.select(eroding.all(), near.all(), young.all()).row(0) == (True,) * 3
    assert set(whole["period"]) == {"2000 to 2004", "2005 to 2009"}
    assert set(whole["region"]) == {"not known"}


def test_a_dyad_is_unseen_until_a_fold_has_learned_from_it(world):
    rows = panel(world.truces, world.events, world.covered_through, resumption)[0]
    first = rows.group_by("dyad_id").agg(first=pl.col("origin").min())
    folds = Rolling("2002-01-01").folds(world.covered_through)
    described = strata(rows, folds, world.truces, rows.select(KEYS))
    both = described.join(rows, on=KEYS).join(first, on="dyad_id")
    before = pl.col("first").dt.year() < pl.col("origin").dt.year()
    assert both.select(((pl.col("dyad") == "seen") == before).all()).item()
    assert set(both["state"]) == {"not known"}
    held_out = Unseen("dyad_id", "2002-01-01").folds(world.covered_through)
    described = strata(rows, held_out, world.truces, rows.select(KEYS))
    assert set(described["dyad"]) == {"unseen"}


def test_regions_are_the_five_of_ucdp():
    assert regions()["region"].n_unique() == 5
    assert not regions()["country"].is_duplicated().any()
    assert regions().null_count().sum_horizontal().item() == 0


def test_every_country_of_the_real_truces_has_a_region(shared):
    names = pl.read_csv(shared / "data/ethprio/ceasefires.csv", infer_schema_length=0)
    bare = names["location"].str.replace(r"[,(].*$", "").str.strip_chars().unique()
    assert set(bare) <= set(regions()["country"])
