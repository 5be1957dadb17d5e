"""Turns handed out over a broker: the coordinator's side, the workers' side, and the brokers that lie between."""
