"""The monthly close: draft, signatures, books, statements, payroll and what finance books."""
