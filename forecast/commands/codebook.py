"""`python -m forecast.commands.codebook`: the page of all features, as `make docs`."""

import sys

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from forecast.__main__ import root
from forecast.codebook import page
from forecast.features import Feature


def features() -> dict[str, Feature]:
    """Every feature there is, with the settings that it has in a run."""
    conf = root() / "conf"
    names = sorted(path.stem for path in (conf / "features").glob("*.yaml"))
    with initialize_config_dir(str(conf), version_base="1.3"):
        config = compose("run", [f"features=[{','.join(names)}]"])
    return {name: instantiate(config.features[name]) for name in names}


if __name__ == "__main__":
    sys.stdout.write(page(features()))
