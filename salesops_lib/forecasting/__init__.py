"""What will close, with a range that has been checked: run-rate, pipeline, commit and pace engines."""
