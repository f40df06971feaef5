"""What past bookings alone say: cheap models of a series, their ranges measured on the past."""
