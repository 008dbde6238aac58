"""Where results come from: the code, the packages and the machine behind them."""

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from forecast.imports import modules

#: what of the source tree a run is made of; nothing else of it goes into a diff
CODE = ("forecast", "conf", "experiments", "pyproject.toml", "requirements.lock")
DIFF = "code.diff"
#: the environment's word for modules of the user's own; no configuration can set it
TRUSTED = "FORECAST_TRUSTED"
#: characters of a diff that a run keeps
LARGEST_DIFF = 2**20
PACKAGE = Path(__file__).parent
#: files of this package that are code, or tables and pages that code reads
SUFFIXES = (".py", ".csv", ".j2")


@dataclass(frozen=True)
class Code:
    """State of the source tree."""

    #: None outside git
    commit: str | None
    #: whether anything in the tree differs from the commit; None outside git
    dirty: bool | None
    #: how what runs are made of differs from the commit, new files among it
    diff: str
    #: of the package's own files, in git or not, and of modules that are trusted
    digest: str

    @property
    def facts(self) -> dict[str, Any]:
        """The state for an account, the diff by its digest."""
        digest = sha256(self.diff.encode()).hexdigest() if self.diff else None
        return {
            "git_commit": self.commit,
            "git_dirty": self.dirty,
            "git_diff": digest,
            "code_digest": self.digest,
        }


def code() -> Code:
    """Find the state of the source tree that this package lies in.

    Examples
    --------
    >>> sorted(code().facts)
    ['code_digest', 'git_commit', 'git_diff', 'git_dirty']
    """
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top.strip()) != PACKAGE.parent:
        return Code(None, None, "", digest())
    commit = (_git("rev-parse", "HEAD") or "").strip() or None
    dirty = bool((_git("status", "--porcelain") or "").strip())
    return Code(commit, dirty, _diff() if dirty else "", digest())


def keep(code: Code, folder: Path) -> None:
    """Write the diff to ``code.diff``, if there is one that is not too large.

    Parameters
    ----------
    code : Code
        State of the source tree.
    folder : Path
        Of a run.
    """
    if 0 < len(code.diff) <= LARGEST_DIFF:
        (folder / DIFF).write_text(code.diff, encoding="utf-8")


def machine() -> dict[str, Any]:
    """Packages, Python, platform and linear algebra, for an account.

    Examples
    --------
    >>> sorted(machine())
    ['blas', 'packages', 'platform', 'python']
    """
    blas = {
        " ".join(str(found.get(k)) for k in ("internal_api", "version", "architecture"))
        for found in threadpool_info()
        if found["user_api"] == "blas"
    }
    return {
        "packages": dict(
            sorted((d.metadata["Name"], d.version) for d in distributions())
        ),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "blas": sorted(blas),
    }


def trusted() -> list[str]:
    """Modules of the user's own that a configuration may name, by the environment.

    Examples
    --------
    >>> os.environ[TRUSTED] = "mine, our.features"
    >>> trusted()
    ['mine', 'our.features']
    >>> del os.environ[TRUSTED]
    >>> trusted()
    []
    """
    names = [name.strip() for name in os.environ.get(TRUSTED, "").split(",")]
    return [name for name in names if name]


def digest() -> str:
    """Digest of the package's files and their names, and of the user's own modules.

    Examples
    --------
    >>> len(digest())
    64
    """
    files = {
        path.relative_to(PACKAGE).as_posix(): path
        for path in PACKAGE.rglob("*")
        if path.suffix in SUFFIXES
    }
    files |= own()
    digests = {name: sha256(p.read_bytes()).hexdigest() for name, p in files.items()}
    return sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def own() -> dict[str, Path]:
    """Files of modules of the user's own, by what they are called."""
    return {key: path for name in trusted() for key, path in _own(name).items()}


def _own(name: str) -> dict[str, Path]:
    """Files of a module, with what it imports from its folder, or of a package."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return {}
    if spec is None or not spec.origin:
        return {}
    if spec.submodule_search_locations is None:
        return modules(name, Path(spec.origin))
    folder = Path(spec.origin).parent
    return {f"{name}/{p.relative_to(folder)}": p for p in folder.rglob("*.py")}


def _diff() -> str:
    """A patch that turns the commit into what runs are made of now."""
    plain = ("--no-color", "--no-ext-diff", "--no-textconv")
    parts = [_git("diff", *plain, "HEAD", "--", *CODE) or ""]
    new = _git("ls-files", "-z", "--others", "--exclude-standard", "--", *CODE) or ""
    parts += [
        # it differs from nothing, which git answers by 1
        _git("diff", *plain, "--no-index", "--", "/dev/null", name, fine=1) or ""
        for name in new.split("\0")
        if name
    ]
    return "".join(parts)


def _git(*words: str, fine: int = 0) -> str | None:
    """What git answers in the source tree; None where it does not."""
    try:
        answer = subprocess.run(  # noqa: S603  (no shell; names are git's own)
            ["git", *words],  # noqa: S607
            cwd=PACKAGE.parent,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError:
        return None
    return answer.stdout if answer.returncode == fine else None
