"""Exact pay: events and holders in, statement lines and payments out."""
