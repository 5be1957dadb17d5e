"""Frozen values. They neither wait, read, write nor tell the time."""
