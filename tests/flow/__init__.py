"""Whole ways through the platform, on real buses and stores."""
