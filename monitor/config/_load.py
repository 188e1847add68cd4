"""From a file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from monitor.config import _files
from monitor.config._checks import Codec, check
from monitor.config._document import Document
from monitor.config._errors import ConfigError, Problem, RefusedError
from monitor.config._interpolate import interpolate
from monitor.config._resolve import resolve
from monitor.config._schema import DEFAULT_PROBES
from monitor.config._source import parse
from monitor.config._types import Known
from monitor.config._validate import validate
from monitor.config._yaml import position_in
from monitor.config.model import Config
from probes import _loader

_LONGEST = 16 * 1024 * 1024
_PLACES = (Path("providerwatch.yaml"), Path("/etc/providerwatch/providerwatch.yaml"))


def default_path(env: Mapping[str, str], places: Sequence[Path] = _PLACES) -> Path:
    """The file to use when none is named: $PROVIDERWATCH_CONFIG, else the first place that exists, else the first."""
    if env.get("PROVIDERWATCH_CONFIG"):
        return Path(env["PROVIDERWATCH_CONFIG"])
    return next((place for place in places if _is_there(place)), places[0])


def _is_there(path: Path) -> bool:
    """Also when it may not be read: then the user should hear of that."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def load(
    path: Path,
    env: Mapping[str, str],
    *,
    available: Callable[[], tuple[str, ...]] = _loader.available,
    codec: Codec = _loader.codec,
) -> Config:
    """The configuration that a file holds. Raises ConfigError with all problems at once."""
    document = interpolate(parse(_text(path), str(path)), env)
    apis = available()
    file, problems = validate(document, _known(document, apis))
    everything = (*document.problems, *problems, *check(document, apis, codec))
    if file is None or everything:
        raise ConfigError(everything)
    return resolve(file)


def _text(path: Path) -> str:
    try:
        content = _files.read(path, _LONGEST)
    except RefusedError as refused:
        message = f"{refused.message}; pass -c FILE or set PROVIDERWATCH_CONFIG"
        raise ConfigError([Problem(file=str(path), message=message)]) from None
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        position = position_in(before, len(before))
    raise ConfigError([Problem(file=str(path), position=position, message="not UTF-8 text; save the file as UTF-8")])


def _known(document: Document, apis: Collection[str]) -> Known:
    """The names that others may refer to, also of parts that hold mistakes."""
    providers = document.at(("providers",))
    probes = document.mapping().get("probes", DEFAULT_PROBES)
    return Known(
        apis=apis,
        providers=providers if isinstance(providers, Mapping) else None,
        probes=probes if isinstance(probes, Mapping) else None,
    )
