"""What is kept of envelopes that have ended."""
