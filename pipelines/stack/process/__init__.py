"""The process engine: services as local processes, with a real PostgreSQL and no container."""
