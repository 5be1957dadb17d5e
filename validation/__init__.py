"""Known answers: studies of rule-based agents whose results theory gives, run through the engine and its record."""
