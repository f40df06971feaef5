"""Whether a company's data, and this machine, may feed a report, and what is wrong where not."""
