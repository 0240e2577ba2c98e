"""The simulation, and what it finds."""
