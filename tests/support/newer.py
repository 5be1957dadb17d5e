"""A worker of a later release, whose messages have another version: begin it with this code."""

CODE = """
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from genai_social_sim import ports
now = ports.PROTOCOL
ports.PROTOCOL = now + 1
spec = find_spec("genai_social_sim.workers.wire")
module = sys.modules[spec.name] = module_from_spec(spec)
text = Path(spec.origin).read_text(encoding="utf-8").replace(f"Literal[{now}]", f"Literal[{now + 1}]")
exec(compile(text, spec.origin, "exec"), module.__dict__)
"""
