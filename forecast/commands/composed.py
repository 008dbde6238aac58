"""A single run of a configuration that is composed already.

Hydra composes twice what was composed before, to look at it: once to see whether it is
a sweep, once to run it. That is most of a second of every command.
"""

from collections.abc import Callable
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra._internal.utils import run_and_report
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import configure_log, run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig


def once(config: DictConfig | None) -> bool:
    """Whether a configuration says itself that it is a single run, or says nothing.

    Parameters
    ----------
    config : DictConfig, optional
        Composed, with Hydra's own node.

    Examples
    --------
    >>> once(DictConfig({"hydra": {"mode": None}}))
    True
    >>> once(DictConfig({"hydra": {"mode": RunMode.MULTIRUN}}))
    False
    """
    return config is not None and config.hydra.mode in (None, RunMode.RUN)


def run(config: DictConfig, folder: str, task: Callable[[DictConfig], None]) -> None:
    """Do what Hydra does after it has composed a configuration of a single run.

    Parameters
    ----------
    config : DictConfig
        Composed, with Hydra's own node.
    folder : str
        Where it was composed from.
    task : callable
        Takes the configuration without that node.
    """
    if config.hydra.mode is None:
        config.hydra.mode = RunMode.RUN

    def job() -> Any:
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        callbacks = Callbacks(config)
        name = config.hydra.job.config_name
        callbacks.on_run_start(config=config, config_name=name)
        context = HydraContext(GlobalHydra.instance().config_loader(), callbacks)
        ended = run_job(task, config, "hydra.run.dir", None, context)
        callbacks.on_run_end(config=config, config_name=name, job_return=ended)
        return ended.return_value

    with initialize_config_dir(folder, version_base="1.3"):
        run_and_report(job)
