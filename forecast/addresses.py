"""Addresses of databases and servers, which may stand in the environment."""

import os
import re
from urllib.parse import unquote, urlsplit

from forecast import withheld

SQLITE, ENV = "sqlite:///", "env:"


def address(uri: str) -> str:
    """The address behind ``env:NAME``, which the environment holds; else as it is.

    A password then stands in no configuration, message or file. PostgreSQL is spoken to
    by pg8000.

    Parameters
    ----------
    uri : str
        An address, or ``env:NAME``.

    Raises
    ------
    LookupError
        If the variable is not set.

    Examples
    --------
    >>> os.environ["STORE"] = "postgresql://me:secret@127.0.0.1/mlflow"
    >>> address("env:STORE")
    'postgresql+pg8000://me:secret@127.0.0.1/mlflow'
    >>> address("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    where = uri
    if uri.startswith(ENV):
        name = uri.removeprefix(ENV)
        where = os.environ.get(name, "")
        if not where:
            raise LookupError(f"the environment variable {name} is not set")
    password = urlsplit(where).password
    if password:
        withheld.hide(password)
        withheld.hide(unquote(password))
    return re.sub("^postgres(ql)?://", "postgresql+pg8000://", where)
