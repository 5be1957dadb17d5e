"""One page about runs, for people: design, what was measured, what was said, how it was done. It changes no run."""
