"""The loopback API, and who asks it."""
