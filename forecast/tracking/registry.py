"""The registry of MLflow: which published model is the champion."""

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from forecast.tracking.patience import TrackingError

#: the registered model, the alias of the version that scores, and the tag that says
#: when the run of a version ended
NAME, CHAMPION, AT = "truce-collapse", "champion", "forecast.at"


def register(client: MlflowClient, model_id: str, run_id: str, at: int) -> str:
    """Register a model, as the champion unless that is of a later run.

    Parameters
    ----------
    client : MlflowClient
        Of the store.
    model_id, run_id : str
        The model, and the run that published it.
    at : int
        When the run ended, in milliseconds since 1970.

    Returns
    -------
    str
        The version.
    """
    try:
        client.create_registered_model(NAME)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # a call that was cut may have made it
    for known in client.search_model_versions(f"name = '{NAME}'"):
        if known.run_id == run_id:
            version = known
            break
    else:
        # `models:/ID` would be looked for in whatever store is the default
        place = client.get_logged_model(model_id).artifact_location
        version = client.create_model_version(
            NAME, place, run_id, {AT: str(at)}, model_id=model_id
        )
    now = _champion(client)
    if now is None or int(now.tags.get(AT, 0)) <= at:
        client.set_registered_model_alias(NAME, CHAMPION, version.version)
    return str(version.version)


def champion(client: MlflowClient) -> str:
    """Id of the run whose model is the champion.

    Raises
    ------
    TrackingError
        If there is none.
    """
    found = _champion(client)
    if found is None or not found.run_id:
        raise TrackingError(
            f"no version of the registered model {NAME} is its {CHAMPION}; "
            "`forecast run register=true` registers one"
        )
    return str(found.run_id)


def _champion(client: MlflowClient) -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias(NAME, CHAMPION)
    except MlflowException as error:
        # an unknown alias is a bad value to some stores, an unknown thing to others
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
