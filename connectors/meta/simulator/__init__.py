"""What the simulators of Facebook and Instagram share: bodies, parameters of calls, cursors and times."""
