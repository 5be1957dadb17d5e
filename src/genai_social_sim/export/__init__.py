"""Tables out of recorded runs, and files out of tables. It knows nothing of how a record is stored."""
