"""One suite for every bus, one for every store."""
