"""Overlap: what is learned from ends before what is forecast begins."""

from forecast.audits import FAULT, HELD, Finding, Run
from forecast.split import overlaps


def overlap(run: Run) -> list[Finding]:
    """Hold the training rows of every fold against its test rows.

    The backtest refuses such folds by the same rule, before a model is fitted; here it
    is said of each fold that they are sound. It goes by the days of the panel: a label
    that was set with later knowledge is beyond it.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.

    Returns
    -------
    list of Finding
        One a fold with an overlap.
    """
    faults, trained, tested = [], 0, 0
    for i, fold in enumerate(run.folds):
        test = fold.test(run.panel)
        train = fold.train(run.training(fold.known), test)
        wrong = overlaps(fold, train, test)
        trained, tested = trained + train.height, tested + test.height
        if wrong:
            name = f"fold {i + 1}, {fold.cutoff}"
            faults.append(Finding(name, FAULT, "; ".join(wrong)))
    held = (
        f"in {len(run.folds)} folds, no label of {trained:,} training rows reaches "
        f"into the {tested:,} test rows"
    )
    return faults or [Finding("folds", HELD, held)]
