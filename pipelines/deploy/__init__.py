"""Deploys: a release brought into an environment, watched, and taken back where it does harm."""
