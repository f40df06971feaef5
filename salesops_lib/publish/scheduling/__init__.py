"""When reports are due by the company's calendar, which days are unanswered, and files for schedulers."""
