"""Summit's framework: what runs, in which order, and what it proves."""
