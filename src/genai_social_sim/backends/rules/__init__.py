"""The rules that ship, one module each: known models of opinions, conventions and cascades."""
