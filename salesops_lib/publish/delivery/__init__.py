"""Findings told outside the site: by mail, to a webhook, into a folder; only where asked."""
