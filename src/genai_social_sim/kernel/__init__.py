"""Pure functions: what is due, and what an event does to the state of a run."""
