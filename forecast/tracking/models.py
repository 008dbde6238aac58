"""The published model of a run in MLflow: loadable, servable, without pickle.

`mlflow.pyfunc.log_model` would spend six seconds guessing what the model requires, or a
second on checking what it is told; so the few files that make an MLflow model are
written here, by MLflow's own `Model`.
"""

import json
import platform
import re
import shutil
import tempfile
from pathlib import Path

import polars as pl
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.version import VERSION as mlflow_version

from forecast import __version__
from forecast.tracking.scores import Results
from forecast.tracking.served import EXAMPLE, MODEL, risks

LOADER = "forecast.tracking.served"
PACKAGE = "truce-forecast"


def log_model(
    client: MlflowClient, run_id: str, child: str | None, results: Results
) -> str | None:
    """Log the published model of a run.

    Parameters
    ----------
    client : MlflowClient
        Of the store.
    run_id : str
        The run.
    child : str or None
        That of its published model, which shows it too.
    results : Results
        Of the run.

    Returns
    -------
    str or None
        The id of the model in MLflow; None where the run published none.
    """
    folder = results.folder
    if not ((folder / MODEL).is_file() and (folder / EXAMPLE).is_file()):
        return None
    # one that was begun by a call that was cut is completed
    model_id = _begun(client, run_id) or _begin(client, run_id, results)
    if child is not None and _begun(client, child) is None:
        client.log_outputs(child, [LoggedModelOutput(model_id, step=0)])
    with tempfile.TemporaryDirectory() as made:
        _write(Path(made), folder, model_id, run_id, results.params["horizons"])
        client.log_model_artifacts(model_id, made)
    client.finalize_logged_model(model_id, "READY")
    return model_id


def _begun(client: MlflowClient, run_id: str) -> str | None:
    """Id of the model that a run shows."""
    shown = client.get_run(run_id).outputs
    if shown is None or not shown.model_outputs:
        return None
    return str(shown.model_outputs[0].model_id)


def _begin(client: MlflowClient, run_id: str, results: Results) -> str:
    begun = client.create_logged_model(
        client.get_run(run_id).info.experiment_id,
        # MLflow takes no signs of paths and addresses in the name of a model
        name=re.sub(r"[/:.%\"']", "_", results.published),
        source_run_id=run_id,
        tags=dict(results.tags),
        model_type="collapse risk",
    )
    client.log_outputs(run_id, [LoggedModelOutput(begun.model_id, step=0)])
    return str(begun.model_id)


def _write(
    place: Path, folder: Path, model_id: str, run_id: str, horizons: list[int]
) -> None:
    """Write an MLflow model from the files of a run."""
    (place / "data").mkdir()
    for name in (MODEL, EXAMPLE):
        shutil.copy(folder / name, place / "data")
    # whole numbers and truth values have no sign for "not known" in a request
    example = pl.read_parquet(folder / EXAMPLE, glob=False).cast(pl.Float64)
    rows = {"columns": example.columns, "data": [list(row) for row in example.rows()]}
    texts = {
        "input_example.json": json.dumps(rows),
        "serving_input_example.json": json.dumps({"dataframe_split": rows}),
        "requirements.txt": f"mlflow=={mlflow_version}\n{PACKAGE}=={__version__}\n",
        "python_env.yaml": f"python: {platform.python_version()}\n"
        "build_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n",
    }
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")
    model = Model(
        run_id=run_id,
        model_id=model_id,
        signature=_signature(example.columns, horizons),
        saved_input_example_info={
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
    )
    model.add_flavor(
        "python_function",
        loader_module=LOADER,
        data="data",
        env={"virtualenv": "python_env.yaml"},
        python_version=platform.python_version(),
    )
    model.save(str(place / "MLmodel"))


def _signature(features: list[str], horizons: list[int]) -> ModelSignature:
    number = DataType.double
    return ModelSignature(
        inputs=Schema([ColSpec(number, name, required=False) for name in features]),
        outputs=Schema([ColSpec(number, name) for name in risks(tuple(horizons))]),
    )
