"""Settings and how they are refused."""
