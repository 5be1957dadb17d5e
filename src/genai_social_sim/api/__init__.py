"""Studies and runs as Python objects: where the concrete parts are put together, for notebooks and commands alike."""
