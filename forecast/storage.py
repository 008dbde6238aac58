"""Where the trials of a search are kept, so that one that was cut can go on.

A SQLite file is made at another name than its own and renamed when it is whole: a
search that is killed while making it leaves nothing that looks like one. The caller
holds its folder, so that nobody else makes it meanwhile. A PostgreSQL database is for
several machines; it must be another than MLflow's, whose tables have the same names.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from sqlalchemy.pool import NullPool

from forecast.addresses import SQLITE, address

if TYPE_CHECKING:  # which costs .8 s
    from optuna.storages import BaseStorage, RDBStorage

MEMORY, FILE = "memory", "trials.db"
#: names the lock under which tables are made, in 64 bits that nobody else would take
LOCK = int.from_bytes(b"trials")


def opened(where: str | None, folder: Path) -> "BaseStorage":
    """Open the storage of a search, and make it if it is missing.

    Parameters
    ----------
    where : str or None
        None is a file in the folder; "memory" is forgotten with the process; else the
        address of a PostgreSQL database, see :func:`forecast.addresses.address`.
    folder : Path
        Of the search.

    Returns
    -------
    optuna.storages.BaseStorage

    Raises
    ------
    LookupError
        If the address stands in a variable that is not set.
    OSError
        If it cannot be opened.
    """
    from optuna.storages import InMemoryStorage

    if where == MEMORY:
        return InMemoryStorage()
    try:
        return _file(folder / FILE) if where is None else _database(address(where))
    # drivers and alembic have no common base
    except (LookupError, OSError):
        raise
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OSError(first) from error


def _file(path: Path) -> "BaseStorage":
    if not path.is_file():
        part = path.with_name(f"{path.name}.part")
        for more in ("", "-journal"):  # what one left that was killed
            part.with_name(part.name + more).unlink(missing_ok=True)
        _tables(f"{SQLITE}{part}").engine.dispose()
        part.replace(path)
    return _tables(f"{SQLITE}{path}")


def _database(where: str) -> "BaseStorage":
    engine = sqlalchemy.create_engine(where, poolclass=NullPool)
    with engine.connect() as database:
        if sqlalchemy.inspect(database).has_table("experiments"):
            raise OSError("it is MLflow's; expected a database of its own")
        # ends with the connection, however that ends
        database.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({LOCK})"))
        return _tables(where)


def _tables(where: str) -> "RDBStorage":
    from optuna.storages import RDBStorage

    with warnings.catch_warnings():
        # alembic, of its own settings
        warnings.simplefilter("ignore", DeprecationWarning)
        # connections end with what they were opened for
        return RDBStorage(where, engine_kwargs={"poolclass": NullPool})
