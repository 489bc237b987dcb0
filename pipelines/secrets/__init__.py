"""Secrets: what each service needs, where the values are kept, and how they are replaced."""
