"""What a person is told: progress, results, reasons, pictures."""
