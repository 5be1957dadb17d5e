"""`python -m genai_social_sim.cli`: the same as the command `gss`."""

from __future__ import annotations

from genai_social_sim.cli.app import app

if __name__ == "__main__":
    app(prog_name="gss")
