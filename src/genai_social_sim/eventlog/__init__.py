"""The record: one SQLite file a run, written by one writer, read by anyone."""
