"""The reference system: wildfire-watch services on a shared kit."""
