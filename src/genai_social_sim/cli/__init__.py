"""The command line: arguments, what is printed, exit codes. Importing it does nothing."""

from __future__ import annotations


def main() -> None:
    """The commands `gss` and `genai-social-sim`."""
    from genai_social_sim.cli.app import app

    app()
