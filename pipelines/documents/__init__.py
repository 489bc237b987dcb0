"""YAML files whose values know their place."""
