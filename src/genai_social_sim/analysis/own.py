"""A measure of somebody's own, found in a Python file that they name. It knows no runs."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from genai_social_sim.analysis.measure import OwnMeasure
from genai_social_sim.errors import RequestError


def function_in(where: str) -> OwnMeasure:
    """The function that `FILE.py:FUNCTION` names; the file is run, as `import` would.

    Raises:
        RequestError: If there is no such file or function, or the file cannot be run.
    """
    path, _, name = where.rpartition(":")
    spec = spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise RequestError("there is no such Python file", where=path, remedy="Write FILE.py:FUNCTION.")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        problem = f"the file cannot be run ({type(fault).__name__}: {fault})"
        raise RequestError(problem, where=path, remedy=f"Try: python {path}") from fault
    function: OwnMeasure | None = getattr(module, name, None)
    if not callable(function):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        remedy = f"It has: {', '.join(there)}." if there else "Define it there."
        raise RequestError(f"there is no function {name!r} in it", where=path, remedy=remedy)
    return function
