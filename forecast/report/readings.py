"""Second readings of skill: other draws, another score, and a test without either."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from forecast.report.facts import Facts
from forecast.report.words import UNSCORED, Lookup, Score, days, listed, skills

#: what a reading says of zero
ABOVE, HOLDS, BELOW = 1, 0, -1
WHOLE = {
    "rps": "ranked probability score",
    "integrated_brier": "integrated Brier score",
}


class Reading(NamedTuple):
    """Skill of the published model over the named baseline, read in four ways."""

    horizon: int
    dyads: Score
    conflicts: Score
    gain: Score
    flip: Score
    #: by reading, on which side of zero; readings that are not known are absent
    sides: dict[str, int]

    @property
    def disputed(self) -> bool:
        """Whether two readings put zero on different sides."""
        return len(set(self.sides.values())) > 1

    @property
    def said(self) -> str:
        """What all readings say of zero, if they say one thing."""
        if self.disputed:
            return "they disagree"
        words = {ABOVE: "all above zero", HOLDS: "none leaves out zero"}
        words[BELOW] = "all below zero"
        return next((words[side] for side in self.sides.values()), "not scored")


def readings(found: Lookup, horizons: Sequence[int], facts: Facts) -> list[Reading]:
    """Read the skill of the published model in four ways at each horizon.

    Parameters
    ----------
    found : Lookup
        From `words.lookup`: `skill_over_NAME`, `skill_over_NAME_by_conflict`,
        `information_gain`, `sign_flip`.
    horizons : sequence of int
        Days.
    facts : Facts

    Returns
    -------
    list of Reading
        Horizons where nothing but the skill itself is known are left out.
    """
    own, named = facts.published, facts.named_baseline
    read = []
    for horizon in horizons if own != named else ():
        by_conflict, gain, flip = (
            found.get((own, horizon, name), UNSCORED)
            for name in (
                f"skill_over_{named}_by_conflict",
                "information_gain",
                "sign_flip",
            )
        )
        if all(score.value is None for score in (by_conflict, gain, flip)):
            continue
        skill = skills(found, own, horizon, named, ()).get(named, UNSCORED)
        sides = {
            "skill with dyads redrawn": side(skill),
            "skill with conflicts redrawn": side(by_conflict),
            "information gain": side(gain),
            "the sign flip": _flipped(flip, skill, facts.level),
        }
        known = {name: at for name, at in sides.items() if at is not None}
        read.append(Reading(horizon, skill, by_conflict, gain, flip, known))
    return read


def side(score: Score) -> int | None:
    """On which side of zero an interval lies; None where there is none.

    Examples
    --------
    >>> side(Score(0.1, 0.02, 0.2, 9, 2)), side(Score(0.1, -0.1, 0.2, 9, 2))
    (1, 0)
    """
    if score.value is None or score.lower is None or score.upper is None:
        return None
    return ABOVE if score.lower > 0 else BELOW if score.upper < 0 else HOLDS


def _flipped(flip: Score, skill: Score, level: float) -> int | None:
    """The side of the skill itself, if flipped signs seldom bring one so far out."""
    if flip.value is None or skill.value is None:
        return None
    if flip.value >= 1 - level:
        return HOLDS
    return ABOVE if skill.value > 0 else BELOW


def agreement(read: Sequence[Reading]) -> list[str]:
    """Where the readings agree and where they do not, a sentence each.

    Examples
    --------
    >>> score = Score(-0.03, -0.06, -0.01, 900, 80)
    >>> sides = {"skill with dyads redrawn": -1, "information gain": 0}
    >>> agreement([Reading(7, score, score, score, score, sides)])
    ['At 7 days the readings disagree: skill with dyads redrawn is below zero, while
    information gain holds zero. Do not rest on one of them alone.']
    """
    said: dict[str, list[int]] = {}
    for one in read:
        words = _disagreement(one.sides) if one.disputed else ""
        said.setdefault(words, []).append(one.horizon)
    lines = []
    if agreed := said.pop("", []):
        lines.append(f"At {days(agreed)} the readings agree.")
    lines += [
        f"At {days(at)} the readings disagree: {words}. Do not rest on one of them "
        "alone."
        for words, at in said.items()
    ]
    return lines


def _disagreement(sides: Mapping[str, int]) -> str:
    parts = []
    for at, one, several in (
        (ABOVE, "is above zero", "are above zero"),
        (BELOW, "is below zero", "are below zero"),
        (HOLDS, "holds zero", "hold zero"),
    ):
        names = [name for name, where in sides.items() if where == at]
        if names:
            parts.append(f"{listed(names)} {one if len(names) == 1 else several}")
    return ", while ".join(parts)


def over_all(found: Lookup, facts: Facts) -> list[tuple[str, Score, Score]]:
    """Scores over all horizons at once, each with its skill over the named baseline.

    Returns
    -------
    list of (str, Score, Score)
        Name in words, the score, its skill; scores that are not known are absent.
    """
    at = facts.published, max(facts.horizons)
    cells = [
        (words, found.get((*at, name), UNSCORED), found.get((*at, of), UNSCORED))
        for name, words in WHOLE.items()
        for of in [f"{name}_skill"]
    ]
    return [cell for cell in cells if cell[1].value is not None]
