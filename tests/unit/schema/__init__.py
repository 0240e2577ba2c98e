"""Claims about the exported contract."""
