"""The command line: `forecast VERB [overrides]`.

Imports nothing heavy, so that help comes at once; a verb imports what it needs.
"""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path

VERBS = {
    "changes": "say what moved between two tables of risk scores, and by what",
    "check": "say what the data of a configuration are like",
    "compare": "judge finished runs against each other",
    "reproduce": "make a finished run again, and compare value by value",
    "run": "fit, judge and publish models on a set of events and truces",
    "score": "score the truces in force on a day with a published model",
    "track": "file finished runs in MLflow that it does not know",
    "ui": "open MLflow on the runs of this project",
}
HELP = """\
forecast: how likely is a truce to collapse, and why

  forecast VERB [overrides]

{verbs}

  forecast run                                     the built-in world
  forecast run experiments=ged_ethprio data_root=PATH
  forecast run -m seed=1,2,3 models=[logit],[hgb]
  forecast score truces=syria_2016 events=syria_2016 as_of=2016-04-07
  forecast changes outputs/score/DATE_TIME outputs/score/DATE_TIME
  forecast compare outputs/NAME/DATE_TIME outputs/NAME/DATE_TIME
  forecast reproduce outputs/NAME/DATE_TIME
  forecast track outputs/NAME/DATE_TIME
  forecast check events=table events.table.path=FILE
  forecast VERB --help                             what a verb takes
"""


def root() -> Path:
    """Where `conf/`, `experiments/` and `data/` lie: the clone, or the package."""
    package = Path(__file__).resolve().parent
    clone = package.parent
    return clone if (clone / "conf").is_dir() else package


def home() -> Path:
    """Where runs and the MLflow store go: FORECAST_HOME, the clone, or here."""
    chosen = os.environ.get("FORECAST_HOME")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return root() if (root() / "pyproject.toml").is_file() else Path.cwd()


def main() -> int:
    """Run a verb; the exit code is 0, or 1 for bad data, or 2 for bad words."""
    verb, *overrides = sys.argv[1:] or ["--help"]
    if verb in ("-h", "--help", "help"):
        verbs = "\n".join(f"  {name:9} {what}" for name, what in VERBS.items())
        print(HELP.format(verbs=verbs))
        return 0
    if verb == "--version":
        from forecast import __version__

        print(f"forecast {__version__}")
        return 0
    if verb not in VERBS:
        print(
            f"forecast: no verb {verb!r}; there are: {', '.join(VERBS)}",
            file=sys.stderr,
        )
        return 2
    os.environ["FORECAST_HOME"] = str(home())
    os.environ["FORECAST_ROOT"] = str(root())
    try:
        return int(import_module(f"forecast.commands.{verb}").main(overrides))
    except KeyboardInterrupt:
        print("forecast: interrupted; nothing half-written is left", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        # the process ends: looking through all it holds for cycles would take a second
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
