"""What people touch: the command line and the HTTP API; the composition root."""
