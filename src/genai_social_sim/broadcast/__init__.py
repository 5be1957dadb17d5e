"""The live channel of the original system, kept: what is said goes out over Redis Pub/Sub, and openings come in."""
