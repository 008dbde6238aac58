"""A store of MLflow in a PostgreSQL database."""

from importlib import import_module

import sqlalchemy
from sqlalchemy.pool import NullPool

from forecast.tracking.patience import Patience, TrackingError

#: names the lock under which tables are made, in 64 bits that nobody else would take
LOCK = int.from_bytes(b"forecast")


def make(address: str, artifacts: str, patience: Patience) -> None:
    """Make the tables of MLflow if there are none; of several commands, one does.

    Parameters
    ----------
    address : str
        Of the database, which is there.
    artifacts : str
        Where experiments that name no place keep their files.
    patience : Patience
        How long the database may keep us waiting, but for the making.

    Raises
    ------
    TrackingError
        If its driver is not installed.
    """
    try:
        engine = sqlalchemy.create_engine(address, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{error}: PostgreSQL needs it, pip install 'truce-forecast[postgres]'"
        ) from error
    with patience(engine.connect) as database:
        if patience(_made, database):
            return
        # ends with the connection, however that ends
        database.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({LOCK})"))
        if not _made(database):
            store = import_module("mlflow.store.tracking.sqlalchemy_store")
            store.SqlAlchemyStore(address, artifacts).engine.dispose()


def _made(database: sqlalchemy.Connection) -> bool:
    """Whether MLflow's own account of its tables, which it makes last, is there."""
    return bool(sqlalchemy.inspect(database).has_table("alembic_version"))
