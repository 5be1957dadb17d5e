"""Measures of runs and statistics over them. It knows nothing of files, pages or commands."""
