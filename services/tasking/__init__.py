"""tasking: missions, from the first alarm to the last report."""
