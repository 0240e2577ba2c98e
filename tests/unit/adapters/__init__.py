"""Claims about the inside of adapters; what they promise is in ``tests/contract``."""
