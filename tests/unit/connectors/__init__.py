"""Claims about the connectors, without sockets."""
