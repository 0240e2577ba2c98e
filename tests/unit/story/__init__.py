"""The story that a trace tells."""
