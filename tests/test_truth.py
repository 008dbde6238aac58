"""Expected scores: the truth is the ceiling, whatever the copies' luck."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.resample import interval, redrawn
from forecast.truth import calibration, expected_scores

N = 4000


def keyed(risk: np.ndarray, horizon: int = 30) -> pl.DataFrame:
    origin = [date(2000, 1, 1) + timedelta(days=i) for i in range(len(risk))]
    return pl.DataFrame(
        {"truce_id": "t", "origin": origin, "horizon": horizon, "risk": risk}
    )


def of_models(**risks: np.ndarray) -> pl.DataFrame:
    days = pl.col("origin").dt.ordinal_day()
    return pl.concat(
        keyed(r).with_columns(model=pl.lit(m), dyad_id=pl.format("d{}", days % 7))
        for m, r in risks.items()
    )


def scores(
    p: np.ndarray, draws: int, seed: int, **risks: np.ndarray
) -> dict[str, float]:
    copies = np.random.default_rng(seed).binomial(draws, p) / draws
    found = expected_scores(
        of_models(**risks), keyed(copies), draws=draws, named_baseline="naive"
    )
    return dict(found.select("model", "brier").iter_rows())


@given(st.integers(0, 10**6), st.sampled_from([2, 5, 100]))
def test_no_bias_at_any_number_of_copies(seed: int, draws: int) -> None:
    rng = np.random.default_rng(seed)
    p, r = rng.beta(1, 4, N), rng.beta(1, 3, N)
    found = scores(p, draws, seed, naive=r)
    exact = ((r - p) ** 2 + p * (1 - p)).mean()
    spread = 5 / np.sqrt(N * draws)
    assert found["naive"] == pytest.approx(exact, abs=spread)
    assert found["truth"] == pytest.approx((p * (1 - p)).mean(), abs=spread)


@given(st.integers(0, 10**6))
def test_no_forecast_beats_the_truth(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, N)
    near = np.clip(p + rng.normal(0, 0.05, N), 0, 1)
    found = expected_scores(
        of_models(naive=np.full(N, p.mean()), near=near, true=p),
        keyed(p),
        draws=10**9,
        named_baseline="naive",
    )
    share = dict(found.select("model", "share").iter_rows())
    assert share["naive"] == 0
    assert 0 < share["near"] < 1
    assert share["true"] == pytest.approx(1)
    assert share["truth"] == pytest.approx(1)


def test_where_nothing_can_be_attained_there_is_no_share() -> None:
    p = np.full(10, 0.25)
    found = expected_scores(
        of_models(naive=p), keyed(p), draws=10**9, named_baseline="naive"
    )
    assert found.filter(model="naive")["brier"].item() == pytest.approx(0.1875)
    assert found["share"].null_count() == found.height


def test_intervals_are_those_of_dyads_drawn_again() -> None:
    """As if the rows of a dyad were copied as often as it is drawn, draw by draw."""
    rng = np.random.default_rng(3)
    p = rng.beta(1, 4, 60)
    risks = of_models(naive=rng.beta(1, 3, 60), near=np.clip(p + 0.05, 0, 1))
    # dyads of unlike size
    risks = risks.with_columns(dyad_id=pl.col("dyad_id").replace({"d1": "d0"}))
    truth = keyed(p)
    found = expected_scores(
        risks, truth, draws=50, named_baseline="naive", resamples=40, level=0.8, seed=9
    ).filter(model="near")
    dyads = risks["dyad_id"].unique().sort()
    shares = []
    for counts in redrawn(dyads, 40, 9)[1]:
        often = pl.DataFrame({"dyad_id": dyads, "often": counts.astype(int)})
        copied = risks.join(often, on="dyad_id").select(
            pl.all().exclude("often").repeat_by("often")
        )
        rows = copied.explode(pl.all()).join(truth, on=["truce_id", "origin"])
        r, t = rows["risk"], rows["risk_right"]
        score = rows.select("model", score=r * r - 2 * r * t + t)
        naive, near = (
            score.filter(model=name)["score"].mean() for name in ("naive", "near")
        )
        own = rows.filter(model="near")["risk_right"]
        top = (own - own * own + own * (1 - own) / 49).mean()
        shares.append((naive - near) / (naive - top))  # type: ignore[operator]
    ends = interval(np.array(shares), len(dyads), 0.8)
    assert found.select("lower", "upper").row(0) == pytest.approx(ends)


def test_one_dyad_has_no_interval() -> None:
    p = np.linspace(0.1, 0.9, 20)
    risks = of_models(naive=p[::-1]).with_columns(dyad_id=pl.lit("d"))
    found = expected_scores(risks, keyed(p), draws=9, named_baseline="naive")
    assert found["lower"].null_count() == found["upper"].null_count() == found.height


def test_calibration_against_the_truth() -> None:
    p = np.linspace(0.01, 0.9, 1000)
    found = calibration(of_models(honest=p, bold=p**0.5), keyed(p), ["honest", "bold"])
    assert found.height == 20
    assert (found["n"] == 100).all()
    honest, bold = (found.filter(model=m) for m in ("honest", "bold"))
    assert np.allclose(honest["risk"], honest["truth"])
    assert (bold["risk"] > bold["truth"]).all()
    assert bold["truth"].is_sorted()


@pytest.mark.parametrize(
    ("draws", "name", "horizon", "words"),
    [
        (1, "naive", 30, "draws=1"),
        (9, "other", 30, "no forecasts of the baseline other"),
        (9, "naive", 7, "10 forecasts have no true risk"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    draws: int, name: str, horizon: int, words: str
) -> None:
    p = np.full(10, 0.25)
    truth = keyed(p, horizon).cast({"horizon": pl.Int64})
    with pytest.raises(ValueError, match=words):
        expected_scores(of_models(naive=p), truth, draws=draws, named_baseline=name)
