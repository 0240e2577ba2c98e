"""Claims about the clients of the outside world, against servers on real sockets."""
