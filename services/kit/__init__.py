"""What every service stands on: the way it is served, its settings, database, tokens and outbox."""
