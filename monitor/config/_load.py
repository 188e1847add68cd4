"""From a file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from monitor.config import _files
from monitor.config._catalogue import Catalogue, catalogue
from monitor.config._checks import Codec, check
from monitor.config._complete import complete
from monitor.config._document import ConfigDocument
from monitor.config._errors import ConfigError, Problem, RefusedError
from monitor.config._interpolate import interpolate
from monitor.config._prices import known_price
from monitor.config._resolve import Lookups, resolve
from monitor.config._schema import DEFAULT_PROBES
from monitor.config._source import parse
from monitor.config._types import KnownNames
from monitor.config._validate import validate
from monitor.config._warnings import warnings
from monitor.config._yaml import position_in
from monitor.config.model import Config
from probes import _loader
from probes._model import Probe

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
    known: Callable[[], Catalogue] = catalogue,
    at: datetime | None = None,
) -> Config:
    """The configuration that a file holds. Raises ConfigError with all problems at once.

    `at` is the moment of which the prices are that the file leaves out; None: now.
    """
    providers, made, price = known(), _remembered(codec), partial(known_price, at=at or datetime.now(UTC))
    document = complete(interpolate(parse(_text(path), str(path)), env), providers, env)
    apis = available()
    file, problems = validate(document, _known(document, apis, providers))
    everything = (*document.problems, *problems, *check(document, apis, made, price))
    if file is None or everything:
        raise ConfigError(everything)
    folder = _folder(path)
    found = resolve(file, Lookups(codec=made, price=price, folder=folder))
    return replace(found, warnings=tuple(warnings(document, env, folder)))


def _folder(path: Path) -> Path:
    """Where relative paths of the file begin: its own folder; of a pipe, which lies in none, the current one."""
    return path.absolute().parent if path.is_file() else Path.cwd()


def _remembered(codec: Codec) -> Codec:
    """Makes each codec once: it is a value, finding it takes a millisecond, and thousands of endpoints may share it."""
    codecs: dict[str, Probe] = {}

    def make(api: str, options: Mapping[str, object]) -> Probe:
        key = f"{api} {options!r}"
        if key not in codecs:
            codecs[key] = codec(api, options)
        return codecs[key]

    return make


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


def _known(document: ConfigDocument, apis: Collection[str], catalogue: Catalogue) -> KnownNames:
    """The names that others may refer to, also of parts that hold mistakes."""
    providers = document.at(("providers",))
    probes = document.mapping().get("probes", DEFAULT_PROBES)
    return KnownNames(
        apis=apis,
        providers={**providers, **catalogue.providers} if isinstance(providers, Mapping) else None,
        probes=probes if isinstance(probes, Mapping) else None,
    )
