"""How fast a failure is noticed: faults put into the running stack, and the clock."""
