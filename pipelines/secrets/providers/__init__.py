"""What can keep secrets, a module each."""
